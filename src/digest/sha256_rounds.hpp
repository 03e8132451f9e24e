#pragma once
// SHA-256's compression (FIPS 180-4 section 6.2) by the instructions x86 CPUs have for it. One message keeps them
// waiting for one another most of the time; so rounds are given out four at a time, to be mixed with those of another
// message or with steps of another hash. For the .cpp files of this folder alone.

#ifdef __x86_64__

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "digest/digest.hpp"

namespace darkshelf::digest {

#define DARKSHELF_SHA [[gnu::target("sha,sse4.1"), gnu::always_inline]]

inline bool cpu_has_sha() {
  static const bool kHas = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    asm("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(7), "c"(0));
    return (b >> 29 & 1) != 0 && __builtin_cpu_supports("sse4.1") != 0;
  }();
  return kHas;
}

/// The first 32 bits of the fractions of the roots of the first 64 primes: square roots to start with, cubic ones for
/// the rounds (FIPS 180-4 sections 4.2.2 and 5.3.3).
struct Sha256Numbers {
  alignas(16) std::array<std::uint32_t, 64> rounds{};
  std::array<std::uint32_t, 8> start{};
  Sha256Numbers() {
    const auto fraction = [](long double root) {
      return static_cast<std::uint32_t>(std::floor((root - std::floor(root)) * 4294967296.0L));
    };
    unsigned number = 2;
    for (std::size_t i = 0; i < rounds.size(); ++number) {
      bool prime = true;
      for (unsigned divisor = 2; divisor * divisor <= number; ++divisor) prime &= number % divisor != 0;
      if (!prime) continue;
      if (i < start.size()) start[i] = fraction(std::sqrt(static_cast<long double>(number)));
      rounds[i++] = fraction(std::cbrt(static_cast<long double>(number)));
    }
  }
};
inline const Sha256Numbers kSha256;

/// The last blocks of a message: what is left behind the whole ones, a one bit, zeros and the length.
struct Sha256End {
  std::byte bytes[128] = {};
  std::size_t blocks;
  Sha256End(const std::byte* left, std::uint64_t length) : blocks(length % 64 < 56 ? 1 : 2) {
    const std::size_t count = length % 64;
    std::copy_n(left, count, bytes);
    bytes[count] = std::byte{0x80};
    for (std::size_t i = 0; i < 8; ++i)
      bytes[64 * blocks - 1 - i] = static_cast<std::byte>(length * 8 >> (8 * i) & 0xFF);
  }
};

/// The schedule of a block: one for all messages that have the block.
struct Sha256Words {
  __m128i words[16];

  /// What rounds 4 * i to 4 * i + 3 add, constants included.
  DARKSHELF_SHA __m128i four(std::size_t i, const std::byte* block) {
    if (i < 4) {
      const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
      words[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * i)), swap);
    } else {
      const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(words[i - 4], words[i - 3]),
                                        _mm_alignr_epi8(words[i - 1], words[i - 2], 4));
      words[i] = _mm_sha256msg2_epu32(sum, words[i - 1]);
    }
    return _mm_add_epi32(words[i], _mm_load_si128(reinterpret_cast<const __m128i*>(&kSha256.rounds[4 * i])));
  }
};

/// A message's state, in the order the instructions want.
struct Sha256State {
  __m128i abef{}, cdgh{};

  DARKSHELF_SHA void start() {
    const auto& h = kSha256.start;
    const auto word = [&](std::size_t i) { return static_cast<int>(h[i]); };
    abef = _mm_set_epi32(word(0), word(1), word(4), word(5));
    cdgh = _mm_set_epi32(word(2), word(3), word(6), word(7));
  }

  /// Four rounds.
  DARKSHELF_SHA void four(__m128i message) {
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, message);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(message, 0x0E));
  }

  DARKSHELF_SHA void add(const Sha256State& before) {
    abef = _mm_add_epi32(abef, before.abef);
    cdgh = _mm_add_epi32(cdgh, before.cdgh);
  }

  /// Of a message of `length` bytes whose whole blocks are in the state; `left` has the rest.
  DARKSHELF_SHA Sha256 end(const std::byte* left, std::uint64_t length) {
    const Sha256End last(left, length);
    for (std::size_t block = 0; block < last.blocks; ++block) {
      const Sha256State before = *this;
      Sha256Words words;
#pragma GCC unroll 16
      for (std::size_t i = 0; i < 16; ++i) four(words.four(i, last.bytes + 64 * block));
      add(before);
    }
    alignas(16) std::uint32_t upper[4], lower[4];  // f e b a, h g d c
    _mm_store_si128(reinterpret_cast<__m128i*>(upper), abef);
    _mm_store_si128(reinterpret_cast<__m128i*>(lower), cdgh);
    const std::uint32_t in_order[8] = {upper[3], upper[2], lower[3], lower[2], upper[1], upper[0], lower[1], lower[0]};
    Sha256 out;
    for (std::size_t i = 0; i < 8; ++i) {
      for (std::size_t byte = 0; byte < 4; ++byte)
        out[4 * i + byte] = static_cast<std::byte>(in_order[i] >> (24 - 8 * byte) & 0xFF);
    }
    return out;
  }
};

}  // namespace darkshelf::digest

#endif
