#pragma once
// Drives that were taken in as they were (adopt): they have no drive.json, and are known by their evidence.

#include "rituals/context.hpp"

namespace darkshelf::rituals {

/// Where an adopted drive must be plugged in: one whose file system, size and serial fit, at the same place below its
/// mount point. A folder of a file system has to hold something that was taken in from it as well; and where the system
/// tells no id of a file system, it has to lie where it lay. Several: nothing tells them apart.
std::vector<io::Path> roots_of_adopted(io::FileSystem& fs, catalog::Catalog& catalog, const catalog::Drive& drive);
/// The adopted drive that lies there; nothing if none does, or several may.
std::optional<catalog::Drive> adopted_at(io::FileSystem& fs, catalog::Catalog& catalog, const io::Path& root);
/// One that may be it though its evidence does not fit any more: another size or disk, or nothing of what was taken in.
std::optional<catalog::Drive> maybe_adopted_at(io::FileSystem& fs, catalog::Catalog& catalog, const io::Path& root);

/// All of those that are plugged in.
std::map<core::Uuid, io::Path> plugged_in_adopted(io::FileSystem& fs, catalog::Catalog& catalog);

/// Which nothing is ever written to.
core::Error adopted_is_not_written(const catalog::Drive& drive, const io::Path& root);
/// What was asked for lies on adopted drives alone, and nothing can be done there but read: it can be sealed.
core::Error adopted_can_be_sealed(Context& context, const std::string& what, const catalog::Volume& adopted);
/// That a path may be an adopted drive, and what to say then.
core::Error adopted_in_doubt(const catalog::Drive& drive, const io::Path& root);

/// The folder of an adopted copy on its drive.
io::Path adopted_folder(const io::Path& root, const catalog::Copy& copy);
/// Where a member of an adopted copy lies: its path below the shoot's folder.
io::Path adopted_file(const io::Path& root, const catalog::Copy& copy, const std::string& member_path);
/// Of the copy of this volume on that drive.
std::optional<catalog::Copy> copy_on(catalog::Catalog& catalog, const core::Uuid& volume, const core::Uuid& drive);

}  // namespace darkshelf::rituals
