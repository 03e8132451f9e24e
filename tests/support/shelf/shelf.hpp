#pragma once
// A shelf inside the test process: catalog, folder drives and shoots over a file system that can be made to fail.

#include <memory>

#include "io/drive_guard.hpp"
#include "rituals/drives.hpp"
#include "rituals/seal.hpp"
#include "support/faults.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {

class Shelf {
 public:
  /// Drives are folders with these labels; `watcher` is told every call. Mounted drives are seen by every test that
  /// runs at the same time: one with such drives takes ids from a `seed` of its own.
  explicit Shelf(const std::vector<std::string>& drives, Watcher* watcher = nullptr, std::uint64_t seed = 7);

  /// As a new command has it: what an earlier one learned of drives is forgotten.
  rituals::Context context();
  catalog::Catalog& catalog() { return *catalog_; }
  core::SteadyWorld& world() { return world_; }
  io::FileSystem& fs() { return fs_; }
  io::Path path(const std::string& name) const { return temp_.path() / name; }
  /// A shoot of `files` photos of about `bytes` each, and its folder.
  io::Path add_shoot(const std::string& name, unsigned files, std::size_t bytes);
  rituals::SealRequest request(const io::Path& shoot, const std::vector<std::string>& drives) const;
  rituals::SealReport seal(const io::Path& shoot, const std::vector<std::string>& drives);
  /// What lies in path("back") is this shoot, byte for byte, and nothing else.
  void require_restored(const std::string& shoot) const;
  /// Closes the catalog and opens it again, as a new command would.
  void reopen();

 private:
  struct Quiet : Watcher {};

  TempDir temp_;
  Quiet quiet_;
  WatchedFileSystem fs_;
  std::vector<std::unique_ptr<io::DriveGuard>> guards_;  // one a context
  core::SteadyWorld world_;
  std::unique_ptr<catalog::Catalog> catalog_;
};

}  // namespace darkshelf::testing
