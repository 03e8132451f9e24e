// GFNI on 32 bytes at once, for CPUs that have it without AVX-512; as kernel_gfni_avx512.cpp otherwise.

#include "gf16/kernel_list.hpp"

#ifdef __x86_64__
#include <immintrin.h>

#include "gf16/gfni_matrices.hpp"

#define DARKSHELF_TARGET [[gnu::target("avx2,gfni")]]

namespace darkshelf::gf16 {

namespace {

struct Simd {
  using Vector = __m256i;
  using Input = __m256i;
  using Factor = __m256i;
  static constexpr std::size_t kWidth = 32, kVectors = 2, kOutputs = 5;

  DARKSHELF_TARGET static Vector zero() { return _mm256_setzero_si256(); }
  DARKSHELF_TARGET static Vector load(const std::byte* at) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(at));
  }
  DARKSHELF_TARGET static void store(std::byte* at, Vector value) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(at), value);
  }
  DARKSHELF_TARGET static Input ready(Vector value) { return value; }
  DARKSHELF_TARGET static Factor factor(Scalar scalar) { return matrix(gfni_matrix_of(scalar)); }
  DARKSHELF_TARGET static Vector add(Vector sum, Input a, Factor of_a) {
    return _mm256_xor_si256(sum, _mm256_gf2p8affine_epi64_epi8(a, of_a, 0));
  }
  DARKSHELF_TARGET static Vector add(Vector sum, Input a, Factor of_a, Input b, Factor of_b) {
    return add(add(sum, a, of_a), b, of_b);
  }
  DARKSHELF_TARGET static Factor matrix(std::uint64_t bits) { return _mm256_set1_epi64x(static_cast<long long>(bits)); }
};

#include "gf16/kernel_sums.hpp"

}  // namespace

const Kernel* gfni_avx2_kernel() {
  const Kernel* base = avx2_kernel();  // its conversions are as quick as memory
  if (base == nullptr || !__builtin_cpu_supports("gfni")) return nullptr;
  static const Kernel kKernel{"gfni-avx2",       base->to_tower,      base->from_tower,
                              sum<Start::kZero>, sum<Start::kOutput>, 140e9};
  return &kKernel;
}

}  // namespace darkshelf::gf16

#else
namespace darkshelf::gf16 {
const Kernel* gfni_avx2_kernel() { return nullptr; }
}  // namespace darkshelf::gf16
#endif
