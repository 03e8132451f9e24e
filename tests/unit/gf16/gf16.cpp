// The field against its definition, and every kernel this machine has against the field.

#include <catch2/catch.hpp>
#include <numeric>

#include "core/bytes.hpp"
#include "gf16/field.hpp"
#include "gf16/kernels.hpp"
#include "support/chance.hpp"

namespace darkshelf::testing {
namespace {

using gf16::Word;

/// Multiplication of polynomials over GF(2) modulo 0x1100B, bit by bit.
Word by_definition(std::uint32_t a, std::uint32_t b) {
  std::uint32_t product = 0;
  for (int bit = 0; bit < 16; ++bit) {
    if (((b >> bit) & 1) != 0) product ^= a << bit;
  }
  for (int bit = 31; bit >= 16; --bit) {
    if (((product >> bit) & 1) != 0) product ^= 0x1100Bu << (bit - 16);
  }
  return static_cast<Word>(product);
}

struct Region {
  explicit Region(std::size_t bytes) : buffer(bytes) {}
  core::AlignedBuffer buffer;
  std::byte* data() { return buffer.data(); }
};

}  // namespace

TEST_CASE("field: products, quotients and powers are those of the definition") {
  Dice dice(1);
  for (int i = 0; i < 200'000; ++i) {
    const auto a = static_cast<Word>(dice.below(65536)), b = static_cast<Word>(dice.below(65536));
    REQUIRE(gf16::multiply(a, b) == by_definition(a, b));
    if (b != 0) REQUIRE(gf16::multiply(gf16::divide(a, b), b) == a);
  }
  for (std::uint32_t a = 1; a < 65536; ++a) {
    REQUIRE(gf16::multiply(static_cast<Word>(a), gf16::inverse(static_cast<Word>(a))) == 1);
    REQUIRE(gf16::power_of_two(gf16::log_two(static_cast<Word>(a))) == a);
  }
}

TEST_CASE("field: slices are numbered by what is coprime with 65535, and so are their factors") {
  std::uint32_t slice = 0;
  for (std::uint32_t n = 1; n < 65535; ++n) {
    if (std::gcd(n, 65535u) != 1) continue;
    REQUIRE(gf16::slice_log(slice) == n);
    ++slice;
  }
  REQUIRE(slice == gf16::kMaxSlices);
  // Factors of PAR2 2.0's own table: 2^1, 2^2, 2^4, 2^7, 2^8, and their powers.
  CHECK(gf16::factor(0, 1) == 2);
  CHECK(gf16::factor(2, 1) == 16);
  CHECK(gf16::factor(3, 2) == by_definition(128, 128));
  CHECK(gf16::factor(5, 0) == 1);
}

TEST_CASE("tower: pairs over GF(2^8) are the same field") {
  Dice dice(2);
  std::vector<bool> seen(65536);
  for (std::uint32_t a = 0; a < 65536; ++a) {
    const gf16::Tower pair = gf16::to_tower(static_cast<Word>(a));
    REQUIRE(gf16::from_tower(pair) == a);
    seen[pair.low | pair.high << 8] = true;
  }
  CHECK(std::find(seen.begin(), seen.end(), false) == seen.end());
  for (int i = 0; i < 100'000; ++i) {
    const auto a = static_cast<Word>(dice.below(65536)), b = static_cast<Word>(dice.below(65536));
    const gf16::Tower x = gf16::to_tower(a);
    const gf16::TowerFactor f = gf16::tower_factor(b);
    const gf16::Tower product{static_cast<gf16::Scalar>(gf16::multiply_scalars(f.low_low, x.low) ^
                                                        gf16::multiply_scalars(f.low_high, x.high)),
                              static_cast<gf16::Scalar>(gf16::multiply_scalars(f.high_low, x.low) ^
                                                        gf16::multiply_scalars(f.high_high, x.high))};
    REQUIRE(gf16::from_tower(product) == by_definition(a, b));
  }
  // Elements of GF(2^8) have no high part, and multiply by bytes alone.
  for (std::uint32_t k = 0; k < 255; ++k) CHECK(gf16::to_tower(gf16::power_of_two(257 * k)).high == 0);
}

TEST_CASE("kernels: tower form and back, at any length and alignment") {
  for (const gf16::Kernel* kernel : gf16::kernels()) {
    CAPTURE(kernel->name);
    for (const std::size_t half : {64u, 128u, 192u, 4096u}) {
      for (const std::size_t shift : {0u, 1u, 3u, 31u}) {
        CAPTURE(half, shift);
        const core::Bytes plain = seeded_bytes(2 * half + shift, half + shift);
        Region pairs(2 * half);
        kernel->to_tower(pairs.data(), pairs.data() + half, plain.data() + shift, half);
        for (std::size_t word = 0; word < half; ++word) {
          const gf16::Tower pair = gf16::to_tower(core::load_le<Word>(plain.data() + shift + 2 * word));
          REQUIRE(pairs.data()[word] == std::byte{pair.low});
          REQUIRE(pairs.data()[half + word] == std::byte{pair.high});
        }
        core::Bytes back(2 * half + shift + 8, std::byte{0x33});
        kernel->from_tower(back.data() + shift, pairs.data(), pairs.data() + half, half);
        REQUIRE(std::equal(plain.begin() + static_cast<std::ptrdiff_t>(shift), plain.end(),
                           back.begin() + static_cast<std::ptrdiff_t>(shift)));
        REQUIRE(back[2 * half + shift] == std::byte{0x33});  // not a byte more
      }
    }
  }
}

TEST_CASE("kernels: sums of products of bytes, whatever the number of inputs and outputs") {
  REQUIRE(gf16::kernels().size() > 0);
  Dice dice(3);
  for (const gf16::Kernel* kernel : gf16::kernels()) {
    for (const std::size_t inputs : {0u, 1u, 2u, 3u, 5u, 8u, 13u}) {
      for (std::size_t outputs = 1; outputs <= 20; ++outputs) {
        const std::size_t bytes = gf16::kRegionUnit * (1 + dice.below(9));
        const bool set = dice.below(2) == 0;
        CAPTURE(kernel->name, inputs, outputs, bytes, set);
        std::vector<Region> in, out;
        std::vector<const std::byte*> in_at;
        std::vector<std::byte*> out_at;
        const auto fill = [&](std::vector<Region>& regions) {
          regions.emplace_back(bytes);
          const core::Bytes content = seeded_bytes(bytes, dice.next());
          std::copy(content.begin(), content.end(), regions.back().data());
          return regions.back().data();
        };
        for (std::size_t i = 0; i < inputs; ++i) in_at.push_back(fill(in));
        for (std::size_t o = 0; o < outputs; ++o) out_at.push_back(fill(out));
        std::vector<gf16::Scalar> factors(inputs * outputs);
        for (auto& factor : factors)
          factor = static_cast<gf16::Scalar>(dice.below(8) == 0 ? dice.below(2) : dice.below(256));
        std::vector<core::Bytes> wanted;
        for (std::size_t o = 0; o < outputs; ++o) {
          wanted.emplace_back(bytes);
          for (std::size_t at = 0; at < bytes; ++at) {
            auto sum = set ? 0u : std::to_integer<unsigned>(out_at[o][at]);
            for (std::size_t i = 0; i < inputs; ++i)
              sum ^= gf16::multiply_scalars(factors[o * inputs + i], std::to_integer<std::uint8_t>(in_at[i][at]));
            wanted.back()[at] = static_cast<std::byte>(sum);
          }
        }
        (set ? kernel->set : kernel->add)(out_at.data(), outputs, in_at.data(), inputs, factors.data(), bytes);
        for (std::size_t o = 0; o < outputs; ++o) REQUIRE(std::equal(wanted[o].begin(), wanted[o].end(), out_at[o]));
      }
    }
  }
}

TEST_CASE("multiply_add: sums of products of words") {
  Dice dice(4);
  for (const std::size_t inputs : {1u, 2u, 127u, 128u, 129u, 300u}) {
    for (const std::size_t outputs : {1u, 7u, 8u, 9u}) {
      constexpr std::size_t kHalf = 64;
      CAPTURE(inputs, outputs);
      const core::Bytes plain = seeded_bytes(inputs * 2 * kHalf, dice.next());
      Region in(inputs * 2 * kHalf), out(outputs * 2 * kHalf);
      std::vector<const std::byte*> in_at;
      std::vector<std::byte*> out_at;
      for (std::size_t i = 0; i < inputs; ++i) {
        std::byte* at = in.data() + i * 2 * kHalf;
        gf16::kernel().to_tower(at, at + kHalf, plain.data() + i * 2 * kHalf, kHalf);
        in_at.push_back(at);
      }
      for (std::size_t o = 0; o < outputs; ++o) out_at.push_back(out.data() + o * 2 * kHalf);
      std::vector<Word> factors(inputs * outputs);
      for (Word& factor : factors) factor = static_cast<Word>(dice.below(65536));
      gf16::multiply_add(out_at.data(), outputs, in_at.data(), inputs, factors.data(), kHalf);
      for (std::size_t o = 0; o < outputs; ++o) {
        core::Bytes got(2 * kHalf);
        gf16::kernel().from_tower(got.data(), out_at[o], out_at[o] + kHalf, kHalf);
        for (std::size_t word = 0; word < kHalf; ++word) {
          Word sum = 0;
          for (std::size_t i = 0; i < inputs; ++i) {
            sum = static_cast<Word>(sum ^ by_definition(core::load_le<Word>(plain.data() + (i * kHalf + word) * 2),
                                                        factors[o * inputs + i]));
          }
          REQUIRE(core::load_le<Word>(got.data() + 2 * word) == sum);
        }
      }
    }
  }
}

}  // namespace darkshelf::testing
