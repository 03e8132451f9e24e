#pragma once
// Volumes that lie on their drive under another name than their own: somebody copied or renamed a folder.

#include "rituals/context.hpp"
#include "shelf/chain.hpp"

namespace darkshelf::rituals {

struct MisplacedVolume {
  io::Path path, belongs;  // where it lies, and where it should
  core::Uuid volume;
  bool twice = false;  // it is there as well: either can go. Otherwise it only has to be renamed
};
/// `link`: of what lies in `folder`. Nothing unless it is a volume of this drive, sealed as it was.
std::optional<MisplacedVolume> misplaced_volume(Context& context, const AttachedDrive& drive, const io::Path& folder,
                                                const shelf::Link& link);
/// The folder of a volume that is not in its place.
std::optional<io::Path> renamed_folder_of(Context& context, const AttachedDrive& drive, const catalog::Volume& volume);
/// The command that puts it back.
std::string rename_back(const io::Path& path, const io::Path& belongs);

}  // namespace darkshelf::rituals
