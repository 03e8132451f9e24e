#pragma once
// The seam between darkshelf and the operating system: every byte that is read or written goes through a FileSystem, so
// that tests can make any call fail. Paths are bytes; links are never followed in the last component except where said.
// Every function throws core::Error made by Error::from_os unless it says otherwise.

#include <boost/filesystem/path.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/error.hpp"
#include "io/bad_sectors.hpp"

namespace darkshelf::io {

enum class FileType { kRegular, kDirectory, kSymlink, kOther };

struct Stat {
  FileType type = FileType::kOther;
  std::uint64_t bytes = 0;
  std::int64_t mtime_ns = 0;  // since 1970
  std::int64_t ctime_ns = 0;
  std::uint32_t mode = 0;  // permission bits only (07777)
  std::uint64_t device = 0, inode = 0, links = 0;
};

struct Entry {
  std::string name;  // bytes, without folder
  FileType type = FileType::kOther;
};

/// kDirect reads from the medium with caches bypassed (O_DIRECT). Where the file system refuses O_DIRECT the file is
/// opened normally after its cached pages were dropped as far as the system does that, and is_direct() is false.
enum class ReadMode { kCached, kDirect };

/// One open file. read_at and write_at may be called from several threads; offsets and lengths are free (direct files
/// use an aligned buffer inside; offset, length and address in multiples of 4096 go straight through).
class File {
 public:
  virtual ~File() = default;
  /// Reads until `into` is full or the file ends; returns the bytes read. Retries interrupted and short reads. When it
  /// throws a read error whose offset() is told, everything in front of that was read, and what failed lies in the
  /// kReadPiece behind it. Of a drive (DriveGuard) it throws UnreadableSectors, and everything else was read.
  virtual std::size_t read_at(std::uint64_t offset, core::MutableByteSpan into) = 0;
  /// Writes all of it or throws.
  virtual void write_at(std::uint64_t offset, core::ByteSpan bytes) = 0;
  virtual void truncate(std::uint64_t bytes) = 0;
  /// fsync: data and metadata are on the medium when it returns.
  virtual void sync() = 0;
  virtual Stat stat() = 0;
  virtual void set_mtime(std::int64_t mtime_ns) = 0;
  virtual void set_mode(std::uint32_t mode) = 0;
  virtual bool is_direct() const = 0;
  /// From now on a read throws Unanswered when a piece of it takes longer, and nothing here waits for it any more; 0:
  /// however long it takes.
  virtual void answer_within(std::chrono::milliseconds /*limit*/) {}
  virtual const Path& path() const = 0;
};

/// A read of a drive that hangs.
class Unanswered : public core::Error {
 public:
  Unanswered(const Path& path, std::uint64_t offset, std::chrono::milliseconds limit);
};

/// Free and total bytes for a normal user, and what the file system cannot do.
struct Space {
  std::uint64_t total = 0;
  std::uint64_t free = 0;
  std::uint64_t max_file_bytes = ~std::uint64_t{0};  // FAT: 4 GiB - 1
  bool read_only = false;
  bool lasting_inodes = true;  // FAT, exFAT, FUSE and SMB give a folder another number when it comes to mind again
};

/// Held until destroyed. The kernel drops it when the process dies.
class Lock {
 public:
  virtual ~Lock() = default;
};

/// Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// From now on nothing below `root` is done through a link or on another device, nor once `root`, or `folder` in it
  /// (if it is there already), is another folder than it is now, nor once the drive stopped answering; `drive` names it
  /// in errors. A promise of DriveGuard (drive_guard.hpp) alone: others do nothing.
  virtual void confine(const Path& root, const std::string& drive, const Path& folder);
  /// What could not be read of files in a folder of a drive since it was confined; nothing where there is no guard.
  virtual std::vector<UnreadablePlaces> unreadable_below(const Path& folder);

  virtual std::unique_ptr<File> open_read(const Path& path, ReadMode mode = ReadMode::kCached) = 0;  // follows links
  virtual std::unique_ptr<File> create(
      const Path& path) = 0;  // must not exist (O_EXCL, no link followed); read and write
  virtual std::unique_ptr<File> open_write(
      const Path& path) = 0;  // must exist; read and write in place; no link followed

