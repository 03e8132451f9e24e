#include "shelf/identity.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"

namespace darkshelf::shelf {

namespace {

/// Does evidence.disk name the disk for good, or is it a device number?
bool has_lasting_disk(const catalog::Evidence& evidence) {
  const bool number = evidence.disk.find(':') != std::string::npos &&
                      evidence.disk.find_first_not_of("0123456789:") == std::string::npos;
  return !evidence.disk.empty() && !number;
}

bool is_given_up(const catalog::Drive& drive) {
  using State = catalog::DriveState;
  return drive.state == State::kFailed || drive.state == State::kRetired || drive.state == State::kDestroyed;
}

bool contains(const std::vector<catalog::Uuid>& drives, const catalog::Uuid& drive) {
  return std::find(drives.begin(), drives.end(), drive) != drives.end();
}

}  // namespace

Judgement judge(const formats::drive::DriveIdentity& claimed, const std::optional<catalog::Drive>& known,
                const catalog::Evidence& now) {
  Judgement judgement;
  if (!known || known->id != claimed.id) {
    judgement.claim = Claim::kUnknown;
    return judgement;
  }
  const catalog::Evidence& before = known->evidence;
  const auto compare = [&](const char* what, const std::string& was, const std::string& is) {
    if (!was.empty() && !is.empty() && was != is) {
      judgement.differences.push_back(fmt::format("{} {} → {}", what, core::printable(was), core::printable(is)));
    }
  };
  compare("file system", before.fs_id, now.fs_id);
  compare("serial", before.serial, now.serial);
  if (before.bytes != 0 && now.bytes != 0) {
    const std::uint64_t larger = std::max(before.bytes, now.bytes), smaller = std::min(before.bytes, now.bytes);
    if (larger - smaller > larger / 100) {
      judgement.differences.push_back(
          fmt::format("size {} → {}", core::format_size(before.bytes), core::format_size(now.bytes)));
    }
  }
  if (!judgement.differences.empty()) judgement.claim = Claim::kMoved;
  return judgement;
}

bool same_disk(const catalog::Evidence& a, const catalog::Evidence& b) {
  const bool same_name = !a.disk.empty() && a.disk == b.disk;
  if (has_lasting_disk(a) && has_lasting_disk(b)) return same_name;
  const bool same_system = !a.fs_id.empty() && a.fs_id == b.fs_id && a.bytes == b.bytes;
  return same_name || same_system;
}

std::optional<catalog::Drive> formatted_over(const std::vector<catalog::Drive>& drives, const catalog::Evidence& now,
                                             const std::vector<catalog::Uuid>& there) {
  for (const catalog::Drive& drive : drives) {
    const catalog::Evidence& before = drive.evidence;
    const bool same_serial = !now.serial.empty() && before.serial == now.serial;
    const bool same_name = has_lasting_disk(now) && before.disk == now.disk;
    if ((!same_serial && !same_name) || before.fs_id == now.fs_id || is_given_up(drive)) continue;
    // Each file system takes another part of a disk for itself, some per cent of it.
    const std::uint64_t larger = std::max(before.bytes, now.bytes), smaller = std::min(before.bytes, now.bytes);
    if (larger - smaller > larger / 10 || contains(there, drive.id)) continue;
    return drive;
  }
  return {};
}

std::optional<catalog::Drive> emptied(const std::vector<catalog::Drive>& drives, const catalog::Evidence& now,
                                      const std::string& mount_point, const std::vector<catalog::Uuid>& there) {
  const std::string below = mount_point.ends_with('/') ? mount_point : mount_point + "/";
  for (const catalog::Drive& drive : drives) {
    const catalog::Evidence& before = drive.evidence;
    if (now.fs_id.empty() || before.fs_id != now.fs_id || is_given_up(drive) || contains(there, drive.id)) continue;
    const bool whole = now.path == mount_point && !before.path.starts_with(below);
    if (whole || before.path == now.path) return drive;
  }
  return {};
}

}  // namespace darkshelf::shelf
