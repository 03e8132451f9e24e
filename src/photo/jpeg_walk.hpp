#pragma once
// The outer structure of a JPEG (ITU T.81 annex B): its segments and the coded data between them, no decoding. Pure,
// and good for any bytes.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/bytes.hpp"

namespace darkshelf::photo {

/// One piece of the file. Pieces follow each other without gaps, but for fill bytes.
struct JpegPart {
  bool scan = false;        // coded data, with the restart markers in it
  std::uint8_t marker = 0;  // of a segment: 0xD8 SOI, 0xE1 APP1, 0xDA SOS …
  std::size_t offset = 0;   // of its first byte (0xFF of a marker) in what was walked
  core::ByteSpan bytes;     // all of it: marker and length, too
};

struct JpegWalk {
  bool started = false;                  // it begins as a JPEG does
  bool has_picture = false;              // a scan was met
  bool complete = false;                 // the end marker was met
  std::size_t end = 0;                   // behind the end marker, or where the walk stopped
  std::optional<std::size_t> broken_at;  // no JPEG goes on so
  std::uint32_t width = 0, height = 0;   // of the frame; 0: none was met
};

/// Tells every part of the JPEG at the front of `bytes`, in order, until its end marker, the end of the bytes or what
/// no JPEG has: coded data where 0xFF is followed by what may not follow it is no coded data.
JpegWalk walk_jpeg(core::ByteSpan bytes, const std::function<void(const JpegPart&)>& part = {});

}  // namespace darkshelf::photo
