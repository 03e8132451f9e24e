#pragma once
// What lies in a drive's darkshelf/ beside the volumes and their seals: files that darkshelf writes anew at every
// visit, and things that are not its own.

#include "rituals/examine.hpp"

namespace darkshelf::rituals {

/// CURRENT and the catalog copy it names, the two texts START-HERE, public keys: damaged, unreadable or missing ones,
/// with paths below the drive's root. refresh_drive() writes each of them anew.
std::vector<FileFinding> examine_service_files(Context& context, const AttachedDrive& drive);

/// What is wrong about the second copy of a volume's seal, in seals/; nothing if it is as it was sealed.
std::optional<FileFinding> examine_second_seal(Context& context, const AttachedDrive& drive,
                                               const catalog::Volume& volume);

/// What of these, of drive.json and of all second copies of seals the medium does not give.
std::vector<FileFinding> unreadable_beside(Context& context, const AttachedDrive& drive);

/// Everything directly in darkshelf/ and in the folders of years that darkshelf did not put there, as foreign or
/// litter; folders of volumes, known or not, aside. Folders that cannot be read. Paths below the drive's root.
std::vector<FileFinding> find_strangers(Context& context, const AttachedDrive& drive);

}  // namespace darkshelf::rituals
