#pragma once
// Region arithmetic, one implementation per instruction set, chosen once at run time.
//
// Words are kept as tower pairs (tower.hpp) in two regions, one of the low bytes and one of the high bytes, so that all
// arithmetic is on bytes that are elements of GF(2^8). Region lengths are multiples of kRegionUnit and pointers are
// aligned to it; input and output regions do not overlap. Functions are thread-safe and allocate nothing.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "gf16/tower.hpp"

namespace darkshelf::gf16 {

inline constexpr std::size_t kRegionUnit = 64;

struct Kernel {
  const char* name;  // "scalar", "neon", "avx2", "gfni-avx2", "gfni-avx512"
  /// `bytes` little-endian words at `from` (which may be unaligned) become `bytes` low and `bytes` high bytes.
  void (*to_tower)(std::byte* low, std::byte* high, const std::byte* from, std::size_t bytes);
  /// The way back: 2 * bytes are written; `to` may be unaligned.
  void (*from_tower)(std::byte* to, const std::byte* low, const std::byte* high, std::size_t bytes);
  /// outputs[o] = (set), or ^= (add), the sum over i of factors[o * input_count + i] * inputs[i]; regions of `bytes`.
  /// An input_count of 0 makes `set` write zeros.
  using Sum = void (*)(std::byte* const* outputs, std::size_t output_count, const std::byte* const* inputs,
                       std::size_t input_count, const Scalar* factors, std::size_t bytes);
  Sum set, add;
  /// Products of a byte that one core of a 2023 server CPU (Xeon, about 3 GHz) was measured to make a second, sums and
  /// transforms alike; it only weighs computing against reading (docs/performance.md has what is measured today).
  double products_per_second;
};

/// The best kernel this CPU has, or the one named by the environment variable DARKSHELF_KERNEL. An unknown name, or one
/// this CPU cannot run, throws core::Error(kUsage) that lists the possible ones.
const Kernel& kernel();
/// All kernels this CPU can run, scalar first.
std::vector<const Kernel*> kernels();

/// Columns are regions of words: `half` low bytes and, right behind, `half` high bytes.
/// outputs[o] ^= sum over i of factors[o * input_count + i] * inputs[i], all columns of 2 * half bytes.
void multiply_add(std::byte* const* outputs, std::size_t output_count, const std::byte* const* inputs,
                  std::size_t input_count, const Word* factors, std::size_t half);

}  // namespace darkshelf::gf16
