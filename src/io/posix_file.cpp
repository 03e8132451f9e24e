#include "io/posix_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "core/error.hpp"
#include "core/text.hpp"
#include "io/posix_stat.hpp"
#include "io/read_helper.hpp"

namespace darkshelf::io {

using core::Error;

namespace {

constexpr std::size_t kBounce = 1 << 20, kLargeWrite = 1 << 20;
constexpr std::uint64_t kAlign = core::AlignedBuffer::kAlignment;

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, Path path, Opened opened)
      : descriptor_(descriptor), path_(std::move(path)), opened_(opened) {}

  std::size_t read_at(std::uint64_t offset, core::MutableByteSpan into) override {
    return opened_ == Opened::kDirectly ? read_direct(offset, into) : read_plain(offset, into);
  }

  void write_at(std::uint64_t offset, core::ByteSpan bytes) override {
    write_direct(offset, bytes);
    while (!bytes.empty()) {
      const ssize_t done = uninterrupted(
          [&] { return ::pwrite(descriptor_.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
      if (done < 0) throw Error::from_os(errno, "write", path_, offset);
      if (done == 0) throw Error::from_os(ENOSPC, "write", path_, offset);
      offset += static_cast<std::uint64_t>(done);
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
  }

  void truncate(std::uint64_t bytes) override {
    if (uninterrupted([&] { return ::ftruncate(descriptor_.number(), static_cast<off_t>(bytes)); }) != 0) {
      throw Error::from_os(errno, "change the length of", path_);
    }
  }

  void sync() override {
    if (uninterrupted([&] { return ::fsync(descriptor_.number()); }) != 0) throw Error::from_os(errno, "sync", path_);
  }

  Stat stat() override {
    struct stat raw {};
    if (::fstat(descriptor_.number(), &raw) != 0) throw Error::from_os(errno, "look at", path_);
    Stat out = stat_from(raw);
    if (S_ISBLK(raw.st_mode)) {  // a device is as long as it can be read
      const off_t end = ::lseek(descriptor_.number(), 0, SEEK_END);
      if (end > 0) out.bytes = static_cast<std::uint64_t>(end);
    }
    return out;
  }

  void set_mtime(std::int64_t mtime_ns) override {
    struct stat now {};
    if (::fstat(descriptor_.number(), &now) != 0) throw Error::from_os(errno, "look at", path_);
    const auto times = times_for(now, mtime_ns);
    if (::futimens(descriptor_.number(), times.data()) != 0) throw Error::from_os(errno, "set the time of", path_);
  }

  void set_mode(std::uint32_t mode) override {
    if (::fchmod(descriptor_.number(), mode) != 0) throw Error::from_os(errno, "set the mode of", path_);
  }

  bool is_direct() const override { return opened_ == Opened::kDirectly; }
  void answer_within(std::chrono::milliseconds limit) override { limit_ = limit; }
  const Path& path() const override { return path_; }

 private:
  /// One pread(), which may be short only where the file ends or, without a time limit, as the system pleases.
  std::size_t read_once(std::uint64_t offset, core::MutableByteSpan into) {
    std::size_t helped = 0;
    if (limit_.count() > 0) {
      const HelpedRead read = read_with_helper(descriptor_.number(), offset, into, limit_);
      helped = read.got;
      if (!read.answered) throw Unanswered(path_, offset + helped, limit_);
      if (read.error != 0) throw Error::from_os(read.error, "read", path_, offset + helped);
      if (!read.impossible) return helped;
    }
    const core::MutableByteSpan rest = into.subspan(helped);
    const ssize_t got = uninterrupted(
        [&] { return ::pread(descriptor_.number(), rest.data(), rest.size(), static_cast<off_t>(offset + helped)); });
    if (got < 0) throw Error::from_os(errno, "read", path_, offset + helped);
    return helped + static_cast<std::size_t>(got);
  }

  /// Takes off the front of `bytes` what went past the page cache: whole blocks of large writes, where the file system
  /// can do it. Copying a volume into the cache only to write it out from there takes longer than hashing it, and
  /// pushes out everything else.
  void write_direct(std::uint64_t& offset, core::ByteSpan& bytes) {
    const auto can_be = [&] {
      return bytes.size() >= kLargeWrite && offset % kAlign == 0 &&
             reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlign == 0;
    };
    if (opened_ != Opened::kForWriting || !can_be()) return;
    std::call_once(direct_once_, [&] {
      const std::string again = "/proc/self/fd/" + std::to_string(descriptor_.number());
      direct_ = std::make_unique<Descriptor>(::open(again.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
    });
    while (direct_->number() >= 0 && can_be()) {
      const std::size_t blocks = bytes.size() / kAlign * kAlign;
      const ssize_t done =
          uninterrupted([&] { return ::pwrite(direct_->number(), bytes.data(), blocks, static_cast<off_t>(offset)); });
      if (done < 0 && errno == EINVAL) return;  // this file system wants larger blocks, or none
      if (done < 0) throw Error::from_os(errno, "write", path_, offset);
      if (done == 0) return;
      offset += static_cast<std::uint64_t>(done);
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
  }

  /// To the end of `into` or of the file.
  std::size_t read_plain(std::uint64_t offset, core::MutableByteSpan into) {
    std::size_t total = 0;
    while (total < into.size()) {
      const std::size_t got = read_once(offset + total, into.subspan(total));
      if (got == 0) break;
      total += got;
    }
    return total;
  }

  /// O_DIRECT wants offset, length and address in whole blocks. A short read ends the file: a direct read may not be
  /// continued from the odd offset where the file ends.
  std::size_t read_blocks(std::uint64_t offset, core::MutableByteSpan into) {
    std::size_t total = 0;
    while (total < into.size()) {
      const std::size_t got = read_once(offset + total, into.subspan(total));
      total += got;
      if (got == 0 || total % kAlign != 0) break;
    }
    return total;
  }

  std::size_t read_direct(std::uint64_t offset, core::MutableByteSpan into) {
    const bool aligned = offset % kAlign == 0 && into.size() % kAlign == 0 &&
                         reinterpret_cast<std::uintptr_t>(into.data()) % kAlign == 0;
    if (aligned) return read_blocks(offset, into);
    core::AlignedBuffer bounce(
        static_cast<std::size_t>(std::min<std::uint64_t>(core::round_up(into.size(), kAlign) + kAlign, kBounce)));
    std::size_t total = 0;
    while (total < into.size()) {
      const std::uint64_t at = offset + total;
      const std::size_t skip = static_cast<std::size_t>(at % kAlign);
      const std::size_t want =
          std::min(static_cast<std::size_t>(core::round_up(skip + into.size() - total, kAlign)), bounce.size());
      const std::size_t got = read_blocks(at - skip, bounce.span().first(want));
      if (got <= skip) break;
      const std::size_t part = std::min(got - skip, into.size() - total);
      std::memcpy(into.data() + total, bounce.data() + skip, part);
      total += part;
      if (got < want) break;
    }
    return total;
  }

  Descriptor descriptor_;
  Path path_;
  Opened opened_;
  std::chrono::milliseconds limit_{0};  // 0: none
  std::once_flag direct_once_;
  std::unique_ptr<Descriptor> direct_;  // of the same file, past the page cache
};

}  // namespace

Unanswered::Unanswered(const Path& path, std::uint64_t offset, std::chrono::milliseconds limit)
    : Error(core::Code::kIo,
            fmt::format("a read of {} at byte {} was not answered in {:g} seconds", core::printable(path.string()),
                        offset, std::chrono::duration<double>(limit).count())) {}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

std::unique_ptr<File> make_posix_file(int descriptor, const Path& path, Opened opened) {
  return std::make_unique<PosixFile>(descriptor, path, opened);
}

}  // namespace darkshelf::io
