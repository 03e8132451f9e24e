#pragma once
// What the kernel and udev tell of devices, as text. For the files of this folder.

#include <string>

#include "io/block_devices.hpp"

namespace darkshelf::io {

/// All of a file of the kernel. Such files have no length: they are read until they end.
std::string kernel_text(FileSystem& fs, const Path& path);
/// As kernel_text, without the blanks and NULs around it; "" where there is none: devices come and go.
std::string device_text(FileSystem& fs, const Path& path);
/// What udev wrote down of the block device with this number ("E:ID_SERIAL_SHORT=…"), where it runs.
std::string udev_value(FileSystem& fs, const DeviceTree& tree, const std::string& number, const std::string& key);
/// "8:16"; "" for what is no block device.
std::string device_number(const Path& device);
/// The device file of a folder in /sys, where a "!" stands for a slash.
Path device_file(const DeviceTree& tree, const Path& folder);

struct DiskTexts {
  std::string number, model, serial;
  std::string image;  // the file behind a loop device
  bool is_loop = false, rotational = false, removable = false;
};
/// Of a whole disk, by its folder in /sys.
DiskTexts disk_texts(FileSystem& fs, const DeviceTree& tree, const Path& folder);

}  // namespace darkshelf::io
