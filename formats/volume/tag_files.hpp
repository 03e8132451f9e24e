#pragma once
// The small text files of a volume: structures to bytes and back. SPEC.md beside this file is normative. Pure.
// Decoders throw core::Error(kCorrupt) naming the line; they never trust a length, and refuse a member or manifest path
// that is absolute, empty, holds NUL, or has "." or ".." as a component.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/id.hpp"
#include "digest/digest.hpp"

namespace darkshelf::formats::volume {

inline constexpr unsigned kFormat = 1;  // the volume format version this code writes

enum class Layout { kTar, kFiles };
std::string_view name_of(Layout layout);  // "tar", "files"
std::optional<Layout> layout_from(std::string_view name);

enum class MemberType { kFile, kDirectory, kSymlink, kHardLink };

/// One line of members.jsonl. `path` is raw bytes, relative to where the payload extracts, and starts with the shoot's
/// folder.
struct Member {
  MemberType type = MemberType::kFile;
  std::string path;
  std::uint64_t bytes = 0;
  std::int64_t mtime_ns = 0;
  std::uint32_t mode = 0644;
  digest::Sha256 sha256{};  // kFile only
  std::string link;         // symlink: its target; hard link: path of the member it is the same file as
  std::map<std::string, std::string> xattrs;  // user.* only, names in UTF-8
  std::uint64_t header_offset = 0;            // layout tar: first header block of the member
  std::uint64_t offset = 0;                   // layout tar: first byte of its data
  std::uint32_t first_slice = 0;              // layout files: number of its first slice in the payload set (bytes > 0)
  std::string photo;                          // kFile: what it says of itself, a JSON object as text; "": nothing known
};
/// In the order of their path bytes, each path once: a decoder refuses anything else.
std::string encode_members(const std::vector<Member>& members);
std::vector<Member> decode_members(std::string_view text);

struct LeftOut {
  std::string path;    // as it would have been in the volume
  std::string reason;  // "changed while it was sealed", "cannot be read: …"
};

/// bag-info.txt
struct BagInfo {
  unsigned format = kFormat;
  core::Uuid volume, group, shoot;  // group: the shoot as sealed this time; shoot: the same over all its sealings
  std::string shoot_name;           // the folder's name as it was (UTF-8; other bytes as \xNN)
  std::string shoot_date;           // "2026-06-14", "" if unknown
  std::string title;                // what the slug on the drive is made from (--name), else shoot_name
  unsigned part = 1, parts = 1;
  Layout layout = Layout::kTar;
  std::uint64_t payload_bytes = 0, payload_files = 0;              // under data/
  std::uint64_t content_bytes = 0, content_files = 0, photos = 0;  // of the members
  std::uint64_t slice_bytes = 0;
  std::uint32_t slices = 0, recovery_slices = 0;
  std::uint64_t tag_slice_bytes = 0;
  std::uint32_t tag_recovery_slices = 0;
  core::Uuid writer;           // the catalog that sealed it
  std::uint64_t sequence = 0;  // its running number
  std::string previous_seal;   // hex of the seal before it by this writer, "" for the first
  std::string creator;         // text of the PAR2 Creator packets
  core::Time sealed{};
  std::vector<LeftOut> left_out;
};
std::string encode_bag_info(const BagInfo& info);
BagInfo decode_bag_info(std::string_view text);
std::string bagit_txt();

/// A line "hex  path" of manifest-sha256.txt, photos.sha256 or tagmanifest-sha256.txt.
struct ManifestEntry {
  digest::Sha256 sha256{};
  std::string path;
  bool operator==(const ManifestEntry&) const = default;
};
/// Sorted by path bytes. Paths with newline, carriage return or backslash are written as coreutils does (a leading
/// backslash, then \\, \n, \r); such never occur in the two bag manifests.
std::string encode_manifest(std::vector<ManifestEntry> entries);
std::vector<ManifestEntry> decode_manifest(std::string_view text);

/// slices.sha256: 65 bytes a slice ("hex\n"), in slice order.
std::string encode_slices(const std::vector<digest::Sha256>& slices);
std::vector<digest::Sha256> decode_slices(std::string_view text);

// Fixed names inside a volume.
inline constexpr std::string_view kBagit = "bagit.txt", kBagInfo = "bag-info.txt", kManifest = "manifest-sha256.txt",
                                  kPhotos = "photos.sha256", kMembers = "members.jsonl", kSlices = "slices.sha256",
                                  kTagManifest = "tagmanifest-sha256.txt",
                                  kSignature = "tagmanifest-sha256.txt.minisig";
/// The files the tags PAR2 set protects, in the order they are written.
inline constexpr std::string_view kTagFiles[] = {kMembers, kPhotos, kSlices, kManifest, kBagit, kBagInfo};

/// "2026-06-14_smith-wedding_k7f3p_1of7": folder of the volume below the year's folder.
std::string folder_name(const BagInfo& info);
/// "2026-06-14_smith-wedding_1of7" (NAME: of the tar and of the PAR2 sets).
std::string base_name(const BagInfo& info);
/// "2026", or "undated".
std::string year_folder(const BagInfo& info);

}  // namespace darkshelf::formats::volume
