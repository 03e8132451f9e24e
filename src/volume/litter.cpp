#include "volume/litter.hpp"

#include <algorithm>
#include <array>

namespace darkshelf::volume {

namespace {

constexpr std::array<std::string_view, 8> kFolders = {".Trashes",        ".Spotlight-V100",          ".fseventsd",
                                                      ".TemporaryItems", ".DocumentRevisions-V100",  "$RECYCLE.BIN",
                                                      "$Recycle.Bin",    "System Volume Information"};
constexpr std::array<std::string_view, 5> kFiles = {".DS_Store", "Thumbs.db", "thumbs.db", "desktop.ini",
                                                    "Desktop.ini"};

template <typename Names>
bool is_one_of(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool is_litter_folder(std::string_view name) { return is_one_of(kFolders, name); }

bool is_litter(std::string_view name) {
  return is_litter_folder(name) || is_one_of(kFiles, name) || name.starts_with("._");
}

bool is_of_no_shoot(std::string_view name) {
  return is_litter(name) || name == kLostAndFound || name.starts_with(".Trash-");
}

}  // namespace darkshelf::volume
