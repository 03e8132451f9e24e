// The transform against the definition, on random slices, exponents and columns.

#include "gf16/transform.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <set>

#include "core/bytes.hpp"
#include "support/chance.hpp"

namespace darkshelf::testing {
namespace {

using gf16::Word;

constexpr std::size_t kHalf = 128;

/// What the transform makes of random columns is compared, in a few words of each, with the sum of products by the
/// scalar field.
void compare(const std::vector<std::uint32_t>& slices, const std::vector<Word>& exponents, Dice& dice,
             const gf16::Kernel& kernel) {
  CAPTURE(kernel.name);
  const core::Bytes plain = seeded_bytes(slices.size() * 2 * kHalf, dice.next());
  const core::Bytes before = seeded_bytes(exponents.size() * 2 * kHalf, dice.next());
  core::AlignedBuffer in(slices.size() * 2 * kHalf), out(exponents.size() * 2 * kHalf);
  const gf16::Transform transform(slices, exponents, kernel);
  core::AlignedBuffer scratch(transform.scratch_bytes(kHalf));
  std::fill_n(scratch.data(), scratch.size(), std::byte{0xA5});  // it may hold anything
  std::vector<const std::byte*> columns;
  std::vector<std::byte*> sums;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    std::byte* at = in.data() + i * 2 * kHalf;
    kernel.to_tower(at, at + kHalf, plain.data() + i * 2 * kHalf, kHalf);
    columns.push_back(at);
  }
  for (std::size_t o = 0; o < exponents.size(); ++o) {
    std::byte* at = out.data() + o * 2 * kHalf;
    kernel.to_tower(at, at + kHalf, before.data() + o * 2 * kHalf, kHalf);
    sums.push_back(at);
  }
  transform.add(sums.data(), columns.data(), scratch.data(), kHalf);
  for (std::size_t o = 0; o < exponents.size(); ++o) {
    core::Bytes got(2 * kHalf);
    kernel.from_tower(got.data(), sums[o], sums[o] + kHalf, kHalf);
    const std::size_t word = dice.below(kHalf);
    auto sum = core::load_le<Word>(before.data() + (o * kHalf + word) * 2);
    for (std::size_t i = 0; i < slices.size(); ++i) {
      const auto value = core::load_le<Word>(plain.data() + (i * kHalf + word) * 2);
      sum = static_cast<Word>(sum ^ gf16::multiply(value, gf16::factor(slices[i], exponents[o])));
    }
    CAPTURE(o, exponents[o], word);
    REQUIRE(core::load_le<Word>(got.data() + 2 * word) == sum);
  }
}

std::vector<std::uint32_t> some_slices(std::size_t count, Dice& dice) {
  std::set<std::uint32_t> chosen;
  while (chosen.size() < count) chosen.insert(static_cast<std::uint32_t>(dice.below(gf16::kMaxSlices)));
  std::vector<std::uint32_t> slices(chosen.begin(), chosen.end());
  for (std::size_t i = slices.size(); i > 1; --i) std::swap(slices[i - 1], slices[dice.below(i)]);
  return slices;
}

}  // namespace

TEST_CASE("transform: equals the definition, whatever the slices and exponents") {
  Dice dice(21);
  for (int round = 0; round < 60; ++round) {
    const std::size_t count = 1 + dice.below(round < 30 ? 40 : 1500);
    std::vector<Word> exponents;
    if (round % 3 == 0) {
      for (std::uint64_t e = dice.below(60'000), n = 1 + dice.below(300); exponents.size() < n; ++e)
        exponents.push_back(static_cast<Word>(e));
    } else {
      for (std::uint64_t n = 1 + dice.below(40); exponents.size() < n;)
        exponents.push_back(static_cast<Word>(dice.below(gf16::kOrder)));
    }
    CAPTURE(round, count, exponents.size());
    const auto slices = some_slices(count, dice);
    for (const gf16::Kernel* kernel : gf16::kernels()) compare(slices, exponents, dice, *kernel);
  }
}

TEST_CASE("transform: equals the definition with every slice PAR2 has") {
  Dice dice(22);
  std::vector<std::uint32_t> slices(gf16::kMaxSlices);
  std::iota(slices.begin(), slices.end(), 0u);
  std::vector<Word> exponents = {0, 1, 254, 255, 256, 257, 3276, 65'534};
  for (int i = 0; i < 40; ++i) exponents.push_back(static_cast<Word>(dice.below(gf16::kOrder)));
  for (const gf16::Kernel* kernel : gf16::kernels()) compare(slices, exponents, dice, *kernel);
}

TEST_CASE("transform: what it is said to cost grows slower than the definition") {
  const auto ratio = [](std::uint32_t count) {
    std::vector<std::uint32_t> slices(count);
    std::iota(slices.begin(), slices.end(), 0u);
    std::vector<Word> exponents(count / 10);
    std::iota(exponents.begin(), exponents.end(), Word{0});
    return 2.0 * count * static_cast<double>(exponents.size()) / gf16::Transform::cost(slices, exponents);
  };
  CHECK(ratio(100) < 1);
  CHECK(ratio(8000) > 4);
  CHECK(ratio(32'768) > 50);
}

}  // namespace darkshelf::testing
