#pragma once
// The directories of a TIFF, which most RAW formats are inside: tags with their numbers, no pixels. Pure, and good for
// any bytes: counts are checked against what is there, circles are met once, and the work has a bound.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/bytes.hpp"

namespace darkshelf::photo {

/// One directory of tags; only those with whole numbers or bytes in them.
struct TiffDirectory {
  std::map<std::uint16_t, std::vector<std::uint64_t>> numbers;  // BYTE, SHORT, LONG and IFD values
  std::map<std::uint16_t, core::ByteSpan> bytes;                // UNDEFINED values, as they lie there

  /// The first number of a tag, or `otherwise`.
  std::uint64_t number(std::uint16_t tag, std::uint64_t otherwise = 0) const;
};

struct Tiff {
  bool little_endian = true;
  std::uint16_t version = 42;              // 42: TIFF; 0x4F52, 0x5352: Olympus; 0x55: Panasonic
  std::vector<TiffDirectory> directories;  // the chain from the front, each followed by its SubIFDs (tag 330)
  bool cut = false;                        // a directory, or values of one, lie behind the end of the bytes
};

/// Nothing if the bytes do not begin as such a file does.
std::optional<Tiff> walk_tiff(core::ByteSpan bytes);

/// Where a directory's image data lie.
struct ImageRange {
  std::uint64_t offset = 0, bytes = 0;
};
/// Strips or tiles of a directory, in order; empty if it has none. They may lie outside the file.
std::vector<ImageRange> image_ranges(const Tiff& tiff, const TiffDirectory& directory, std::uint64_t file_bytes);

/// A picture made smaller for showing, by its own word (NewSubfileType).
bool is_reduced(const TiffDirectory& directory);

// Tags.
inline constexpr std::uint16_t kNewSubfileType = 254, kImageWidth = 256, kImageLength = 257, kBitsPerSample = 258,
                               kCompression = 259, kPhotometric = 262, kStripOffsets = 273, kSamplesPerPixel = 277,
                               kRowsPerStrip = 278, kStripByteCounts = 279, kPlanar = 284, kPredictor = 317,
                               kTileWidth = 322, kTileLength = 323, kTileOffsets = 324, kTileByteCounts = 325,
                               kSubIfds = 330, kSampleFormat = 339, kPanasonicRawOffset = 0x118, kFillOrder = 266,
                               kColorMap = 320, kJpegTables = 347, kYcbcrSubsampling = 530;
inline constexpr std::uint16_t kPanasonic = 0x55;  // Tiff::version

}  // namespace darkshelf::photo
