#include "gf16/gfni_matrices.hpp"

namespace darkshelf::gf16 {

namespace {

std::uint64_t operand_of(const BitMatrix& rows) {
  std::uint64_t operand = 0;
  for (unsigned bit = 0; bit < 8; ++bit) operand |= std::uint64_t{rows[bit]} << (8 * (7 - bit));
  return operand;
}

GfniMaps operands_of(const ByteMaps& maps) {
  GfniMaps out{};
  for (std::size_t to = 0; to < 2; ++to) {
    for (std::size_t from = 0; from < 2; ++from) out[to][from] = operand_of(maps.map[to][from]);
  }
  return out;
}

std::array<std::uint64_t, 256> all_products() {
  std::array<std::uint64_t, 256> out{};
  for (unsigned factor = 0; factor < 256; ++factor) out[factor] = operand_of(matrix_of(static_cast<Scalar>(factor)));
  return out;
}

}  // namespace

const std::array<std::uint64_t, 256> gfni_products = all_products();

const GfniMaps& gfni_maps_to_tower() {
  static const GfniMaps kMaps = operands_of(maps_to_tower());
  return kMaps;
}
const GfniMaps& gfni_maps_from_tower() {
  static const GfniMaps kMaps = operands_of(maps_from_tower());
  return kMaps;
}

}  // namespace darkshelf::gf16
