#pragma once
// The offline catalog: everything darkshelf knows with every drive unplugged. One SQLite file; formats/catalog/SPEC.md.
//
// What happened is kept as immutable facts, each with an id, the writer that recorded it, that writer's running number
// and a time. The present (where a drive is, which copies exist, how fresh they are) is derived by views. Two catalogs
// merge by the union of their facts, volumes and files.
//
// Every function throws core::Error. Each record_… is one transaction, durable when it returns. Not thread-safe.

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

class Catalog {
 public:
  enum class Access { kRead, kWrite };

  /// Makes a new catalog with a writer of its own; throws Error(kFailed) if there is a file already.
  static Catalog create(io::FileSystem& fs, const io::Path& path, core::World& world, const std::string& command);
  /// Opens one. kWrite takes the lock (Error(kInUse) tells who holds it). Error(kNoCatalog) when missing, (kFailed)
  /// when the file is not ours or damaged ("darkshelf catalog verify"), (kNewerFormat) for a later schema. Older
  /// schemas are migrated (kWrite) after a copy was put beside, or read as they are through a migrated copy in memory
  /// (kRead).
  static Catalog open(io::FileSystem& fs, const io::Path& path, Access access, core::World& world,
                      const std::string& command);
  Catalog(Catalog&&) noexcept;
  Catalog& operator=(Catalog&&) noexcept;
  ~Catalog();

  const io::Path& path() const;
  Uuid writer() const;

  // Places, drives, policy
  Place record_place(const std::string& name, bool offsite, const std::string& note);
  void record_place_renamed(const Uuid& place, const std::string& name);
  std::vector<Place> places();
  std::optional<Place> find_place(const std::string& name);  // exact, else unique ignoring case

  void record_drive(const NewDrive& drive);
  void record_drive_renamed(const Uuid& drive, const std::string& label);
  void record_drive_moved(const Uuid& drive, const Uuid& place);
  void record_drive_lent(const Uuid& drive, const std::string& to);
  void record_drive_returned(const Uuid& drive);                          // no longer here, and no longer lent
  void record_drive_marked(const Uuid& drive, const std::string& state);  // lost, failed, retired, destroyed, found
  /// A visit: it is here now, and this is what it looks like.
  void record_drive_seen(const Uuid& drive, const Evidence& evidence);
  void record_drive_accepted(const Uuid& drive, const Evidence& evidence, const std::string& as);
  std::vector<Drive> drives();  // by label
  /// Where this catalog's machine ever saw any drive.
  std::vector<std::string> paths_seen();
  std::optional<Drive> drive(const Uuid& id);
  /// By label (exact, else ignoring case), or by the first 4 or more characters of the id. Error(kUsage) if ambiguous.
  std::optional<Drive> find_drive(const std::string& text);

  std::map<std::string, std::string> policy();  // as set; defaults are shelf's
  void record_policy(const std::map<std::string, std::string>& changes);

  // Sealing
  /// Now, but after everything this catalog knows of: a sealing that has its time from here is the last one, whatever
  /// clocks say.
  Time next_time();
  /// The newest check or copy known, when by a clock that says `now` it is yet to come: then what is recorded
  /// of a check has no date, and makes no copy fresher. News from more than a month ahead are taken for the work of
  /// another clock that was wrong, unless they are most of what is known.
  std::optional<Time> clock_is_behind(Time now);
  void record_seal_planned(const SealPlan& plan);
  void record_seal_ended(const Uuid& group);  // finished or given up: the plan is no longer open
  std::vector<SealPlan> open_plans();
  /// Sequence number and seal before it (hex, "" for the first) of the next volume of this writer.
  std::pair<std::uint64_t, std::string> next_seal();
  /// The same for this volume, recorded: it keeps them however often it is begun, and no other volume gets them.
  std::pair<std::uint64_t, std::string> number_seal(const Uuid& group, const Uuid& volume);
  std::vector<NumberedSeal> numbered_seals();  // of every writer
  /// A sealed volume and its members; known ones (same uuid) are left as they are if the seal is the same, else
  /// Error(kFailed).
  void record_volume(const Volume& volume, const std::vector<formats::volume::Member>& members);
  void record_copy(const Uuid& volume, const Uuid& drive, Time proven, bool readback_cached);
  /// The same of an adopted volume that lies in `folder` below the drive's root.
  enum class Taken { kRead, kNamesOnly };
  void record_adopted_copy(const Uuid& volume, const Uuid& drive, Time read, const std::string& folder, Taken how);
  void record_copy_gone(const Uuid& volume, const Uuid& drive, const std::string& reason);

