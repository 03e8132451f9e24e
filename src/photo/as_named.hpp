#pragma once
// Is a file what its name says? Asked before anything is sealed: an archive that faithfully keeps what ransomware or a
// dying card left is no archive. Rules of structure alone, nothing guessed from how random bytes look. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.hpp"

namespace darkshelf::photo {

enum class Unlike {
  kEmpty,         // no bytes at all
  kZeros,         // zeros where a picture should be
  kNoPicture,     // starts as no picture does: encrypted, overwritten, or something else under a picture's name
  kOtherPicture,  // a picture, of another kind than the name says: harmless, and good to know
  kCut,           // ends before the picture does
  kBroken,        // the structure breaks off inside: overwritten or rotten in the middle
};
struct NotAsNamed {
  Unlike how = Unlike::kNoPicture;
  std::string reason;  // continues "IMG_0001.CR2 …": "is empty", "is a ZIP archive"
};

/// What speaks against `name` being what its ending says; nothing: as named, or not a picture's name. `front` is the
/// file, or the first bytes of it where it is long (16 KiB tell most); `total` its length. Cut, broken and zeros inside
/// are seen only where the file is given whole. A file that passes may still be damaged: most of a RAW's or film's data
/// have no structure that could break.
std::optional<NotAsNamed> picture_not_as_named(std::string_view name, core::ByteSpan front, std::uint64_t total);
inline bool is_picture_as_named(std::string_view name, core::ByteSpan front, std::uint64_t total) {
  return !picture_not_as_named(name, front, total);
}

}  // namespace darkshelf::photo
