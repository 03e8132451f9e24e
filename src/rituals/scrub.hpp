#pragma once
// The drive comes back: read everything on it and compare it with what was sealed. Never writes inside a volume.

#include "rituals/first_look.hpp"
#include "rituals/misplaced.hpp"
#include "rituals/scrub_adopted.hpp"
#include "rituals/signatures.hpp"
#include "rituals/wear.hpp"
#include "shelf/chain.hpp"

namespace darkshelf::rituals {

struct ScrubRequest {
  std::string drive;
  bool read_only = false;                      // not even the catalog copy is refreshed
  bool full = false;                           // --full: begins anew instead of going on with an unfinished check
  std::optional<std::chrono::seconds> budget;  // --for: until the time is used
  /// A first look is taken where there is more to read than this: less is read in a moment.
  std::uint64_t look_first_above = std::uint64_t{4} << 30;
  std::function<void(const catalog::Drive&, const FirstLook&)> on_first_look{};  // told at once
};

struct ScrubbedCopy {
  catalog::Volume volume;
  Examination examination;
  std::string renewal;  // the command that mends or renews it from another drive, and which, where parity cannot
};
/// Who sealed a volume, as its files on the drive tell.
struct SignedCopy {
  catalog::Volume volume;
  SignatureView view;
  bool elsewhere = false;  // other copies have a signature, this one has none yet
};
struct ScrubReport {
  catalog::Drive drive;
  io::Path root;
  std::vector<ScrubbedCopy> volumes;  // every volume that should be on the drive and was looked at, in order
  /// Good, and read by earlier visits of the check this one goes on with; here only their lists were read, and every
  /// file is there with its length.
  std::vector<catalog::Volume> read_before;
  bool read_in_part = false;              // of `volumes`, some were begun by earlier visits
  std::vector<catalog::Volume> not_read;  // not, or not to the end: the time was used up before
  bool known_damage = false;              // among those not read
  std::optional<core::Time> since;        // goes on with a check that was begun then
  std::vector<FileFinding>
      drive_findings;  // outside volumes; path below the drive's root: drive.json, seals, foreign volumes, litter
  std::uint64_t bytes_read = 0;
  std::chrono::nanoseconds took{};
  std::uint64_t photos = 0, photos_hit = 0;
  bool unfinished_repair = false;  // a journal waits: `darkshelf repair` finishes it
  bool damage() const;             // anything but litter and foreign files
  bool repairable() const;         // all damage is, if only by giving a volume its name back
  bool contradicts_seal = false;   // a volume whose seal is not the catalog's, a signature that does not match, a chain
  std::vector<SignedCopy> signatures;       // of every volume that lies there
  std::vector<shelf::ChainFinding> chains;  // of the catalogs that sealed what lies there
  bool catalog_refreshed = false;
  std::string not_refreshed;  // why it is not, although nothing was found; "" otherwise
  FirstLook first_look;
  std::vector<io::UnreadablePlaces> unreadable;  // files with sectors the medium did not give, or not at once
  bool known_failing = false;              // sectors that an earlier check could not read, in volumes not read now
  std::optional<core::Time> clock_behind;  // news that the clock here is behind of: what was read has no date
  bool failing() const;                    // the medium: sectors cannot be read, or the disk says so
  std::uint64_t healed = 0;                // slices and files that were read wrong at first
  std::vector<MisplacedVolume> misplaced;
  AdoptedCheck adopted;               // what was taken in and never sealed
  bool only_adopted = false;          // the drive is no archive: there is nothing else
  std::uint64_t unknown_volumes = 0;  // that the catalog does not know, and nobody can check therefore
  std::uint64_t litter = 0,
                new_litter = 0;  // of macOS and Windows in darkshelf/: all, and what earlier visits did not see
  bool read_only = false;        // nothing can be written to the drive
  WearReport wear;
};
/// The seals, and on a large drive a first look, before everything is read: volumes that the first look found bad, then
/// the longest unchecked ones. Slices of the sample are read once more then: leaving them out would take a seek each,
/// which is longer. A check that was cut short, by its time or by Ctrl-C, is gone on with where it
/// stopped if it was begun in the last 30 days: what it read and found good is not read again. Throws kCancelled, after
/// what was read is recorded; what() tells what is known so far. Exit 4 with repairable damage, 5 otherwise: the cli's
/// business.
ScrubReport scrub(Context& context, const ScrubRequest& request);

}  // namespace darkshelf::rituals
