// The kernel every CPU runs, and the one the others are compared with.

#include <array>
#include <cstdint>
#include <cstring>

#include "gf16/kernel_list.hpp"

namespace darkshelf::gf16 {

namespace {

constexpr std::size_t kHalf = kBlock / 2;

/// Products of one factor with every low byte and every high byte: multiplication is linear, so a word is two look-ups.
struct Products {
  std::array<Word, 256> low, high;

  explicit Products(Word factor) {
    low[0] = high[0] = 0;
    for (unsigned bit = 0; bit < 8; ++bit) {
      const Word of_low = multiply(factor, static_cast<Word>(1u << bit));
      const Word of_high = multiply(factor, static_cast<Word>(256u << bit));
      for (unsigned i = 0; i < (1u << bit); ++i) {
        low[(1u << bit) + i] = low[i] ^ of_low;
        high[(1u << bit) + i] = high[i] ^ of_high;
      }
    }
  }
};

void to_planes(std::byte* to, const std::byte* from, std::size_t bytes) {
  for (std::size_t done = 0; done < bytes; done += kBlock) {
    std::array<std::byte, kBlock> words{};
    std::memcpy(words.data(), from + done, bytes - done < kBlock ? bytes - done : kBlock);
    for (std::size_t i = 0; i < kHalf; ++i) {
      to[done + i] = words[2 * i];
      to[done + kHalf + i] = words[2 * i + 1];
    }
  }
}

void from_planes(std::byte* to, const std::byte* from, std::size_t bytes) {
  for (std::size_t done = 0; done < bytes; done += kBlock) {
    std::array<std::byte, kBlock> words;
    for (std::size_t i = 0; i < kHalf; ++i) {
      words[2 * i] = from[done + i];
      words[2 * i + 1] = from[done + kHalf + i];
    }
    std::memcpy(to + done, words.data(), bytes - done < kBlock ? bytes - done : kBlock);
  }
}

void multiply_add(std::byte* const* outputs, std::size_t output_count, const std::byte* const* inputs,
                  std::size_t input_count, const Word* factors, std::size_t bytes) {
  for (std::size_t o = 0; o < output_count; ++o) {
    for (std::size_t i = 0; i < input_count; ++i) {
      const Products products(factors[o * input_count + i]);
      const std::byte* in = inputs[i];
      std::byte* out = outputs[o];
      for (std::size_t block = 0; block < bytes; block += kBlock) {
        for (std::size_t k = block; k < block + kHalf; ++k) {
          const Word product = products.low[std::to_integer<std::uint8_t>(in[k])] ^
                               products.high[std::to_integer<std::uint8_t>(in[k + kHalf])];
          out[k] ^= static_cast<std::byte>(product & 0xFF);
          out[k + kHalf] ^= static_cast<std::byte>(product >> 8);
        }
      }
    }
  }
}

}  // namespace

const Kernel& scalar_kernel() {
  static const Kernel kKernel{"scalar", to_planes, from_planes, multiply_add};
  return kKernel;
}

}  // namespace darkshelf::gf16
