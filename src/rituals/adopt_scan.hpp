#pragma once
// Which folders of a full drive are shoots, and what lies in no shoot.

#include <optional>

#include "rituals/context.hpp"
#include "volume/scan.hpp"

namespace darkshelf::rituals {

/// The name that files in no shoot have as a shoot of their own.
inline constexpr std::string_view kLooseName = "loose files";

struct FoundShoot {
  std::string folder;  // below the root; "" for what is in no shoot, or all of the drive
  bool loose = false;
  volume::SourceShoot source;
};

/// Every file below the root is in exactly one of them, or in a `left_out` or `unreadable` of one; the archive of
/// darkshelf on the drive is in none. Without `each`, a folder is a shoot
/// - that has pictures of its own, or
/// - whose pictures are in one or two folders right below (RAW, JPEG),
/// unless those are called by a date, or it is called by a year, or holds such folders as shoots hold pictures. With
/// it, every folder at that depth is one (0: all of the drive, called `name`).
std::vector<FoundShoot> find_all(io::FileSystem& fs, const io::Path& root, std::optional<unsigned> each,
                                 const std::string& name, const core::Work& work);

}  // namespace darkshelf::rituals
