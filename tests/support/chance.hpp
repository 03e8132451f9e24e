#pragma once
// Repeatable chance.

#include <cstdint>

#include "core/bytes.hpp"

namespace darkshelf::testing {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint64_t below(std::uint64_t n) { return next() % n; }

 private:
  std::uint64_t state_;
};

core::Bytes seeded_bytes(std::size_t bytes, std::uint64_t seed);

}  // namespace darkshelf::testing
