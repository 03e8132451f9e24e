#pragma once
// One open file on Linux; for posix.cpp alone.

#include <cerrno>
#include <memory>
#include <utility>

#include "io/file_system.hpp"

namespace darkshelf::io {

enum class Opened { kForReading, kDirectly, kForWriting };

/// Takes over `descriptor`.
std::unique_ptr<File> make_posix_file(int descriptor, const Path& path, Opened opened);

/// `system call` again as long as signals interrupt it; -1 and errno otherwise.
template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

/// Closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const noexcept { return number_; }
  int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_;
};

}  // namespace darkshelf::io
