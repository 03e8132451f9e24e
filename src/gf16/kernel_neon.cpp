// NEON, which every 64-bit Arm CPU has: the product of a nibble comes from a table by one look-up.

#include "gf16/kernel_list.hpp"
#include "gf16/nibble_tables.hpp"

#ifdef __aarch64__
#include <arm_neon.h>

#define DARKSHELF_TARGET

namespace darkshelf::gf16 {

namespace {

const std::uint8_t* numbers(const std::byte* at) { return reinterpret_cast<const std::uint8_t*>(at); }
std::uint8_t* numbers(std::byte* at) { return reinterpret_cast<std::uint8_t*>(at); }

struct Simd {
  using Vector = uint8x16_t;
  struct Input {
    uint8x16_t below, above;
  };
  using Factor = const NibbleTables*;
  static constexpr std::size_t kWidth = 16, kVectors = 2, kOutputs = 8;  // 16 sums, 8 nibbles, 2 tables: 26 of 32

  static Vector zero() { return vdupq_n_u8(0); }
  static Vector load(const std::byte* at) { return vld1q_u8(numbers(at)); }
  static void store(std::byte* at, Vector value) { vst1q_u8(numbers(at), value); }
  static Input ready(Vector value) { return {vandq_u8(value, vdupq_n_u8(0x0F)), vshrq_n_u8(value, 4)}; }
  static Factor factor(Scalar scalar) { return &kNibbleProducts[scalar]; }
  static Vector add(Vector sum, const Input& a, Factor of_a) {
    sum = veorq_u8(sum, vqtbl1q_u8(vld1q_u8(of_a->below.data()), a.below));
    return veorq_u8(sum, vqtbl1q_u8(vld1q_u8(of_a->above.data()), a.above));
  }
  static Vector add(Vector sum, const Input& a, Factor of_a, const Input& b, Factor of_b) {
    return add(add(sum, a, of_a), b, of_b);
  }
};

#include "gf16/kernel_sums.hpp"

uint8x16_t mapped(const NibblePairs& pairs, std::size_t to, uint8x16_t low, uint8x16_t high) {
  return Simd::add(Simd::add(Simd::zero(), Simd::ready(low), &pairs.map[to][0]), Simd::ready(high), &pairs.map[to][1]);
}

void to_tower(std::byte* low, std::byte* high, const std::byte* from, std::size_t bytes) {
  static const NibblePairs kMaps(maps_to_tower());
  for (std::size_t at = 0; at < bytes; at += 16) {
    const uint8x16x2_t words = vld2q_u8(numbers(from + 2 * at));  // low bytes, high bytes
    Simd::store(low + at, mapped(kMaps, 0, words.val[0], words.val[1]));
    Simd::store(high + at, mapped(kMaps, 1, words.val[0], words.val[1]));
  }
}

void from_tower(std::byte* to, const std::byte* low, const std::byte* high, std::size_t bytes) {
  static const NibblePairs kMaps(maps_from_tower());
  for (std::size_t at = 0; at < bytes; at += 16) {
    const uint8x16_t a = Simd::load(low + at), b = Simd::load(high + at);
    vst2q_u8(numbers(to + 2 * at), {{mapped(kMaps, 0, a, b), mapped(kMaps, 1, a, b)}});
  }
}

}  // namespace

const Kernel* neon_kernel() {
  // Tested under emulation alone, so not measured: half of what AVX2 does, which is twice as wide.
  static const Kernel kKernel{"neon", to_tower, from_tower, sum<Start::kZero>, sum<Start::kOutput>, 37e9};
  return &kKernel;
}

}  // namespace darkshelf::gf16

#else
namespace darkshelf::gf16 {
const Kernel* neon_kernel() { return nullptr; }
}  // namespace darkshelf::gf16
#endif
