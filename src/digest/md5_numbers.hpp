#pragma once
// The numbers of MD5 (RFC 1321 section 3). For the .cpp files of this folder alone.

#include <array>
#include <cmath>
#include <cstdint>

namespace darkshelf::digest {

inline constexpr std::uint32_t kMd5Start[4] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476};
inline constexpr unsigned kTurns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

inline constexpr std::array<unsigned, 64> kWordOfStep = [] {
  std::array<unsigned, 64> words{};
  for (unsigned step = 0; step < 64; ++step) {
    constexpr unsigned kFactor[4] = {1, 5, 3, 7}, kOffset[4] = {0, 1, 5, 0};
    words[step] = (kFactor[step / 16] * step + kOffset[step / 16]) % 16;
  }
  return words;
}();

/// The integer part of 2^32 * |sin(step + 1)|.
inline const std::array<std::uint32_t, 64> kSines = [] {
  std::array<std::uint32_t, 64> sines{};
  for (unsigned step = 0; step < 64; ++step)
    sines[step] = static_cast<std::uint32_t>(std::floor(std::fabs(std::sin(step + 1.0)) * 4294967296.0));
  return sines;
}();

}  // namespace darkshelf::digest
