// GFNI with AVX-512: multiplication by a constant is a 16 x 16 matrix over GF(2), that is four 8 x 8 ones between the
// two planes, and GF2P8AFFINEQB applies an 8 x 8 bit matrix to 64 bytes at once (Intel SDM vol. 2, "GF2P8AFFINEQB").

#include <array>
#include <cstdint>
#include <memory>

#include "gf16/kernel_list.hpp"

#ifdef __x86_64__
#include <immintrin.h>

#define DARKSHELF_TARGET [[gnu::target("avx512f,avx512bw,avx512vl,gfni")]]

namespace darkshelf::gf16 {

namespace {

constexpr std::size_t kHalf = kBlock / 2;
constexpr std::size_t kMostInputs = 64;
constexpr std::size_t kGroup = 4;  // outputs whose sums stay in registers: 8 of 32

/// Of one factor: low from low, low from high, high from low, high from high.
using Matrices = std::array<std::uint64_t, 4>;

Matrices matrices_of_definition(Word factor) {
  Matrices out{};
  for (unsigned in_bit = 0; in_bit < 16; ++in_bit) {
    const Word product = multiply(factor, static_cast<Word>(1u << in_bit));
    for (unsigned out_bit = 0; out_bit < 16; ++out_bit) {
      if ((product >> out_bit & 1) == 0) continue;
      const unsigned matrix = (out_bit / 8) * 2 + in_bit / 8;
      // Row of output bit b is byte 7 - b of the operand.
      out[matrix] |= std::uint64_t{1} << (8 * (7 - out_bit % 8) + in_bit % 8);
    }
  }
  return out;
}

/// Linear in the factor: any factor's matrices are the XOR of those of its two bytes.
struct FactorMatrices {
  std::array<Matrices, 256> low, high;
  FactorMatrices() {
    for (unsigned byte = 0; byte < 256; ++byte) {
      low[byte] = matrices_of_definition(static_cast<Word>(byte));
      high[byte] = matrices_of_definition(static_cast<Word>(byte << 8));
    }
  }
};

const FactorMatrices& factor_matrices() {
  static const auto kMatrices = std::make_unique<const FactorMatrices>();
  return *kMatrices;
}

Matrices matrices_of(const FactorMatrices& all, Word factor) {
  const Matrices &a = all.low[factor & 0xFF], &b = all.high[factor >> 8];
  return {a[0] ^ b[0], a[1] ^ b[1], a[2] ^ b[2], a[3] ^ b[3]};
}

constexpr int kXor3 = 0x96;

DARKSHELF_TARGET inline __m512i times(__m512i value, std::uint64_t matrix) {
  return _mm512_gf2p8affine_epi64_epi8(value, _mm512_set1_epi64(static_cast<long long>(matrix)), 0);
}

/// `Count` outputs at once; matrices[i * Count + o].
template <std::size_t Count>
DARKSHELF_TARGET void add_group(std::byte* const* outputs, const std::byte* const* inputs, std::size_t input_count,
                                const Matrices* matrices, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += kBlock) {
    __m512i low[Count], high[Count];
#pragma GCC unroll 4
    for (std::size_t o = 0; o < Count; ++o) {
      low[o] = _mm512_load_si512(outputs[o] + at);
      high[o] = _mm512_load_si512(outputs[o] + at + kHalf);
    }
    const Matrices* m = matrices;
    for (std::size_t i = 0; i < input_count; ++i) {
      const __m512i in_low = _mm512_load_si512(inputs[i] + at);
      const __m512i in_high = _mm512_load_si512(inputs[i] + at + kHalf);
#pragma GCC unroll 4
      for (std::size_t o = 0; o < Count; ++o, ++m) {
        low[o] = _mm512_ternarylogic_epi64(low[o], times(in_low, (*m)[0]), times(in_high, (*m)[1]), kXor3);
        high[o] = _mm512_ternarylogic_epi64(high[o], times(in_low, (*m)[2]), times(in_high, (*m)[3]), kXor3);
      }
    }
#pragma GCC unroll 4
    for (std::size_t o = 0; o < Count; ++o) {
      _mm512_store_si512(outputs[o] + at, low[o]);
      _mm512_store_si512(outputs[o] + at + kHalf, high[o]);
    }
  }
}

DARKSHELF_TARGET void multiply_add(std::byte* const* outputs, std::size_t output_count, const std::byte* const* inputs,
                                   std::size_t input_count, const Word* factors, std::size_t bytes) {
  const FactorMatrices& all = factor_matrices();
  std::array<Matrices, kMostInputs * kGroup> matrices;
  for (std::size_t first = 0; first < input_count; first += kMostInputs) {
    const std::size_t count = input_count - first < kMostInputs ? input_count - first : kMostInputs;
    for (std::size_t o = 0; o < output_count; o += kGroup) {
      const std::size_t group = output_count - o < kGroup ? output_count - o : kGroup;
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t k = 0; k < group; ++k) {
          matrices[i * group + k] = matrices_of(all, factors[(o + k) * input_count + first + i]);
        }
      }
      switch (group) {
        case 1:
          add_group<1>(outputs + o, inputs + first, count, matrices.data(), bytes);
          break;
        case 2:
          add_group<2>(outputs + o, inputs + first, count, matrices.data(), bytes);
          break;
        case 3:
          add_group<3>(outputs + o, inputs + first, count, matrices.data(), bytes);
          break;
        default:
          add_group<4>(outputs + o, inputs + first, count, matrices.data(), bytes);
          break;
      }
    }
  }
}

}  // namespace

const Kernel* gfni_avx512_kernel() {
  const Kernel* base = avx2_kernel();  // conversion of planes is as quick as memory with it
  const bool runs = base != nullptr && __builtin_cpu_supports("gfni") && __builtin_cpu_supports("avx512f") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (!runs) return nullptr;
  static const Kernel kKernel{"gfni-avx512", base->to_planes, base->from_planes, multiply_add};
  return &kKernel;
}

}  // namespace darkshelf::gf16

#else
namespace darkshelf::gf16 {
const Kernel* gfni_avx512_kernel() { return nullptr; }
}  // namespace darkshelf::gf16
#endif
