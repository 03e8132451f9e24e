#pragma once
// The drive comes back: read everything on it and compare it with what was sealed. Never writes inside a volume.

#include "rituals/examine.hpp"

namespace darkshelf::rituals {

struct ScrubRequest {
  std::string drive;
  bool read_only = false;                      // not even the catalog copy is refreshed
  std::optional<std::chrono::seconds> budget;  // --for: oldest-checked volumes first, until the time is used
};

struct ScrubbedCopy {
  catalog::Volume volume;
  Examination examination;
  std::string renewal;  // the command that brings a good copy from elsewhere, for one that cannot be repaired
};
struct ScrubReport {
  catalog::Drive drive;
  io::Path root;
  std::vector<ScrubbedCopy> volumes;      // every volume that should be on the drive and was looked at, in order
  std::vector<catalog::Volume> not_read;  // budget used up before
  std::vector<FileFinding>
      drive_findings;  // outside volumes; path below the drive's root: drive.json, seals, foreign volumes, litter
  std::uint64_t bytes_read = 0;
  std::chrono::nanoseconds took{};
  std::uint64_t photos = 0, photos_hit = 0;
  bool unfinished_repair = false;  // a journal waits: `darkshelf repair` finishes it
  bool damage() const;             // anything but litter and foreign files
  bool repairable() const;         // all damage is
  bool contradicts_seal = false;   // a volume whose seal is not the catalog's
  bool catalog_refreshed = false;
  std::string not_refreshed;          // why it is not, although nothing was found; "" otherwise
  std::uint64_t unknown_volumes = 0;  // that the catalog does not know, and nobody can check therefore
};
/// Exit 4 with repairable damage, 5 otherwise: the cli's business.
ScrubReport scrub(Context& context, const ScrubRequest& request);

}  // namespace darkshelf::rituals
