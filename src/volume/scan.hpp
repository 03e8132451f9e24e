#pragma once
// What lies in a shoot's folder: the entries to seal, in the order they are sealed, and what is left out and why.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/work.hpp"
#include "formats/volume/tag_files.hpp"
#include "io/file_system.hpp"

namespace darkshelf::volume {

/// One thing to seal. `member` has everything but digest and offsets; `source` is where it is read.
struct SourceEntry {
  formats::volume::Member member;
  io::Path source;
  std::int64_t ctime_ns = 0;
};

struct SourceShoot {
  io::Path folder;
  std::string name;  // last component of the folder
  std::string date;  // leading date of the name, else the median mtime of its pictures
  enum class DateFrom { kNothing, kName, kPhotos, kTimes };  // kPhotos: whoever reads them puts that in
  DateFrom date_from = DateFrom::kNothing;
  std::vector<SourceEntry> entries;  // sorted by path bytes; a folder stands before what is in it
  std::vector<formats::volume::LeftOut>
      left_out;  // system litter, excluded by a glob, not a regular file, foreign xattrs
  std::vector<formats::volume::LeftOut>
      unreadable;  // folders that cannot be listed, files that cannot be opened: exit 3
  std::uint64_t bytes = 0, files = 0, photos = 0;
};

/// How a folder is looked at that is not sealed but taken in as it lies there (adopt).
struct AsItIs {
  std::string name;                                  // of the shoot; "": the folder's
  std::set<io::Path> skip;                           // folders and files that belong to others
  bool (*is_ours)(std::string_view name) = nullptr;  // files that darkshelf put there
};

/// Walks a folder (links are kept as links, never followed; other file systems mounted below are walked). Hard links to
/// an earlier entry become kHardLink. Left out: *.lrdata, .DS_Store, ._*, Thumbs.db, desktop.ini, .Trashes,
/// .Spotlight-V100, .fseventsd, $RECYCLE.BIN, System Volume Information, .Trash-*, lost+found, and names matching
/// `excludes` (globs over the name and over the path below the shoot). Throws Error(kNotFound) if there is no such
/// folder, Error(kFailed) when a Lightroom catalog has a .lock beside it ("close Lightroom"), Error(kUsage) when the
/// folder is, holds, or lies in the archive of a drive.
SourceShoot scan_shoot(io::FileSystem& fs, const io::Path& folder, const std::vector<std::string>& excludes,
                       const core::Work& work);
/// The same; but archives in it are left out, Lightroom may be open, and attributes of files are not asked for.
SourceShoot scan_as_it_is(io::FileSystem& fs, const io::Path& folder, const AsItIs& how, const core::Work& work);

/// True for file names that are pictures or films (RAW, JPEG, HEIC, TIFF, PSD, PNG, DNG, MP4, MOV …), by extension.
bool is_picture(std::string_view file_name);
/// Photos as people count them: files that are pictures, where files that differ only in extension are one.
std::uint64_t count_photos(const std::vector<std::string>& paths);

/// What a folder argument means: itself a shoot, or (with `depth` > 0) each subfolder at that depth.
struct ShootFolders {
  std::vector<io::Path> shoots;
  std::vector<io::Path> loose;  // pictures that lie in no shoot
  // With depth 0:
  std::size_t with_pictures = 0;  // subfolders that look like shoots themselves
  bool looks_like_year = false;   // no pictures of its own, and three or more of those
};
ShootFolders find_shoots(io::FileSystem& fs, const io::Path& argument, unsigned depth);

}  // namespace darkshelf::volume
