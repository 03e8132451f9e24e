#pragma once
// Disks that are not there: folders as /sys, /dev and udev tell of disks.

#include "io/block_devices.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {

struct MadeTree {
  TempDir temp;
  io::DeviceTree tree{temp / "sys", temp / "dev", temp / "mountinfo", temp / "udev"};

  io::Path mounted() const { return io::posix().canonical(temp.path()); }

  void text(const io::Path& path, const std::string& content) {
    io::posix().make_dirs(path.parent_path());
    io::posix().create(path)->write_at(0, core::as_bytes(content + "\n"));
  }
  io::Path device(const std::string& name, const std::string& number, std::uint64_t sectors) {
    const io::Path folder = tree.sys / "block" / name;
    text(folder / "dev", number);
    text(folder / "size", std::to_string(sectors));
    return folder;
  }
};

}  // namespace darkshelf::testing
