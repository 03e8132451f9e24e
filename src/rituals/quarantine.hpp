#pragma once
// Moving out of the way what stands where a file of darkshelf belongs and is none. Nothing is deleted: it is kept in
// the drive's quarantine.

#include <string>

#include "core/id.hpp"
#include "io/file_system.hpp"

namespace darkshelf::rituals {

struct AttachedDrive;

/// No folder on the way may be a link: a repair writes inside its volume or nowhere. Throws kFailed.
void require_no_links(io::FileSystem& fs, const io::Path& root, const std::string& path);

/// A folder that stands where the file `path` below `root` belongs, or a file where one of its folders does, goes into
/// `quarantine` with all that is in it. Tells whether something did.
bool clear_the_way(io::FileSystem& fs, const io::Path& root, const std::string& path, const io::Path& quarantine);

/// The same for a file beside the volumes, `path` below the root of the drive, and for what a run that was killed while
/// writing it may have left. Kept in of_drive().
bool clear_the_way(io::FileSystem& fs, const AttachedDrive& drive, const std::string& path, core::Time now);
/// Keeps the file, `path` below the root of the drive, in of_drive(): something else is going to take its place.
void set_aside(io::FileSystem& fs, const AttachedDrive& drive, const std::string& path, core::Time now);
/// Where in quarantine such things of one day are kept.
io::Path of_drive(const AttachedDrive& drive, core::Time now);

}  // namespace darkshelf::rituals
