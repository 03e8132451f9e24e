#pragma once
// A byte is two nibbles, and what a linear map makes of each stands in a table of 16, which a vector register holds:
// one shuffle looks all lanes up (Plank, Greenan and Miller, "Screaming Fast Galois Field Arithmetic Using Intel SIMD
// Instructions", FAST 2013). For the kernels of AVX2 and NEON.

#include <array>

#include "gf16/tower.hpp"

namespace darkshelf::gf16 {

/// What a map makes of each low nibble, and of each high nibble.
struct alignas(32) NibbleTables {
  std::array<std::uint8_t, 16> below, above;

  NibbleTables() = default;
  explicit NibbleTables(const BitMatrix& map) {
    for (unsigned value = 0; value < 16; ++value) {
      below[value] = apply(map, static_cast<std::uint8_t>(value));
      above[value] = apply(map, static_cast<std::uint8_t>(value << 4));
    }
  }
};

/// The product with each element of GF(2^8); ready before main, so that inner loops need not ask.
inline const std::array<NibbleTables, 256> kNibbleProducts = [] {
  std::array<NibbleTables, 256> out;
  for (unsigned factor = 0; factor < 256; ++factor) out[factor] = NibbleTables(matrix_of(static_cast<Scalar>(factor)));
  return out;
}();

/// A map of two bytes to two: [to][from], 0 low, 1 high.
struct NibblePairs {
  NibbleTables map[2][2];

  explicit NibblePairs(const ByteMaps& maps) {
    for (std::size_t to = 0; to < 2; ++to) {
      for (std::size_t from = 0; from < 2; ++from) map[to][from] = NibbleTables(maps.map[to][from]);
    }
  }
};

}  // namespace darkshelf::gf16
