#pragma once
// What every ritual is handed, and the drive a ritual works on.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "core/id.hpp"
#include "core/work.hpp"
#include "formats/drive/drive_files.hpp"
#include "io/file_system.hpp"
#include "io/mounts.hpp"
#include "shelf/policy.hpp"

namespace darkshelf::rituals {

/// Something a person should hear that is no part of what was asked for, and what to type about it.
struct Note {
  std::string text, next;
};

struct WearReport;  // wear.hpp

struct Context {
  io::FileSystem& fs;
  core::World& world;
  core::Work work;
  catalog::Catalog& catalog;
  std::vector<Note>* notes = nullptr;  // where rituals leave them, if anybody listens; the same one once
  /// Told at once what a disk says of its wear: it is news a single time, and the visit may be cut short.
  std::function<void(const catalog::Drive&, const WearReport&)> on_wear = {};

  void note(const std::string& text, const std::string& next) const;
};

/// A registered drive that is plugged in and is what it claims to be.
struct AttachedDrive {
  catalog::Drive drive;
  io::Path root;  // "<drive>": the folder that holds darkshelf/
  io::Medium medium;
  formats::drive::DriveIdentity identity;
  std::shared_ptr<io::Lock> lock;  // of darkshelf/.lock; null when the drive is read-only
  /// The medium does not give drive.json, and other evidence told which drive this is; `identity` is the catalog's.
  /// Nothing is written to it then.
  bool identity_unreadable = false;
  /// It has no drive.json: taken in as it was (adopt), and known by its evidence. Nothing is ever written to it.
  bool adopted = false;

  bool is_read_only(io::FileSystem& fs) const { return adopted || medium.read_only || fs.space(root).read_only; }
  io::Path folder() const { return root / std::string(formats::drive::kFolder); }
  io::Path volume_folder(const catalog::Volume& volume) const { return folder() / volume.folder; }
};

/// kCheck: as kWrite, for a ritual that also does its work on a drive that nothing can be written to.
enum class Visit { kWrite, kCheck, kReadOnly };

/// Finds the drive that `text` means (label, id prefix, or the path where it is mounted) among what is plugged in,
/// checks its identity against the evidence, takes its lock (not for kReadOnly) and records the visit. Throws kNotFound
/// (no such drive known), kDriveAbsent (known, not plugged in: tells its place), kWrongDrive (a path that is no
/// registered drive, another identity than expected, evidence that no longer fits, two drives with one id), kInUse. A
/// drive whose identity the medium does not give is known by its evidence, unless it should be written to (kWrite).
AttachedDrive attach(Context& context, const std::string& text, Visit visit);
/// After a kDriveGone: was it this drive?
bool has_left(Context& context, const AttachedDrive& drive);
/// The known drives that are plugged in now, without taking locks; wrong ones are left out.
std::vector<AttachedDrive> attached_drives(Context& context);

/// Throws kWrongDrive where the folder darkshelf of a drive is a link.
void refuse_link(io::FileSystem& fs, const io::Path& root);
/// What is said where an archive lies and no file tells which drive it is.
core::Error without_identity(const io::Path& root);
/// The same where the medium does not give the file; `drive`: which one it must be by other evidence.
core::Error identity_not_readable(const io::Path& root, const std::optional<catalog::Drive>& drive);

/// Which drives lie where at this moment, by what they say of themselves; nothing is checked, locked or recorded.
std::map<core::Uuid, io::Path> plugged_in(io::FileSystem& fs, catalog::Catalog& catalog);

/// Where a drive may be plugged in: every mount point, where each was last, and where any ever was on this machine: a
/// drive may be a plain folder, and two may have changed places. `first`: where to look before all others.
std::vector<io::Path> roots_to_look_at(catalog::Catalog& catalog, const io::Path& first = {});

/// Evidence as the catalog keeps it.
catalog::Evidence evidence_of(const io::Medium& medium, const io::Path& root);

/// Bytes of all files in a folder and below; of a file, its own.
std::uint64_t tree_bytes(io::FileSystem& fs, const io::Path& folder);
/// Of all bytes of a file.
digest::Sha256 sha256_of(Context& context, const io::Path& path, io::ReadMode mode = io::ReadMode::kCached);

/// "2,412 photos (7,236 files)".
std::string photos_and_files(std::uint64_t photos, std::uint64_t files);

}  // namespace darkshelf::rituals
