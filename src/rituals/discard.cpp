#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "rituals/adopted_drive.hpp"
#include "rituals/drives.hpp"
#include "rituals/seal_parts.hpp"
#include "rituals/twins.hpp"
#include "rituals/upkeep.hpp"
#include "rituals/wear.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
using core::Code;
using core::Error;

namespace {

catalog::Shoot one_shoot(Context& context, const std::string& text) {
  if (auto shoot = context.catalog.find_shoot(text)) return std::move(*shoot);
  throw Error(Code::kNotFound, fmt::format("no shoot is called \"{}\"", core::printable(text)), "darkshelf find");
}

/// Why a copy is none to rely on, as what follows "on DRIVE".
std::string why_not(const shelf::CopyView& view) {
  switch (view.vote) {
    case shelf::Vote::kCounts:
      return "files are missing";
    case shelf::Vote::kNeverProven:
      return "nobody has checked it yet";
    case shelf::Vote::kOverdue:
      return "its check is overdue";
    case shelf::Vote::kDamaged:
      return "it is damaged or missing";
    case shelf::Vote::kSameDisk:
      return "it is on the same disk as another";
    default:
      return fmt::format("the drive is {}", catalog::name_of(view.drive.state));
  }
}

/// What stays once `going` is empty, judged as `status` does; and what is plugged in is looked at.
struct Staying {
  bool good_copy_of_all = true;  // of every volume of the shoot
  std::set<std::string> doubts;  // about copies that stay and yet are none to rely on
};
Staying what_stays(Context& context, const core::Uuid& shoot, const std::set<core::Uuid>& going) {
  const std::vector<AttachedDrive> attached = attached_drives(context);
  const auto lies_there = [&](const catalog::Volume& volume, const core::Uuid& id) {
    const auto drive =
        std::find_if(attached.begin(), attached.end(), [&](const auto& one) { return one.drive.id == id; });
    return drive == attached.end() || has_all_files(context, *drive, volume);
  };
  const shelf::Status status =
      shelf::status_of(context.catalog, shelf::policy_from(context.catalog.policy()), context.world.now(), {{}, going});
  Staying staying;
  for (const shelf::ShootStatus& one : status.shoots) {
    if (one.shoot.id != shoot) continue;
    for (const shelf::VolumeStatus& volume : one.volumes) {
      if (volume.volume.adopted) continue;  // nothing is taken of what was never sealed
      bool stays = false;
      for (const shelf::CopyView& view : volume.copies) {
        if (going.contains(view.drive.id)) continue;
        if (view.vote == shelf::Vote::kCounts && lies_there(volume.volume, view.drive.id)) {
          stays = true;
        } else {
          staying.doubts.insert(
              fmt::format("\n    the copy on {} does not count: {}", view.drive.label, why_not(view)));
        }
      }
      staying.good_copy_of_all &= stays;
    }
  }
  return staying;
}

/// Out of its place in one step, so that nothing half-removed ever looks like a volume; then the fact, then the bytes.
std::uint64_t remove_volume(Context& context, const AttachedDrive& drive, const catalog::Volume& volume,
                            const std::string& reason) {
  io::FileSystem& fs = context.fs;
  const io::Path place = drive.volume_folder(volume);
  io::Path out = incoming_folder(drive, volume.info.volume);
  io::remove_tree(fs, out);
  const bool there = fs.stat(place).has_value();
  if (there) {
    fs.make_dirs(out.parent_path());
    fs.rename(place, out);
    fs.sync_dir(out.parent_path());
    fs.sync_dir(place.parent_path());
  }
  core::stop_point("discard.moved-out");
  context.catalog.record_copy_gone(volume.info.volume, drive.drive.id, reason);
  core::stop_point("discard.recorded");
  io::remove_tree(fs, drive.root / std::string(fd::kSeals) / volume.info.volume.text());
  io::remove_tree(fs, out);
  if (fs.stat(place.parent_path()) && fs.list(place.parent_path()).empty()) fs.remove_dir(place.parent_path());
  return there ? volume.bytes_on_drive : 0;
}

/// What a run that was killed between the fact and the bytes has left of a volume that is no longer in its place.
bool is_half_removed(io::FileSystem& fs, const AttachedDrive& drive, const catalog::Volume& volume) {
  return !fs.stat(drive.volume_folder(volume)) &&
         (fs.stat(incoming_folder(drive, volume.info.volume)) ||
          fs.stat(drive.root / std::string(fd::kSeals) / volume.info.volume.text()));
}

bool has_copy(Context& context, const catalog::Volume& volume, const core::Uuid& drive) {
  const auto copies = context.catalog.copies_of(volume.info.volume);
  return std::any_of(copies.begin(), copies.end(), [&](const auto& copy) { return copy.drive == drive; });
}

std::set<core::Uuid> drives_with_remains(Context& context, const std::vector<catalog::Volume>& volumes,
                                         const std::optional<core::Uuid>& only) {
  std::set<core::Uuid> found;
  for (const AttachedDrive& drive : attached_drives(context)) {
    if (only && drive.drive.id != *only) continue;
    const bool remains = std::any_of(volumes.begin(), volumes.end(), [&](const catalog::Volume& volume) {
      return !has_copy(context, volume, drive.drive.id) && is_half_removed(context.fs, drive, volume);
    });
    if (remains) found.insert(drive.drive.id);
  }
  return found;
}

/// `failing`: why the medium is; "" where it is only read-only.
Error not_from(const std::string& label, const std::string& failing) {
  if (failing.empty()) {
    return Error(Code::kWrongDrive, fmt::format("{} is read-only: nothing can be removed from it", label),
                 "mount it for writing, and type the same command again");
  }
  return Error(
      Code::kWrongDrive,
      fmt::format("the medium of {} is failing ({}): nothing is written to it, nor removed from it", label, failing),
      fmt::format("darkshelf drive mark {} failed   (then it counts no more; what is on it stays there)",
                  core::shell_quote(label)));
}

std::uint64_t remove_remains(Context& context, const AttachedDrive& drive, const catalog::Volume& volume) {
  const io::Path out = incoming_folder(drive, volume.info.volume);
  const std::uint64_t bytes = context.fs.stat(out) ? tree_bytes(context.fs, out) : 0;
  io::remove_tree(context.fs, drive.root / std::string(fd::kSeals) / volume.info.volume.text());
  io::remove_tree(context.fs, out);
  return bytes;
}

}  // namespace

