// The field against its definition, and every kernel this machine has against the field.

#include <catch2/catch.hpp>
#include <numeric>

#include "core/bytes.hpp"
#include "gf16/field.hpp"
#include "gf16/kernels.hpp"
#include "support/damage.hpp"

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

TEST_CASE("kernels: plane order and back, at any length and alignment") {
  for (const gf16::Kernel* kernel : gf16::kernels()) {
    CAPTURE(kernel->name);
    for (const std::size_t bytes : {2u, 62u, 64u, 126u, 128u, 130u, 4094u, 4096u, 10'002u}) {
      for (const std::size_t shift : {0u, 1u, 3u, 31u}) {
        CAPTURE(bytes, shift);
        const core::Bytes plain = seeded_bytes(bytes + shift, bytes + shift);
        Region planes(core::round_up(bytes, gf16::kBlock));
        std::fill_n(planes.data(), planes.buffer.size(), std::byte{0xEE});
        kernel->to_planes(planes.data(), plain.data() + shift, bytes);
        for (std::size_t word = 0; word < planes.buffer.size() / 2; ++word) {
          const std::size_t block = word / 64 * 128, at = word % 64;
          const std::byte low = 2 * word < bytes ? plain[shift + 2 * word] : std::byte{0};
          const std::byte high = 2 * word < bytes ? plain[shift + 2 * word + 1] : std::byte{0};
          REQUIRE(planes.data()[block + at] == low);
          REQUIRE(planes.data()[block + 64 + at] == high);
        }
        core::Bytes back(bytes + shift + 8, std::byte{0x33});
        kernel->from_planes(back.data() + shift, planes.data(), bytes);
        REQUIRE(std::equal(plain.begin() + static_cast<std::ptrdiff_t>(shift), plain.end(),
                           back.begin() + static_cast<std::ptrdiff_t>(shift)));
        REQUIRE(back[bytes + shift] == std::byte{0x33});  // not a byte more
      }
    }
  }
}

TEST_CASE("kernels: sums of products, whatever the number of inputs and outputs") {
  Dice dice(3);
  for (const gf16::Kernel* kernel : gf16::kernels()) {
    for (const std::size_t inputs : {1u, 2u, 3u, 5u, 8u, 13u}) {
      for (const std::size_t outputs : {1u, 2u, 3u, 4u, 5u, 7u, 12u}) {
        const std::size_t bytes = gf16::kBlock * (1 + dice.below(9));
        CAPTURE(kernel->name, inputs, outputs, bytes);
        std::vector<core::Bytes> plain_in, plain_out;
        std::vector<Region> in, out;
        std::vector<const std::byte*> in_at;
        std::vector<std::byte*> out_at;
        for (std::size_t i = 0; i < inputs; ++i) {
          plain_in.push_back(seeded_bytes(bytes, dice.next()));
          in.emplace_back(bytes);
          kernel->to_planes(in.back().data(), plain_in.back().data(), bytes);
          in_at.push_back(in.back().data());
        }
        for (std::size_t o = 0; o < outputs; ++o) {
          plain_out.push_back(seeded_bytes(bytes, dice.next()));
          out.emplace_back(bytes);
          kernel->to_planes(out.back().data(), plain_out.back().data(), bytes);
          out_at.push_back(out.back().data());
        }
        std::vector<Word> factors(inputs * outputs);
        for (Word& factor : factors) factor = static_cast<Word>(dice.below(8) == 0 ? dice.below(2) : dice.below(65536));
        kernel->multiply_add(out_at.data(), outputs, in_at.data(), inputs, factors.data(), bytes);
        for (std::size_t o = 0; o < outputs; ++o) {
          for (std::size_t word = 0; word < bytes / 2; ++word) {
            auto sum = core::load_le<Word>(plain_out[o].data() + 2 * word);
            for (std::size_t i = 0; i < inputs; ++i) {
              sum = static_cast<Word>(
                  sum ^ by_definition(core::load_le<Word>(plain_in[i].data() + 2 * word), factors[o * inputs + i]));
            }
            core::store_le<Word>(plain_out[o].data() + 2 * word, sum);
          }
          core::Bytes got(bytes);
          kernel->from_planes(got.data(), out[o].data(), bytes);
          REQUIRE(got == plain_out[o]);
        }
      }
    }
  }
}

}  // namespace darkshelf::testing
