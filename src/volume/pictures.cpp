#include <algorithm>
#include <array>
#include <set>

#include "volume/scan.hpp"

namespace darkshelf::volume {

namespace {

constexpr std::array kEndings = {
    // raw
    "3fr", "ari", "arw", "bay", "cap", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "iiq", "k25", "kdc", "mef",
    "mos", "mrw", "nef", "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
    // developed
    "avif", "bmp", "gif", "heic", "heif", "hif", "jp2", "jpe", "jpeg", "jpg", "jxl", "png", "psb", "psd", "tif", "tiff",
    "webp",
    // moving
    "3gp", "avi", "braw", "crm", "m2ts", "m4v", "mkv", "mov", "mp4", "mpg", "mts", "mxf", "r3d", "webm"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool is_picture(std::string_view file_name) {
  const std::size_t dot = file_name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  std::string ending(file_name.substr(dot + 1));
  std::transform(ending.begin(), ending.end(), ending.begin(), lower);
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

std::uint64_t count_photos(const std::vector<std::string>& paths) {
  std::set<std::string_view> stems;
  for (const std::string& path : paths) {
    const std::size_t slash = path.rfind('/');
    const std::string_view name = std::string_view(path).substr(slash == std::string::npos ? 0 : slash + 1);
    if (is_picture(name)) stems.insert(std::string_view(path).substr(0, path.rfind('.')));
  }
  return stems.size();
}

}  // namespace darkshelf::volume