DiscardReport discard(Context& context, const DiscardRequest& request) {
  if (request.reason.empty()) throw Error(Code::kUsage, "discarding wants a reason, which is kept: --reason TEXT");
  DiscardReport report;
  report.shoot = one_shoot(context, request.shoot);
  const std::vector<catalog::Volume> volumes = context.catalog.volumes_of(report.shoot.id);

  if (volumes.empty()) {
    const auto adopted = context.catalog.volumes_of(report.shoot.id, catalog::Volumes::kAdopted);
    if (!adopted.empty()) throw adopted_can_be_sealed(context, report.shoot.name, adopted.front());
  }

  std::optional<core::Uuid> only;
  if (!request.from.empty()) {
    const auto drive = context.catalog.find_drive(request.from);
    only = drive ? drive->id : attach(context, request.from, Visit::kReadOnly).drive.id;
  }
  std::set<core::Uuid> going;
  for (const catalog::Volume& volume : volumes) {
    for (const catalog::Copy& copy : context.catalog.copies_of(volume.info.volume)) {
      if (!only || copy.drive == *only) going.insert(copy.drive);
    }
  }
  const std::set<core::Uuid> unfinished = drives_with_remains(context, volumes, only);
  if (only && going.empty() && unfinished.empty()) {
    throw Error(Code::kNotFound, fmt::format("{} holds nothing of {}", request.from, report.shoot.name),
                fmt::format("darkshelf show {}   (tells where it lies)", core::shell_quote(report.shoot.name)));
  }
  // A repeated command finds the copies gone already and only has to finish.
  if (!report.shoot.discarded && !going.empty() && request.confirmed_name != report.shoot.name) {
    const Staying staying = what_stays(context, report.shoot.id, going);
    if (!staying.good_copy_of_all) {
      throw Error(Code::kUsage,
                  fmt::format("this takes the last good copy known anywhere of {}: {}{}", report.shoot.name,
                              photos_and_files(report.shoot.photos, report.shoot.files), fmt::join(staying.doubts, "")),
                  fmt::format("if that is meant, add: --confirm {}", core::shell_quote(report.shoot.name)));
    }
  }

  going.insert(unfinished.begin(), unfinished.end());
  std::vector<AttachedDrive> here;
  for (const core::Uuid& id : going) {
    const catalog::Drive drive = *context.catalog.drive(id);
    try {
      AttachedDrive attached = attach(context, id.text(), Visit::kWrite);
      look_at_wear(context, attached);
      const std::string why = shelf::why_failing(context.catalog, id);
      if (attached.lock && why.empty()) {
        here.push_back(std::move(attached));
        continue;
      }
      if (only) throw not_from(drive.label, why);
      (why.empty() ? report.read_only : report.failing).push_back(drive.label);
    } catch (const Error& error) {
      const bool odd = error.code() == Code::kWrongDrive;  // one that looks formatted stops no other
      if ((error.code() != Code::kDriveAbsent && !odd) || only) throw;
      if (odd) context.note(error.what(), error.hint());
      report.later.push_back(drive.label);
    }
  }
  if (!only) context.catalog.record_shoot_discarded(report.shoot.id, request.reason);
  for (const AttachedDrive& drive : here) {
    for (const catalog::Volume& volume : volumes) {
      context.work.check();
      if (has_copy(context, volume, drive.drive.id)) {
        report.bytes += remove_volume(context, drive, volume, request.reason);
      } else if (is_half_removed(context.fs, drive, volume)) {
        report.bytes += remove_remains(context, drive, volume);
      }
    }
    const std::string not_refreshed = try_to_refresh(context, drive);
    if (!not_refreshed.empty()) report.not_refreshed.push_back(not_refreshed);
    report.removed_from.push_back(drive.drive.label);
  }
  return report;
}

}  // namespace darkshelf::rituals
