// AVX2: the product of a nibble comes from a table by one shuffle.

#include "gf16/kernel_list.hpp"
#include "gf16/nibble_tables.hpp"

#ifdef __x86_64__
#include <immintrin.h>

#define DARKSHELF_TARGET [[gnu::target("avx2")]]

namespace darkshelf::gf16 {

namespace {

struct Simd {
  using Vector = __m256i;
  struct Input {
    __m256i below, above;
  };
  using Factor = const NibbleTables*;
  static constexpr std::size_t kWidth = 32, kVectors = 1, kOutputs = 9;

  DARKSHELF_TARGET static Vector zero() { return _mm256_setzero_si256(); }
  DARKSHELF_TARGET static Vector load(const std::byte* at) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(at));
  }
  DARKSHELF_TARGET static void store(std::byte* at, Vector value) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(at), value);
  }
  DARKSHELF_TARGET static Input ready(Vector value) {
    const __m256i nibble = _mm256_set1_epi8(0x0F);
    return {_mm256_and_si256(value, nibble), _mm256_and_si256(_mm256_srli_epi16(value, 4), nibble)};
  }
  DARKSHELF_TARGET static Factor factor(Scalar scalar) { return &kNibbleProducts[scalar]; }
  DARKSHELF_TARGET static Vector table(const std::array<std::uint8_t, 16>& values) {
    return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(values.data())));
  }
  DARKSHELF_TARGET static Vector add(Vector sum, const Input& a, Factor of_a) {
    sum = _mm256_xor_si256(sum, _mm256_shuffle_epi8(table(of_a->below), a.below));
    return _mm256_xor_si256(sum, _mm256_shuffle_epi8(table(of_a->above), a.above));
  }
  DARKSHELF_TARGET static Vector add(Vector sum, const Input& a, Factor of_a, const Input& b, Factor of_b) {
    return add(add(sum, a, of_a), b, of_b);
  }
};

#include "gf16/kernel_sums.hpp"

DARKSHELF_TARGET __m256i mapped(const NibblePairs& pairs, std::size_t to, __m256i low, __m256i high) {
  return Simd::add(Simd::add(Simd::zero(), Simd::ready(low), &pairs.map[to][0]), Simd::ready(high), &pairs.map[to][1]);
}

DARKSHELF_TARGET __m256i load_unaligned(const std::byte* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}
DARKSHELF_TARGET void store_unaligned(std::byte* at, __m256i value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), value);
}

DARKSHELF_TARGET void to_tower(std::byte* low, std::byte* high, const std::byte* from, std::size_t bytes) {
  static const NibblePairs kMaps(maps_to_tower());
  const __m256i mask = _mm256_set1_epi16(0x00FF);
  for (std::size_t at = 0; at < bytes; at += 32) {
    const __m256i a = load_unaligned(from + 2 * at), b = load_unaligned(from + 2 * at + 32);
    const __m256i lows =
        _mm256_permute4x64_epi64(_mm256_packus_epi16(_mm256_and_si256(a, mask), _mm256_and_si256(b, mask)), 0xD8);
    const __m256i highs =
        _mm256_permute4x64_epi64(_mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8)), 0xD8);
    Simd::store(low + at, mapped(kMaps, 0, lows, highs));
    Simd::store(high + at, mapped(kMaps, 1, lows, highs));
  }
}

DARKSHELF_TARGET void from_tower(std::byte* to, const std::byte* low, const std::byte* high, std::size_t bytes) {
  static const NibblePairs kMaps(maps_from_tower());
  for (std::size_t at = 0; at < bytes; at += 32) {
    const __m256i a = Simd::load(low + at), b = Simd::load(high + at);
    const __m256i lows = _mm256_permute4x64_epi64(mapped(kMaps, 0, a, b), 0xD8);
    const __m256i highs = _mm256_permute4x64_epi64(mapped(kMaps, 1, a, b), 0xD8);
    store_unaligned(to + 2 * at, _mm256_unpacklo_epi8(lows, highs));
    store_unaligned(to + 2 * at + 32, _mm256_unpackhi_epi8(lows, highs));
  }
}

}  // namespace

const Kernel* avx2_kernel() {
  static const Kernel kKernel{"avx2", to_tower, from_tower, sum<Start::kZero>, sum<Start::kOutput>, 75e9};
  return __builtin_cpu_supports("avx2") ? &kKernel : nullptr;
}

}  // namespace darkshelf::gf16

#else
namespace darkshelf::gf16 {
const Kernel* avx2_kernel() { return nullptr; }
}  // namespace darkshelf::gf16
#endif
