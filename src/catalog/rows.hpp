#pragma once
// What the catalog gives and takes: plain values, for catalog.hpp.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catalog/standing.hpp"
#include "catalog/wear.hpp"
#include "core/id.hpp"
#include "formats/minisig/minisig.hpp"
#include "formats/volume/tag_files.hpp"
#include "io/file_system.hpp"

namespace darkshelf::catalog {

using core::Time;
using core::Uuid;

// --- the present, as rows ---------------------------------------------------------------------------------------

enum class DriveState { kOnShelf, kLent, kLost, kFailed, kRetired, kDestroyed };
std::string_view name_of(DriveState state);

/// What told one medium from another at a visit (io::Medium); evidence, never identity.
struct Evidence {
  std::string fs_id, fs_type, model, serial, disk;
  std::uint64_t bytes = 0;
  std::string path;   // where it was mounted at that visit: a first guess of where to look next time
  std::string below;  // its folder below the mount point; "": all of the file system
  bool operator==(const Evidence&) const = default;
};

struct Place {
  Uuid id;
  std::string name, note;
  bool offsite = false;
};

struct Drive {
  Uuid id;
  std::string label, kind, note;  // kind: hdd, ssd, flash, nas
  std::optional<Uuid> place;
  std::string place_name;  // "" if none
  bool offsite = false;
  DriveState state = DriveState::kOnShelf;
  std::string lent_to;
  std::string catalog_mode = "full";  // what of the catalog it carries
  Evidence evidence;                  // as last accepted
  Time added{}, last_seen{};
  bool here = false;     // seen on this machine and not yet returned (`drive return`)
  bool adopted = false;  // taken in as it was: known by its evidence, unless it got a drive.json since
  /// Brought here from its off-site place and not back yet: it would burn with the others.
  bool away() const { return here && offsite; }
  std::uint64_t volumes = 0, bytes = 0;  // copies on it, bytes they take
};

struct Shoot {
  Uuid id;
  std::string name;    // as people call it now (renamed, or the folder's)
  std::string folder;  // the folder's name as sealed
  std::string date, note;
  std::optional<unsigned> keep_copies;  // `shoot keep`
  bool discarded = false;
  std::uint64_t photos = 0, files = 0, bytes = 0;
  std::vector<Uuid> groups;  // sealings of it, oldest first
};

struct Volume {
  formats::volume::BagInfo info;
  digest::Sha256 seal{};
  std::string tagmanifest;  // its text: mends a drive's own
  std::string folder;       // "2026/2026-06-14_smith-wedding_k7f3p_1of7", below darkshelf/
  std::uint64_t bytes_on_drive = 0;
  /// Not sealed but taken in from a drive that was full already (`adopt`): a folder of photos, or a part of a big one,
  /// as it was read there. It has no slices of its own: `slices` counts its files, in their order, so that checks go
  /// by ranges of files; `tagmanifest` has one line, the digest of its list of files ("photos.sha256"), so that equal
  /// folders have equal seals; `folder` is empty, since it lies elsewhere on every drive (Copy::folder).
  bool adopted = false;
};
/// Which volumes are asked for.
enum class Volumes { kSealed, kAdopted, kAll };

enum class CopyHealth { kGood, kDamaged, kUnrepairable, kMissing };  // as last found
struct Copy {
  Uuid volume, drive;
  Time made{};
  std::optional<Time> checked;      // last complete check: the oldest of its bytes' last reads; nothing: never proven
  std::optional<Time> latest_read;  // of any of them
  bool readback_cached = false;     // made through a cache: counts only after a scrub on a later day
  CopyHealth health = CopyHealth::kGood;
  std::string folder;       // adopted volumes: the shoot's folder on that drive, bytes below its root
  bool names_only = false;  // adopted, and nothing was read but names: no copy that counts
};

struct SliceRange {
  std::uint32_t first = 0, count = 0;
};
/// What of a copy a check has not read yet.
struct Unread {
  std::vector<SliceRange> slices;  // of the payload, ascending
  bool everything_else = true;     // tag files and recovery data
  bool nothing() const { return slices.empty() && !everything_else; }
};

// --- what is recorded -------------------------------------------------------------------------------------------

struct NewDrive {
  Uuid id;
  std::string label, kind, note, catalog_mode = "full";
  std::optional<Uuid> place;
  std::optional<Uuid> clone_of;
  Evidence evidence;
  bool adopted = false;
};

/// A volume of a seal plan, before any byte of it is on a drive.
struct PlannedVolume {
  Uuid volume;
  unsigned part = 1;
  std::vector<Uuid> drives;  // where it shall be
  std::uint64_t bytes_on_drive = 0;
};
struct SealPlan {
  Uuid group, shoot;
  std::string folder_path;  // the source on this machine
  std::string shoot_name;
  Time planned{};
  std::vector<PlannedVolume> volumes;
  std::string options;  // fingerprint of what is sealed and how, so that the same command resumes it
};

struct Finding {
  Uuid drive;
  std::optional<Uuid> volume;          // nothing: about the drive as a whole
  std::string kind;                    // damaged, unreadable, missing, changed, foreign, litter
  std::string path;                    // below the drive's root
  std::uint64_t first = 0, count = 0;  // slices, or bytes for files without
  std::string detail;                  // JSON: photos touched, bytes …
};
/// One volume read during a scrub visit.
struct ScrubbedVolume {
  Uuid volume;
  std::uint32_t first_slice = 0, slice_count = 0;  // the payload slices that were read and compared
  bool everything_else = true;                     // tag files and recovery data were read too
  CopyHealth health = CopyHealth::kGood;
};
struct Scrub {
  Uuid id, drive;
  Time started{}, ended{};
  std::optional<Uuid> check;  // the first visit (its id) of the check this one is part of; nothing: it was no check
  bool undated = false;       // the clock was behind what is known (set by scrubs())
  bool complete = false;      // with it, the check has read every byte of every volume on the drive
  std::vector<ScrubbedVolume> volumes;
  std::vector<Finding> findings;
};

/// What one visit of a check read, and how long that took.
struct Visit {
  Time started{}, ended{};
  bool complete = false;    // as in Scrub
  bool of_check = false;    // not only what a repair, a restore or a copy came upon
  std::uint64_t bytes = 0;  // about
};
/// A folder of this machine that somebody works in: what lies there is not on the shelf yet.
struct WorkFolder {
  Uuid id;
  std::string path;  // bytes
  Time since{};
};

/// A public key, and whose this catalog says it is. Only what was told to this very catalog makes it trusted: what was
/// merged from others is hearsay.
struct KnownKey {
  formats::minisig::PublicKey key;
  std::string name;
  bool trusted = true, told_here = true;
  Time since{};
};
/// The signature file of a volume as it was put on a drive, or found there and true.
struct KnownSignature {
  Uuid drive;
  std::string text;
  bool expected = false;  // the copy is still the one it was put beside
};
/// A running number that was given to a volume before it was written.
struct NumberedSeal {
  Uuid writer;
  std::uint64_t sequence = 0;
  Uuid volume;
};

// --- questions --------------------------------------------------------------------------------------------------

/// All that is asked for must hold: each word in what the shoot is called (name, folder, date, note, a place where it
/// is kept), or else, with all the rest, in one and the same file and what is known of its photo.
struct FindQuery {
  std::vector<std::string> words;    // case and accents do not matter; the beginning is enough, from two letters on
  std::string year, since, until;    // "2026", "2026-06": when it was taken, else the shoot's date
  std::optional<Uuid> drive, place;  // a copy is there
  std::string camera, lens;          // some part of its name
  std::string keyword;               // all of it, or all of one step of a path of keywords
  std::string label;                 // all of it
  std::optional<int> least_rating, most_rating;
  std::string type;          // file extension without dot
  bool files = false;        // answer by file
  std::size_t limit = 1000;  // of shoots; with `files` of files
};
struct FoundFile {
  Uuid volume;
  formats::volume::Member member;
};
struct Found {
  Shoot shoot;
  std::uint64_t matching_files = 0;  // files that match, 0 when only the name or a note does
  std::vector<FoundFile> files;      // with query.files
};
struct FindResult {
  std::vector<Found> found;        // by date, the last first
  std::uint64_t more_at_most = 0;  // shoots beyond the limit that may have it, too: nobody looked closely
};

/// What the photos of a shoot say of themselves, together.
struct ShootPhotos {
  std::vector<std::string> cameras, lenses, keywords;  // those of the most files first
  std::string first_day, last_day;                     // "2026-06-14"; "" where nothing is known
};

}  // namespace darkshelf::catalog
