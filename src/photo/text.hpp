#pragma once
// Texts from inside photos: written by cameras and by programs of thirty years, in whatever character set. Pure.

#include <cstddef>
#include <string>
#include <string_view>

namespace darkshelf::photo {

enum class Lines { kJoin, kKeep };

struct CleanText {
  std::string text;        // valid UTF-8
  bool shortened = false;  // there was more than `most` bytes of it
};
/// Up to the first zero byte. What is no UTF-8 is taken for Windows-1252, the usual guess for what names no character
/// set. Blanks and control characters become one blank (kKeep: those with a line end in them become one line end), none
/// at the ends; characters that turn the direction of writing or show nothing are dropped. Cut at a character's border.
CleanText clean_text(std::string_view raw, std::size_t most, Lines lines = Lines::kJoin);

/// UTF-16, little-endian, as Windows writes it into EXIF, to UTF-8; unpaired halves are dropped.
std::string from_utf16_le(std::string_view bytes);

}  // namespace darkshelf::photo
