#pragma once
// Mending damaged volumes in place, from the drive's own parity and from other copies: by slice, through a journal,
// damaged bytes kept in quarantine.

#include "rituals/mend.hpp"
#include "rituals/repair_request.hpp"

namespace darkshelf::rituals {

struct RepairRequest {
  std::string drive;
  std::optional<io::Path> work;                   // --work DIR: journal there instead of on the drive
  std::optional<std::vector<core::Uuid>> only;    // the volumes a scrub has just found bad; nothing: all that are there
  bool discard_quarantine = false;                // --discard: remove what earlier repairs kept, repair nothing
  std::string with = {};                          // --with DRIVE: a twin to take lost slices from; "": none
  std::optional<io::Path> request = {};           // --request FILE: asks for what could not be mended
  std::shared_ptr<const ParcelFile> parcel = {};  // --parcel FILE: what came of such a request
};
struct RepairedVolume {
  catalog::Volume volume;
  std::uint64_t slices = 0, files = 0, bytes = 0;  // mended
  Origin origin;                                   // of the slices; nothing of those a replayed journal held
  bool repaired = false;
  bool failing_medium = false;  // not repaired because the medium is failing: a copy elsewhere mends it on the way
  bool replayed = false;        // an earlier, interrupted repair was finished from its journal
  std::string failure;          // why not
  Examination after;            // what is left
};
/// Something beside the volumes that could not be mended; the volumes are, all the same.
struct RepairProblem {
  std::string sentence, hint;
  bool failing_medium = false;  // otherwise the system refused
  bool contradicts = false;     // or there is nothing to mend it from, and it speaks against what was sealed
};
struct RepairReport {
  catalog::Drive drive;
  std::vector<RepairedVolume> volumes;  // the ones that had damage
  std::uint64_t checked = 0;            // volumes looked at
  std::uint64_t second_seals = 0;       // second copies of seals written anew
  std::uint64_t signatures = 0;         // signature files put back
  std::uint64_t service_files = 0;      // catalog copy, CURRENT, START-HERE: damaged ones written anew
  io::Path quarantine;                  // empty if nothing was kept
  std::uint64_t discarded_bytes = 0;    // with discard_quarantine
  std::vector<RepairProblem> problems;
  std::string note;                       // about the twin; "" if there is nothing to say
  std::vector<std::string> commands;      // what brings back volumes that could not be mended
  std::optional<WrittenRequest> request;  // written to --request FILE; nothing if nothing could be asked for
  bool failing = false;                   // the medium: nothing was written to it, and no request
  std::string not_refreshed;              // why the catalog copy on the drive is not; "" if all is well
  bool complete() const;                  // everything is intact now
};
/// Times of the files are kept. A repaired volume is byte-identical to what was sealed (all hashes are compared again
/// from the medium). Missing free space for journal and quarantine is told before anything is written (kNoSpace). A
/// crash at any moment leaves the journal; the same command replays it.
RepairReport repair(Context& context, const RepairRequest& request);

}  // namespace darkshelf::rituals
