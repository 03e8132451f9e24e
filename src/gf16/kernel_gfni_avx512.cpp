// GFNI with AVX-512: the product with a constant is an 8 x 8 bit matrix, which GF2P8AFFINEQB applies to 64 bytes at
// once (Intel SDM vol. 2, "GF2P8AFFINEQB").

#include "gf16/kernel_list.hpp"

#ifdef __x86_64__
#include <immintrin.h>

#include "gf16/gfni_matrices.hpp"

// (The masked form of permutexvar is the plain one that GCC 12 takes for reading something uninitialized.)
#define DARKSHELF_TARGET [[gnu::target("avx512f,avx512bw,avx512vl,gfni")]]

namespace darkshelf::gf16 {

namespace {

struct Simd {
  using Vector = __m512i;
  using Input = __m512i;
  using Factor = __m512i;
  static constexpr std::size_t kWidth = 64, kVectors = 2, kOutputs = 9;
  static constexpr int kXor3 = 0x96;

  DARKSHELF_TARGET static Vector zero() { return _mm512_setzero_si512(); }
  DARKSHELF_TARGET static Vector load(const std::byte* at) { return _mm512_load_si512(at); }
  DARKSHELF_TARGET static void store(std::byte* at, Vector value) { _mm512_store_si512(at, value); }
  DARKSHELF_TARGET static Input ready(Vector value) { return value; }
  DARKSHELF_TARGET static Factor factor(Scalar scalar) { return matrix(gfni_matrix_of(scalar)); }
  DARKSHELF_TARGET static Vector add(Vector sum, Input a, Factor of_a) {
    return _mm512_xor_si512(sum, _mm512_gf2p8affine_epi64_epi8(a, of_a, 0));
  }
  DARKSHELF_TARGET static Vector add(Vector sum, Input a, Factor of_a, Input b, Factor of_b) {
    return _mm512_ternarylogic_epi64(sum, _mm512_gf2p8affine_epi64_epi8(a, of_a, 0),
                                     _mm512_gf2p8affine_epi64_epi8(b, of_b, 0), kXor3);
  }
  DARKSHELF_TARGET static Factor matrix(std::uint64_t bits) { return _mm512_set1_epi64(static_cast<long long>(bits)); }
};

#include "gf16/kernel_sums.hpp"

constexpr __mmask8 kAll = 0xFF;

DARKSHELF_TARGET __m512i mapped(const GfniMaps& maps, std::size_t to, __m512i low, __m512i high) {
  return _mm512_xor_si512(_mm512_gf2p8affine_epi64_epi8(low, Simd::matrix(maps[to][0]), 0),
                          _mm512_gf2p8affine_epi64_epi8(high, Simd::matrix(maps[to][1]), 0));
}

DARKSHELF_TARGET void to_tower(std::byte* low, std::byte* high, const std::byte* from, std::size_t bytes) {
  const GfniMaps& maps = gfni_maps_to_tower();
  const __m512i mask = _mm512_set1_epi16(0x00FF), order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  for (std::size_t at = 0; at < bytes; at += 64) {
    const __m512i a = _mm512_loadu_si512(from + 2 * at), b = _mm512_loadu_si512(from + 2 * at + 64);
    const __m512i lows = _mm512_maskz_permutexvar_epi64(
        kAll, order, _mm512_packus_epi16(_mm512_and_si512(a, mask), _mm512_and_si512(b, mask)));
    const __m512i highs = _mm512_maskz_permutexvar_epi64(
        kAll, order, _mm512_packus_epi16(_mm512_srli_epi16(a, 8), _mm512_srli_epi16(b, 8)));
    _mm512_store_si512(low + at, mapped(maps, 0, lows, highs));
    _mm512_store_si512(high + at, mapped(maps, 1, lows, highs));
  }
}

DARKSHELF_TARGET void from_tower(std::byte* to, const std::byte* low, const std::byte* high, std::size_t bytes) {
  const GfniMaps& maps = gfni_maps_from_tower();
  const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  for (std::size_t at = 0; at < bytes; at += 64) {
    const __m512i a = _mm512_load_si512(low + at), b = _mm512_load_si512(high + at);
    const __m512i lows = _mm512_maskz_permutexvar_epi64(kAll, order, mapped(maps, 0, a, b));
    const __m512i highs = _mm512_maskz_permutexvar_epi64(kAll, order, mapped(maps, 1, a, b));
    _mm512_storeu_si512(to + 2 * at, _mm512_unpacklo_epi8(lows, highs));
    _mm512_storeu_si512(to + 2 * at + 64, _mm512_unpackhi_epi8(lows, highs));
  }
}

}  // namespace

const Kernel* gfni_avx512_kernel() {
  static const Kernel kKernel{"gfni-avx512", to_tower, from_tower, sum<Start::kZero>, sum<Start::kOutput>, 180e9};
  const bool runs = __builtin_cpu_supports("gfni") && __builtin_cpu_supports("avx512f") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  return runs ? &kKernel : nullptr;
}

}  // namespace darkshelf::gf16

#else
namespace darkshelf::gf16 {
const Kernel* gfni_avx512_kernel() { return nullptr; }
}  // namespace darkshelf::gf16
#endif
