#include "shelf/identity.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

namespace darkshelf::shelf {

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
  const auto lasting = [](const catalog::Evidence& evidence) {
    const bool number = evidence.disk.find(':') != std::string::npos &&
                        evidence.disk.find_first_not_of("0123456789:") == std::string::npos;
    return !evidence.disk.empty() && !number;
  };
  const bool same_name = !a.disk.empty() && a.disk == b.disk;
  if (lasting(a) && lasting(b)) return same_name;
  const bool same_system = !a.fs_id.empty() && a.fs_id == b.fs_id && a.bytes == b.bytes;
  return same_name || same_system;
}

std::optional<catalog::Drive> formatted_over(const std::vector<catalog::Drive>& drives, const catalog::Evidence& now,
                                             const std::vector<catalog::Uuid>& there) {
  using State = catalog::DriveState;
  for (const catalog::Drive& drive : drives) {
    const catalog::Evidence& before = drive.evidence;
    if (now.serial.empty() || before.serial != now.serial || before.fs_id == now.fs_id) continue;
    if (drive.state == State::kFailed || drive.state == State::kRetired || drive.state == State::kDestroyed) continue;
    // Each file system takes another part of a disk for itself, some per cent of it.
    const std::uint64_t larger = std::max(before.bytes, now.bytes), smaller = std::min(before.bytes, now.bytes);
    if (larger - smaller > larger / 10 || std::find(there.begin(), there.end(), drive.id) != there.end()) continue;
    return drive;
  }
  return {};
}

}  // namespace darkshelf::shelf
