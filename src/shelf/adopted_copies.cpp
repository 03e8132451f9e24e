#include "shelf/adopted_copies.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace darkshelf::shelf {

namespace {

using Key = std::pair<core::Uuid, core::Uuid>;  // volume, drive

/// As fresh as the part of it that was read longest ago; nothing where one of the parts is not good.
std::optional<catalog::Copy> joined(const std::map<Key, catalog::Copy>& copies, const core::Uuid& volume,
                                    const core::Uuid& drive, const std::set<core::Uuid>& parts) {
  std::optional<catalog::Copy> out;
  for (const core::Uuid& part : parts) {
    const auto found = copies.find({part, drive});
    if (found == copies.end() || found->second.health != catalog::CopyHealth::kGood) return {};
    catalog::Copy one = found->second;
    one.volume = volume;
    if (!out) {
      out = one;
      continue;
    }
    out->checked = out->checked && one.checked ? std::min(out->checked, one.checked) : std::nullopt;
    out->latest_read = std::max(out->latest_read, one.latest_read);
    out->readback_cached |= one.readback_cached;
  }
  return out;
}

}  // namespace

void join_adopted(catalog::Catalog& catalog, Stock& stock) {
  std::map<Key, catalog::Copy> copies;
  std::set<core::Uuid> somewhere;
  for (const catalog::Copy& copy : stock.copies) {
    copies.emplace(Key{copy.volume, copy.drive}, copy);
    somewhere.insert(copy.volume);
  }
  std::erase_if(stock.volumes, [&](const catalog::Volume& volume) {
    return volume.adopted && !somewhere.contains(volume.info.volume);
  });
  std::map<core::Uuid, std::set<core::Uuid>> groups;  // of each shoot
  for (const catalog::Volume& volume : stock.volumes) groups[volume.info.shoot].insert(volume.info.group);
  for (const catalog::Volume& volume : stock.volumes) {
    if (!volume.adopted || groups[volume.info.shoot].size() < 2) continue;
    for (const auto& [drive, parts] : catalog.drives_holding_all_of(volume.info.volume)) {
      if (copies.contains({volume.info.volume, drive})) continue;
      if (auto copy = joined(copies, volume.info.volume, drive, parts)) stock.copies.push_back(std::move(*copy));
    }
  }
}

}  // namespace darkshelf::shelf
