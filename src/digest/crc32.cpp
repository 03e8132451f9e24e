// CRC-32 by carry-less multiplication: the message is folded, 64 bytes at a time, into 16 that have the same remainder
// (Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009); zlib does
// those 16, what is left over, and all of it where the CPU has no such instruction.

#include <zlib.h>

#include <limits>

#include "digest/digest.hpp"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace darkshelf::digest {

namespace {

std::uint32_t by_zlib(core::ByteSpan bytes, std::uint32_t earlier) {
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  return static_cast<std::uint32_t>(::crc32_z(earlier, data, bytes.size()));
}

#ifdef __x86_64__

constexpr std::size_t kStep = 64;

/// x^power modulo the polynomial, bit-reflected and one to the left, as a factor for reflected data.
constexpr std::uint64_t reflected_power(unsigned power) {
  std::uint32_t value = 0x80000000;  // 1, reflected
  for (unsigned i = 0; i < power; ++i) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320 : 0);
  return std::uint64_t{value} << 1;
}

[[gnu::target("pclmul,sse4.1")]] __m128i folded(__m128i value, __m128i factors, __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(value, factors, 0x00), high = _mm_clmulepi64_si128(value, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/// `bytes` is a multiple of kStep, and not 0.
[[gnu::target("pclmul,sse4.1")]] std::uint32_t by_folding(core::ByteSpan bytes, std::uint32_t earlier) {
  // A lane of 128 bits moves on by 512 or 128 bits; its halves by 64 less and more, and 32 for the length of the CRC.
  const __m128i far = _mm_set_epi64x(static_cast<long long>(reflected_power(512 - 32)),
                                     static_cast<long long>(reflected_power(512 + 32)));
  const __m128i near = _mm_set_epi64x(static_cast<long long>(reflected_power(128 - 32)),
                                      static_cast<long long>(reflected_power(128 + 32)));
  const auto load = [&](std::size_t at) __attribute__((target("pclmul,sse4.1"))) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + at));
  };
  __m128i lane[4] = {load(0), load(16), load(32), load(48)};
  lane[0] = _mm_xor_si128(lane[0], _mm_cvtsi32_si128(static_cast<int>(~earlier)));
  for (std::size_t at = kStep; at < bytes.size(); at += kStep) {
    for (std::size_t i = 0; i < 4; ++i) lane[i] = folded(lane[i], far, load(at + 16 * i));
  }
  for (std::size_t i = 1; i < 4; ++i) lane[i] = folded(lane[i - 1], near, lane[i]);
  std::byte rest[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), lane[3]);
  // zlib inverts the register on the way in and out; all ones make it start from 0.
  return by_zlib(rest, std::numeric_limits<std::uint32_t>::max());
}

#endif

}  // namespace

std::uint32_t crc32(core::ByteSpan bytes, std::uint32_t earlier) {
#ifdef __x86_64__
  static const bool kFolds = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  const std::size_t folded_bytes = bytes.size() / kStep * kStep;
  if (kFolds && folded_bytes >= 2 * kStep)
    return by_zlib(bytes.subspan(folded_bytes), by_folding(bytes.first(folded_bytes), earlier));
#endif
  return by_zlib(bytes, earlier);
}

std::uint32_t crc32_zeros(std::uint32_t earlier, std::uint64_t count) {
  // crc32_combine wants the CRC of the zeros themselves, which doubling gives in log(count) steps.
  std::uint32_t block = 0;  // of `length` zeros; 0 is that of none
  const std::byte zero{};
  std::uint32_t power = crc32({&zero, 1});  // of 2^k zeros
  std::uint64_t power_length = 1;
  for (std::uint64_t rest = count; rest != 0; rest >>= 1) {
    if (rest & 1)
      block = static_cast<std::uint32_t>(::crc32_combine64(block, power, static_cast<z_off64_t>(power_length)));
    power = static_cast<std::uint32_t>(::crc32_combine64(power, power, static_cast<z_off64_t>(power_length)));
    power_length <<= 1;
  }
  return static_cast<std::uint32_t>(::crc32_combine64(earlier, block, static_cast<z_off64_t>(count)));
}

}  // namespace darkshelf::digest
