#pragma once
// Which medium a path lies on, and what tells it from others. Evidence, never identity: identity is drive.json.

#include <optional>
#include <string>
#include <vector>

#include "io/file_system.hpp"

namespace darkshelf::io {

struct DeviceTree;  // block_devices.hpp

struct Medium {
  Path mount_point;           // root of the file system the path lies on
  std::string device;         // "/dev/sdb1", "" if not a block device
  std::string fs_type;        // "ext4", "exfat", "fuseblk", "tmpfs"
  std::string fs_id;          // the file system's UUID where the system tells it, else its statfs id in hex
  std::uint64_t bytes = 0;    // size of the file system
  std::string model, serial;  // of the whole disk, "" if unknown
  std::string disk;  // names the physical disk: serial, else "maj:min" of the whole disk, else fs_id. Partitions, LVM
                     // and LUKS are followed down to their disk; a loop device is a disk of its own.
  std::string disk_device;  // "/dev/sdb": the one physical disk below it that can be asked how it is; "" if there is
                            // none (network, loop, memory) or several
  bool rotational = false, removable = false, network = false, read_only = false;
};

/// The medium a path (which must exist) lies on, from /proc/self/mountinfo and /sys. Unknown parts are empty. `fs` is
/// asked for what the medium itself has to answer.
Medium medium_of(FileSystem& fs, const Path& path);
Medium medium_of(FileSystem& fs, const Path& path, const DeviceTree& tree);
/// Mount points of all mounted file systems that can hold files of a user (no proc, sysfs, cgroup …).
std::vector<Path> mount_points();

/// Everything that is mounted at a folder (which must exist) or below it; of the same file system too, which no device
/// number tells.
std::vector<Path> mounts_in(FileSystem& fs, const Path& folder);

/// A file system that a program serves from a disk (exfat-fuse, ntfs-3g) reads it through the kernel's cache of that
/// disk, however files on it are opened. Drops what is in there, for a path without links; false when that is not
/// allowed, and what is read may come out of memory.
bool drop_block_cache(const Path& path);

/// Who keeps a mounted file system busy, a short text each: "bash (pid 4711) stands in it". As far as this user may
/// know.
std::vector<std::string> holders_of(const Path& mount_point);

/// Flushes and unmounts what is mounted at `mount_point`; throws Error(kInUse) naming who holds it when busy.
void unmount(const Path& mount_point);

}  // namespace darkshelf::io
