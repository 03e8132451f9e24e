#pragma once
// struct stat and struct timespec in darkshelf's terms; for posix*.cpp alone.

#include <sys/stat.h>

#include <array>
#include <ctime>

#include "io/file_system.hpp"

namespace darkshelf::io {

inline FileType type_from(mode_t mode) {
  if (S_ISREG(mode)) return FileType::kRegular;
  if (S_ISDIR(mode)) return FileType::kDirectory;
  if (S_ISLNK(mode)) return FileType::kSymlink;
  return FileType::kOther;
}

inline Stat stat_from(const struct stat& raw) {
  // Before 1677-09-21 and after 2262-04-11 the nearest there is: file systems have times that 64 bits of nanoseconds
  // lack.
  const auto ns = [](const timespec& time) {
    std::int64_t out = 0;
    const bool overflows = __builtin_mul_overflow(std::int64_t{time.tv_sec}, std::int64_t{1'000'000'000}, &out) ||
                           __builtin_add_overflow(out, std::int64_t{time.tv_nsec}, &out);
    if (overflows) return time.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return out;
  };
  Stat out;
  out.type = type_from(raw.st_mode);
  out.bytes = static_cast<std::uint64_t>(raw.st_size);
  out.mtime_ns = ns(raw.st_mtim);
  out.ctime_ns = ns(raw.st_ctim);
  out.mode = raw.st_mode & 07777;
  out.device = raw.st_dev;
  out.inode = raw.st_ino;
  out.links = raw.st_nlink;
  return out;
}

/// The access time stays as it is, but is named: file systems served by programs (exFAT, older FUSE) pass over a call
/// that sets one time alone. Times before 1970 count back from the second below.
inline std::array<timespec, 2> times_for(const struct stat& now, std::int64_t mtime_ns) {
  std::int64_t seconds = mtime_ns / 1'000'000'000, rest = mtime_ns % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --seconds;
  }
  return {now.st_atim, timespec{static_cast<time_t>(seconds), static_cast<long>(rest)}};
}

}  // namespace darkshelf::io
