#pragma once
// A shelf driven through the real program: folder drives, two small shoots of several volumes, a catalog of its own;
// its whole state can be put aside and brought back.

#include <map>
#include <string>
#include <vector>

#include "io/file_system.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {

struct Outcome {
  int exit_code = -1;
  int signal = 0;  // that ended it, 0 if none
  std::string out, err;
};

class ProgramShelf {
 public:
  static constexpr std::size_t kVolumes = 3;  // the first shoot is cut in two

  /// Makes the shoots and adds the drives (labels; "A" lies at path("A")).
  explicit ProgramShelf(const std::vector<std::string>& drives);

  /// `catalog`: another than its own.
  Outcome run(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment = {},
              const io::Path& catalog = {});
  /// Killed after so long, if it is still at work then.
  Outcome run_killed_after(double seconds, const std::vector<std::string>& arguments);
  /// run() that has to end with exit code 0.
  void must(const std::vector<std::string>& arguments);
  std::vector<std::string> seal_command(const std::vector<std::string>& drives) const;
  /// The named steps a command goes through, in order, once for every time; the state is as before afterwards.
  std::vector<std::string> steps_of(const std::vector<std::string>& command);

  void keep();  // puts the state aside
  void back();  // brings it back as kept

  io::Path path(const std::string& name) const { return state_ / name; }
  io::Path shoots() const { return state_ / "shoots"; }
  /// Folders of volumes in their place on a drive.
  std::vector<io::Path> volumes(const std::string& drive) const;
  /// Every volume folder in its place is complete and every hash in it fits (judged by sha256sum).
  void require_whole_seals();
  /// Volume folder name to tagmanifest text.
  std::map<std::string, std::string> seals(const std::string& drive) const;
  /// Path to mode, time and content of everything inside volumes.
  std::map<std::string, std::string> volume_tree(const std::string& drive) const;
  /// Half-made folders and journals that lie about.
  std::vector<std::string> leftovers(const std::string& drive) const;

  /// Bytes in the payload, a recovery file and a tag file of the first volume; the payload of the second is cut short
  /// and a tag file of the third deleted.
  void damage(const std::string& drive);
  void lose_catalog();
  void lose_catalog_copies(const std::string& drive);

 private:
  TempDir temp_;
  io::Path state_, kept_;
  std::vector<std::string> drives_;
};

/// Every regular file of a tree, sorted by path.
std::map<io::Path, io::Stat> files_below(const io::Path& folder);

}  // namespace darkshelf::testing
