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
#include <sstream>

#include "core/error.hpp"
#include "core/text.hpp"
#include "io/mount_table.hpp"
#include "io/posix_file.hpp"

namespace darkshelf::io {

using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kProcLimit = 16 << 20;

/// A short text the kernel or udev keeps, blanks trimmed; "" if there is none.
std::string small_text(const Path& path) {
  try {
    FileSystem& fs = posix();
    const auto file = fs.open_read(path);
    core::Bytes bytes(64 << 10);
    bytes.resize(file->read_at(0, bytes));
    std::string text(core::as_text(bytes));
    text.erase(text.find_last_not_of(" \n\t\0") + 1);
    text.erase(0, text.find_first_not_of(" \n\t"));
    return text;
  } catch (const Error&) {
    return {};
  }
}

std::vector<MountRow> mount_rows() {
  // Files in /proc have no length: read until they end.
  const auto file = posix().open_read("/proc/self/mountinfo");
  std::string text;
  core::Bytes part(64 << 10);
  while (text.size() < kProcLimit) {
    const std::size_t got = file->read_at(text.size(), part);
    if (got == 0) break;
    text += core::as_text({part.data(), got});
  }
  return parse_mountinfo(text);
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

/// What udev wrote down of a block device ("E:ID_SERIAL_SHORT=…"), where it runs.
std::string udev_value(const std::string& number, const std::string& key) {
  std::istringstream lines(small_text(Path("/run/udev/data") / ("b" + number)));
  const std::string start = "E:" + key + "=";
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(start)) return line.substr(start.size());
  }
  return {};
}

/// UUID of a file system by its device, from the links that udev or the initramfs keeps.
std::string uuid_of_device(const std::string& device, const std::string& number) {
  if (const std::string told = udev_value(number, "ID_FS_UUID"); !told.empty()) return told;
  const Path folder = "/dev/disk/by-uuid";
  FileSystem& fs = posix();
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
DiskBelow disk_below(const std::string& number, int depth = 0) {
  FileSystem& fs = posix();
  const Path link = Path("/sys/dev/block") / number;
  if (depth > 8 || !fs.stat_following(link)) return {};
  DiskBelow disk{fs.canonical(link), false};
  if (fs.stat(disk.folder / "partition")) disk.folder = disk.folder.parent_path();
  const Path slaves = disk.folder / "slaves";
  if (fs.stat(slaves)) {
    const auto below = fs.list(slaves);
    if (!below.empty()) {
      DiskBelow under = disk_below(small_text(slaves / below.front().name / "dev"), depth + 1);
      under.several |= below.size() > 1;
      if (!under.folder.empty()) return under;
    }
  }
  return disk;
}

/// The device file of a disk in /sys, where a "!" stands for a slash.
std::string device_file(const Path& disk) {
  std::string name = disk.filename().string();
  std::replace(name.begin(), name.end(), '!', '/');
  return "/dev/" + name;
}

void describe_disk(const std::string& number, Medium& medium) {
  const auto [disk, several] = disk_below(number);
  if (disk.empty()) return;
  const std::string disk_number = small_text(disk / "dev");
  medium.rotational = small_text(disk / "queue" / "rotational") == "1";
  medium.removable = small_text(disk / "removable") == "1";
  medium.model = small_text(disk / "device" / "model");
  medium.serial = small_text(disk / "device" / "serial");
  if (medium.serial.empty()) medium.serial = small_text(disk / "serial");
  if (medium.serial.empty()) medium.serial = udev_value(disk_number, "ID_SERIAL_SHORT");
  if (medium.model.empty()) medium.model = udev_value(disk_number, "ID_MODEL");
  if (disk.filename().string().starts_with("loop")) {
    // An image file stands for a disk that can be carried away on its own; what it is backed by tells it from others.
    const std::string backing = small_text(disk / "loop" / "backing_file");
    medium.disk = "loop:" + (backing.empty() ? disk_number : backing);
    medium.rotational = false;
  } else {
    medium.disk = medium.serial.empty() ? disk_number : medium.serial;
    if (!several) medium.disk_device = device_file(disk);
  }
}

/// A device's number as the kernel packs it into the id of a file system.
std::uint64_t number_as_id(dev_t device) {
  const std::uint64_t high = major(device), low = minor(device);
  return (low & 0xFF) | (high << 8) | ((low & ~std::uint64_t{0xFF}) << 12);
}

}  // namespace

Medium medium_of(FileSystem& fs, const Path& path) {
  Medium medium;
  const Path real = fs.canonical(path);
  const std::vector<MountRow> rows = mount_rows();
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
  struct stat device {};
  if (!medium.device.empty() && ::stat(medium.device.c_str(), &device) == 0 && S_ISBLK(device.st_mode)) {
    number = fmt::format("{}:{}", major(device.st_rdev), minor(device.st_rdev));
  }
  medium.bytes = fs.space(real).total;
  medium.fs_id = uuid_of_device(medium.device, number);
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
  describe_disk(number, medium);
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

bool drop_block_cache(const Path& path) {
  const std::vector<MountRow> rows = mount_rows();
  const MountRow* row = row_of(rows, path);
  if (row == nullptr || row->fs_type != "fuseblk") return true;
  const Descriptor device(::open(row->source.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return device.number() >= 0 && ::ioctl(device.number(), BLKFLSBUF, 0) == 0;
}

}  // namespace darkshelf::io
