#pragma once
// The disks of this machine, whether they hold a file system or not, and what of them is mounted.

#include <optional>
#include <string>
#include <vector>

#include "io/file_system.hpp"

namespace darkshelf::io {

struct MountedPart {
  std::string device;  // "/dev/sdb1", or what the table of mounts calls it
  Path mount_point;
  bool read_only = false;
};

struct BlockDevice {
  Path path;  // "/dev/sdb"
  std::string number, model, serial;
  std::uint64_t bytes = 0;
  bool rotational = false, removable = false;
  std::vector<MountedPart> mounted;  // it, or anything that stands on it
};

/// Where the system tells of its devices; another place in tests.
struct DeviceTree {
  Path sys = "/sys", dev = "/dev", mounts = "/proc/self/mountinfo", udev = "/run/udev/data";
};

/// Whole disks with a medium in them, by name; what stands on others (device-mapper, md), RAM disks and loop devices
/// without an image are left out.
std::vector<BlockDevice> block_devices(FileSystem& fs, const DeviceTree& tree = {});

/// A link to one is one, too.
bool is_block_device(const Path& path);

/// What is mounted of this device (a disk, a partition, or what stands on one) or image: itself, its partitions, its
/// disk as a whole, volumes that LVM, LUKS or md made of it, loop devices over it.
std::vector<MountedPart> mounted_of(FileSystem& fs, const Path& device, const DeviceTree& tree = {});

/// The disk a device (a partition, say) is on; nothing for an image, or where the system does not tell.
std::optional<BlockDevice> disk_of(FileSystem& fs, const Path& device, const DeviceTree& tree = {});

}  // namespace darkshelf::io
