// A worker that does what its request says: what decoders do that met their match. Tests of io::Worker and photo::Pool.

#include <csignal>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "io/worker.hpp"

namespace {

namespace core = darkshelf::core;

/// As much of it as can be had.
std::size_t eat(std::size_t megabytes) {
  std::vector<std::vector<char>> held;
  try {
    for (std::size_t i = 0; i < megabytes; ++i) held.emplace_back(std::size_t{1} << 20, 'x');
  } catch (const std::bad_alloc&) {
  }
  return held.size();
}

int recurse(int depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? frame[0] : recurse(depth + 1) + frame[0];
}

}  // namespace

int main() {
  const auto seat = darkshelf::io::WorkerSeat::take();
  if (!seat) return 2;
  std::size_t served = 0;
  while (const auto request = seat->next()) {
    // The requests of photo::Pool are JSON with the name in them.
    const auto says = [&](const char* word) { return request->head.find(word) != std::string::npos; };
    ++served;
    if (says("abort")) std::raise(SIGABRT);
    if (says("overflow")) return recurse(0);
    if (says("once") && served > 1) std::raise(SIGSEGV);  // what an earlier request left behind
    if (says("leave")) return 0;
    if (says("hang")) {
      for (volatile bool on = true; on;) {
      }
    }
    if (says("memory")) seat->answer(core::as_bytes("got " + std::to_string(eat(4096))));
    if (says("garbage")) seat->answer(core::as_bytes("m{\"orientation\":\"upside down\"}"));
    if (says("flood")) {
      const std::vector<std::byte> much(100'000, std::byte{'p'});
      std::size_t sent = 0;
      while (seat->answer(much)) ++sent;
      seat->answer(core::as_bytes("sent " + std::to_string(sent)));
    }
    if (says("parts")) {
      seat->answer(core::as_bytes("one"));
      seat->answer(core::as_bytes("two"));
      if (says("die")) std::raise(SIGSEGV);
    }
    if (says("echo")) seat->answer(request->bytes);
    seat->done();
  }
  return 0;
}
