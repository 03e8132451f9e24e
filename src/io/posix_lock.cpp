#include "io/posix_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "core/error.hpp"
#include "core/text.hpp"
#include "io/posix_file.hpp"

namespace darkshelf::io {

using core::Code;
using core::Error;

namespace {

class PosixLock final : public Lock {
 public:
  explicit PosixLock(int descriptor) : descriptor_(descriptor) {}
  ~PosixLock() override {
    // The text goes before the lock: whoever takes it next never reads of a holder that is gone.
    if (::ftruncate(descriptor_.number(), 0) != 0) return;
  }

 private:
  Descriptor descriptor_;
};

std::string text_of(int descriptor) {
  std::array<char, 512> text{};
  const ssize_t got = ::pread(descriptor, text.data(), text.size(), 0);
  std::string holder(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  holder.erase(holder.find_last_not_of('\n') + 1);
  return core::printable(holder);
}

}  // namespace

std::unique_ptr<Lock> take_posix_lock(const Path& path, const std::string& what, const std::string& holder) {
  const int number =
      uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644); });
  if (number < 0) throw Error::from_os(errno, "open", path);
  Descriptor descriptor(number);
  if (uninterrupted([&] { return ::flock(number, LOCK_EX | LOCK_NB); }) != 0) {
    if (errno != EWOULDBLOCK) throw Error::from_os(errno, "lock", path);
    const std::string other = text_of(number);
    throw Error(Code::kInUse, fmt::format("{} is in use by {}", what, other.empty() ? "another process" : other),
                "wait until it is done, and type the same command again");
  }
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::string text =
      fmt::format("pid {} on {} since {}: {}\n", ::getpid(), host.data(), core::format_time(now), holder);
  // Who holds it is a courtesy: a full drive must not keep a repair from starting.
  if (::ftruncate(number, 0) == 0) static_cast<void>(::pwrite(number, text.data(), text.size(), 0) == 0);
  return std::make_unique<PosixLock>(descriptor.release());
}

}  // namespace darkshelf::io
