#pragma once
// Region arithmetic over GF(2^16), one implementation per instruction set, chosen once at run time.
//
// Regions are in *plane order*: every block of 128 bytes (64 words) holds the 64 low bytes of its words, then the 64
// high bytes. to_planes and from_planes convert; XOR does not care. All region lengths are multiples of kBlock and all
// pointers are aligned to 64 bytes; regions must not overlap. Functions are thread-safe and allocate
// nothing.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gf16/field.hpp"

namespace darkshelf::gf16 {

inline constexpr std::size_t kBlock = 128;

struct Kernel {
  const char* name;  // "scalar", "avx2", "gfni-avx512"
  /// `bytes` (any number, even) of little-endian words at `from` into plane order at `to`, zero-filled up to
  /// round_up(bytes, kBlock); `from` may be unaligned.
  void (*to_planes)(std::byte* to, const std::byte* from, std::size_t bytes);
  /// The way back: exactly `bytes` are written; `to` may be unaligned.
  void (*from_planes)(std::byte* to, const std::byte* from, std::size_t bytes);
  /// outputs[o] ^= sum over i of inputs[i] * factors[o * input_count + i], all regions `bytes` long.
  void (*multiply_add)(std::byte* const* outputs, std::size_t output_count, const std::byte* const* inputs,
                       std::size_t input_count, const Word* factors, std::size_t bytes);
};

/// The best kernel this CPU has, or the one named by the environment variable DARKSHELF_KERNEL. An unknown name, or one
/// this CPU cannot run, throws core::Error(kUsage) that lists the possible ones.
const Kernel& kernel();
/// All kernels this CPU can run, scalar first.
std::vector<const Kernel*> kernels();

}  // namespace darkshelf::gf16
