#pragma once
// A drive that really fails: a file system on a loop device whose image is a failing one.

#include "support/failing_image.hpp"

namespace darkshelf::testing {

class FailingDrive {
 public:
  /// Why there can be none here; nothing if there can.
  static std::optional<std::string> unavailable(const std::string& file_system = "ext4");

  /// Formats an image in `folder` and plugs it in, sound.
  FailingDrive(const io::Path& folder, const std::string& name, std::uint64_t bytes,
               const std::string& file_system = "ext4");
  ~FailingDrive();
  FailingDrive(const FailingDrive&) = delete;
  FailingDrive& operator=(const FailingDrive&) = delete;

  const io::Path& mount_point() const { return mount_point_; }

  /// Where the block of a file at this offset (of whole 4096 bytes) lies in the image: its content has to be unique.
  /// Unplugs and plugs in again, so that everything is in the image and nothing in a cache.
  std::uint64_t place_of(const io::Path& file, std::uint64_t offset);

  /// Of a file or a folder on ext4, wherever it lies, small or not.
  std::uint64_t first_block_of(const io::Path& path);

  /// From now on; see failing_image.cpp.
  void trouble(const std::string& kind, std::uint64_t offset, std::uint64_t bytes, unsigned milliseconds = 0) {
    served_.trouble(kind, offset, bytes, milliseconds);
  }
  void pulled_when_it_dies() { served_.pulled_when_it_dies(mount_point_); }
  void sound() { served_.sound(); }
  void flip(std::uint64_t offset, std::size_t count);  // bytes of the image, underneath

  void plug();
  void unplug();
  /// Whatever hangs or is dead is cleared away; what waits in the kernel is let go.
  void clear_away();

 private:
  io::Path image_, mount_point_;
  FailingImage served_;
  std::string file_system_, device_;
};

}  // namespace darkshelf::testing
