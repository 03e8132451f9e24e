#pragma once
// Which files are one photo. RAW, JPEG and sidecars of one shot share a name; programs disagree on how. By names alone:
// nothing is opened. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace darkshelf::photo {

struct Sidecar {
  std::string path;
  std::optional<std::size_t> of;  // index in Photo::files: "X.CR2.xmp" tells whose it is, "X.xmp" may be anybody's
  unsigned version = 0;           // 0: the photo's own; 1, 2 …: darktable's further versions of it ("X_01.CR2.xmp")
};

/// One photo as people count it.
struct Photo {
  std::vector<std::string> files;  // RAW first, then developed ones, then films, each in the order given
  std::vector<Sidecar> sidecars;   // in the order in which they are believed: see sidecars_for()
  bool has_raw = false;
};

struct Grouping {
  std::vector<Photo> photos;         // in the order of their first files
  std::vector<std::string> orphans;  // sidecars of photos that are not there
  std::uint64_t raws = 0;            // photos with a RAW file
  std::uint64_t raws_edited = 0;     // those of them that have a sidecar
};

/// `paths` are relative, '/' between folders; those that are neither pictures nor sidecars are left out. Files of one
/// folder whose names are the same up to the last dot are one photo; letters count alike in either case, since cameras
/// write IMG_0001.JPG beside img_0001.cr2. Sidecars, also without regard to case:
///   X.CR2.xmp     belongs to the file X.CR2 (darktable, digiKam)
///   X_01.CR2.xmp  is a further version of X.CR2, if there is no X_01.CR2 (darktable)
///   X.xmp         belongs to the photo X; to its RAW where it has one, for Adobe's programs write sidecars for RAW
///   alone
Grouping group_photos(const std::vector<std::string>& paths);

/// Indices in photo.sidecars that speak of photo.files[file], the most believed first: the one with the file's whole
/// name, then the photo's, then those that name another file of it (keywords given to the RAW are the JPEG's too), then
/// further versions.
std::vector<std::size_t> sidecars_for(const Photo& photo, std::size_t file);

/// "2,412 RAW, 0 sidecars: your edits are not in this folder": nothing if there is nothing to say, that is fewer than
/// 10 photos with RAW, or a sidecar beside any of them.
std::optional<std::string> edits_missing(const Grouping& grouping);

}  // namespace darkshelf::photo
