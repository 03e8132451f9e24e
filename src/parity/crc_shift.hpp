#pragma once
// CRC-32 as arithmetic: what zeros in front of or behind a message make of its CRC. For slices that lie anywhere.

#include <array>
#include <cstdint>

namespace darkshelf::parity {

/// Multiplies a CRC-32 without start value and final inversion ("plain": that of zeros is 0, that of a sum is the sum)
/// by a power of x, as that many zeros behind the message do. A negative number of bytes takes zeros away again.
class CrcShift {
 public:
  explicit CrcShift(std::int64_t bytes);
  std::uint32_t operator()(std::uint32_t state) const {
    return table_[0][state & 0xFF] ^ table_[1][state >> 8 & 0xFF] ^ table_[2][state >> 16 & 0xFF] ^
           table_[3][state >> 24];
  }

 private:
  std::array<std::array<std::uint32_t, 256>, 4> table_;
};

}  // namespace darkshelf::parity
