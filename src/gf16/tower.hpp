#pragma once
// GF(2^16) as pairs over its subfield GF(2^8): x = low + high * t with t^2 + t + delta = 0.
//
// A byte stands for an element of GF(2^8), the powers of g = 2^257 being its basis (bit i is g^i). In this form a
// product with an element of GF(2^8) acts on each of the two bytes alone, and so costs half as much; every root of
// unity of order 3, 5, 17 and 255 is such an element. A root r of order 257 is not, but its conjugate r^256 is its
// inverse, so r^k + r^-k is; see transform.hpp for what that saves. Pure tables; thread-safe.

#include <array>
#include <cstdint>

#include "gf16/field.hpp"

namespace darkshelf::gf16 {

/// An element of GF(2^8).
using Scalar = std::uint8_t;

struct Tower {
  Scalar low = 0, high = 0;
  bool operator==(const Tower&) const = default;
};

Tower to_tower(Word value);
Word from_tower(Tower value);

Scalar multiply_scalars(Scalar a, Scalar b);
/// delta of t^2 + t + delta = 0.
Scalar tower_delta();

/// The product with a fixed word, as scalars: low = low_low * x.low + low_high * x.high, and high likewise.
struct TowerFactor {
  Scalar low_low, low_high, high_low, high_high;
};
TowerFactor tower_factor(Word factor);

/// A linear map of bytes to bytes: bit i of the result is the parity of rows[i] & byte.
using BitMatrix = std::array<std::uint8_t, 8>;
BitMatrix matrix_of(Scalar factor);
/// to_tower and from_tower as maps between the low and high bytes of words and of pairs: [to][from], 0 low, 1 high.
struct ByteMaps {
  std::array<std::array<BitMatrix, 2>, 2> map;
};
const ByteMaps& maps_to_tower();
const ByteMaps& maps_from_tower();
/// What a map makes of a byte.
std::uint8_t apply(const BitMatrix& map, std::uint8_t byte);

}  // namespace darkshelf::gf16
