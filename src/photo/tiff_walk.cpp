#include "photo/tiff_walk.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace darkshelf::photo {

namespace {

constexpr std::size_t kMostDirectories = 64;
constexpr std::size_t kMostNumbers = std::size_t{1} << 20;  // in all of the file: tiles of a very large picture

class Walker {
 public:
  Walker(core::ByteSpan bytes, Tiff& tiff) : bytes_(bytes), tiff_(tiff) {}

  void walk(std::uint64_t first) {
    for (std::uint64_t at = first; at != 0;) {
      const auto next = directory(at, 0);
      if (!next) return;
      at = *next;
    }
  }

 private:
  std::uint64_t load(std::size_t at, std::size_t size) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t place = tiff_.little_endian ? at + size - 1 - i : at + i;
      value = value << 8 | std::to_integer<std::uint64_t>(bytes_[place]);
    }
    return value;
  }
  bool inside(std::uint64_t at, std::uint64_t size) {
    const bool good = at <= bytes_.size() && size <= bytes_.size() - at;
    tiff_.cut |= !good;
    return good;
  }

  /// The offset of the next one of the chain; nothing where the chain cannot be followed.
  std::optional<std::uint64_t> directory(std::uint64_t at, int depth) {
    if (tiff_.directories.size() >= kMostDirectories || !seen_.insert(at).second || !inside(at, 2)) return {};
    const std::uint64_t count = load(at, 2);
    const std::uint64_t whole = std::min<std::uint64_t>(count, (bytes_.size() - at - 2) / 12);
    tiff_.cut |= whole < count;
    const std::size_t index = tiff_.directories.size();
    tiff_.directories.emplace_back();
    for (std::uint64_t i = 0; i < whole; ++i) entry(at + 2 + i * 12, tiff_.directories[index]);
    const auto subs = tiff_.directories[index].numbers.find(kSubIfds);
    if (subs != tiff_.directories[index].numbers.end() && depth < 4) {
      const std::vector<std::uint64_t> offsets = subs->second;  // a copy: the list of directories grows
      for (const std::uint64_t offset : offsets) directory(offset, depth + 1);
    }
    if (!inside(at + 2 + count * 12, 4)) return {};
    return load(at + 2 + count * 12, 4);
  }

  void entry(std::uint64_t at, TiffDirectory& into) {
    const auto tag = static_cast<std::uint16_t>(load(at, 2));
    const std::uint64_t type = load(at + 2, 2), count = load(at + 4, 4);
    const std::size_t size = type == 1 || type == 7 ? 1 : type == 3 ? 2 : type == 4 || type == 13 ? 4 : 0;
    if (size == 0) return;
    const std::uint64_t bytes = count * size;  // both are below 2^33
    const std::uint64_t place = bytes <= 4 ? at + 8 : load(at + 8, 4);
    if (!inside(place, bytes)) return;
    if (type == 7) {
      into.bytes[tag] = bytes_.subspan(place, bytes);
      return;
    }
    if (type == 1 && count > 16) return;  // XMP, ICC and the like, not numbers
    if (count > kMostNumbers - numbers_) return;
    numbers_ += count;
    std::vector<std::uint64_t>& values = into.numbers[tag];
    values.clear();
    for (std::uint64_t i = 0; i < count; ++i) values.push_back(load(place + i * size, size));
  }

  core::ByteSpan bytes_;
  Tiff& tiff_;
  std::set<std::uint64_t> seen_;
  std::size_t numbers_ = 0;
};

}  // namespace

std::uint64_t TiffDirectory::number(std::uint16_t tag, std::uint64_t otherwise) const {
  const auto found = numbers.find(tag);
  return found == numbers.end() || found->second.empty() ? otherwise : found->second.front();
}

std::optional<Tiff> walk_tiff(core::ByteSpan bytes) {
  if (bytes.size() < 8) return {};
  const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  Tiff tiff;
  if (byte(0) == 'I' && byte(1) == 'I') {
    tiff.version = static_cast<std::uint16_t>(byte(2) | byte(3) << 8);
  } else if (byte(0) == 'M' && byte(1) == 'M') {
    tiff.little_endian = false;
    tiff.version = static_cast<std::uint16_t>(byte(2) << 8 | byte(3));
  } else {
    return {};
  }
  constexpr std::array<std::uint16_t, 4> kKnown = {42, 0x4F52, 0x5352, kPanasonic};
  if (std::find(kKnown.begin(), kKnown.end(), tiff.version) == kKnown.end()) return {};
  std::uint64_t first = 0;
  for (std::size_t i = 0; i < 4; ++i) first = first << 8 | byte(tiff.little_endian ? 7 - i : 4 + i);
  Walker(bytes, tiff).walk(first);
  return tiff;
}

std::vector<ImageRange> image_ranges(const Tiff& tiff, const TiffDirectory& directory, std::uint64_t file_bytes) {
  // Panasonic: from there to the end of the file; its strips are told as absent. Elsewhere the tag is another.
  if (const std::uint64_t raw = directory.number(kPanasonicRawOffset);
      tiff.version == kPanasonic && raw > 0 && raw < file_bytes) {
    return {{raw, file_bytes - raw}};
  }
  std::vector<ImageRange> out;
  for (const auto& [offsets, counts] : {std::pair{kStripOffsets, kStripByteCounts}, {kTileOffsets, kTileByteCounts}}) {
    const auto where = directory.numbers.find(offsets), how_long = directory.numbers.find(counts);
    if (where == directory.numbers.end() || how_long == directory.numbers.end()) continue;
    const std::size_t count = std::min(where->second.size(), how_long->second.size());
    for (std::size_t i = 0; i < count; ++i) {
      if (how_long->second[i] > 0) out.push_back({where->second[i], how_long->second[i]});
    }
  }
  return out;
}

bool is_reduced(const TiffDirectory& directory) { return (directory.number(kNewSubfileType) & 1) != 0; }

}  // namespace darkshelf::photo
