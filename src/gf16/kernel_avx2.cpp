// AVX2: a byte is two nibbles, and the product of a nibble comes from a table of 16 by one shuffle (Plank, Greenan and
// Miller, "Screaming Fast Galois Field Arithmetic Using Intel SIMD Instructions", FAST 2013).

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>

#include "gf16/kernel_list.hpp"

#ifdef __x86_64__
#include <immintrin.h>

namespace darkshelf::gf16 {

namespace {

constexpr std::size_t kHalf = kBlock / 2;
constexpr std::size_t kMostInputs = 16;  // tables of one group on the stack: 4 KiB an output

/// For one factor: the low and the high byte of its product with nibble n of a word holding v, at [2n + high][v].
struct alignas(32) NibbleTables {
  std::array<std::array<std::uint8_t, 16>, 8> at;
};

/// Multiplication is linear in the factor too: the tables of any factor are the XOR of those of its two bytes.
struct FactorTables {
  std::array<NibbleTables, 256> low, high;

  FactorTables() {
    for (unsigned byte = 0; byte < 256; ++byte) {
      fill(low[byte], static_cast<Word>(byte));
      fill(high[byte], static_cast<Word>(byte << 8));
    }
  }
  static void fill(NibbleTables& tables, Word factor) {
    for (unsigned nibble = 0; nibble < 4; ++nibble) {
      for (unsigned value = 0; value < 16; ++value) {
        const Word product = multiply(factor, static_cast<Word>(value << (4 * nibble)));
        tables.at[2 * nibble][value] = static_cast<std::uint8_t>(product);
        tables.at[2 * nibble + 1][value] = static_cast<std::uint8_t>(product >> 8);
      }
    }
  }
};

const FactorTables& factor_tables() {
  static const auto kTables = std::make_unique<const FactorTables>();
  return *kTables;
}

[[gnu::target("avx2")]] void tables_of(Word factor, NibbleTables& out) {
  const FactorTables& all = factor_tables();
  const auto* a = reinterpret_cast<const __m256i*>(&all.low[factor & 0xFF]);
  const auto* b = reinterpret_cast<const __m256i*>(&all.high[factor >> 8]);
  auto* to = reinterpret_cast<__m256i*>(&out);
  for (int i = 0; i < 4; ++i)
    _mm256_store_si256(to + i, _mm256_xor_si256(_mm256_load_si256(a + i), _mm256_load_si256(b + i)));
}

[[gnu::target("avx2")]] __m256i load(const std::byte* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}
[[gnu::target("avx2")]] void store(std::byte* at, __m256i value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), value);
}

[[gnu::target("avx2")]] void block_to_planes(std::byte* to, const std::byte* from) {
  const __m256i low_mask = _mm256_set1_epi16(0x00FF);
  for (std::size_t side = 0; side < 2; ++side) {
    const __m256i a = load(from + 64 * side), b = load(from + 64 * side + 32);
    const __m256i low = _mm256_packus_epi16(_mm256_and_si256(a, low_mask), _mm256_and_si256(b, low_mask));
    const __m256i high = _mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8));
    store(to + 32 * side, _mm256_permute4x64_epi64(low, 0xD8));
    store(to + kHalf + 32 * side, _mm256_permute4x64_epi64(high, 0xD8));
  }
}

[[gnu::target("avx2")]] void block_from_planes(std::byte* to, const std::byte* from) {
  for (std::size_t side = 0; side < 2; ++side) {
    const __m256i low = _mm256_permute4x64_epi64(load(from + 32 * side), 0xD8);
    const __m256i high = _mm256_permute4x64_epi64(load(from + kHalf + 32 * side), 0xD8);
    store(to + 64 * side, _mm256_unpacklo_epi8(low, high));
    store(to + 64 * side + 32, _mm256_unpackhi_epi8(low, high));
  }
}

void to_planes(std::byte* to, const std::byte* from, std::size_t bytes) {
  std::size_t done = 0;
  for (; done + kBlock <= bytes; done += kBlock) block_to_planes(to + done, from + done);
  if (done < bytes) scalar_kernel().to_planes(to + done, from + done, bytes - done);
}

void from_planes(std::byte* to, const std::byte* from, std::size_t bytes) {
  std::size_t done = 0;
  for (; done + kBlock <= bytes; done += kBlock) block_from_planes(to + done, from + done);
  if (done < bytes) scalar_kernel().from_planes(to + done, from + done, bytes - done);
}

[[gnu::target("avx2")]] __m256i table(const NibbleTables& tables, std::size_t index) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(tables.at[index].data())));
}

[[gnu::target("avx2")]] void add_one(std::byte* out, const std::byte* const* inputs, std::size_t input_count,
                                     const NibbleTables* tables, std::size_t bytes) {
  const __m256i nibble = _mm256_set1_epi8(0x0F);
  for (std::size_t at = 0; at < bytes; at += kBlock) {
    __m256i low0 = load(out + at), low1 = load(out + at + 32);
    __m256i high0 = load(out + at + kHalf), high1 = load(out + at + kHalf + 32);
    for (std::size_t i = 0; i < input_count; ++i) {
      for (std::size_t plane = 0; plane < 2; ++plane) {
        const std::byte* in = inputs[i] + at + kHalf * plane;
        for (std::size_t part = 0; part < 2; ++part) {
          const __m256i value = load(in + 32 * part);
          const __m256i below = _mm256_and_si256(value, nibble);
          const __m256i above = _mm256_and_si256(_mm256_srli_epi16(value, 4), nibble);
          const std::size_t first = 4 * plane;
          const __m256i to_low = _mm256_xor_si256(_mm256_shuffle_epi8(table(tables[i], first), below),
                                                  _mm256_shuffle_epi8(table(tables[i], first + 2), above));
          const __m256i to_high = _mm256_xor_si256(_mm256_shuffle_epi8(table(tables[i], first + 1), below),
                                                   _mm256_shuffle_epi8(table(tables[i], first + 3), above));
          if (part == 0) {
            low0 = _mm256_xor_si256(low0, to_low);
            high0 = _mm256_xor_si256(high0, to_high);
          } else {
            low1 = _mm256_xor_si256(low1, to_low);
            high1 = _mm256_xor_si256(high1, to_high);
          }
        }
      }
    }
    store(out + at, low0);
    store(out + at + 32, low1);
    store(out + at + kHalf, high0);
    store(out + at + kHalf + 32, high1);
  }
}

void multiply_add(std::byte* const* outputs, std::size_t output_count, const std::byte* const* inputs,
                  std::size_t input_count, const Word* factors, std::size_t bytes) {
  std::array<NibbleTables, kMostInputs> tables;
  for (std::size_t first = 0; first < input_count; first += kMostInputs) {
    const std::size_t count = input_count - first < kMostInputs ? input_count - first : kMostInputs;
    for (std::size_t o = 0; o < output_count; ++o) {
      for (std::size_t i = 0; i < count; ++i) tables_of(factors[o * input_count + first + i], tables[i]);
      add_one(outputs[o], inputs + first, count, tables.data(), bytes);
    }
  }
}

}  // namespace

const Kernel* avx2_kernel() {
  static const Kernel kKernel{"avx2", to_planes, from_planes, multiply_add};
  return __builtin_cpu_supports("avx2") ? &kKernel : nullptr;
}

}  // namespace darkshelf::gf16

#else
namespace darkshelf::gf16 {
const Kernel* avx2_kernel() { return nullptr; }
}  // namespace darkshelf::gf16
#endif
