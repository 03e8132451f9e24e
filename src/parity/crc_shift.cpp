#include "parity/crc_shift.hpp"

namespace darkshelf::parity {

namespace {

constexpr std::uint32_t kPolynomial = 0xEDB88320, kOne = 0x80000000;  // bits are reflected: the highest is x^0
constexpr std::uint64_t kOrder = 0xFFFFFFFF;                          // of x: the polynomial is primitive

std::uint32_t product(std::uint32_t a, std::uint32_t b) {
  std::uint32_t sum = 0;
  for (std::uint32_t bit = kOne; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) sum ^= b;
    b = (b & 1) != 0 ? b >> 1 ^ kPolynomial : b >> 1;
  }
  return sum;
}

std::uint32_t power_of_x(std::uint64_t exponent) {
  std::uint32_t value = kOne, square = kOne >> 1;
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) value = product(value, square);
    square = product(square, square);
  }
  return value;
}

}  // namespace

CrcShift::CrcShift(std::int64_t bytes) {
  const std::uint64_t distance = static_cast<std::uint64_t>(bytes < 0 ? -bytes : bytes) % kOrder * 8 % kOrder;
  const std::uint32_t factor = power_of_x(bytes < 0 ? kOrder - distance : distance);
  for (std::size_t place = 0; place < table_.size(); ++place) {
    table_[place][0] = 0;
    for (std::uint32_t bit = 1; bit < 256; bit <<= 1) {
      table_[place][bit] = product(bit << (8 * place), factor);
      for (std::uint32_t below = 1; below < bit; ++below)
        table_[place][bit | below] = table_[place][bit] ^ table_[place][below];
    }
  }
}

}  // namespace darkshelf::parity
