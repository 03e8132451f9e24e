#pragma once
// What was adopted is read again and compared with what was taken in then. It was never sealed, and somebody may well
// have worked on it: what is written about a picture may change, the picture may not.

#include "rituals/examine.hpp"

namespace darkshelf::rituals {

struct AdoptedFinding {
  std::string path;  // below the root
  core::Uuid shoot;
  FindingKind kind = FindingKind::kChanged;  // unreadable, missing, changed; damaged: other bytes under the old date
  bool edited = false;                       // changed, but its picture did not; or no picture, and its date tells
  std::string reason;                        // of an unreadable one
  std::string protection;                    // of its shoot: a PAR2 set that is there
  std::vector<std::string> elsewhere;        // labels of drives with the same contents
};

struct AdoptedCheck {
  std::uint64_t volumes = 0;  // that were read to the end
  std::uint64_t photos = 0, files = 0;
  std::uint64_t read_before = 0;  // volumes, by earlier visits of the same check
  std::uint64_t not_read = 0;     // volumes: the time was used up
  std::uint64_t names_only = 0;   // volumes of which nothing but names is known
  std::uint64_t healed = 0;       // files that were read wrong at first
  std::uint64_t bytes_read = 0;
  std::vector<AdoptedFinding> findings;
  std::vector<std::string> added;  // below the root: there now, and not taken in

  bool any() const { return volumes + read_before + not_read + names_only > 0; }
  /// Something is lost or damaged; what was only edited is not.
  bool damage() const;
  bool unreadable() const;
  /// All of that is on other drives.
  bool is_elsewhere() const;
};

/// Adds to `record` what was read and found. `resumed`: goes on with the check that `record` belongs to.
AdoptedCheck check_adopted(Context& context, const AttachedDrive& drive, catalog::Scrub& record, bool resumed,
                           const std::function<bool()>& stop);

}  // namespace darkshelf::rituals
