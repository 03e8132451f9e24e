#pragma once
// Which places of files cannot be read: what reading tells of them, and what is remembered of them as long as a command
// works on a drive.

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "core/error.hpp"

namespace darkshelf::io {

using Path = boost::filesystem::path;

/// What is asked for one by one where a larger read fails. Disks of today fail by 4096 bytes whatever they say their
/// sectors are; and a slice, which is lost as a whole, is never smaller.
inline constexpr std::uint64_t kSector = 4096;
/// A read of a drive is made in pieces of this size.
inline constexpr std::size_t kReadPiece = 1 << 20;

struct BadStretch {
  std::uint64_t offset = 0, bytes = 0;  // whole sectors, but for the end of the file
  bool asked = true;                    // false: it was stepped over in a run of errors, and may be readable
};

/// EIO, with all that is not readable of what was asked for; everything else of it is in the buffer, and zeros there.
class UnreadableSectors : public core::Error {
 public:
  UnreadableSectors(const Path& path, std::vector<BadStretch> stretches);
  const std::vector<BadStretch>& stretches() const noexcept { return stretches_; }

 private:
  std::vector<BadStretch> stretches_;
};

/// What reading one file of a drive met with so far.
struct UnreadablePlaces {
  Path path;
  std::vector<BadStretch> stretches;  // ascending
  std::uint64_t second_try = 0;       // sectors that could be read when they were asked again
  std::chrono::nanoseconds cost{};    // that all this took

  std::uint64_t sectors() const;       // that were asked for and cannot be read
  std::uint64_t stepped_over() const;  // bytes
};

/// What is known of one drive; nothing that cannot be read is asked for twice in one command. Thread-safe.
class BadSectors {
 public:
  /// Of [offset, offset + bytes), ascending. What was only stepped over is not known as bad.
  std::vector<BadStretch> within(const Path& path, std::uint64_t offset, std::uint64_t bytes) const;
  void add(const Path& path, const std::vector<BadStretch>& stretches, std::uint64_t second_try,
           std::chrono::nanoseconds cost);
  /// It was read, or written: what was known of it is over.
  void sound(const Path& path, std::uint64_t offset, std::uint64_t bytes);
  /// Another file will be there, or below it.
  void forget(const Path& path);
  std::vector<UnreadablePlaces> below(const Path& folder) const;

 private:
  mutable std::mutex mutex_;
  std::map<Path, UnreadablePlaces> files_;
};

}  // namespace darkshelf::io
