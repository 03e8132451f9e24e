#pragma once
// One drive while it is worked on: whether its folders are still the ones they were, and whether it still answers; for
// drive_guard.cpp alone.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "io/bad_sectors.hpp"
#include "io/file_system.hpp"

namespace darkshelf::io {

/// Promise 4: an unreadable place is damage, a drive that answers nothing is gone. Once gone it stays gone for whoever
/// holds this object: nothing is asked of a dead drive twice. Thread-safe.
class ConfinedDrive {
 public:
  /// Remembers the root, which has to be a folder, and `folder` below it if that is there yet.
  /// What is read to see whether it answers has `answer_within` to do so; 0: no limit.
  ConfinedDrive(FileSystem& below, Path root, std::string name, Path folder, std::chrono::milliseconds answer_within);

  const Path& root() const { return root_.path; }
  const std::string& name() const { return name_; }
  std::uint64_t device() const { return root_.device; }
  bool holds(const Path& path) const;  // the root itself, or below it

  /// Does the other one, made just now, tell of the same folders, and has nothing gone since?
  bool is_same(const ConfinedDrive& now) const;
  /// Throws kDriveGone when the drive was found gone before.
  void require_answering() const;
  /// The same, and when its root or its folder is not what it was.
  void require_there();
  /// A block that was read just now; `from_medium`: not from a cache.
  void good(const std::shared_ptr<const Path>& file, std::uint64_t offset, bool from_medium);
  /// After an error on this drive: returns when it still answers, so that the error is one of its own; else throws
  /// kDriveGone. `again`: of a place that failed before and was asked once more.
  void failed(const core::Error& error, bool again = false);
  BadSectors& bad() { return bad_; }

 private:
  struct Folder {
    Path path;
    std::uint64_t device = 0, inode = 0;  // inode 0: its file system has none that last
    bool operator==(const Folder&) const = default;
  };
  struct Place {
    std::shared_ptr<const Path> file;  // null: none yet
    std::uint64_t offset = 0;
    bool from_medium = false;
  };
  enum class Answer { kGood, kNone, kHangs, kNotThere };

  bool is_as_it_was(const Folder& folder);
  Answer ask(const Place& place);
  /// Is there anything that can be read of it, besides this file? What was read before may only be in its own memory.
  bool gives_anything_but(const Path& file);
  /// `why` goes on where the drive's name ends.
  [[noreturn]] void leave(const std::string& why);

  FileSystem& below_;
  std::string name_;
  std::chrono::milliseconds answer_within_;
  BadSectors bad_;
  Folder root_, folder_;
  mutable std::mutex mutex_;
  Place first_, last_;  // good reads; the first one is of a file that stays, the identity of the drive
  unsigned errors_in_a_row_ = 0;
  std::uint64_t turns_ = 0;  // of asking other places: each asks others
  std::atomic<bool> gone_ = false;
  std::string why_;
};

}  // namespace darkshelf::io
