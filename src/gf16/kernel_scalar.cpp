// The kernel every CPU runs, and the one the others are compared with.

#include <array>
#include <cstring>
#include <memory>

#include "gf16/kernel_list.hpp"

namespace darkshelf::gf16 {

namespace {

/// A map of two bytes to two, a look-up for each.
struct PairTable {
  std::array<std::array<std::uint8_t, 256>, 2> low, high;  // [from low or high byte][its value]

  explicit PairTable(const ByteMaps& maps) {
    for (std::size_t from = 0; from < 2; ++from) {
      for (unsigned byte = 0; byte < 256; ++byte) {
        low[from][byte] = apply(maps.map[0][from], static_cast<std::uint8_t>(byte));
        high[from][byte] = apply(maps.map[1][from], static_cast<std::uint8_t>(byte));
      }
    }
  }
};

const std::array<std::array<Scalar, 256>, 256>& products() {
  using Products = std::array<std::array<Scalar, 256>, 256>;
  static const auto kProducts = [] {
    auto all = std::make_unique<Products>();
    for (unsigned a = 0; a < 256; ++a) {
      for (unsigned b = 0; b < 256; ++b)
        (*all)[a][b] = multiply_scalars(static_cast<Scalar>(a), static_cast<Scalar>(b));
    }
    return all;
  }();
  return *kProducts;
}

std::uint8_t number(std::byte byte) { return std::to_integer<std::uint8_t>(byte); }

void to_tower(std::byte* low, std::byte* high, const std::byte* from, std::size_t bytes) {
  static const PairTable kTable(maps_to_tower());
  for (std::size_t i = 0; i < bytes; ++i) {
    const std::uint8_t a = number(from[2 * i]), b = number(from[2 * i + 1]);
    low[i] = static_cast<std::byte>(kTable.low[0][a] ^ kTable.low[1][b]);
    high[i] = static_cast<std::byte>(kTable.high[0][a] ^ kTable.high[1][b]);
  }
}

void from_tower(std::byte* to, const std::byte* low, const std::byte* high, std::size_t bytes) {
  static const PairTable kTable(maps_from_tower());
  for (std::size_t i = 0; i < bytes; ++i) {
    const std::uint8_t a = number(low[i]), b = number(high[i]);
    to[2 * i] = static_cast<std::byte>(kTable.low[0][a] ^ kTable.low[1][b]);
    to[2 * i + 1] = static_cast<std::byte>(kTable.high[0][a] ^ kTable.high[1][b]);
  }
}

void add(std::byte* const* outputs, std::size_t output_count, const std::byte* const* inputs, std::size_t input_count,
         const Scalar* factors, std::size_t bytes) {
  for (std::size_t o = 0; o < output_count; ++o) {
    for (std::size_t i = 0; i < input_count; ++i) {
      const auto& product = products()[factors[o * input_count + i]];
      for (std::size_t at = 0; at < bytes; ++at)
        outputs[o][at] ^= static_cast<std::byte>(product[number(inputs[i][at])]);
    }
  }
}

void set(std::byte* const* outputs, std::size_t output_count, const std::byte* const* inputs, std::size_t input_count,
         const Scalar* factors, std::size_t bytes) {
  for (std::size_t o = 0; o < output_count; ++o) std::memset(outputs[o], 0, bytes);
  add(outputs, output_count, inputs, input_count, factors, bytes);
}

}  // namespace

const Kernel& scalar_kernel() {
  static const Kernel kKernel{"scalar", to_tower, from_tower, set, add, 0.6e9};
  return kKernel;
}

}  // namespace darkshelf::gf16
