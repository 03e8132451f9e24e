#pragma once
// What made-up photos and shoots are called and described with; shared by the maker of the catalog and by the questions
// put to it. Real words come first: they are the common ones.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "support/chance.hpp"

namespace darkshelf::bench {

inline constexpr std::size_t kKeywords = 3000, kWords = 6000;

/// The word of that number, the same one always; no two are the same. The first are real, the others only sound so.
inline std::string word(std::size_t number) {
  static constexpr std::array kReal = {
      "portrait", "family",   "wedding", "landscape", "bride",    "sea",     "evening",    "light",    "children",
      "garden",   "church",   "winter",  "Zürich",    "mountain", "snow",    "autumn",     "beach",    "München",
      "festival", "Straße",   "harbour", "forest",    "groom",    "dance",   "street",     "cake",     "flowers",
      "stage",    "guitar",   "night",   "market",    "bicycle",  "horse",   "lighthouse", "fog",      "sunrise",
      "sunset",   "river",    "bridge",  "castle",    "train",    "airport", "kitchen",    "Brötchen", "café",
      "Île",      "vineyard", "grapes",  "rain",      "umbrella", "dog",     "cat",        "heron",    "kingfisher",
      "stork",    "orchid",   "moss",    "glacier",   "volcano",  "写真"};
  if (number < kReal.size()) return kReal[number];
  static constexpr std::array kSyllables = {"ba", "be", "bi", "bo", "bu", "da", "de", "di", "do", "du", "fa", "fe",
                                            "fi", "fo", "ga", "ge", "gi", "go", "ha", "he", "hi", "ho", "ka", "ke",
                                            "ki", "ko", "la", "le", "li", "lo", "ma", "me", "mi", "mo", "na", "ne",
                                            "ni", "no", "pa", "pe", "pi", "po", "ra", "re", "ri", "ro", "sa", "se",
                                            "si", "so", "ta", "te", "ti", "to", "va", "ve", "wö", "zü", "tä", "né"};
  constexpr std::size_t kOf = kSyllables.size();
  std::size_t rest = number * 7919 % (kOf * kOf * kOf);  // 7919 is prime and no divisor: each number has its own
  std::string out;
  for (int i = 0; i < 3; ++i, rest /= kOf) out += kSyllables[rest % kOf];
  return out + (number % 3 == 0 ? "n" : number % 3 == 1 ? "" : "st");
}

/// A keyword by its rank, the commonest first; the words of keywords are words of captions too.
inline std::string keyword(std::size_t rank) { return word(rank); }
/// Where a keyword stands in a tree of keywords; "" for most, which stand in none.
inline std::string keyword_path(std::size_t rank) {
  if (rank % 7 != 3) return {};
  static constexpr std::array kRoots = {"Places|France", "Places|Schweiz|Zürich", "People|Clients", "Nature|Birds"};
  return std::string(kRoots[rank / 7 % kRoots.size()]) + "|" + keyword(rank);
}

/// Numbers below `count`, the one of rank r with a share in proportion to 1/(r + 1).
class Zipf {
 public:
  explicit Zipf(std::size_t count) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) shares_.push_back(sum += 1.0 / static_cast<double>(i + 1));
  }
  std::size_t draw(double chance) const {
    const auto found = std::lower_bound(shares_.begin(), shares_.end(), chance * shares_.back());
    return std::min(static_cast<std::size_t>(found - shares_.begin()), shares_.size() - 1);
  }

 private:
  std::vector<double> shares_;
};

struct Camera {
  const char *make, *model, *extension, *digest, *name;  // name: of its files, {} is the number
  std::uint32_t width, height, megabytes;
};
inline constexpr std::array kCameras = {
    Camera{"NIKON CORPORATION", "NIKON D850", "NEF", "tiff-1", "DSC_{:04}", 8256, 5504, 48},
    Camera{"Canon", "Canon EOS R5", "CR3", "cr3-1", "_MG_{:04}", 8192, 5464, 45},
    Camera{"SONY", "ILCE-7M3", "ARW", "tiff-1", "DSC0{:04}", 6000, 4000, 24},
    Camera{"NIKON CORPORATION", "NIKON Z 6_2", "NEF", "tiff-1", "DSC_{:04}", 6048, 4024, 27},
    Camera{"FUJIFILM", "X-T3", "RAF", "raf-1", "DSCF{:04}", 6240, 4160, 30},
    Camera{"Canon", "Canon EOS R6m2", "CR3", "cr3-1", "IMG_{:04}", 6000, 4000, 26},
    Camera{"SONY", "ILCE-7RM4", "ARW", "tiff-1", "DSC0{:04}", 9504, 6336, 61},
    Camera{"LEICA CAMERA AG", "LEICA Q2", "DNG", "tiff-1", "L100{:04}", 8368, 5584, 82},
    Camera{"RICOH IMAGING COMPANY, LTD.", "PENTAX K-1 Mark II", "DNG", "tiff-1", "IMGP{:04}", 7360, 4912, 44},
    Camera{"FUJIFILM", "GFX100S", "RAF", "raf-1", "DSCF{:04}", 11648, 8736, 110}};

