#include "io/block_devices.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>

#include "core/error.hpp"
#include "io/mount_table.hpp"

namespace darkshelf::io {

using core::Error;

namespace {

constexpr std::uint64_t kTableLimit = 16 << 20, kSectorOfSys = 512;

/// One look at the system: texts it keeps, devices and what they stand on.
class Devices {
 public:
  Devices(FileSystem& fs, const DeviceTree& tree) : fs_(fs), tree_(tree) {}

  /// "" where there is none. Files of the kernel have no length: read until they end.
  std::string text(const Path& path) {
    try {
      const auto file = fs_.open_read(path);
      std::string text;
      core::Bytes part(64 << 10);
      while (text.size() < kTableLimit) {
        const std::size_t got = file->read_at(text.size(), part);
        if (got == 0) break;
        text += core::as_text({part.data(), got});
      }
      text.erase(text.find_last_not_of(std::string_view(" \n\t\0", 4)) + 1);
      text.erase(0, text.find_first_not_of(" \n\t"));
      return text;
    } catch (const Error&) {  // devices come and go
      return {};
    }
  }
  std::uint64_t number(const Path& path) {
    const std::string digits = text(path);
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }
  std::vector<std::string> names(const Path& folder) {
    std::vector<std::string> out;
    try {
      if (!fs_.stat_following(folder)) return out;
      for (const Entry& entry : fs_.list(folder)) out.push_back(entry.name);
    } catch (const Error&) {
    }
    return out;
  }

  std::optional<BlockDevice> describe(const std::string& name) {
    const Path folder = tree_.sys / "block" / name;
    BlockDevice out;
    out.path = tree_.dev / name;
    out.number = text(folder / "dev");
    out.bytes = number(folder / "size") * kSectorOfSys;
    if (out.bytes == 0 || out.number.empty()) return {};
    out.rotational = text(folder / "queue" / "rotational") == "1";
    out.removable = text(folder / "removable") == "1";
    out.model = text(folder / "device" / "model");
    out.serial = text(folder / "device" / "serial");
    if (out.serial.empty()) out.serial = text(folder / "serial");
    if (out.serial.empty()) out.serial = udev(out.number, "ID_SERIAL_SHORT");
    if (out.model.empty()) out.model = udev(out.number, "ID_MODEL");
    if (out.model.empty()) out.model = text(folder / "loop" / "backing_file");
    return out;
  }

  std::string udev(const std::string& number, const std::string& key) {
    std::istringstream lines(text(tree_.udev / ("b" + number)));
    const std::string start = "E:" + key + "=";
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(start)) return line.substr(start.size());
    }
    return {};
  }

  std::string number_of(const Path& device) {
    struct stat raw {};
    if (::stat(device.c_str(), &raw) != 0 || !S_ISBLK(raw.st_mode)) return {};
    return fmt::format("{}:{}", major(raw.st_rdev), minor(raw.st_rdev));
  }

  /// Name of the whole disk with this number, or that has the partition with it; and all numbers of it and of what
  /// stands on it.
  std::string disk_with(const std::string& number) {
    for (const std::string& name : names(tree_.sys / "block")) {
      if (text(tree_.sys / "block" / name / "dev") == number) return name;
      for (const std::string& part : names(tree_.sys / "block" / name)) {
        const Path folder = tree_.sys / "block" / name / part;
        if (fs_.stat_following(folder / "partition") && text(folder / "dev") == number) return name;
      }
    }
    return {};
  }

  /// This device, its partitions, and whatever holds any of them.
  void add_above(const Path& folder, std::set<std::string>& numbers, int depth = 0) {
    if (depth > 8 || !numbers.insert(text(folder / "dev")).second) return;
    for (const std::string& part : names(folder)) {
      if (fs_.stat_following(folder / part / "partition")) add_above(folder / part, numbers, depth + 1);
    }
    for (const std::string& holder : names(folder / "holders"))
      add_above(tree_.sys / "block" / holder, numbers, depth + 1);
    const std::string own = (tree_.dev / folder.filename()).string();
    add_loops_over(own, numbers, depth);
  }

  void add_loops_over(const std::string& file, std::set<std::string>& numbers, int depth) {
    for (const std::string& name : names(tree_.sys / "block")) {
      if (!name.starts_with("loop")) continue;
      if (text(tree_.sys / "block" / name / "loop" / "backing_file") == file)
        add_above(tree_.sys / "block" / name, numbers, depth + 1);
    }
  }

  /// All numbers under which bytes of this device or image may be mounted.
  std::set<std::string> numbers_of(const Path& device) {
    std::set<std::string> numbers;
    const std::string number = number_of(device);
    if (number.empty()) {
      add_loops_over(fs_.canonical(device).string(), numbers, 0);
      return numbers;
    }
    const std::string disk = disk_with(number);
    if (disk.empty()) return {number};
    const Path folder = tree_.sys / "block" / disk;
    if (text(folder / "dev") == number) {
      add_above(folder, numbers);
      return numbers;
    }
    numbers.insert(text(folder / "dev"));
    for (const std::string& part : names(folder)) {
      if (text(folder / part / "dev") == number && fs_.stat_following(folder / part / "partition"))
        add_above(folder / part, numbers);
    }
    return numbers;
  }

  std::vector<MountedPart> mounted(const std::set<std::string>& numbers) {
    std::vector<MountedPart> out;
    for (const MountRow& row : parse_mountinfo(text(tree_.mounts))) {
      // btrfs and FUSE have numbers of their own; the device they name tells.
      const std::string source = row.source.starts_with("/dev/") ? number_of(row.source) : std::string();
      if (numbers.contains(row.device_number) || (!source.empty() && numbers.contains(source)))
        out.push_back({row.source, row.mount_point, row.read_only});
    }
    return out;
  }

 private:
  FileSystem& fs_;
  const DeviceTree& tree_;
};

}  // namespace

std::vector<BlockDevice> block_devices(FileSystem& fs, const DeviceTree& tree) {
  Devices devices(fs, tree);
  std::vector<BlockDevice> out;
  for (const std::string& name : devices.names(tree.sys / "block")) {
    if (name.starts_with("ram") || name.starts_with("zram")) continue;
    const Path folder = tree.sys / "block" / name;
    if (!devices.names(folder / "slaves").empty()) continue;
    auto device = devices.describe(name);
    if (!device) continue;
    std::set<std::string> numbers;
    devices.add_above(folder, numbers);
    device->mounted = devices.mounted(numbers);
    out.push_back(std::move(*device));
  }
  return out;
}

std::vector<MountedPart> mounted_of(FileSystem& fs, const Path& device, const DeviceTree& tree) {
  Devices devices(fs, tree);
  return devices.mounted(devices.numbers_of(device));
}

std::optional<BlockDevice> disk_of(FileSystem& fs, const Path& device, const DeviceTree& tree) {
  Devices devices(fs, tree);
  const std::string number = devices.number_of(device);
  const std::string disk = number.empty() ? std::string() : devices.disk_with(number);
  return disk.empty() ? std::nullopt : devices.describe(disk);
}

}  // namespace darkshelf::io
