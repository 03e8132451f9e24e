#include "gf16/kernels.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/error.hpp"
#include "gf16/kernel_list.hpp"

namespace darkshelf::gf16 {

namespace {

const Kernel& choose() {
  const std::vector<const Kernel*> possible = kernels();
  const char* wanted = std::getenv("DARKSHELF_KERNEL");
  if (wanted == nullptr || *wanted == '\0') return *possible.back();
  std::string names;
  for (const Kernel* candidate : possible) {
    if (std::string_view(wanted) == candidate->name) return *candidate;
    names += names.empty() ? candidate->name : std::string(", ") + candidate->name;
  }
  throw core::Error(core::Code::kUsage,
                    "DARKSHELF_KERNEL names \"" + std::string(wanted) + "\", and this CPU can run: " + names);
}

}  // namespace

std::vector<const Kernel*> kernels() {
  std::vector<const Kernel*> possible = {&scalar_kernel()};
  for (const Kernel* candidate : {neon_kernel(), avx2_kernel(), gfni_avx2_kernel(), gfni_avx512_kernel()}) {
    if (candidate != nullptr) possible.push_back(candidate);
  }
  return possible;
}

const Kernel& kernel() {
  static const Kernel& chosen = choose();
  return chosen;
}

void multiply_add(std::byte* const* outputs, std::size_t output_count, const std::byte* const* inputs,
                  std::size_t input_count, const Word* factors, std::size_t half) {
  constexpr std::size_t kTogether = 128;  // inputs whose scalars are kept on the stack; a whole number of cache lines
  constexpr std::size_t kOutputs = 8;
  std::array<Scalar, 2 * kOutputs * 2 * kTogether> scalars;
  std::array<const std::byte*, 2 * kTogether> from;
  std::array<std::byte*, 2 * kOutputs> to;
  for (std::size_t first = 0; first < input_count; first += kTogether) {
    const std::size_t inputs_now = std::min(kTogether, input_count - first);
    for (std::size_t i = 0; i < inputs_now; ++i) {
      from[2 * i] = inputs[first + i];
      from[2 * i + 1] = inputs[first + i] + half;
    }
    for (std::size_t o = 0; o < output_count; o += kOutputs) {
      const std::size_t outputs_now = std::min(kOutputs, output_count - o);
      for (std::size_t k = 0; k < outputs_now; ++k) {
        to[2 * k] = outputs[o + k];
        to[2 * k + 1] = outputs[o + k] + half;
        Scalar* of_low = scalars.data() + 2 * k * 2 * inputs_now;
        Scalar* of_high = of_low + 2 * inputs_now;
        for (std::size_t i = 0; i < inputs_now; ++i) {
          const TowerFactor factor = tower_factor(factors[(o + k) * input_count + first + i]);
          of_low[2 * i] = factor.low_low;
          of_low[2 * i + 1] = factor.low_high;
          of_high[2 * i] = factor.high_low;
          of_high[2 * i + 1] = factor.high_high;
        }
      }
      kernel().add(to.data(), 2 * outputs_now, from.data(), 2 * inputs_now, scalars.data(), half);
    }
  }
}

}  // namespace darkshelf::gf16
