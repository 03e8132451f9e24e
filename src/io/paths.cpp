#include "io/paths.hpp"

#include <algorithm>
#include <string_view>

namespace darkshelf::io {

namespace {

/// Without slashes at its end: "" for the root.
std::string_view name_of(const Path& folder) {
  const std::string_view name = folder.native();
  return name.substr(0, name.find_last_not_of('/') + 1);
}

}  // namespace

bool lies_in(const Path& path, const Path& folder) {
  const std::string_view whole = path.native(), start = name_of(folder);
  if (folder.empty() || !whole.starts_with(start)) return false;
  return whole.size() == start.size() || whole[start.size()] == '/';
}

std::string below(const Path& path, const Path& folder) {
  const std::string_view rest = std::string_view(path.native()).substr(name_of(folder).size());
  return std::string(rest.substr(std::min(rest.find_first_not_of('/'), rest.size())));
}

}  // namespace darkshelf::io
