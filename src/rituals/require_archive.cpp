// Whether a folder that was named is an archive drive, before anything is asked of it.

#include <fmt/format.h>

#include "core/text.hpp"
#include "rituals/catalog_copies.hpp"
#include "rituals/drives.hpp"
#include "rituals/upkeep.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
using core::Code;
using core::Error;

void require_archive(io::FileSystem& fs, const io::Path& path) {
  const std::string name = core::printable(path.string());
  const auto folder = fs.stat_following(path);
  if (!folder) {
    throw Error(Code::kNotFound, fmt::format("there is no folder {}", name),
                "plug the drive in, and give the folder where it is mounted");
  }
  if (folder->type != io::FileType::kDirectory) {
    throw Error(Code::kWrongDrive, fmt::format("{} is a file, and no archive drive", name),
                fmt::format("darkshelf catalog merge {}   (if it is a catalog)", core::shell_quote(path.string())));
  }
  refuse_link(fs, path);
  const io::Looked identity = io::look_at(fs, path / std::string(fd::kIdentity));
  if (identity.unreadable || identity.is(io::FileType::kRegular)) return;
  if (has_catalog_copy(fs, path)) return;
  if (fs.stat(path / std::string(fd::kSeals))) throw without_identity(path);
  std::string hint = "give the folder where the drive is mounted, the one that holds the folder darkshelf";
  for (io::Path above = fs.canonical(path); above.has_relative_path(); above = above.parent_path()) {
    if (fs.stat(above.parent_path() / std::string(fd::kIdentity)))
      hint = fmt::format("darkshelf catalog recover {}", core::shell_quote(above.parent_path().string()));
  }
  throw Error(Code::kWrongDrive, fmt::format("{} is no archive drive: there is no {} in it", name, fd::kIdentity),
              hint);
}

}  // namespace darkshelf::rituals
