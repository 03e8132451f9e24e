#pragma once
// Getting photos back: a shoot, a volume or files by pattern, mended on the way without touching the drive.

#include "rituals/mend.hpp"

namespace darkshelf::rituals {

struct RestoreRequest {
  std::vector<std::string> what;  // SHOOT, VOLUME or GLOB over file paths
  io::Path to;
  std::string from;  // DRIVE; "": any that is plugged in and holds it, healthiest first
  std::optional<core::Time>
      as_sealed;  // the state of the shoot as sealed on or before this time; default: newest of every path
};
struct RestoreReport {
  std::uint64_t photos = 0, files = 0, bytes = 0;  // written
  std::uint64_t links = 0;                         // symbolic links, written or there already: no files
  std::uint64_t already_there = 0;                 // identical files found in place
  std::uint64_t mended_slices = 0;
  std::vector<std::string> conflicts;   // a different file stands there: not overwritten
  std::vector<std::string> unnameable;  // names the target cannot hold
  std::vector<std::string> lost;        // cannot be rebuilt from what is plugged in
  std::vector<std::string> notes;       // "hard link kept as a copy", "xattr not supported there"
  std::vector<std::string> drives;      // labels read from
  std::vector<catalog::Volume> absent;  // on no drive that is plugged in
};
/// Every file is written to a temporary name, compared with its SHA-256, synced, given its times and mode, then put in
/// place. Never writes outside `to`, through links neither, nor into an archive (kUsage). Nothing is made before it is
/// certain that a drive with some of it is plugged in. Throws kNotFound, kDriveAbsent (tells which drive to fetch
/// from where).
RestoreReport restore(Context& context, const RestoreRequest& request);

}  // namespace darkshelf::rituals
