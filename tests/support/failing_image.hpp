#pragma once
// A file some of whose bytes cannot be read: an image that is served by support/programs/failing_image.

#include <functional>
#include <optional>
#include <string>

#include "io/file_system.hpp"

namespace darkshelf::testing {

class FailingImage {
 public:
  /// Why there can be none here; nothing if there can.
  static std::optional<std::string> unavailable();

  /// Sound, and not served yet: `image` may still have to be made.
  FailingImage(const io::Path& folder, const std::string& name, const io::Path& image);
  ~FailingImage() { stop(); }
  FailingImage(const FailingImage&) = delete;
  FailingImage& operator=(const FailingImage&) = delete;

  void serve();
  /// Reads that hang are let go, and fail.
  void stop();
  io::Path file() const { return served_ / "image"; }

  /// From now on; see failing_image.cpp.
  void trouble(const std::string& kind, std::uint64_t offset, std::uint64_t bytes, unsigned milliseconds = 0);
  void pulled_when_it_dies(const io::Path& mount_point);
  void sound();  // no trouble any more

 private:
  void tell() const;

  io::Path image_, served_, trouble_;
  int program_ = -1;
  std::string text_;
};

/// Throws when it takes more than ten seconds.
void wait_until(const std::string& what, const std::function<bool()>& condition);

}  // namespace darkshelf::testing
