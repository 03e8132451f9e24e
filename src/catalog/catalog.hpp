#pragma once
// The offline catalog: everything darkshelf knows with every drive unplugged. One SQLite file; formats/catalog/SPEC.md.
//
// What happened is kept as immutable facts, each with an id, the writer that recorded it, that writer's running number
// and a time. The present (where a drive is, which copies exist, how fresh they are) is derived by views. Two catalogs
// merge by the union of their facts, volumes and files.
//
// Every function throws core::Error. Each record_… is one transaction, durable when it returns. Not thread-safe.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/rows.hpp"
#include "io/file_system.hpp"

namespace darkshelf::catalog {

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
  /// A copy that lies there, and nobody has read: it counts after a scrub.
  void record_unread_copy(const Uuid& volume, const Uuid& drive, Time found);
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
