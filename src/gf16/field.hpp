#pragma once
// The field PAR2 computes in: GF(2^16), polynomial 0x1100B, generator 2 (PAR2 2.0, "Reed-Solomon"). Pure tables.

#include <cstdint>
#include <span>

namespace darkshelf::gf16 {

using Word = std::uint16_t;
inline constexpr std::uint32_t kOrder = 65535;      // of the multiplicative group
inline constexpr std::uint32_t kMaxSlices = 32768;  // integers below 65535 that are coprime with it

Word multiply(Word a, Word b);
Word divide(Word a, Word b);                // b != 0
Word inverse(Word a);                       // a != 0
Word power_of_two(std::uint64_t exponent);  // 2^exponent
std::uint32_t log_two(Word a);              // a != 0; 2^result == a

/// n of input slice k: the k-th positive integer coprime with 65535 (1, 2, 4, 7, 8 …). k < kMaxSlices.
std::uint32_t slice_log(std::uint32_t slice);
/// The factor of input slice k in recovery slice e: 2^(n_k * e).
Word factor(std::uint32_t slice, std::uint32_t exponent);

}  // namespace darkshelf::gf16
