#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/damage.hpp"
#include "core/text.hpp"
#include "rituals/repair.hpp"

namespace darkshelf::cli {

namespace {

/// Nothing is claimed that this command has not read: `only_some` volumes, those a scrub found damaged, or all.
void tell_success(Output& out, const rituals::RepairReport& report, bool only_some) {
  const std::string label = core::printable(report.drive.label);
  if (report.volumes.empty() && report.second_seals == 0 && report.service_files == 0) {
    out.line(fmt::format("Nothing to repair: {} on {}, intact.",
                         core::count_of(report.checked, only_some ? "volume read again" : "volume",
                                        only_some ? "volumes read again" : "volumes"),
                         label));
  } else if (!only_some) {
    out.line(fmt::format("Everything on {} is byte for byte as it was sealed, read back from the medium.", label));
  } else if (!report.volumes.empty()) {
    out.line(fmt::format("{} on {} {} byte for byte as {} sealed again, read back from the medium.",
                         core::count_of(report.volumes.size(), "volume"), label,
                         report.volumes.size() == 1 ? "is" : "are",
                         report.volumes.size() == 1 ? "it was" : "they were"));
  }
}

}  // namespace

int repair_drive(Session& session, const rituals::RepairRequest& request, std::uint64_t memory) {
  rituals::Context context = session.context(memory);
  const rituals::RepairReport report = rituals::repair(context, request);
  Output& out = session.out();
  if (request.discard_quarantine) {
    out.line(report.discarded_bytes > 0 ? fmt::format("Removed {} of damaged bytes that repairs had kept.",
                                                      core::format_size(report.discarded_bytes))
                                        : "Repairs have kept nothing there.");
    out.object("quarantine_discarded", {{"bytes", report.discarded_bytes}});
    return kGood;
  }
  int code = kGood;
  for (const rituals::RepairedVolume& volume : report.volumes) {
    Json object = {{"volume", volume.volume.info.volume.text()},
                   {"folder", volume.volume.folder},
                   {"repaired", volume.repaired},
                   {"replayed", volume.replayed},
                   {"slices", volume.slices},
                   {"files", volume.files},
                   {"bytes", volume.bytes},
                   {"message", core::printable(volume.failure)}};
    out.object("repaired_volume", std::move(object));
    if (volume.repaired) {
      out.line(fmt::format("{} {}: {} in {}{}", out.paint(Color::kGreen, "repaired"), volume.volume.folder,
                           core::format_size(volume.bytes), core::count_of(volume.files, "file"),
                           volume.replayed ? " (an interrupted repair was finished)" : ""));
      continue;
    }
    code = worse(code, volume.failing_medium ? kDamageRepairable : kDamageBeyondRepair);
    out.line(fmt::format("{} {}: {}", out.paint(Color::kRed, "not repaired"), volume.volume.folder,
                         core::printable(volume.failure)));
    if (volume.after.loaded) print_damage(session, volume.volume, volume.after);
  }
  if (report.second_seals > 0)
    out.line(fmt::format("{} written anew.",
                         core::count_of(report.second_seals, "second copy of a seal", "second copies of seals")));
  if (report.service_files > 0) {
    out.line(fmt::format("{} beside the volumes written anew (catalog copy, START-HERE).",
                         core::count_of(report.service_files, "file")));
  }
  for (const rituals::RepairProblem& problem : report.problems) {
    code = worse(code, problem.failing_medium ? kDamageRepairable : kFailed);
    out.error(core::printable(problem.sentence));
    if (!problem.hint.empty()) out.line(problem.hint);
  }
  if (code == kGood && report.not_refreshed.empty()) {
    tell_success(out, report, request.only.has_value());
  } else if (code == kGood) {
    out.line(fmt::format("{} read on {}, intact.", core::count_of(report.checked, "volume"),
                         core::printable(report.drive.label)));
  }
  if (!report.quarantine.empty()) {
    out.note(fmt::format("The damaged bytes are kept in {} until: darkshelf repair {} --discard",
                         core::printable(report.quarantine.string()), core::shell_quote(report.drive.label)));
  }
  const bool failing_volume = std::any_of(report.volumes.begin(), report.volumes.end(),
                                          [](const rituals::RepairedVolume& volume) { return volume.failing_medium; });
  if (code == kDamageRepairable && failing_volume)
    out.line(fmt::format("Next: darkshelf copy {} --to ANOTHER-DRIVE", core::shell_quote(report.drive.label)));
  if (code == kDamageBeyondRepair) {
    out.line("Next: darkshelf restore SHOOT --to DIR   (saves every intact photo)");
    out.line("      darkshelf show SHOOT   (tells which other drives hold it)");
  }
  if (!report.not_refreshed.empty()) {
    code = worse(code, kFailed);
    out.error(core::printable(report.not_refreshed));
  }
  Json problems = Json::array();
  for (const rituals::RepairProblem& problem : report.problems) problems.push_back(core::printable(problem.sentence));
  out.object("repair_report", {{"drive", report.drive.label},
                               {"checked", report.checked},
                               {"repaired", report.volumes.size()},
                               {"complete", report.complete()},
                               {"second_seals", report.second_seals},
                               {"service_files", report.service_files},
                               {"problems", std::move(problems)}});
  return code;
}

void add_repair(CLI::App& app, Session& session) {
  CLI::App* cmd =
      app.add_subcommand("repair", "Mend what a scrub found, from parity on the drive itself")->group(kBack);
  struct Options {
    rituals::RepairRequest request;
    std::string work, memory = "2GiB";
  };
  auto o = std::make_shared<Options>();
  cmd->add_option("DRIVE", o->request.drive, "Label, id, or where it is mounted")->required();
  cmd->add_option("--work", o->work, "Folder for the journal, if the drive has no room")->type_name("DIR");
  cmd->add_flag("--discard", o->request.discard_quarantine, "Remove the damaged bytes earlier repairs have kept");
  add_memory(cmd, o->memory, "--memory", "What rebuilding may take");
  cmd->callback([&session, o] {
    session.action = [&session, o] {
      if (!o->work.empty()) o->request.work = o->work;
      return repair_drive(session, o->request, core::parse_size(o->memory));
    };
  });
}

}  // namespace darkshelf::cli
