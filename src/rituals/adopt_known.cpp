#include "rituals/adopt_known.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "rituals/adopted_drive.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;

KnownFolders known_folders(Context& context, const catalog::Drive& drive) {
  KnownFolders known;
  for (catalog::Volume& volume : context.catalog.volumes_on(drive.id, catalog::Volumes::kAdopted)) {
    const auto copy = copy_on(context.catalog, volume.info.volume, drive.id);
    if (!copy) continue;
    std::vector<fv::Member> members = context.catalog.members_of(volume.info.volume);
    known[copy->folder].push_back({std::move(volume), *copy, std::move(members)});
  }
  return known;
}

bool same_time(std::int64_t a, std::int64_t b) {
  constexpr std::int64_t kSecond = 1'000'000'000, kHour = 3600 * kSecond;
  const std::int64_t apart = a > b ? a - b : b - a;
  if (apart < 2 * kSecond) return true;  // FAT counts in twos
  // FAT and exFAT may keep the time of the wall, which another machine reads otherwise.
  const std::int64_t off = apart % kHour;
  return apart <= 26 * kHour && (off < 2 * kSecond || off > kHour - 2 * kSecond);
}

KnownShoots::KnownShoots(catalog::Catalog& catalog) : catalog_(catalog) {
  for (const catalog::Shoot& shoot : catalog.shoots()) {
    if (!shoot.discarded) by_name_.emplace(shoot.folder, shoot.id);
  }
}

std::optional<core::Uuid> KnownShoots::same_as(const volume::SourceShoot& source) {
  const auto [begin, end] = by_name_.equal_range(core::printable(source.name));
  for (auto it = begin; it != end; ++it) {
    const Members& members = members_of(it->second);
    for (const volume::SourceEntry& entry : source.entries) {
      if (entry.member.type != fv::MemberType::kFile) continue;
      const auto known = members.find(entry.member.path);
      if (known != members.end() && known->second.first == entry.member.bytes &&
          same_time(known->second.second, entry.member.mtime_ns))
        return it->second;
    }
  }
  return {};
}

void KnownShoots::add(const core::Uuid& shoot, const std::string& folder, const volume::SourceShoot& source) {
  const auto [begin, end] = by_name_.equal_range(folder);
  if (std::none_of(begin, end, [&](const auto& one) { return one.second == shoot; })) by_name_.emplace(folder, shoot);
  Members& members = members_[shoot];
  for (const volume::SourceEntry& entry : source.entries) {
    if (entry.member.type == fv::MemberType::kFile)
      members[entry.member.path] = {entry.member.bytes, entry.member.mtime_ns};
  }
}

const KnownShoots::Members& KnownShoots::members_of(const core::Uuid& shoot) {
  const auto known = members_.find(shoot);
  if (known != members_.end()) return known->second;
  Members& members = members_[shoot];
  for (const catalog::Volume& volume : catalog_.volumes_of(shoot, catalog::Volumes::kAll)) {
    for (const fv::Member& member : catalog_.members_of(volume.info.volume)) {
      if (member.type == fv::MemberType::kFile) members[member.path] = {member.bytes, member.mtime_ns};
    }
  }
  return members;
}

}  // namespace darkshelf::rituals
