#include "support/loop_drive.hpp"

#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "support/process.hpp"

namespace darkshelf::testing {

namespace {

std::string must(const std::vector<std::string>& arguments) {
  const ProcessResult result = run_process(arguments);
  if (result.exit_code != 0) throw std::runtime_error(arguments[0] + " failed: " + result.out + result.err);
  return result.out;
}

std::string mounter_of(const std::string& file_system) {
  return file_system == "ntfs" ? "ntfs-3g" : "mount.exfat-fuse";
}

}  // namespace

std::optional<std::string> LoopDrive::unavailable(const std::string& file_system) {
  if (::geteuid() != 0) return "disk images can be mounted by root only";
  for (const std::string& program : {std::string("losetup"), std::string("mount"), "mkfs." + file_system}) {
    if (!has_program(program)) return "there is no program " + program;
  }
  if (file_system == "exfat" || file_system == "ntfs") {
    // Served by a program through FUSE.
    if (!has_program(mounter_of(file_system))) return "there is no program " + mounter_of(file_system);
    if (!io::posix().stat("/dev/fuse")) return "there is no /dev/fuse here";
  } else {
    run_process({"sh", "-c", "modprobe \"$1\" 2>/dev/null || true", "sh", file_system});
    if (run_process({"grep", "-qwF", file_system, "/proc/filesystems"}).exit_code != 0)
      return "this kernel has no " + file_system;
  }
  const ProcessResult free = run_process({"losetup", "--find"});
  if (free.exit_code != 0) return "there are no loop devices here";
  return {};
}

LoopDrive::LoopDrive(const io::Path& folder, const std::string& name, std::uint64_t bytes,
                     const std::string& file_system, const std::vector<std::string>& options)
    : image_(folder / (name + ".img")), mount_point_(folder / name), file_system_(file_system) {
  io::posix().create(image_)->truncate(bytes);
  io::posix().make_dir(mount_point_);
  std::vector<std::string> format = {"mkfs." + file_system};
  if (file_system == "ext4") format.insert(format.end(), {"-q", "-m", "0"});
  if (file_system == "ntfs") format.insert(format.end(), {"-q", "-F", "-f"});
  format.insert(format.end(), options.begin(), options.end());
  format.push_back(image_.string());
  must(format);
  plug();
}

LoopDrive::~LoopDrive() {
  try {
    if (plugged()) unplug();
  } catch (const std::exception&) {
    run_process({"umount", "-l", mount_point_.string()});
    run_process({"losetup", "-d", device_});
  }
}

void LoopDrive::plug() {
  // Direct I/O where the disk below takes it: then reading back reads the image, not the kernel's memory of it.
  ProcessResult made = run_process({"losetup", "--find", "--show", "--direct-io=on", image_.string()});
  if (made.exit_code != 0) made.out = must({"losetup", "--find", "--show", image_.string()});
  device_ = made.out.substr(0, made.out.find('\n'));
  if (file_system_ == "exfat" || file_system_ == "ntfs") {
    must({mounter_of(file_system_), device_, mount_point_.string()});
  } else {
    must({"mount", device_, mount_point_.string()});
  }
}

void LoopDrive::unplug() {
  // Other tests look at what is mounted, and a look takes a moment.
  for (int tries = 0; run_process({"umount", mount_point_.string()}).exit_code != 0; ++tries) {
    if (tries == 50) throw std::runtime_error(mount_point_.string() + " cannot be unmounted");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  must({"losetup", "-d", device_});
  device_.clear();
}

void LoopDrive::pull() {
  must({"umount", "-l", mount_point_.string()});
  must({"losetup", "-d", device_});  // as soon as nothing is open there any more
  device_.clear();
}

}  // namespace darkshelf::testing
