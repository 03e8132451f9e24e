#pragma once
// What was adopted from one drive, beside all that is known to lie elsewhere.

#include <cstdint>
#include <string>
#include <vector>

#include "core/id.hpp"
#include "formats/volume/tag_files.hpp"

namespace darkshelf::catalog {

/// A path of one shoot with other bytes on another drive.
struct DifferingFile {
  std::string path;  // beginning with the shoot's folder
  core::Uuid shoot;
  core::Uuid here_volume, there_volume, there_drive;
  formats::volume::Member here, there;
};
/// What of one shoot is on a drive, beside all that is known to lie elsewhere; by the digest of contents.
struct ShootStanding {
  core::Uuid shoot;
  std::uint64_t files = 0, bytes = 0, photos = 0;                 // here
  std::uint64_t only_files = 0, only_bytes = 0, only_photos = 0;  // of those, on no other drive
  std::vector<std::string> missing;                               // elsewhere, and not here: paths
  std::vector<DifferingFile> differs;
};

}  // namespace darkshelf::catalog
