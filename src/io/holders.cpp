// Who keeps a mounted file system busy, as /proc and /sys tell it, and unmounting.

#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/error.hpp"
#include "core/text.hpp"
#include "io/mount_table.hpp"
#include "io/mounts.hpp"

namespace darkshelf::io {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kShown = 5;

bool lies_at(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder + "/");
}

/// What a link of /proc points to; "" where this user may not know.
std::string target_of(const Path& link) {
  try {
    return posix().read_link(link);
  } catch (const Error&) {
    return {};
  }
}

std::vector<Entry> entries_of(const Path& folder) {
  try {
    return posix().list(folder);
  } catch (const Error&) {  // the process has just ended, or is somebody else's
    return {};
  }
}

/// What a process has of the file system; "" if nothing.
std::string hold_of(const Path& process, const std::string& folder) {
  if (lies_at(target_of(process / "cwd"), folder)) return "stands in it";
  if (lies_at(target_of(process / "root"), folder) || lies_at(target_of(process / "exe"), folder))
    return "runs from it";
  for (const Entry& entry : entries_of(process / "fd")) {
    const std::string file = target_of(process / "fd" / entry.name);
    if (!lies_at(file, folder)) continue;
    return file == folder ? "has it open" : fmt::format("has {} open", core::printable(file.substr(folder.size() + 1)));
  }
  return {};
}

std::string first_line(const Path& path) {
  try {
    const auto file = posix().open_read(path);
    core::Bytes bytes(4096);
    bytes.resize(file->read_at(0, bytes));
    const std::string text(core::as_text(bytes));
    return text.substr(0, text.find('\n'));
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

std::vector<std::string> holders_of(const Path& mount_point) {
  std::vector<std::string> holders;
  const std::string folder = mount_point.string(), own = std::to_string(::getpid());
  for (const Path& other : mount_points()) {
    if (other != mount_point && lies_at(other.string(), folder))
      holders.push_back(fmt::format("{} is mounted inside it", core::printable(other.string())));
  }
  for (const Entry& entry : entries_of("/sys/block")) {
    const std::string image = first_line(Path("/sys/block") / entry.name / "loop" / "backing_file");
    if (lies_at(image, folder))
      holders.push_back(fmt::format("/dev/{} stands on {}", entry.name, core::printable(image)));
  }
  for (const Entry& entry : entries_of("/proc")) {
    if (entry.name.find_first_not_of("0123456789") != std::string::npos || entry.name == own) continue;
    const Path process = Path("/proc") / entry.name;
    const std::string hold = hold_of(process, folder);
    if (!hold.empty())
      holders.push_back(fmt::format("{} (pid {}) {}", core::printable(first_line(process / "comm")), entry.name, hold));
  }
  return holders;
}

void unmount(const Path& mount_point) {
  ::sync();
  if (::umount2(mount_point.c_str(), UMOUNT_NOFOLLOW) == 0) return;
  const std::string name = core::printable(mount_point.string());
  if (errno == EBUSY) {
    const std::vector<std::string> all = holders_of(mount_point);
    const std::size_t shown = std::min(all.size(), kShown);
    std::string who;
    for (std::size_t i = 0; i < shown; ++i) who += (i == 0 ? ": " : "; ") + all[i];
    if (all.size() > shown) who += fmt::format("; and {} more", all.size() - shown);
    throw Error(Code::kInUse, fmt::format("{} is still in use{}", name, who.empty() ? " by a program" : who),
                all.empty() ? fmt::format("close what has files open there (sudo lsof {} tells), and type the same "
                                          "command again",
                                          core::shell_quote(mount_point.string()))
                            : "end that (a shell that stands in it: cd elsewhere), and type the same command again");
  }
  if (errno == EPERM) {
    throw Error(Code::kFailed, fmt::format("only root may unmount {}; everything on it is synced", name),
                fmt::format("umount {}   (or eject it in the file manager)", core::shell_quote(mount_point.string())));
  }
  throw Error::from_os(errno, "unmount", mount_point);
}

}  // namespace darkshelf::io
