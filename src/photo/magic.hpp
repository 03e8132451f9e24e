#pragma once
// What the first bytes of a file say that it is. Pure.

#include <string>
#include <string_view>

#include "core/bytes.hpp"

namespace darkshelf::photo {

enum class Content {
  kUnknown,
  kJpeg,
  kTiff,
  kCr3,
  kHeif,
  kRaf,
  kMrw,
  kCrw,
  kX3f,
  kPng,
  kGif,
  kBmp,
  kWebp,
  kJp2,
  kJxl,
  kPsd,
  kArri,
  kQuickTime,
  kAvi,
  kMatroska,
  kMpeg,
  kMxf,
  kRed,
  kOther,  // known, and no picture
};
struct Looks {
  Content content = Content::kUnknown;
  std::string_view what;  // "a JPEG", "a ZIP archive"
};
Looks looks_of(core::ByteSpan front);

/// What a file with this ending ("cr2") has to look like: does `content` fit? Endings of which no first bytes are known
/// fit all pictures and kUnknown.
bool fits_ending(std::string_view ending, Content content);
/// "Canon RAW", "JPEG", "film"; "picture" for endings not known here.
std::string kind_of_ending(std::string_view ending);

}  // namespace darkshelf::photo
