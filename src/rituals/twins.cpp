#include "rituals/twins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/text.hpp"
#include "rituals/findings.hpp"

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

bool is_there(Context& context, const io::Path& place) {
  try {
    return context.fs.stat(place).has_value();
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

HelpingDrive helper_for(Context& context, const catalog::Volume& volume, const catalog::Drive& drive,
                        const std::vector<core::Uuid>& tried, const Examination& examination, bool failing_medium) {
  std::optional<catalog::Drive> best;
  auto best_health = catalog::CopyHealth::kMissing;
  for (const catalog::Copy& copy : context.catalog.copies_of(volume.info.volume)) {
    if (copy.health >= best_health || std::find(tried.begin(), tried.end(), copy.drive) != tried.end()) continue;
    const auto twin = context.catalog.drive(copy.drive);
    const bool can_be_had =
        twin && (twin->state == catalog::DriveState::kOnShelf || twin->state == catalog::DriveState::kLent);
    if (!can_be_had) continue;
    best = twin;
    best_health = copy.health;
  }
  const auto shoot = context.catalog.shoot(volume.info.shoot);
  // What somebody changed is not mended but put there anew; what stood there goes into quarantine.
  const bool is_missing = health_of(examination) == catalog::CopyHealth::kMissing || is_changed(examination);
  const bool good = best_health == catalog::CopyHealth::kGood;
  if (!best || !shoot || ((failing_medium || is_missing) && !good)) return {};
  HelpingDrive out;
  out.who = fmt::format("{}{} holds a {}copy", core::printable(best->label),
                        best->place_name.empty() ? "" : fmt::format(" (at {})", core::printable(best->place_name)),
                        good ? "good " : "damaged ");
  out.plugged_in = plugged_in(context.fs, context.catalog).contains(best->id);
  const std::string label = core::shell_quote(drive.label), twin = core::shell_quote(best->label);
  out.command = failing_medium || is_missing
                    ? fmt::format("darkshelf copy {} --from {} --to {}", core::shell_quote(shoot->name), twin,
                                  failing_medium ? "ANOTHER-DRIVE" : label)
                    : fmt::format("darkshelf repair {} --with {}", label, twin);
  return out;
}

}  // namespace darkshelf::rituals
