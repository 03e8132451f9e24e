#include "rituals/repair_help.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "rituals/adopted_drive.hpp"
#include "rituals/findings.hpp"
#include "rituals/misplaced.hpp"
#include "rituals/twins.hpp"
#include "shelf/identity.hpp"

namespace darkshelf::rituals {

using core::Code;
using core::Error;

void require_repairable(const AttachedDrive& drive) {
  if (drive.adopted) throw adopted_is_not_written(drive.drive, drive.root);
  if (drive.lock || drive.identity_unreadable) return;
  throw Error(Code::kWrongDrive, fmt::format("{} is read-only: it cannot be repaired in place", drive.drive.label),
              fmt::format("darkshelf copy {} --to ANOTHER-DRIVE   (copies are mended on the way)",
                          core::shell_quote(drive.drive.label)));
}

RepairHelp::RepairHelp(Context& context, const AttachedDrive& drive, const RepairRequest& request)
    : context_(context), drive_(drive), parcel_(request.parcel) {
  const std::vector<catalog::Volume> volumes = context.catalog.volumes_on(drive.drive.id);
  if (!request.with.empty()) {
    twin_ = attach(context, request.with, Visit::kReadOnly);
    if (twin_->drive.id == drive.drive.id) {
      throw Error(Code::kUsage, fmt::format("{} cannot be mended from itself", drive.drive.label),
                  fmt::format("darkshelf repair {} --with ANOTHER-DRIVE", core::shell_quote(drive.drive.label)));
    }
    require_common_volumes(volumes);
    note_ = same_disk_note();
  }
  if (!parcel_) return;
  only_.emplace();
  for (const catalog::Volume& volume : volumes) {
    if (parcel_->is_of(volume.info.volume)) only_->push_back(volume.info.volume);
  }
  if (!only_->empty()) return;
  const std::string meant = core::printable(parcel_->head().label);
  throw Error(
      Code::kUsage,
      fmt::format("the parcel is for {}, and has nothing of what is on {}", meant, core::printable(drive.drive.label)),
      fmt::format("darkshelf repair {} --parcel FILE", core::shell_quote(meant)));
}

void RepairHelp::require_common_volumes(const std::vector<catalog::Volume>& volumes) const {
  const bool common = std::any_of(volumes.begin(), volumes.end(), [&](const catalog::Volume& volume) {
    return io::look_at(context_.fs, twin_->volume_folder(volume)).stat.has_value();
  });
  if (common || volumes.empty()) return;
  throw Error(
      Code::kUsage,
      fmt::format("{} has no copy of anything on {}", core::printable(twin_->drive.label),
                  core::printable(drive_.drive.label)),
      fmt::format("darkshelf show {}   (tells what is on it, and where else)", core::shell_quote(drive_.drive.label)));
}

std::string RepairHelp::same_disk_note() const {
  const auto evidence = [](const AttachedDrive& drive) { return evidence_of(drive.medium, drive.root); };
  if (!shelf::same_disk(evidence(*twin_), evidence(drive_))) return {};
  return fmt::format("{} and {} are on one disk: when it fails, both copies are gone.",
                     core::printable(drive_.drive.label), core::printable(twin_->drive.label));
}

Elsewhere RepairHelp::for_volume(const catalog::Volume& volume) const {
  Elsewhere elsewhere;
  if (twin_ && io::look_at(context_.fs, twin_->volume_folder(volume)).stat)
    elsewhere.twins.push_back({twin_->drive.label, twin_->volume_folder(volume)});
  if (parcel_ && parcel_->is_of(volume.info.volume)) elsewhere.parcel = parcel_;
  return elsewhere;
}

std::string RepairHelp::what_else(const catalog::Volume& volume, const Examination& examination, bool failing_medium) {
  std::string text = failing_medium ? "; the medium is failing, and nothing was written to it" : "";
  if (const auto renamed = renamed_folder_of(context_, drive_, volume)) {
    commands_.push_back(rename_back(*renamed, drive_.volume_folder(volume)));
    return text + "; it lies there under another name. Type: " + commands_.back();
  }
  std::vector<core::Uuid> tried{drive_.drive.id};
  if (twin_ && !io::look_at(context_.fs, twin_->volume_folder(volume)).stat)
    text += fmt::format("; {} has no copy of it", core::printable(twin_->drive.label));
  // It has been tried, unless a copy of the whole volume is what helps.
  if (twin_ && !failing_medium && !is_changed(examination) && health_of(examination) != catalog::CopyHealth::kMissing)
    tried.push_back(twin_->drive.id);
  const auto helper = helper_for(context_, volume, drive_.drive, tried, examination, failing_medium);
  if (helper.command.empty()) return text;
  if (std::find(commands_.begin(), commands_.end(), helper.command) == commands_.end())
    commands_.push_back(helper.command);
  return text +
         fmt::format("; {}. {}: {}", helper.who, helper.plugged_in ? "Type" : "Plug it in and type", helper.command);
}

}  // namespace darkshelf::rituals