  // Shoots
  std::vector<Shoot> shoots();  // discarded ones too
  std::optional<Shoot> shoot(const Uuid& id);
  /// By name, folder name, date, "date name" or id prefix; exact matches win over prefixes, prefixes over parts of
  /// words. Discarded ones only where no other is meant.
  std::vector<Shoot> find_shoots(const std::string& text);
  /// The only one of those, nothing if there is none. Error(kUsage) where there are several: it lists them with the
  /// beginnings of their ids, which tell apart what has one date and one name.
  std::optional<Shoot> find_shoot(const std::string& text);
  void record_shoot_renamed(const Uuid& shoot, const std::string& name);
  void record_shoot_note(const Uuid& shoot, const std::string& note);
  void record_shoot_keep(const Uuid& shoot, unsigned copies);
  void record_shoot_discarded(const Uuid& shoot, const std::string& reason);

  // Volumes, copies, files
  std::vector<Volume> volumes(Volumes which = Volumes::kSealed);  // by date, name, part
  std::optional<Volume> volume(const Uuid& id);
  std::optional<Volume> find_volume(const std::string& text);  // id prefix, or folder name; Error(kUsage) if ambiguous
  std::vector<Volume> volumes_of(const Uuid& shoot, Volumes which = Volumes::kSealed);
  std::vector<Volume> volumes_on(const Uuid& drive, Volumes which = Volumes::kSealed);
  std::vector<Copy> copies(Volumes which = Volumes::kSealed);
  std::vector<Copy> copies_of(const Uuid& volume);
  /// By the visits that belong to the check, and since the copy was made or repaired.
  Unread unread_in(const Uuid& check, const Volume& volume, const Uuid& drive);
  std::vector<formats::volume::Member> members_of(const Uuid& volume);
  /// Files whose path ends in `/text` or matches it as a glob, or whose SHA-256 is `text`.
  std::vector<FoundFile> where(const std::string& text);
  std::vector<FoundFile> by_sha256(const digest::Sha256& sha256);
  ShootPhotos photos_of(const Uuid& shoot);
  /// Throws Error(kUsage) for more than 64 words.
  FindResult find(const FindQuery& query);

  /// The shoots adopted from a drive beside all good copies on drives that are not lost or given up.
  std::vector<ShootStanding> standing(const Uuid& drive);
  /// The drives with every content of a volume, by digest, and in which volumes. None where only names are known.
  std::map<Uuid, std::set<Uuid>> drives_holding_all_of(const Uuid& volume);

  // Signatures
  void record_key(const KnownKey& key);
  std::vector<KnownKey> keys();
  void record_signature(const Uuid& volume, const Uuid& drive, const formats::minisig::Signature& signature);
  std::vector<KnownSignature> signatures_of(const Uuid& volume);  // last one first, one a drive
  std::vector<std::string> signing_keys_on(const Uuid& drive);    // ids, of the signatures known there

  // Scrubs
  void record_scrub(const Scrub& scrub);
  void record_repair(const Uuid& drive, const Uuid& volume, std::uint64_t slices,
                     const std::string& detail);          // copy is good again
  std::vector<Finding> open_findings(const Uuid& drive);  // of the last scrub of each volume, not repaired since
  std::vector<Scrub> scrubs(const Uuid& drive);           // newest first, without volumes and findings

  std::map<Uuid, std::vector<Visit>> visits();        // by drive, newest first
  std::optional<Time> lent_since(const Uuid& drive);  // its last lending

  // Folders being worked on; only what was told to this very catalog counts
  void record_work_added(const std::string& path);  // one that is known already stays as it is
  void record_work_removed(const Uuid& folder);
  std::vector<WorkFolder> work_folders();  // by path

  // What was sealed, by content
  /// Lengths of all files, ascending, each once.
  std::vector<std::uint64_t> file_sizes();
  /// Why and when a shoot was discarded, or a copy was removed last.
  struct Tombstone {
    std::string reason;
    Time when{};
  };
  std::optional<Tombstone> tombstone_of_shoot(const Uuid& shoot);
  std::optional<Tombstone> tombstone_of_volume(const Uuid& volume);

  // Wear of disks
  void record_wear(const Uuid& drive, const Wear& wear);
  std::vector<Wear> wear(const Uuid& drive);  // since it was accepted on its medium, newest first

  // What this file alone remembers; neither a fact nor merged nor copied to drives. "" if nothing.
  std::string remembered(const std::string& what);
  void remember(const std::string& what, const std::string& value);

  // The file itself
  /// Integrity, foreign keys, facts without gaps. Empty: sound; otherwise one sentence a problem.
  std::vector<std::string> verify();
  /// A compact copy for a drive: made beside the catalog, then written through `fs` to `to`, which must not exist, and
  /// fsynced. SQLite itself never writes to a drive. mode "own": only what concerns the volumes on `drive`.
  void export_to(io::FileSystem& fs, const io::Path& to, const std::string& mode, const Uuid& drive);
  struct Merged {
    std::uint64_t facts = 0, volumes = 0, files = 0;  // that were new here
  };
  /// Union with another catalog file of the same schema or older (opened read-only, immutable).
  Merged merge(const io::Path& other);
  /// What merge() would find new, of a file that is sound as far as SQLite tells; throws as merge() does.
  Merged unknown_in(const io::Path& other);

 private:
  struct State;
  explicit Catalog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace darkshelf::catalog
