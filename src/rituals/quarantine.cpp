#include "rituals/quarantine.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "rituals/context.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
using core::Code;
using core::Error;

namespace {

void move_away(io::FileSystem& fs, const io::Path& from, const io::Path& quarantine) {
  io::Path to = quarantine;
  for (int number = 1; fs.stat(to); ++number) {
    to = quarantine;
    to += fmt::format(".{}", number);
  }
  fs.make_dirs(to.parent_path());
  fs.rename(from, to);
  fs.sync_dir(to.parent_path());
  fs.sync_dir(from.parent_path());
}

}  // namespace

void require_no_links(io::FileSystem& fs, const io::Path& root, const std::string& path) {
  io::Path at = root;
  for (const io::Path& part : io::Path(path)) {
    const auto stat = fs.stat(at);
    if (stat && stat->type == io::FileType::kSymlink) {
      throw Error(Code::kFailed,
                  fmt::format("{} is a link; nothing is written through it", core::printable(at.string())),
                  "remove the link and type the same command again");
    }
    at /= part;
  }
}

bool clear_the_way(io::FileSystem& fs, const io::Path& root, const std::string& path, const io::Path& quarantine) {
  require_no_links(fs, root, path);
  io::Path below;
  for (const io::Path& part : io::Path(path)) {
    below /= part;
    const auto stat = fs.stat(root / below);
    if (!stat) return false;
    const auto wanted = below == io::Path(path) ? io::FileType::kRegular : io::FileType::kDirectory;
    if (stat->type == wanted) continue;
    move_away(fs, root / below, quarantine / below);
    return true;
  }
  return false;
}

bool clear_the_way(io::FileSystem& fs, const AttachedDrive& drive, const std::string& path, core::Time now) {
  const bool file = clear_the_way(fs, drive.root, path, of_drive(drive, now));
  const bool unfinished = clear_the_way(fs, drive.root, path + ".new", of_drive(drive, now));
  return file || unfinished;
}

void set_aside(io::FileSystem& fs, const AttachedDrive& drive, const std::string& path, core::Time now) {
  require_no_links(fs, drive.root, path);
  if (fs.stat(drive.root / path)) move_away(fs, drive.root / path, of_drive(drive, now) / path);
}

io::Path of_drive(const AttachedDrive& drive, core::Time now) {
  return drive.root / std::string(fd::kQuarantine) / (core::format_date(now) + "_drive");
}

}  // namespace darkshelf::rituals
