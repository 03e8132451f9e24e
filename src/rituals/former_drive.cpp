#include "rituals/former_drive.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "io/block_devices.hpp"
#include "shelf/identity.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
using core::Code;
using core::Error;

namespace {

/// Was the drive a folder of this file system, which is mounted in parts (subvolumes)? Then no other part was it. Where
/// its old place is no more nobody can tell, and it counts as one.
bool was_a_folder(io::FileSystem& fs, const catalog::Drive& drive, const io::Medium& medium) {
  if (drive.evidence.path.empty() || !fs.stat_following(drive.evidence.path)) return true;
  const io::Medium there = io::medium_of(fs, drive.evidence.path);
  return there.fs_id == medium.fs_id && there.mount_point != medium.mount_point;
}

/// Which of `drives` this medium was.
std::optional<catalog::Drive> former(Context& context, const std::vector<catalog::Drive>& drives,
                                     const io::Medium& medium, const catalog::Evidence& evidence,
                                     std::vector<core::Uuid> there) {
  for (const catalog::Drive& drive : drives) {
    if (drive.evidence.fs_id.empty() || drive.evidence.fs_id != evidence.fs_id) continue;
    const std::string top = was_a_folder(context.fs, drive, medium) ? "" : medium.mount_point.string();
    if (const auto was = shelf::emptied({drive}, evidence, top, there)) return was;
  }
  for (const catalog::Drive& drive : drives) {  // not mounted, and there all the same: another partition
    const bool seen = !drive.evidence.fs_id.empty() &&
                      context.fs.stat_following(io::Path("/dev/disk/by-uuid") / drive.evidence.fs_id).has_value();
    if (seen) there.push_back(drive.id);
  }
  return shelf::formatted_over(drives, evidence, there);
}

/// Does nothing but the serial number speak for it? A case or a dock tells one for every disk in it.
bool by_serial_alone(const catalog::Drive& drive, const catalog::Evidence& now) {
  return drive.evidence.fs_id != now.fs_id && !now.serial.empty();
}

/// An archive whose identity alone is lost was not emptied.
void require_empty(io::FileSystem& fs, const io::Path& root) {
  std::vector<io::Path> unreadable;
  if (!volume::volume_folders(fs, root, &unreadable).empty() || !unreadable.empty()) throw without_identity(root);
}

/// Nobody would find them there: they count no longer.
void record_missing(Context& context, const catalog::Drive& drive) {
  catalog::Scrub record;
  record.id = context.world.new_id();
  record.drive = drive.id;
  record.started = record.ended = context.world.now();
  for (const catalog::Copy& copy : context.catalog.copies()) {
    if (copy.drive != drive.id || copy.health == catalog::CopyHealth::kMissing) continue;
    record.volumes.push_back({copy.volume, 0, 0, false, catalog::CopyHealth::kMissing});
    catalog::Finding finding;
    finding.drive = drive.id;
    finding.volume = copy.volume;
    finding.kind = "missing";
    if (const auto volume = context.catalog.volume(copy.volume))
      finding.path = std::string(fd::kFolder) + "/" + volume->folder;
    finding.detail = "{\"photos\":0,\"bytes\":0}";
    record.findings.push_back(std::move(finding));
  }
  if (!record.volumes.empty()) context.catalog.record_scrub(record);
}

Error was_a_drive(Context& context, const catalog::Drive& drive, const io::Medium& medium,
                  const catalog::Evidence& evidence) {
  const std::string label = core::shell_quote(drive.label);
  const auto disk = medium.device.empty() ? std::nullopt : io::disk_of(context.fs, medium.device);
  std::string hint = fmt::format("if nothing on it is needed: darkshelf drive mark {} destroyed", label);
  // A drive that was a folder of the system's disk cannot be read while the system runs.
  if (!medium.device.empty() && medium.mount_point != "/") {
    hint = fmt::format(
        "umount {} && darkshelf rescue {}   ({}; if it is another disk in the same case: drive add … --new)",
        core::shell_quote(medium.mount_point.string()),
        core::shell_quote((disk ? disk->path : io::Path(medium.device)).string()), hint);
  }
  std::string which = evidence.model + (evidence.model.empty() || evidence.serial.empty() ? "" : " ") + evidence.serial;
  if (!which.empty()) which = fmt::format(" ({})", core::printable(which));
  const std::string rest =
      drive.volumes == 0 ? "" : fmt::format(": its {} may still be rescued", core::count_of(drive.volumes, "volume"));
  return Error(Code::kWrongDrive,
               fmt::format("this was {}{}, at {}. Emptied or formatted? Write nothing to it{}",
                           core::printable(drive.label), which, core::printable(evidence.path), rest),
               hint);
}

}  // namespace

void require_no_former_drive(Context& context, const io::Path& root) {
  const io::Medium medium = io::medium_of(context.fs, root);
  const catalog::Evidence evidence = evidence_of(medium, root);
  const std::vector<catalog::Drive> drives = context.catalog.drives();
  std::vector<core::Uuid> there;
  for (const auto& [drive, place] : plugged_in(context.fs, context.catalog)) there.push_back(drive);
  const auto was = former(context, drives, medium, evidence, there);
  if (!was) return;
  require_empty(context.fs, root);
  if (!by_serial_alone(*was, evidence)) record_missing(context, *was);
  throw was_a_drive(context, *was, medium, evidence);
}

void look_for_former_drive(Context& context, const catalog::Drive& drive) {
  std::vector<io::Path> roots = io::mount_points();
  if (!drive.evidence.path.empty()) roots.emplace(roots.begin(), drive.evidence.path);
  for (const io::Path& root : roots) {
    try {
      const auto stat = context.fs.stat_following(root);
      if (!stat || stat->type != io::FileType::kDirectory || context.fs.stat(root / std::string(fd::kIdentity)))
        continue;
      const io::Medium medium = io::medium_of(context.fs, root);
      const catalog::Evidence evidence = evidence_of(medium, root);
      // By its serial alone it may be the neighbour in the same case; this drive may be safe on its shelf.
      if (!former(context, {drive}, medium, evidence, {}) || by_serial_alone(drive, evidence)) continue;
      require_empty(context.fs, root);
      record_missing(context, drive);
      throw was_a_drive(context, drive, medium, evidence);
    } catch (const Error& error) {
      if (error.code() == Code::kWrongDrive || error.code() == Code::kCancelled) throw;
    }  // what does not answer tells nothing
  }
}

}  // namespace darkshelf::rituals
