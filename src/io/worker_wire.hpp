#pragma once
// How worker.cpp and worker_seat.cpp talk: short messages over a socket, bytes through two pieces of shared memory. For
// these two alone.

#include <array>
#include <cstdint>

namespace darkshelf::io::worker_wire {

// Descriptors of the working process.
inline constexpr int kSocket = 3, kRequest = 4, kAnswer = 5;
inline constexpr std::size_t kMostHead = 64 << 10;

/// The first word to the worker, then one before each request.
struct Hello {
  std::uint64_t memory = 0, answer = 0, milliseconds = 0;
};
struct Ask {
  std::uint64_t bytes = 0;  // of the request, at the front of its memory; the head follows in the message
};
struct Tell {
  std::uint64_t offset = 0, bytes = 0;  // of a part, in the memory for answers
  std::uint64_t done = 0;               // 1: no part, the request is answered
};

}  // namespace darkshelf::io::worker_wire
