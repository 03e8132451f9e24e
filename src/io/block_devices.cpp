#include "io/block_devices.hpp"

#include <charconv>
#include <set>

#include "core/error.hpp"
#include "io/device_texts.hpp"
#include "io/mount_table.hpp"

namespace darkshelf::io {

using core::Error;

namespace {

constexpr std::uint64_t kSectorOfSys = 512;

/// One look at the system: texts it keeps, devices and what they stand on.
class Devices {
 public:
  Devices(FileSystem& fs, const DeviceTree& tree) : fs_(fs), tree_(tree) {}

  std::string text(const Path& path) { return device_text(fs_, path); }
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
    const DiskTexts disk = disk_texts(fs_, tree_, folder);
    BlockDevice out;
    out.path = device_file(tree_, folder);
    out.number = disk.number;
    out.bytes = number(folder / "size") * kSectorOfSys;
    if (out.bytes == 0 || out.number.empty()) return {};
    out.rotational = disk.rotational;
    out.removable = disk.removable;
    out.model = disk.model.empty() ? disk.image : disk.model;
    out.serial = disk.serial;
    return out;
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
    add_loops_over(device_file(tree_, folder).string(), numbers, depth);
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
    const std::string number = device_number(device);
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
      const std::string source = row.source.starts_with("/dev/") ? device_number(row.source) : std::string();
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

bool is_block_device(const Path& path) { return !device_number(path).empty(); }

std::vector<MountedPart> mounted_of(FileSystem& fs, const Path& device, const DeviceTree& tree) {
  Devices devices(fs, tree);
  return devices.mounted(devices.numbers_of(device));
}

std::optional<BlockDevice> disk_of(FileSystem& fs, const Path& device, const DeviceTree& tree) {
  Devices devices(fs, tree);
  const std::string number = device_number(device);
  const std::string disk = number.empty() ? std::string() : devices.disk_with(number);
  return disk.empty() ? std::nullopt : devices.describe(disk);
}

}  // namespace darkshelf::io
