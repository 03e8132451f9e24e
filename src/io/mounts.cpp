#include "io/mounts.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "core/error.hpp"
#include "core/text.hpp"
#include "io/device_texts.hpp"
#include "io/mount_table.hpp"
#include "io/paths.hpp"
#include "io/posix_file.hpp"

namespace darkshelf::io {

using core::Code;
using core::Error;

namespace {

std::vector<MountRow> mount_rows(const DeviceTree& tree = {}) {
  return parse_mountinfo(kernel_text(posix(), tree.mounts));
}

bool is_network(const std::string& type) {
  static const std::set<std::string> kTypes = {"nfs", "nfs4", "cifs",       "smb3",       "9p",
                                               "afs", "ceph", "fuse.sshfs", "fuse.rclone"};
  return kTypes.contains(type);
}

bool holds_user_files(const std::string& type) {
  static const std::set<std::string> kKernelOwn = {
      "proc",      "sysfs",      "cgroup",   "cgroup2",    "devpts",      "devtmpfs", "mqueue",  "debugfs",
      "tracefs",   "securityfs", "pstore",   "bpf",        "binfmt_misc", "configfs", "fusectl", "autofs",
      "hugetlbfs", "nsfs",       "efivarfs", "rpc_pipefs", "selinuxfs",   "ramfs",    "squashfs"};
  return !kKernelOwn.contains(type);
}

/// UUID of a file system by its device, from the links that udev or the initramfs keeps.
std::string uuid_of_device(const DeviceTree& tree, const std::string& device, const std::string& number) {
  FileSystem& fs = posix();
  if (const std::string told = udev_value(fs, tree, number, "ID_FS_UUID"); !told.empty()) return told;
  const Path folder = tree.dev / "disk" / "by-uuid";
  if (device.empty() || !fs.stat_following(folder)) return {};
  try {
    const Path real = fs.canonical(device);
    for (const Entry& entry : fs.list(folder)) {
      if (fs.canonical(folder / entry.name) == real) return entry.name;
    }
  } catch (const Error&) {  // links come and go with devices
  }
  return {};
}

/// The disk that carries a block device, in /sys: partitions up to their disk, device-mapper and md down to what they
/// stand on.
struct DiskBelow {
  Path folder;  // empty if nothing tells
  bool several = false;
};
DiskBelow disk_below(const DeviceTree& tree, const std::string& number, int depth = 0) {
  FileSystem& fs = posix();
  const Path link = tree.sys / "dev" / "block" / number;
  if (depth > 8 || !fs.stat_following(link)) return {};
  DiskBelow disk{fs.canonical(link), false};
  if (fs.stat(disk.folder / "partition")) disk.folder = disk.folder.parent_path();
  const Path slaves = disk.folder / "slaves";
  if (fs.stat(slaves)) {
    const auto below = fs.list(slaves);
    if (!below.empty()) {
      DiskBelow under = disk_below(tree, device_text(fs, slaves / below.front().name / "dev"), depth + 1);
      under.several |= below.size() > 1;
      if (!under.folder.empty()) return under;
    }
  }
  return disk;
}

void describe_disk(const DeviceTree& tree, const std::string& number, Medium& medium) {
  const auto [folder, several] = disk_below(tree, number);
  if (folder.empty()) return;
  const DiskTexts disk = disk_texts(posix(), tree, folder);
  medium.rotational = disk.rotational;
  medium.removable = disk.removable;
  medium.model = disk.model;
  medium.serial = disk.serial;
  if (disk.is_loop) {
    // An image file stands for a disk that can be carried away on its own; what it is backed by tells it from others.
    medium.disk = "loop:" + (disk.image.empty() ? disk.number : disk.image);
  } else {
    medium.disk = disk.serial.empty() ? disk.number : disk.serial;
    if (!several) medium.disk_device = device_file(tree, folder).string();
  }
}

/// A device's number as the kernel packs it into the id of a file system.
std::uint64_t number_as_id(dev_t device) {
  const std::uint64_t high = major(device), low = minor(device);
  return (low & 0xFF) | (high << 8) | ((low & ~std::uint64_t{0xFF}) << 12);
}

}  // namespace

Medium medium_of(FileSystem& fs, const Path& path) { return medium_of(fs, path, {}); }

Medium medium_of(FileSystem& fs, const Path& path, const DeviceTree& tree) {
  Medium medium;
  const Path real = fs.canonical(path);
  const std::vector<MountRow> rows = mount_rows(tree);
  std::string number;
  if (const MountRow* row = row_of(rows, real)) {
    medium.mount_point = row->mount_point;
    medium.fs_type = row->fs_type;
    medium.read_only = row->read_only;
    medium.network = is_network(row->fs_type);
    if (row->source.starts_with("/dev/")) medium.device = row->source;
    number = row->device_number;
  }
  // btrfs and others give files numbers of their own; the device file knows the disk.
  const std::string own = medium.device.empty() ? std::string() : device_number(medium.device);
  if (!own.empty()) number = own;
  medium.bytes = fs.space(real).total;
  medium.fs_id = uuid_of_device(tree, medium.device, number);
  if (medium.fs_id.empty()) {
    struct statfs raw {};
    if (::statfs(real.c_str(), &raw) == 0) {
      std::uint64_t id = 0;
      std::memcpy(&id, &raw.f_fsid, sizeof id);
      // XFS, FAT and others make it of the device's number, which is another at the next plugging in.
      struct stat at {};
      const bool is_number = ::stat(real.c_str(), &at) == 0 && id == number_as_id(at.st_dev);
      if (id != 0 && !is_number) medium.fs_id = fmt::format("{:016x}", id);
    }
  }
  describe_disk(tree, number, medium);
  if (medium.disk.empty()) medium.disk = medium.fs_id;
  return medium;
}

std::vector<Path> mount_points() {
  std::vector<Path> points;
  for (const MountRow& row : mount_rows()) {
    const bool known = std::find(points.begin(), points.end(), row.mount_point) != points.end();
    if (holds_user_files(row.fs_type) && !known) points.push_back(row.mount_point);
  }
  return points;
}

std::vector<Path> mounts_in(FileSystem& fs, const Path& folder) {
  const Path root = fs.canonical(folder);
  std::vector<Path> found;
  for (const MountRow& row : mount_rows()) {
    if (lies_in(row.mount_point, root)) found.push_back(row.mount_point);
  }
  return found;
}

bool drop_block_cache(const Path& path) {
  const std::vector<MountRow> rows = mount_rows();
  const MountRow* row = row_of(rows, path);
  if (row == nullptr || row->fs_type != "fuseblk") return true;
  const Descriptor device(::open(row->source.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return device.number() >= 0 && ::ioctl(device.number(), BLKFLSBUF, 0) == 0;
}

}  // namespace darkshelf::io
