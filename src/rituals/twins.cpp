// The other copies of a volume, and how they help one that went bad.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/text.hpp"
#include "rituals/copy.hpp"
#include "rituals/seal_parts.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;

std::optional<catalog::CopyHealth> health_on(Context& context, const core::Uuid& volume, const core::Uuid& drive) {
  for (const catalog::Copy& copy : context.catalog.copies_of(volume)) {
    if (copy.drive == drive) return copy.health;
  }
  return {};
}

std::optional<AttachedDrive> best_twin(Context& context, const core::Uuid& volume,
                                       const std::set<core::Uuid>& without) {
  std::optional<AttachedDrive> best;
  auto best_health = catalog::CopyHealth::kMissing;
  for (AttachedDrive& candidate : attached_drives(context)) {
    const auto health = health_on(context, volume, candidate.drive.id);
    if (!health || *health >= best_health || without.contains(candidate.drive.id)) continue;
    best = std::move(candidate);
    best_health = *health;
  }
  return best;
}

bool has_all_files(Context& context, const AttachedDrive& drive, const catalog::Volume& volume) {
  std::map<std::string, std::uint64_t> sealed{{std::string(fv::kTagManifest), volume.tagmanifest.size()}};
  if (volume.info.layout == fv::Layout::kTar) {
    sealed[fmt::format("data/{}.tar", fv::base_name(volume.info))] = volume.info.payload_bytes;
  } else {
    for (const fv::Member& member : context.catalog.members_of(volume.info.volume)) {
      if (member.type == fv::MemberType::kFile) sealed["data/" + member.path] = member.bytes;
    }
  }
  try {
    return std::all_of(sealed.begin(), sealed.end(), [&](const auto& file) {
      const auto stat = context.fs.stat(drive.volume_folder(volume) / file.first);
      return stat && stat->type == io::FileType::kRegular && stat->bytes == file.second;
    });
  } catch (const core::Error& error) {
    if (error.code() == core::Code::kCancelled) throw;
    return false;
  }
}

bool all_copies_on(Context& context, const core::Uuid& volume, const std::set<core::Uuid>& drives) {
  const auto copies = context.catalog.copies_of(volume);
  return std::all_of(copies.begin(), copies.end(),
                     [&](const catalog::Copy& copy) { return drives.contains(copy.drive); });
}

std::string how_to_renew(Context& context, const catalog::Volume& volume, const catalog::Drive& drive,
                         bool failing_medium) {
  for (const catalog::Copy& copy : context.catalog.copies_of(volume.info.volume)) {
    if (copy.drive == drive.id || copy.health != catalog::CopyHealth::kGood) continue;
    const auto twin = context.catalog.drive(copy.drive);
    const auto shoot = context.catalog.shoot(volume.info.shoot);
    if (!twin || !shoot) continue;
    return fmt::format("darkshelf copy {} --from {} --to {}", core::shell_quote(shoot->name),
                       core::shell_quote(twin->label),
                       failing_medium ? "ANOTHER-DRIVE" : core::shell_quote(drive.label));
  }
  return {};
}

}  // namespace darkshelf::rituals
