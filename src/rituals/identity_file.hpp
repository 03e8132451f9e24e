#pragma once
// darkshelf/drive.json, as it lies on a drive.

#include <optional>

#include "formats/drive/drive_files.hpp"
#include "io/file_system.hpp"

namespace darkshelf::rituals {

/// The identity a folder claims; nothing if it holds none (or what is called so is no file). Throws kCorrupt,
/// kNewerFormat, and what reading throws.
std::optional<formats::drive::DriveIdentity> read_identity(io::FileSystem& fs, const io::Path& root,
                                                           io::ReadMode mode = io::ReadMode::kCached);
/// For whoever looks around: a folder that cannot be read or understood simply is not the drive being looked for.
std::optional<formats::drive::DriveIdentity> identity_at(io::FileSystem& fs, const io::Path& root);

}  // namespace darkshelf::rituals
