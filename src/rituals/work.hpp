#pragma once
// Folders that somebody works in, and what of them is not on the shelf yet. Only names, lengths and times are looked
// at: no file is opened.

#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "core/work.hpp"
#include "io/file_system.hpp"

namespace darkshelf::rituals {

struct WorkShoot {
  enum class State { kNotSealed, kPartly, kSealed };
  io::Path folder;
  std::string name, date;  // date: of its name, else of its newest picture
  std::int64_t days = 0;   // since then
  std::uint64_t photos = 0, files = 0, bytes = 0;
  std::uint64_t unsealed_files = 0;
  State state = State::kNotSealed;
};
struct WorkFolderReport {
  catalog::WorkFolder folder;
  bool gone = false;
  std::vector<WorkShoot> shoots;  // oldest first
  std::vector<std::string> unreadable;
};
struct WorkReport {
  std::vector<WorkFolderReport> folders;
  std::uint64_t not_sealed = 0, partly = 0;
  std::optional<std::int64_t> oldest_days;  // of those that are not sealed, else of those that are partly
  io::Path oldest;                          // its folder
};
/// Every direct subfolder with pictures in it is a shoot, unless the folder holds pictures itself: then it is one. A
/// shoot is on the shelf by the rule by which a seal passes it over.
WorkReport look_at_work(io::FileSystem& fs, catalog::Catalog& catalog, const core::Work& work, core::Time now);

/// The folder as it is recorded. Throws kNotFound, kUsage.
io::Path folder_to_work_in(io::FileSystem& fs, const io::Path& argument);
/// The one of the list that is meant, also when it is gone; throws kNotFound.
catalog::WorkFolder work_folder(io::FileSystem& fs, catalog::Catalog& catalog, const io::Path& argument);

}  // namespace darkshelf::rituals
