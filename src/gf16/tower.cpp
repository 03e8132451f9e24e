#include "gf16/tower.hpp"

#include <bit>
#include <memory>

namespace darkshelf::gf16 {

namespace {

constexpr std::uint32_t kSubfieldStep = 257;  // 2^257 has order 255

/// Square matrix of 16 bits: the words that the unit words become.
using Images = std::array<Word, 16>;

Word image(const Images& images, Word value) {
  Word out = 0;
  for (unsigned bit = 0; bit < 16; ++bit) {
    if ((value >> bit & 1) != 0) out = static_cast<Word>(out ^ images[bit]);
  }
  return out;
}

/// Gauss and Jordan over GF(2). The images are independent, since the basis is one.
Images inverse_of(Images images) {
  Images inverse;
  for (unsigned i = 0; i < 16; ++i) inverse[i] = static_cast<Word>(1u << i);
  for (unsigned bit = 0; bit < 16; ++bit) {
    unsigned pivot = bit;
    while ((images[pivot] >> bit & 1) == 0) ++pivot;
    std::swap(images[bit], images[pivot]);
    std::swap(inverse[bit], inverse[pivot]);
    for (unsigned other = 0; other < 16; ++other) {
      if (other == bit || (images[other] >> bit & 1) == 0) continue;
      images[other] = static_cast<Word>(images[other] ^ images[bit]);
      inverse[other] = static_cast<Word>(inverse[other] ^ inverse[bit]);
    }
  }
  return inverse;
}

ByteMaps maps_of(const Images& images) {
  ByteMaps maps{};
  for (unsigned in = 0; in < 16; ++in) {
    for (unsigned out = 0; out < 16; ++out) {
      if ((images[in] >> out & 1) == 0) continue;
      auto& row = maps.map[out / 8][in / 8][out % 8];
      row = static_cast<std::uint8_t>(row | 1u << (in % 8));
    }
  }
  return maps;
}

struct Tables {
  Images word_of_tower, tower_of_word;  // a pair is written low | high << 8
  ByteMaps to, from;
  std::array<std::array<Word, 256>, 2> to_by_byte, from_by_byte;
  Scalar delta;
  std::array<std::array<Scalar, 256>, 256> product;

  Tables() {
    // t: an element whose conjugate is t + 1; half of those with trace 1 over GF(2^8) would do, the smallest is taken.
    std::uint32_t t = 2;
    while ((power_of_two(std::uint64_t{256} * log_two(static_cast<Word>(t))) ^ t) != 1) ++t;
    for (unsigned i = 0; i < 8; ++i) {
      const Word basis = power_of_two(kSubfieldStep * i);
      word_of_tower[i] = basis;
      word_of_tower[8 + i] = multiply(basis, static_cast<Word>(t));
    }
    tower_of_word = inverse_of(word_of_tower);
    for (unsigned byte = 0; byte < 256; ++byte) {
      for (unsigned side = 0; side < 2; ++side) {
        to_by_byte[side][byte] = image(tower_of_word, static_cast<Word>(byte << (8 * side)));
        from_by_byte[side][byte] = image(word_of_tower, static_cast<Word>(byte << (8 * side)));
      }
    }
    to = maps_of(tower_of_word);
    from = maps_of(word_of_tower);
    delta = scalar(static_cast<Word>(multiply(static_cast<Word>(t), static_cast<Word>(t)) ^ t));
    fill_products();
  }
  /// Products of basis elements; all others are sums of those.
  void fill_products() {
    product = {};
    for (unsigned i = 0; i < 8; ++i) {
      for (unsigned j = 0; j < 8; ++j) product[1u << i][1u << j] = scalar(multiply(word_of_tower[i], word_of_tower[j]));
    }
    for (unsigned a = 1; a < 256; ++a) {
      const unsigned one = a & (~a + 1);  // its lowest bit
      for (unsigned j = 0; j < 8; ++j)
        if (one != a) product[a][1u << j] = static_cast<Scalar>(product[a ^ one][1u << j] ^ product[one][1u << j]);
      for (unsigned b = 1; b < 256; ++b) {
        const unsigned bit = b & (~b + 1);
        if (bit != b) product[a][b] = static_cast<Scalar>(product[a][b ^ bit] ^ product[a][bit]);
      }
    }
  }
  Scalar scalar(Word value) const { return static_cast<Scalar>(image(tower_of_word, value)); }
};

const Tables& tables() {
  static const auto kTables = std::make_unique<const Tables>();
  return *kTables;
}

}  // namespace

Tower to_tower(Word value) {
  const auto& by_byte = tables().to_by_byte;
  const Word pair = by_byte[0][value & 0xFF] ^ by_byte[1][value >> 8];
  return {static_cast<Scalar>(pair & 0xFF), static_cast<Scalar>(pair >> 8)};
}

Word from_tower(Tower value) {
  const auto& by_byte = tables().from_by_byte;
  return by_byte[0][value.low] ^ by_byte[1][value.high];
}

Scalar multiply_scalars(Scalar a, Scalar b) { return tables().product[a][b]; }
Scalar tower_delta() { return tables().delta; }

TowerFactor tower_factor(Word factor) {
  // (c + d t)(x + y t) = c x + delta d y + (d x + (c + d) y) t
  const Tower f = to_tower(factor);
  return {f.low, multiply_scalars(tower_delta(), f.high), f.high, static_cast<Scalar>(f.low ^ f.high)};
}

BitMatrix matrix_of(Scalar factor) {
  BitMatrix rows{};
  for (unsigned in = 0; in < 8; ++in) {
    const Scalar product = multiply_scalars(factor, static_cast<Scalar>(1u << in));
    for (unsigned out = 0; out < 8; ++out)
      rows[out] = static_cast<std::uint8_t>(rows[out] | (product >> out & 1u) << in);
  }
  return rows;
}

const ByteMaps& maps_to_tower() { return tables().to; }
const ByteMaps& maps_from_tower() { return tables().from; }

std::uint8_t apply(const BitMatrix& map, std::uint8_t byte) {
  std::uint8_t out = 0;
  for (unsigned bit = 0; bit < 8; ++bit) {
    const auto parity = static_cast<unsigned>(std::popcount(static_cast<unsigned>(map[bit] & byte))) & 1u;
    out = static_cast<std::uint8_t>(out | parity << bit);
  }
  return out;
}

}  // namespace darkshelf::gf16
