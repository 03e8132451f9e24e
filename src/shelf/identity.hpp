#pragma once
// Does the evidence fit the identity a drive claims? Pure.

#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "formats/drive/drive_files.hpp"

namespace darkshelf::shelf {

enum class Claim {
  kFits,     // known drive, evidence as last accepted (or only details that change by themselves)
  kUnknown,  // an identity this catalog has never seen
  kMoved,    // known, but on another file system, disk or size: moved or copied?
};
struct Judgement {
  Claim claim = Claim::kFits;
  std::vector<std::string> differences;  // "serial S1 → S2", "file system … → …"
};
/// fs_id, serial and size are compared where both are known. A changed fs_id or serial, or a size off by more than 1 %,
/// is kMoved.
Judgement judge(const formats::drive::DriveIdentity& claimed, const std::optional<catalog::Drive>& known,
                const catalog::Evidence& now);

/// Do these tell of one physical disk? A serial (or the image of a loop device) names a disk for good. A device number
/// does so only while it is attached: two visits to one file system (id and size) are to one disk, too.
bool same_disk(const catalog::Evidence& a, const catalog::Evidence& b);

/// The drive that this disk was, by its serial or image, before somebody formatted it: its file system is another now,
/// nobody said that it is gone for good, and it is not among `there`, whose file systems still are somewhere (a disk
/// may have several partitions).
std::optional<catalog::Drive> formatted_over(const std::vector<catalog::Drive>& drives, const catalog::Evidence& now,
                                             const std::vector<catalog::Uuid>& there);

/// The drive whose file system this is, at whose root (now.path) nothing tells of it any more. One that was a folder of
/// a file system is known by its path alone. `mount_point`: "" where the whole file system was no drive.
std::optional<catalog::Drive> emptied(const std::vector<catalog::Drive>& drives, const catalog::Evidence& now,
                                      const std::string& mount_point, const std::vector<catalog::Uuid>& there);

}  // namespace darkshelf::shelf
