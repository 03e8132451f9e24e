#pragma once
// A drive for tests: a file system of its own in an image, mounted; it can be filled, unplugged and plugged in again.

#include <optional>
#include <string>
#include <vector>

#include "io/file_system.hpp"

namespace darkshelf::testing {

class LoopDrive {
 public:
  /// Why images cannot be mounted here; nothing if they can.
  static std::optional<std::string> unavailable(const std::string& file_system = "ext4");

  /// Makes the image in `folder`, formats it (with more options for mkfs) and plugs it in.
  LoopDrive(const io::Path& folder, const std::string& name, std::uint64_t bytes,
            const std::string& file_system = "ext4", const std::vector<std::string>& options = {});
  ~LoopDrive();
  LoopDrive(const LoopDrive&) = delete;
  LoopDrive& operator=(const LoopDrive&) = delete;

  const io::Path& mount_point() const { return mount_point_; }
  const io::Path& image() const { return image_; }
  const std::string& device() const { return device_; }  // "" while it is not plugged in
  void unplug();
  /// Without asking, whatever is open on it: its mount point stays behind, empty.
  void pull();
  void plug();
  bool plugged() const { return !device_.empty(); }

 private:
  io::Path image_, mount_point_;
  std::string file_system_, device_;
};

}  // namespace darkshelf::testing
