#pragma once
// Test files with content that follows from a seed, and what years do to them. Times of files are kept: rot does not
// touch the clock.

#include <cstdint>

#include "io/file_system.hpp"

namespace darkshelf::testing {

core::Bytes seeded_bytes(std::size_t bytes, std::uint64_t seed);
/// A file of such bytes; folders above it are made.
void make_file(const io::Path& path, std::size_t bytes, std::uint64_t seed);

void rot(const io::Path& path, std::uint64_t offset, std::size_t count);  // every byte changes
void zero(const io::Path& path, std::uint64_t offset, std::size_t count);
void cut(const io::Path& path, std::uint64_t bytes);  // to that length

/// Repeatable chance.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint64_t below(std::uint64_t n) { return next() % n; }

 private:
  std::uint64_t state_;
};

}  // namespace darkshelf::testing
