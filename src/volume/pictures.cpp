#include "core/pictures.hpp"

#include <set>

#include "volume/scan.hpp"

namespace darkshelf::volume {

bool is_picture(std::string_view file_name) { return core::picture_kind(file_name) != core::PictureKind::kNone; }

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
