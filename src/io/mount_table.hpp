#pragma once
// /proc/self/mountinfo as text to rows (proc(5)). Pure.

#include <string>
#include <string_view>
#include <vector>

#include "io/file_system.hpp"

namespace darkshelf::io {

struct MountRow {
  std::string device_number;  // "8:1" of the file system
  Path mount_point;
  std::string fs_type;
  std::string source;      // "/dev/sdb1", "server:/share"
  bool read_only = false;  // of the mount or of the file system
};

/// Rows in the order of the table (later mounts cover earlier ones); lines that make no sense are left out.
std::vector<MountRow> parse_mountinfo(std::string_view text);

/// The row whose mount point holds `path` (absolute, resolved); null if none does.
const MountRow* row_of(const std::vector<MountRow>& rows, const Path& path);

}  // namespace darkshelf::io
