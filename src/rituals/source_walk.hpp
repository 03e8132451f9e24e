#pragma once
// The files of a folder of this machine, as a seal would see them, without opening any.

#include <functional>
#include <string>
#include <vector>

#include "core/work.hpp"
#include "io/file_system.hpp"

namespace darkshelf::rituals {

struct WalkedFile {
  io::Path path;
  std::string below;  // path below the folder that is walked
  io::Stat stat;
};
struct WalkedFolder {
  std::vector<WalkedFile> files;  // regular ones, by name
};
struct SourceWalk {
  std::uint64_t links = 0;     // symbolic ones; none is followed
  std::uint64_t left_out = 0;  // what systems leave everywhere, previews of Lightroom, devices and pipes
  std::vector<std::pair<std::string, std::string>> unreadable;  // below the folder, and why
};
/// Hands over the files folder by folder. Throws kUsage where an archive of a drive lies in it, and what `each` throws.
SourceWalk walk_source(io::FileSystem& fs, const io::Path& folder, const core::Work& work,
                       const std::function<void(const WalkedFolder&)>& each);

}  // namespace darkshelf::rituals
