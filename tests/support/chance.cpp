#include "support/chance.hpp"

namespace darkshelf::testing {

std::uint64_t Dice::next() {  // splitmix64 (Steele, Lea, Flood 2014)
  std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

core::Bytes seeded_bytes(std::size_t bytes, std::uint64_t seed) {
  Dice dice(seed);
  core::Bytes out(core::round_up(bytes, 8));
  for (std::size_t i = 0; i < out.size(); i += 8) core::store_le<std::uint64_t>(out.data() + i, dice.next());
  out.resize(bytes);
  return out;
}

}  // namespace darkshelf::testing
