#pragma once
// Small upright JPEGs. Decoders of bytes nobody vouches for: only the worker calls them. Thread-safe.

#include <cstdint>
#include <string>
#include <vector>

#include "core/bytes.hpp"

namespace darkshelf::photo {

inline constexpr std::uint32_t kThumbnailSide = 320;  // pixels of the longer side; smaller pictures stay as they are
inline constexpr std::size_t kThumbnailBytes = 12 * 1024;  // aimed at: quality goes down until it fits, to 40 at most

/// Pixels as they are shown: rows from the top, three bytes (red, green, blue) each.
struct Pixels {
  std::uint32_t width = 0, height = 0;
  std::vector<std::uint8_t> rgb;  // width * height * 3
};

/// The JPEG at the front of `jpeg`, made small enough that its longer side is at most kThumbnailSide: decoded at the
/// least of 1/8, 1/4, 1/2 or full size that has enough, then averaged over areas. Of one that is cut there is what
/// decodes, the rest grey. Throws core::Error(kCorrupt) when nothing decodes or it has more than 2^30 pixels.
Pixels small_pixels(core::ByteSpan jpeg);
/// The same of pixels that are there already.
Pixels small_pixels(const Pixels& pixels);

/// Turned by an EXIF orientation, 1 to 8.
Pixels upright(const Pixels& pixels, unsigned orientation);

/// As a JPEG of at most kThumbnailBytes, if a quality of 40 or more suffices for that. No metadata in it.
core::Bytes encode_thumbnail(const Pixels& pixels);

}  // namespace darkshelf::photo
