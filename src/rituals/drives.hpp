#pragma once
// A drive's life: added, accepted after its evidence changed, refreshed with what the catalog knows, ejected.

#include <set>

#include "rituals/context.hpp"

namespace darkshelf::rituals {

struct AddDriveRequest {
  io::Path path;
  std::string label, place, note;
  std::string kind;                   // "" : told by the medium (hdd, ssd, flash, nas)
  std::string clone_of;               // DRIVE
  std::string catalog_mode = "full";  // full, own, none
  bool is_new = false;                // whatever drive its serial was seen on
};
struct AddedDrive {
  catalog::Drive drive;
  io::Medium medium;
  std::vector<std::string>
      warnings;  // "on the same disk as 2026-B: the two count once", "file system with a 4 GiB limit"
};
/// Writes darkshelf/drive.json and records the drive. Refuses (kWrongDrive) a path that holds a drive.json already
/// (known: "this is 2026-A"; unknown: "catalog recover"), a medium that was a known drive ("was 2026-A. Emptied or
/// formatted? Write nothing to it"), a label in use (kUsage), a path inside another drive, a read-only medium.
AddedDrive add_drive(Context& context, const AddDriveRequest& request);

/// After attach() refused: `as` is "moved" (same drive, new evidence) or "copy" (this is a clone: it gets an identity
/// of its own and the copies on it are recorded).
catalog::Drive accept_drive(Context& context, const io::Path& path, const std::string& as, const std::string& label);

/// Does the drive carry copies of a catalog, sound or not?
bool has_catalog_copy(io::FileSystem& fs, const io::Path& root);

/// The known drive that this must be, as its file system, its place and its START-HERE tell, for one whose drive.json
/// does not; nothing if they leave no or several.
std::optional<catalog::Drive> drive_by_evidence(io::FileSystem& fs, const std::vector<catalog::Drive>& drives,
                                                const io::Path& root);

/// Sync, catalog copy, unmount when it is a mount point of its own. Returns what was done. A drive that is kept
/// off-site counts there again after `drive return`.
enum class Ejected { kUnmounted, kSyncedOnly };
Ejected eject_drive(Context& context, const std::string& drive);

/// Writes the catalog copy (catalog-<n>.db, then CURRENT; two kept), START-HERE and label files. Never touches a
/// volume; writes nothing to a medium that is known to be failing. `damaged`: paths below the drive's root of copies
/// that are none to keep.
void refresh_drive(Context& context, const AttachedDrive& drive, const std::set<std::string>& damaged = {});
/// The same after work that stands whether this succeeds or not: what failed is told beside its result; "" if nothing.
std::string try_to_refresh(Context& context, const AttachedDrive& drive, const std::set<std::string>& damaged = {});

}  // namespace darkshelf::rituals
