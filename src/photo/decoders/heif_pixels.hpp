#pragma once
// HEIC and AVIF to pixels, through libheif: only the worker calls it.

#include <cstdint>

#include "core/bytes.hpp"
#include "photo/decoders/thumbnail.hpp"

namespace darkshelf::photo {

struct HeifPicture {
  Pixels pixels;                        // upright: libheif turns them by the file's own word
  std::uint32_t width = 0, height = 0;  // of the picture itself, upright
};
/// The primary picture, or a thumbnail of it that the file has and that is large enough for ours. Throws
/// core::Error(kCorrupt).
HeifPicture heif_picture(core::ByteSpan file);

}  // namespace darkshelf::photo
