#pragma once
// Which file names are those of pictures. One table, for whoever counts, groups or reads photos.

#include <string>
#include <string_view>

namespace darkshelf::core {

enum class PictureKind {
  kNone,       // not a picture's name
  kRaw,        // CR2, NEF, DNG …: as the camera's sensor had it
  kDeveloped,  // JPEG, HEIC, TIFF, PSD, PNG …
  kFilm,       // MP4, MOV …
};
/// By the ending of a file name, whatever its case. A name that is nothing but an ending (".jpg") is no picture's.
PictureKind picture_kind(std::string_view file_name);

/// What stands behind the last dot, in lower-case ASCII: "cr2" for "IMG_0001.CR2"; empty if there is no dot behind the
/// first character.
std::string file_ending(std::string_view file_name);

}  // namespace darkshelf::core
