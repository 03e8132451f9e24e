#pragma once
// Bit matrices as GF2P8AFFINEQB takes them: the row of result bit i is byte 7 - i. For the kernel_gfni_*.cpp alone.

#include <array>
#include <cstdint>

#include "gf16/tower.hpp"

namespace darkshelf::gf16 {

using GfniMaps = std::array<std::array<std::uint64_t, 2>, 2>;  // [to][from], 0 low, 1 high

/// Of the product with each element of GF(2^8); ready before main, so that inner loops need not ask.
extern const std::array<std::uint64_t, 256> gfni_products;
inline std::uint64_t gfni_matrix_of(Scalar factor) { return gfni_products[factor]; }
const GfniMaps& gfni_maps_to_tower();
const GfniMaps& gfni_maps_from_tower();

}  // namespace darkshelf::gf16
