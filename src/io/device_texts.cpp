#include "io/device_texts.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "core/error.hpp"

namespace darkshelf::io {

std::string kernel_text(FileSystem& fs, const Path& path) {
  constexpr std::uint64_t kLimit = 16 << 20;
  const auto file = fs.open_read(path);
  std::string text;
  core::Bytes part(64 << 10);
  while (text.size() < kLimit) {
    const std::size_t got = file->read_at(text.size(), part);
    if (got == 0) break;
    text += core::as_text({part.data(), got});
  }
  return text;
}

std::string device_text(FileSystem& fs, const Path& path) {
  constexpr std::string_view kAround(" \n\t\0", 4);  // some disks fill their names up with NULs
  try {
    std::string text = kernel_text(fs, path);
    text.erase(text.find_last_not_of(kAround) + 1);
    text.erase(0, text.find_first_not_of(kAround));
    return text;
  } catch (const core::Error&) {
    return {};
  }
}

std::string udev_value(FileSystem& fs, const DeviceTree& tree, const std::string& number, const std::string& key) {
  std::istringstream lines(device_text(fs, tree.udev / ("b" + number)));
  const std::string start = "E:" + key + "=";
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(start)) return line.substr(start.size());
  }
  return {};
}

std::string device_number(const Path& device) {
  struct stat raw {};
  if (::stat(device.c_str(), &raw) != 0 || !S_ISBLK(raw.st_mode)) return {};
  return fmt::format("{}:{}", major(raw.st_rdev), minor(raw.st_rdev));
}

Path device_file(const DeviceTree& tree, const Path& folder) {
  std::string name = folder.filename().string();
  std::replace(name.begin(), name.end(), '!', '/');
  return tree.dev / name;
}

DiskTexts disk_texts(FileSystem& fs, const DeviceTree& tree, const Path& folder) {
  DiskTexts disk;
  disk.number = device_text(fs, folder / "dev");
  disk.is_loop = folder.filename().string().starts_with("loop");
  // The kernel calls some loop devices rotational, whatever their image lies on.
  disk.rotational = !disk.is_loop && device_text(fs, folder / "queue" / "rotational") == "1";
  disk.removable = device_text(fs, folder / "removable") == "1";
  disk.image = device_text(fs, folder / "loop" / "backing_file");
  disk.model = device_text(fs, folder / "device" / "model");
  disk.serial = device_text(fs, folder / "device" / "serial");
  if (disk.serial.empty()) disk.serial = device_text(fs, folder / "serial");
  if (disk.serial.empty()) disk.serial = udev_value(fs, tree, disk.number, "ID_SERIAL_SHORT");
  if (disk.model.empty()) disk.model = udev_value(fs, tree, disk.number, "ID_MODEL");
  return disk;
}

}  // namespace darkshelf::io