struct Lens {
  const char* name;
  unsigned shortest, longest;
};
inline constexpr std::array kLenses = {Lens{"NIKKOR 24-70mm f/2.8E ED VR", 24, 70},
                                       Lens{"RF24-70mm F2.8 L IS USM", 24, 70},
                                       Lens{"FE 24-70mm F2.8 GM", 24, 70},
                                       Lens{"NIKKOR Z 50mm f/1.8 S", 50, 50},
                                       Lens{"XF35mmF1.4 R", 35, 35},
                                       Lens{"RF50mm F1.2 L USM", 50, 50},
                                       Lens{"FE 85mm F1.4 GM", 85, 85},
                                       Lens{"SUMMILUX 1:1.7/28 ASPH.", 28, 28},
                                       Lens{"HD PENTAX-D FA 15-30mmF2.8ED SDM WR", 15, 30},
                                       Lens{"GF80mmF1.7 R WR", 80, 80},
                                       Lens{"AF-S NIKKOR 70-200mm f/2.8E FL ED VR", 70, 200},
                                       Lens{"RF70-200mm F2.8 L IS USM", 70, 200},
                                       Lens{"FE 70-200mm F2.8 GM OSS II", 70, 200},
                                       Lens{"NIKKOR Z 14-24mm f/2.8 S", 14, 24},
                                       Lens{"XF16-55mmF2.8 R LM WR", 16, 55},
                                       Lens{"RF15-35mm F2.8 L IS USM", 15, 35},
                                       Lens{"FE 16-35mm F2.8 GM", 16, 35},
                                       Lens{"XF56mmF1.2 R", 56, 56},
                                       Lens{"HD PENTAX-D FA* 85mmF1.4ED SDM AW", 85, 85},
                                       Lens{"GF110mmF2 R LM WR", 110, 110},
                                       Lens{"NIKKOR Z 85mm f/1.8 S", 85, 85},
                                       Lens{"EF100mm f/2.8L Macro IS USM", 100, 100},
                                       Lens{"FE 90mm F2.8 Macro G OSS", 90, 90},
                                       Lens{"AF-S NIKKOR 105mm f/1.4E ED", 105, 105},
                                       Lens{"XF90mmF2 R LM WR", 90, 90},
                                       Lens{"RF100-500mm F4.5-7.1 L IS USM", 100, 500},
                                       Lens{"FE 200-600mm F5.6-6.3 G OSS", 200, 600},
                                       Lens{"smc PENTAX-FA 77mm F1.8 Limited", 77, 77},
                                       Lens{"GF32-64mmF4 R LM WR", 32, 64},
                                       Lens{"35mm F1.4 DG HSM | Art 012", 35, 35}};

inline constexpr std::array kPlaces = {"home/shelf-1", "home/shelf-2", "studio/safe", "parents/attic", "bank/vault"};
inline constexpr std::size_t kFirstOffsite = 3;

/// "Archive-07B": the seventh of the second row.
inline std::string drive_label(std::size_t number, std::size_t row) {
  return std::string("Archive-") + (number < 9 ? "0" : "") + std::to_string(number + 1) + static_cast<char>('A' + row);
}

/// Repeatable chance in the shapes that photos come in.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : dice_(seed) {}
  std::uint64_t next() { return dice_.next(); }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(dice_.below(n)); }
  double share() { return static_cast<double>(dice_.next() >> 11) * 0x1p-53; }  // 0 to below 1
  bool one_of(double part) { return share() < part; }
  double normal() {  // Box and Muller
    const double radius = std::sqrt(-2 * std::log(1 - share()));
    return radius * std::cos(2 * 3.14159265358979 * share());
  }
  template <typename List>
  const auto& any(const List& list) {
    return list[below(list.size())];
  }
  template <typename Bytes>
  Bytes bytes() {
    Bytes out{};
    static_assert(sizeof(out) % 8 == 0);
    for (std::size_t i = 0; i < sizeof(out); i += 8) core::store_le<std::uint64_t>(out.data() + i, dice_.next());
    return out;
  }

 private:
  testing::Dice dice_;
};

}  // namespace darkshelf::bench
