#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/commands.hpp"
#include "cli/damage.hpp"
#include "cli/parcels.hpp"
#include "cli/wear.hpp"
#include "core/text.hpp"
#include "rituals/repair.hpp"
#include "rituals/tidy.hpp"

namespace darkshelf::cli {

namespace {

/// Nothing is claimed that this command has not read: `only_some` volumes, those a scrub found damaged, or all.
void tell_success(Output& out, const rituals::RepairReport& report, bool only_some) {
  const std::string label = core::printable(report.drive.label);
  if (report.volumes.empty() && report.second_seals == 0 && report.signatures == 0 && report.service_files == 0) {
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

/// What is beyond repair from what is here.
void tell_next(Output& out, const rituals::RepairReport& report) {
  const std::string label = core::shell_quote(report.drive.label);
  std::vector<std::string> next = report.commands;
  const bool by_twin = std::any_of(next.begin(), next.end(),
                                   [](const std::string& command) { return command.starts_with("darkshelf repair"); });
  if (by_twin) {
    next.push_back(fmt::format("darkshelf repair {} --request {}   (where they cannot be plugged in together)", label,
                               core::shell_quote(report.drive.label + ".request")));
  }
  next.emplace_back("darkshelf restore SHOOT --to DIR   (saves every intact photo)");
  if (!by_twin) next.emplace_back("darkshelf show SHOOT   (tells which other drives hold it)");
  for (std::size_t i = 0; i < next.size(); ++i) out.line((i == 0 ? "Next: " : "      ") + next[i]);
}

/// " (212 slices from 2026-B, 3 from parity)"; "" where parity alone did it.
std::string where_from(const rituals::Origin& origin) {
  std::vector<std::string> parts;
  const auto add = [&](std::uint64_t slices, const std::string& from) {
    if (slices == 0) return;
    parts.push_back(fmt::format("{} from {}",
                                parts.empty() ? core::count_of(slices, "slice") : core::with_commas(slices),
                                core::printable(from)));
  };
  for (const auto& [label, slices] : origin.from_twins) add(slices, label);
  add(origin.from_parcel, "the parcel");
  if (parts.empty()) return {};
  add(origin.rebuilt, "parity");
  return fmt::format(" ({})", fmt::join(parts, ", "));
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
  if (!report.note.empty()) out.note(report.note);
  for (const rituals::RepairedVolume& volume : report.volumes) {
    Json object = {{"volume", volume.volume.info.volume.text()},
                   {"folder", volume.volume.folder},
                   {"repaired", volume.repaired},
                   {"replayed", volume.replayed},
                   {"slices", volume.slices},
                   {"slices_from_twin", volume.origin.from_twin()},
                   {"slices_from_parcel", volume.origin.from_parcel},
                   {"files", volume.files},
                   {"bytes", volume.bytes},
                   {"message", core::printable(volume.failure)}};
    out.object("repaired_volume", std::move(object));
    if (volume.repaired) {
      out.line(fmt::format("{} {}: {} in {}{}", out.paint(Color::kGreen, "repaired"), volume.volume.folder,
                           core::format_size(volume.bytes), core::count_of(volume.files, "file"),
                           volume.replayed ? " (an interrupted repair was finished)" : where_from(volume.origin)));
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
  if (report.signatures > 0) out.line(fmt::format("{} put back.", core::count_of(report.signatures, "signature")));
  if (report.service_files > 0) {
    out.line(fmt::format("{} beside the volumes written anew (catalog copy, START-HERE, keys).",
                         core::count_of(report.service_files, "file")));
  }
  std::set<std::string> hints;  // several problems may have one
  for (const rituals::RepairProblem& problem : report.problems) {
    code = worse(code, problem.failing_medium ? kDamageRepairable
                       : problem.contradicts  ? kDamageBeyondRepair
                                              : kFailed);
    out.error(core::printable(problem.sentence));
    if (!problem.hint.empty()) hints.insert(problem.hint);
  }
  for (const std::string& hint : hints) {
    if (hint.find("Next: ") != std::string::npos)
      out.line(hint);
    else
      out.error("    → " + hint);
  }
  if (code == kGood && report.not_refreshed.empty()) {
    tell_success(out, report, request.only.has_value() || request.parcel);
    if (request.parcel) tell_parcel_used(out, report, *request.parcel);
  } else if (code == kGood) {
    out.line(fmt::format("{} read on {}, intact.", core::count_of(report.checked, "volume"),
                         core::printable(report.drive.label)));
  }
  if (code == kGood && report.failing) out.line(next_for_failing(report.drive));
  if (!report.quarantine.empty()) {
    out.note(fmt::format("The damaged bytes are kept in {} until: darkshelf repair {} --discard",
                         core::printable(report.quarantine.string()), core::shell_quote(report.drive.label)));
  }
  const bool failing_volume = std::any_of(report.volumes.begin(), report.volumes.end(),
                                          [](const rituals::RepairedVolume& volume) { return volume.failing_medium; });
  if (code == kDamageRepairable && failing_volume)
    out.line(fmt::format("Next: darkshelf copy {} --to ANOTHER-DRIVE", core::shell_quote(report.drive.label)));
  if (request.request) tell_request(out, report);
  const bool lost =
      std::any_of(report.volumes.begin(), report.volumes.end(),
                  [](const rituals::RepairedVolume& volume) { return !volume.repaired && !volume.failing_medium; });
  if (code == kDamageBeyondRepair && lost && !report.request) {
    tell_next(out, report);
  }
  if (!report.not_refreshed.empty()) {
    code = worse(code, kFailed);
    tell_not_refreshed(out, report.not_refreshed, report.drive.label);
  }
  Json problems = Json::array();
  for (const rituals::RepairProblem& problem : report.problems) problems.push_back(core::printable(problem.sentence));
  out.object("repair_report", {{"drive", report.drive.label},
                               {"checked", report.checked},
                               {"repaired", report.volumes.size()},
                               {"complete", report.complete()},
                               {"second_seals", report.second_seals},
                               {"signatures", report.signatures},
                               {"service_files", report.service_files},
                               {"problems", std::move(problems)}});
  return code;
}

namespace {

int tidy_drive(Session& session, const std::string& drive) {
  rituals::Context context = session.context();
  const rituals::TidyReport report = rituals::tidy(context, drive);
  Output& out = session.out();
  const auto entry_json = [](const rituals::TidyReport::Entry& entry, bool removed) {
    Json object;
    put_path(object, "path", entry.path);
    object["removed"] = removed;
    object["bytes"] = entry.bytes;
    object["message"] = core::printable(entry.why);
    return object;
  };
  for (const rituals::TidyReport::Entry& entry : report.removed) {
    out.item("removed " + core::printable(entry.path));
    out.object("tidied", entry_json(entry, true));
  }
  bool failed = false;
  for (const rituals::TidyReport::Entry& entry : report.left) {
    const std::string text = fmt::format("left {}: {}", core::printable(entry.path), core::printable(entry.why));
    if (entry.failed)
      out.error(text);
    else
      out.note(text);
    failed |= entry.failed;
    out.object("tidied", entry_json(entry, false));
  }
  const std::string label = core::printable(report.drive.label);
  out.line(report.removed.empty() ? fmt::format("Nothing that macOS or Windows left lies in darkshelf/ on {}.", label)
                                  : fmt::format("{} that macOS or Windows left removed from {}: {}.",
                                                core::count_of(report.removed.size(), "entry", "entries"), label,
                                                core::format_size(report.bytes)));
  out.object("tidy_report", {{"drive", report.drive.label},
                             {"removed", report.removed.size()},
                             {"left", report.left.size()},
                             {"bytes", report.bytes}});
  return failed ? kFailed : kGood;
}

struct Options {
  rituals::RepairRequest request;
  std::string work, request_file, parcel_file, output, memory = "2GiB";
  bool tidy = false;
};

int run(Session& session, Options& o) {
  const std::uint64_t memory = core::parse_size(o.memory);
  if (!o.work.empty()) o.request.work = o.work;
  if (!o.request_file.empty()) o.request.request = o.request_file;
  if (!o.parcel_file.empty()) {
    o.request.parcel = rituals::ParcelFile::open(io::posix(), o.parcel_file, session.work(memory));
    if (o.request.parcel->head().kind == formats::parcel::Kind::kRequest)
      return make_parcel(session, {o.request.parcel, o.request.drive, parcel_name(o.parcel_file, o.output)}, memory);
    if (o.request.drive.empty()) o.request.drive = o.request.parcel->head().drive.text();
  }
  if (!o.output.empty())
    throw core::Error(core::Code::kUsage, "-o names the parcel that is made of a request", "darkshelf repair --help");
  if (o.request.drive.empty()) throw core::Error(core::Code::kUsage, "repair which drive?", "darkshelf drive list");
  if (o.tidy) return tidy_drive(session, o.request.drive);
  return repair_drive(session, o.request, memory);
}

}  // namespace

void add_repair(CLI::App& app, Session& session) {
  CLI::App* cmd =
      app.add_subcommand("repair", "Mend what a scrub found, from parity and from other copies")->group(kBack);
  auto o = std::make_shared<Options>();
  cmd->add_option("DRIVE", o->request.drive, "Label, id, or where it is mounted");
  auto* with =
      cmd->add_option("--with", o->request.with, "Another drive with the same volumes, to take from what is lost");
  with->type_name("DRIVE");
  auto* work = cmd->add_option("--work", o->work, "Folder for the journal, if the drive has little room");
  work->type_name("DIR");
  auto* request = cmd->add_option("--request", o->request_file, "Write down what is lacking, for a twin far away");
  request->type_name("FILE");
  auto* parcel = cmd->add_option("--parcel", o->parcel_file,
                                 "Where a twin is: make a parcel of such a request. Where the drive is: mend it from "
                                 "the parcel");
  parcel->type_name("FILE")->excludes(request);
  cmd->add_option("-o,--output", o->output, "The parcel to make (beside the request if not told)")
      ->type_name("FILE")
      ->needs(parcel);
  auto* discard =
      cmd->add_flag("--discard", o->request.discard_quarantine, "Remove the damaged bytes earlier repairs have kept");
  auto* tidy = cmd->add_flag("--tidy", o->tidy, "Remove what macOS and Windows left in darkshelf/, and mend nothing");
  tidy->excludes(work)->excludes(discard);
  for (auto* alone : {discard, tidy}) alone->excludes(with)->excludes(request)->excludes(parcel);
  add_memory(cmd, o->memory, "--memory", "What rebuilding may take");
  cmd->callback([&session, o] { session.action = [&session, o] { return run(session, *o); }; });
}

}  // namespace darkshelf::cli
