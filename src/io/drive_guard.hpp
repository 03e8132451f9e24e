#pragma once
// Keeps all work below a drive's folder on that drive: a drive that is pulled leaves an empty mount point on the system
// disk behind, and a link that somebody put on a drive may lead anywhere.

#include <shared_mutex>
#include <string>
#include <vector>

#include "io/file_system.hpp"

namespace darkshelf::io {

/// Another file system, with confine() made true. Every call with a path below a confined root looks first:
/// - the root has to be the folder it was (device and inode), else Error(kDriveGone) names the drive;
/// - all folders between must be real ones on the root's device. stat finds nothing behind a link or another mount;
///   everything else throws Error(kWrongDrive). Nothing but stat looks at a link in the last place.
/// A call that fails while the root is no longer there throws kDriveGone too. Files that are open already are not
/// looked after. Thread-safe.
class DriveGuard final : public FileSystem {
 public:
  explicit DriveGuard(FileSystem& below) : below_(below) {}

  void confine(const Path& root, const std::string& drive) override;

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
  struct Root {
    Path path;
    std::string drive;
    std::uint64_t device = 0, inode = 0;
  };
  enum class Last { kAny, kNoLink, kFolder };  // what the last component may be

  std::optional<Root> root_of(const Path& path) const;
  bool still_there(const Root& root);
  [[noreturn]] void throw_gone(const Root& root, const std::string& why) const;
  /// The first component below the root that is no real folder of the drive, or breaks `last`; empty if none.
  Path stranger(const Root& root, const Path& path, Last last);
  void require(const Path& path, Last last);
  template <typename Work>
  auto guarded(const Path& path, Last last, Work work);

  FileSystem& below_;
  mutable std::shared_mutex mutex_;
  std::vector<Root> roots_;
};

}  // namespace darkshelf::io