  virtual std::optional<Stat> stat(const Path& path) = 0;            // nothing if there is nothing; a link is itself
  virtual std::optional<Stat> stat_following(const Path& path) = 0;  // what a link points to
  /// Names in a folder, without . and .., sorted by bytes.
  virtual std::vector<Entry> list(const Path& folder) = 0;
  virtual std::string read_link(const Path& path) = 0;
  /// Extended attributes whose name starts with "user.", sorted; empty where the file system has none.
  virtual std::map<std::string, std::string> xattrs(const Path& path) = 0;
  virtual Space space(const Path& path) = 0;
  /// The absolute path with every link resolved; throws if it does not exist.
  virtual Path canonical(const Path& path) = 0;

  virtual void make_dir(const Path& path) = 0;   // must not exist
  virtual void make_dirs(const Path& path) = 0;  // like mkdir -p; new folders are synced into their parents
  virtual void rename(const Path& from, const Path& to) = 0;  // replaces `to` if it is a file
  virtual void remove_file(const Path& path) = 0;
  virtual void remove_dir(const Path& path) = 0;  // must be empty
  virtual void make_symlink(const std::string& target, const Path& path) = 0;
  virtual void make_hard_link(const Path& existing, const Path& path) = 0;
  virtual void set_mtime(const Path& path, std::int64_t mtime_ns) = 0;  // of a link itself, too
  virtual void set_mode(const Path& path, std::uint32_t mode) = 0;
  virtual void set_xattr(const Path& path, const std::string& name, const std::string& value) = 0;
  /// fsync of a folder: names created, renamed or removed in it are on the medium when it returns.
  virtual void sync_dir(const Path& folder) = 0;

  /// Takes an exclusive lock on a file made for it (created if missing), whose text then tells who holds it:
  /// "pid 4711 on studio since 2026-12-31T12:00:00Z: darkshelf seal …". Throws Error(kInUse) with that text and `what`
  /// ("the catalog /path") in the sentence when another process has it.
  virtual std::unique_ptr<Lock> lock(const Path& path, const std::string& what, const std::string& holder) = 0;
};

FileSystem& posix();

/// What root owns becomes another user's (a link itself does); anybody else's stays theirs. Nothing happens where
/// owners cannot be changed.
void give_to(const Path& path, std::uint32_t user, std::uint32_t group);

/// Is this error about one place of the medium, rather than about the whole drive or the program?
bool is_read_error(const core::Error& error);

// --- built on the seam -------------------------------------------------------------------------------------------

/// What stat says, where "a folder on the way cannot be read" is an answer, too: damage of the medium, and no reason to
/// stop.
struct Looked {
  std::optional<Stat> stat;
  bool unreadable = false;
  bool is(FileType type) const { return stat && stat->type == type; }
};
Looked look_at(FileSystem& fs, const Path& path);
/// The names in a folder; nothing where it cannot be read.
std::optional<std::vector<Entry>> list_if_readable(FileSystem& fs, const Path& folder);

/// The whole file, at most `limit` bytes: throws Error(kCorrupt) naming the file if it is longer.
core::Bytes read_file(FileSystem& fs, const Path& path, std::uint64_t limit, ReadMode mode = ReadMode::kCached);
std::string read_text(FileSystem& fs, const Path& path, std::uint64_t limit, ReadMode mode = ReadMode::kCached);

/// Durable write: temporary name in the same folder, write, compare length, fsync, rename over `path`, fsync the
/// folder. On any failure the temporary file is removed and `path` is as it was. `mode`: set before anything is in it.
void write_file_durably(FileSystem& fs, const Path& path, core::ByteSpan bytes, std::optional<std::uint32_t> mode = {});

/// Removes a folder and all in it, never following links. Missing is fine. Where something is mounted in it nothing is
/// removed, and Error(kFailed) tells.
void remove_tree(FileSystem& fs, const Path& path);
/// fsync every file and then every folder of a tree, bottom-up, the root last.
void sync_tree(FileSystem& fs, const Path& root);

}  // namespace darkshelf::io
