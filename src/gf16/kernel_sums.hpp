// The loops of set and add, the same for every instruction set; included once by each kernel_*.cpp, inside its unnamed
// namespace, behind its struct Simd and its macro DARKSHELF_TARGET (functions that use vector instructions must carry
// the target themselves). No include guard, no includes: it is a piece of those files.
//
// Simd has: Vector; kWidth, its bytes; kVectors, vectors of a region worked on at once; kOutputs, outputs whose sums
// stay in registers; Input, an input vector made ready; load, store, zero, ready; add(sum, input, factor) and
// add(sum, input, factor, input, factor).

enum class Start { kZero, kOutput };

template <std::size_t Count, std::size_t Vectors, Start start>
DARKSHELF_TARGET inline void sum_span(std::byte* const* outputs, const std::byte* const* inputs,
                                      std::size_t input_count, const Scalar* factors, std::size_t stride,
                                      std::size_t at) {
  typename Simd::Vector sum[Count][Vectors];
#pragma GCC unroll 16
  for (std::size_t o = 0; o < Count; ++o) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Vectors; ++v)
      sum[o][v] = start == Start::kZero ? Simd::zero() : Simd::load(outputs[o] + at + v * Simd::kWidth);
  }
  std::size_t i = 0;
  for (; i + 2 <= input_count; i += 2) {
    typename Simd::Input first[Vectors], second[Vectors];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Vectors; ++v) {
      first[v] = Simd::ready(Simd::load(inputs[i] + at + v * Simd::kWidth));
      second[v] = Simd::ready(Simd::load(inputs[i + 1] + at + v * Simd::kWidth));
    }
#pragma GCC unroll 16
    for (std::size_t o = 0; o < Count; ++o) {
      const typename Simd::Factor a = Simd::factor(factors[o * stride + i]);
      const typename Simd::Factor b = Simd::factor(factors[o * stride + i + 1]);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < Vectors; ++v) sum[o][v] = Simd::add(sum[o][v], first[v], a, second[v], b);
    }
  }
  if (i < input_count) {
    typename Simd::Input last[Vectors];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Vectors; ++v) last[v] = Simd::ready(Simd::load(inputs[i] + at + v * Simd::kWidth));
#pragma GCC unroll 16
    for (std::size_t o = 0; o < Count; ++o) {
      const typename Simd::Factor a = Simd::factor(factors[o * stride + i]);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < Vectors; ++v) sum[o][v] = Simd::add(sum[o][v], last[v], a);
    }
  }
#pragma GCC unroll 16
  for (std::size_t o = 0; o < Count; ++o) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Vectors; ++v) Simd::store(outputs[o] + at + v * Simd::kWidth, sum[o][v]);
  }
}

template <std::size_t Count, Start start>
DARKSHELF_TARGET void sum_group(std::byte* const* outputs, const std::byte* const* inputs, std::size_t input_count,
                                const Scalar* factors, std::size_t stride, std::size_t bytes) {
  constexpr std::size_t kSpan = Simd::kVectors * Simd::kWidth;
  std::size_t at = 0;
  for (; at + kSpan <= bytes; at += kSpan)
    sum_span<Count, Simd::kVectors, start>(outputs, inputs, input_count, factors, stride, at);
  for (; at < bytes; at += Simd::kWidth) sum_span<Count, 1, start>(outputs, inputs, input_count, factors, stride, at);
}

template <Start start, std::size_t Count>
void sum_count(std::size_t count, std::byte* const* outputs, const std::byte* const* inputs, std::size_t input_count,
               const Scalar* factors, std::size_t stride, std::size_t bytes) {
  if constexpr (Count > 0) {
    if (count == Count) return sum_group<Count, start>(outputs, inputs, input_count, factors, stride, bytes);
    sum_count<start, Count - 1>(count, outputs, inputs, input_count, factors, stride, bytes);
  }
}

/// Groups of about the same size, so that the last is not a small one that hardly fills the registers.
template <Start start>
void sum(std::byte* const* outputs, std::size_t output_count, const std::byte* const* inputs, std::size_t input_count,
         const Scalar* factors, std::size_t bytes) {
  std::size_t groups = (output_count + Simd::kOutputs - 1) / Simd::kOutputs;
  for (std::size_t o = 0; groups > 0; --groups) {
    const std::size_t count = (output_count - o + groups - 1) / groups;
    sum_count<start, Simd::kOutputs>(count, outputs + o, inputs, input_count, factors + o * input_count, input_count,
                                     bytes);
    o += count;
  }
}
