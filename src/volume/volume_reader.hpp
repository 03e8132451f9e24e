#pragma once
// A sealed volume as it lies on a drive: its tag files, mended in memory through their own parity where they are
// damaged.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/work.hpp"
#include "formats/volume/tag_files.hpp"
#include "io/file_system.hpp"

namespace darkshelf::volume {

/// One file of the payload that PAR2 and slices.sha256 protect, in slice order.
struct ProtectedFile {
  std::string path;  // below the volume's folder: "data/…"
  std::uint64_t bytes = 0;
  std::uint32_t first_slice = 0, slice_count = 0;
};

/// kHealed: it was read wrong, and right when it was read again.
enum class FileCondition { kDamaged, kMissing, kUnreadable, kForeign, kHealed };
struct TagFinding {
  std::string file;  // below the volume's folder
  FileCondition condition = FileCondition::kDamaged;
  bool mended = false;  // in memory: its sealed bytes are known
};

struct LoadedVolume {
  io::Path folder;
  digest::Sha256 seal{};  // SHA-256 of the tagmanifest
  std::string tagmanifest_text;
  std::vector<formats::volume::ManifestEntry> tagmanifest;
  std::map<std::string, std::string> tag_text;  // sealed bytes of every file of kTagFiles that is known
  formats::volume::BagInfo info;
  std::vector<formats::volume::Member> members;
  std::vector<formats::volume::ManifestEntry> manifest;  // payload files, empty ones included
  std::vector<digest::Sha256> slices;
  std::vector<ProtectedFile> files;  // in slice order
  std::vector<TagFinding> findings;  // about kTagFiles and the tagmanifest alone
};

/// Where a slice of the payload lies.
struct SlicePlace {
  const ProtectedFile* file = nullptr;
  std::uint64_t offset = 0, bytes = 0;  // in the file; the last slice of a file is what is left of it
};
/// Nothing where the volume has no such slice.
std::optional<SlicePlace> place_of(const LoadedVolume& volume, std::uint32_t slice);

/// What is known of the volume from elsewhere.
struct KnownSeal {
  digest::Sha256 seal{};
  std::string tagmanifest_text;  // "" if only the digest is known
  // Where tag files that are damaged in the folder may be had; nothing of it is believed that the seal does not prove.
  std::vector<io::Path> twins = {};                  // folders of other copies of the volume
  std::map<std::string, std::string> tag_text = {};  // by name of kTagFiles
};

/// Loads and checks the tag files against the seal. `known` (from the catalog, or darkshelf/seals/) wins over what lies
/// in the folder; without it the tagmanifest in the folder is believed. A tag file that does not match is taken from
/// elsewhere or rebuilt from the tags PAR2 sets of all copies, and reported. Throws Error(kUnrepairable) when members,
/// manifest, slices or bag-info cannot be had, Error(kNewerFormat) for a later format, Error(kCorrupt) when nothing
/// fits together.
LoadedVolume load_volume(io::FileSystem& fs, const io::Path& folder, const std::optional<KnownSeal>& known,
                         io::ReadMode mode, const core::Work& work);

/// The same from the texts of its tag files, wherever they were found: without folder, tagmanifest and seal. Throws
/// kUnrepairable when one that is needed is not among them, kNewerFormat, kCorrupt.
LoadedVolume volume_from_texts(std::map<std::string, std::string> tag_text);

/// Folders of volumes on a drive: every darkshelf/<year>/<folder> that holds a bag-info, a tagmanifest or a NAME.par2,
/// sorted.
/// `unreadable` takes the folders of years and volumes, or what may be one, that the medium does not give; without it
/// such a one is an error.
std::vector<io::Path> volume_folders(io::FileSystem& fs, const io::Path& drive_root,
                                     std::vector<io::Path>* unreadable = nullptr);

/// Is this folder the darkshelf/ of a drive, whose files only seal and its like write?
bool is_archive(io::FileSystem& fs, const io::Path& folder);
/// The one of those that is the (absolute) folder or lies above it; empty if none.
io::Path archive_around(io::FileSystem& fs, const io::Path& folder);

}  // namespace darkshelf::volume
