#pragma once
// Keeps all work below a drive's folder on that drive: a drive that is pulled leaves an empty mount point on the system
// disk behind, and a link that somebody put on a drive may lead anywhere.

#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "io/sector_reads.hpp"

namespace darkshelf::io {

/// Another file system, with confine() made true. Every call with a path below a confined root looks first:
/// - the drive has to be there: its root and its folder are what they were (device and inode), and it was not found
/// gone
///   before, else Error(kDriveGone) names it;
/// - all folders between must be real ones on the root's device. stat finds nothing behind a link or another mount;
///   everything else throws Error(kWrongDrive). Nothing but stat looks at a link in the last place.
/// A call that fails, on a path or on an open file, throws kDriveGone when the drive is no longer there or answers no
/// more (promise 4): whoever reads needs to tell only damage from success. What cannot be read of an open file is told
/// by the sector (UnreadableSectors), and is not asked for again. Thread-safe.
class DriveGuard final : public FileSystem {
 public:
  explicit DriveGuard(FileSystem& below, const Patience& patience = {}) : below_(below), patience_(patience) {}

  void confine(const Path& root, const std::string& drive, const Path& folder) override;
  std::vector<UnreadablePlaces> unreadable_below(const Path& folder) override;

  std::unique_ptr<File> open_read(const Path& path, ReadMode mode) override;
  std::unique_ptr<File> create(const Path& path) override;
  std::unique_ptr<File> open_write(const Path& path) override;
  std::optional<Stat> stat(const Path& path) override;
  std::optional<Stat> stat_following(const Path& path) override;
  std::vector<Entry> list(const Path& folder) override;
  std::string read_link(const Path& path) override;
  std::map<std::string, std::string> xattrs(const Path& path) override;
  Space space(const Path& path) override;
  Path canonical(const Path& path) override;
  void make_dir(const Path& path) override;
  void make_dirs(const Path& path) override;
  void rename(const Path& from, const Path& to) override;
  void remove_file(const Path& path) override;
  void remove_dir(const Path& path) override;
  void make_symlink(const std::string& target, const Path& path) override;
  void make_hard_link(const Path& existing, const Path& path) override;
  void set_mtime(const Path& path, std::int64_t mtime_ns) override;
  void set_mode(const Path& path, std::uint32_t mode) override;
  void set_xattr(const Path& path, const std::string& name, const std::string& value) override;
  void sync_dir(const Path& folder) override;
  std::unique_ptr<Lock> lock(const Path& path, const std::string& what, const std::string& holder) override;

 private:
  using Drive = std::shared_ptr<ConfinedDrive>;
  enum class Last { kAny, kNoLink, kFolder };  // what the last component may be

  Drive drive_of(const Path& path) const;  // null: of none
  /// The first component below the root that is no real folder of the drive, or breaks `last`; empty if none.
  Path stranger(const ConfinedDrive& drive, const Path& path, Last last);
  void require(const Drive& drive, const Path& path, Last last);
  template <typename Work>
  auto guarded(const Path& path, Last last, Work work);
  template <typename Open>
  std::unique_ptr<File> opened(const Path& path, Open open);

  void forget(const Path& path);  // what is known of its bad sectors

  FileSystem& below_;
  const Patience patience_;
  mutable std::shared_mutex mutex_;
  std::vector<Drive> drives_;
};

}  // namespace darkshelf::io
