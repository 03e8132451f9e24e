#include "gf16/field.hpp"

#include <array>
#include <memory>

namespace darkshelf::gf16 {

namespace {

constexpr std::uint32_t kPolynomial = 0x1100B;

struct Tables {
  std::array<Word, 2 * kOrder> power;    // 2^i; doubled, so that sums of two logarithms need no reduction
  std::array<std::uint16_t, 65536> log;  // of 0: never read
  std::array<std::uint16_t, kMaxSlices> slice_log;

  Tables() {
    std::uint32_t value = 1;
    log[0] = 0;
    for (std::uint32_t i = 0; i < kOrder; ++i) {
      power[i] = power[i + kOrder] = static_cast<Word>(value);
      log[value] = static_cast<std::uint16_t>(i);
      value <<= 1;
      if (value & 0x10000) value ^= kPolynomial;
    }
    std::uint32_t slice = 0;
    for (std::uint32_t n = 1; n < kOrder; ++n) {
      const bool coprime = n % 3 != 0 && n % 5 != 0 && n % 17 != 0 && n % 257 != 0;  // 65535 = 3 * 5 * 17 * 257
      if (coprime) slice_log[slice++] = static_cast<std::uint16_t>(n);
    }
  }
};

const Tables& tables() {
  static const auto kTables = std::make_unique<const Tables>();
  return *kTables;
}

}  // namespace

Word multiply(Word a, Word b) {
  if (a == 0 || b == 0) return 0;
  const Tables& t = tables();
  return t.power[std::uint32_t{t.log[a]} + t.log[b]];
}

Word divide(Word a, Word b) {
  if (a == 0) return 0;
  const Tables& t = tables();
  return t.power[std::uint32_t{t.log[a]} + kOrder - t.log[b]];
}

Word inverse(Word a) { return divide(1, a); }
Word power_of_two(std::uint64_t exponent) { return tables().power[exponent % kOrder]; }
std::uint32_t log_two(Word a) { return tables().log[a]; }
std::uint32_t slice_log(std::uint32_t slice) { return tables().slice_log[slice]; }
Word factor(std::uint32_t slice, std::uint32_t exponent) {
  return power_of_two(std::uint64_t{slice_log(slice)} * exponent);
}

}  // namespace darkshelf::gf16
