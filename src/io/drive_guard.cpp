#include "io/drive_guard.hpp"

#include <algorithm>
#include <mutex>

#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::io {

using core::Code;
using core::Error;

void DriveGuard::confine(const Path& root, const std::string& drive) {
  const auto now = below_.stat_following(root);
  if (!now || now->type != FileType::kDirectory)
    throw Error(Code::kDriveGone, core::printable(root.string()) + " is no longer there");
  const std::unique_lock hold(mutex_);
  std::erase_if(roots_, [&](const Root& known) { return known.path == root; });
  roots_.push_back({root, drive, now->device, now->inode});
}

std::optional<DriveGuard::Root> DriveGuard::root_of(const Path& path) const {
  const std::shared_lock hold(mutex_);
  for (const Root& root : roots_) {
    const std::string &whole = path.native(), &start = root.path.native();
    if (whole.starts_with(start) &&
        (whole.size() == start.size() || start.ends_with('/') || whole[start.size()] == '/'))
      return root;
  }
  return {};
}

bool DriveGuard::still_there(const Root& root) {
  try {
    const auto now = below_.stat_following(root.path);
    return now && now->device == root.device && now->inode == root.inode;
  } catch (const Error&) {
    return false;
  }
}

void DriveGuard::throw_gone(const Root& root, const std::string& why) const {
  throw Error(Code::kDriveGone,
              root.drive + " left in mid-work: " +
                  (why.empty() ? core::printable(root.path.string()) + " is no longer the folder it was" : why),
              "plug it in again and type the same command");
}

Path DriveGuard::stranger(const Root& root, const Path& path, Last last) {
  const std::string &whole = path.native(), &start = root.path.native();
  for (std::size_t end = start.size(); end < whole.size();) {
    end = std::min(whole.find('/', end + 1), whole.size());
    const Path at(whole.substr(0, end));
    const auto found = below_.stat(at);
    if (!found) return {};
    const bool is_last = end == whole.size();
    const bool folder = found->type == FileType::kDirectory && found->device == root.device;
    if (is_last && last == Last::kAny) return {};
    if (is_last && last == Last::kNoLink) return found->type == FileType::kSymlink ? at : Path();
    if (!folder && (found->type == FileType::kSymlink || found->type == FileType::kDirectory)) return at;
    if (!folder) return {};  // a file where a folder should be: the call itself says so
  }
  return {};
}

void DriveGuard::require(const Path& path, Last last) {
  const auto root = root_of(path);
  if (!root) return;
  if (!still_there(*root)) throw_gone(*root, {});
  if (const Path found = stranger(*root, path, last); !found.empty()) {
    throw Error(Code::kWrongDrive,
                core::printable(found.string()) + " leads away from the drive " + root->drive +
                    ": it is a link or another file system, which darkshelf never makes; nothing was done there",
                "look where it leads, and remove it if nothing needs it");
  }
}

template <typename Work>
auto DriveGuard::guarded(const Path& path, Last last, Work work) {
  require(path, last);
  try {
    return work();
  } catch (const Error& error) {
    const auto root = root_of(path);
    if (root && error.code() != Code::kDriveGone && !still_there(*root)) throw_gone(*root, error.what());
    throw;
  }
}

std::unique_ptr<File> DriveGuard::open_read(const Path& path, ReadMode mode) {
  return guarded(path, Last::kNoLink, [&] { return below_.open_read(path, mode); });
}
std::unique_ptr<File> DriveGuard::create(const Path& path) {
  return guarded(path, Last::kNoLink, [&] { return below_.create(path); });
}
std::unique_ptr<File> DriveGuard::open_write(const Path& path) {
  return guarded(path, Last::kNoLink, [&] { return below_.open_write(path); });
}
std::optional<Stat> DriveGuard::stat(const Path& path) {
  const auto root = root_of(path);
  if (!root) return below_.stat(path);
  if (!still_there(*root)) throw_gone(*root, {});
  if (!stranger(*root, path.parent_path(), Last::kFolder).empty() && path != root->path) return {};
  return guarded(path, Last::kAny, [&] { return below_.stat(path); });
}
std::optional<Stat> DriveGuard::stat_following(const Path& path) {
  return guarded(path, Last::kNoLink, [&] { return below_.stat_following(path); });
}
std::vector<Entry> DriveGuard::list(const Path& folder) {
  return guarded(folder, Last::kFolder, [&] { return below_.list(folder); });
}
std::string DriveGuard::read_link(const Path& path) {
  return guarded(path, Last::kAny, [&] { return below_.read_link(path); });
}
std::map<std::string, std::string> DriveGuard::xattrs(const Path& path) {
  return guarded(path, Last::kAny, [&] { return below_.xattrs(path); });
}
Space DriveGuard::space(const Path& path) {
  return guarded(path, Last::kFolder, [&] { return below_.space(path); });
}
Path DriveGuard::canonical(const Path& path) { return below_.canonical(path); }
void DriveGuard::make_dir(const Path& path) {
  guarded(path, Last::kFolder, [&] { below_.make_dir(path); });
}
void DriveGuard::make_dirs(const Path& path) {
  guarded(path, Last::kFolder, [&] { below_.make_dirs(path); });
}
void DriveGuard::rename(const Path& from, const Path& to) {
  require(from, Last::kAny);
  guarded(to, Last::kAny, [&] { below_.rename(from, to); });
}
void DriveGuard::remove_file(const Path& path) {
  guarded(path, Last::kAny, [&] { below_.remove_file(path); });
}
void DriveGuard::remove_dir(const Path& path) {
  guarded(path, Last::kFolder, [&] { below_.remove_dir(path); });
}
void DriveGuard::make_symlink(const std::string& target, const Path& path) {
  guarded(path, Last::kAny, [&] { below_.make_symlink(target, path); });
}
void DriveGuard::make_hard_link(const Path& existing, const Path& path) {
  require(existing, Last::kNoLink);
  guarded(path, Last::kAny, [&] { below_.make_hard_link(existing, path); });
}
void DriveGuard::set_mtime(const Path& path, std::int64_t mtime_ns) {
  guarded(path, Last::kAny, [&] { below_.set_mtime(path, mtime_ns); });
}
void DriveGuard::set_mode(const Path& path, std::uint32_t mode) {
  guarded(path, Last::kNoLink, [&] { below_.set_mode(path, mode); });
}
void DriveGuard::set_xattr(const Path& path, const std::string& name, const std::string& value) {
  guarded(path, Last::kAny, [&] { below_.set_xattr(path, name, value); });
}
void DriveGuard::sync_dir(const Path& folder) {
  guarded(folder, Last::kFolder, [&] { below_.sync_dir(folder); });
}
std::unique_ptr<Lock> DriveGuard::lock(const Path& path, const std::string& what, const std::string& holder) {
  return guarded(path, Last::kNoLink, [&] { return below_.lock(path, what, holder); });
}

}  // namespace darkshelf::io
