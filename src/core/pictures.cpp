#include "core/pictures.hpp"

#include <algorithm>
#include <array>

namespace darkshelf::core {

namespace {

constexpr std::array<std::string_view, 30> kRawEndings = {
    "3fr", "ari", "arw", "bay", "cap", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "iiq", "k25", "kdc",
    "mef", "mos", "mrw", "nef", "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f"};
constexpr std::array<std::string_view, 17> kDevelopedEndings = {"avif", "bmp", "gif",  "heic", "heif", "hif",
                                                                "jp2",  "jpe", "jpeg", "jpg",  "jxl",  "png",
                                                                "psb",  "psd", "tif",  "tiff", "webp"};
constexpr std::array<std::string_view, 14> kFilmEndings = {"3gp", "avi", "braw", "crm", "m2ts", "m4v", "mkv",
                                                           "mov", "mp4", "mpg",  "mts", "mxf",  "r3d", "webm"};

template <typename Endings>
bool has(const Endings& endings, std::string_view ending) {
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string file_ending(std::string_view file_name) {
  const std::size_t dot = file_name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  std::string ending(file_name.substr(dot + 1));
  std::transform(ending.begin(), ending.end(), ending.begin(), lower);
  return ending;
}

PictureKind picture_kind(std::string_view file_name) {
  const std::string ending = file_ending(file_name);
  if (has(kRawEndings, ending)) return PictureKind::kRaw;
  if (has(kDevelopedEndings, ending)) return PictureKind::kDeveloped;
  if (has(kFilmEndings, ending)) return PictureKind::kFilm;
  return PictureKind::kNone;
}

}  // namespace darkshelf::core
