#pragma once
// A medium read as plain bytes, whatever of it cannot be read. Never written to.

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/work.hpp"
#include "io/file_system.hpp"

namespace darkshelf::io {

/// Bytes [begin, end) that gave an error, or stand behind some that did and were passed over.
struct BadRegion {
  std::uint64_t begin = 0, end = 0;
  bool tried = false;  // all of it
  bool operator==(const BadRegion&) const = default;
};

/// A device or an image. Thread-safe.
class RawMedium {
 public:
  RawMedium(FileSystem& fs, const Path& path, std::vector<BadRegion> known = {});

  std::uint64_t bytes() const { return bytes_; }
  const Path& path() const { return path_; }
  /// Fills `into`, up to the end of the medium; returns the bytes read. What cannot be read is zeros and becomes a bad
  /// region: behind each error more is passed over, so that a dying drive is first read where it is well. Known bad
  /// regions are not read again. Throws kDriveGone when nothing can be read any more, where it could before.
  std::size_t read(std::uint64_t offset, core::MutableByteSpan into);
  /// All of it, or false.
  bool read_exactly(std::uint64_t offset, core::MutableByteSpan into);
  /// Goes over what was passed over, in ever smaller pieces; tells what can be read after all.
  void split(const core::Work& work, const std::function<void(std::uint64_t begin, std::uint64_t end)>& readable);
  std::vector<BadRegion> bad() const;  // ascending

 private:
  static constexpr std::uint64_t kSector = 4096, kPiece = 64 << 10, kLongestSkip = 16 << 20;

  bool try_read(std::uint64_t offset, core::MutableByteSpan into);
  void add_bad(const BadRegion& region);
  void split_one(const BadRegion& region, std::vector<BadRegion>& left,
                 const std::function<void(std::uint64_t, std::uint64_t)>& readable);
  void require_there();

  Path path_;
  std::unique_ptr<File> file_;
  std::uint64_t bytes_ = 0;
  mutable std::mutex mutex_;
  std::vector<BadRegion> bad_;   // ascending, apart
  std::uint64_t skip_ = kPiece;  // passed over behind the next error
  unsigned errors_ = 0;          // in a row
  bool splitting_ = false;
  std::uint64_t last_good_ = ~std::uint64_t{0};  // a sector that was read
};

}  // namespace darkshelf::io
