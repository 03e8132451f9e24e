#include <fmt/format.h>

#include <cstdlib>
#include <set>

#include "cli/adopted.hpp"
#include "cli/commands.hpp"
#include "cli/damage.hpp"
#include "cli/medium.hpp"
#include "cli/signed.hpp"
#include "cli/wear.hpp"
#include "core/text.hpp"
#include "rituals/findings.hpp"
#include "rituals/scrub.hpp"

namespace darkshelf::cli {

namespace {

struct Options {
  std::string drive, budget, memory = "2GiB";
  bool read_only = false, full = false, repair = false;
};

/// Files that lie in an intact volume and were not sealed with it.
void print_foreign(Output& out, const std::string& folder, const std::vector<rituals::FileFinding>& findings) {
  constexpr std::size_t kShown = 3;
  std::vector<std::string> names;
  for (const rituals::FileFinding& finding : findings) {
    if (finding.kind == rituals::FindingKind::kForeign) names.push_back(core::printable(finding.path));
  }
  if (names.empty()) return;
  const std::size_t shown = out.verbose() ? names.size() : std::min(kShown, names.size());
  std::string list =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (names.size() > shown) list += fmt::format(" and {} more (-v shows all)", names.size() - shown);
  out.line(fmt::format("{}: {} in it {} not sealed with it: {}", folder, core::count_of(names.size(), "file"),
                       names.size() == 1 ? "was" : "were", list));
  out.line("    The archive is as it was; move them elsewhere, no copy and no parity holds them.");
}

void print_volume(Session& session, const rituals::ScrubbedCopy& copy) {
  Output& out = session.out();
  const rituals::Examination& found = copy.examination;
  const bool hit = !found.loaded || std::any_of(found.findings.begin(), found.findings.end(), is_damage);
  Json findings = Json::array();
  for (const rituals::FileFinding& finding : found.findings) findings.push_back(finding_json(finding));
  Json photos = Json::array();
  for (const auto& member : found.photos_hit) photos.push_back(member_json(member));
  out.object("scrubbed_volume", {{"volume", copy.volume.info.volume.text()},
                                 {"folder", copy.volume.folder},
                                 {"shoot", copy.volume.info.shoot_name},
                                 {"intact", !hit},
                                 {"repairable", found.repairable()},
                                 {"slices_lost", found.lost.size()},
                                 {"recovery_slices_sound", found.payload_parity.recovery.size()},
                                 {"photos", copy.volume.info.photos},
                                 {"photos_hit", found.photos_hit_count},
                                 {"files_hit", photos},
                                 {"findings", findings},
                                 {"message", core::printable(found.failure)}});
  if (hit) {
    print_damage(session, copy.volume, found);
  } else {
    out.detail(fmt::format("{}: intact", copy.volume.folder));
    print_foreign(out, copy.volume.folder, found.findings);
  }
}

/// In what this visit and those before it have read.
std::uint64_t photos_in_check(const rituals::ScrubReport& report) {
  std::uint64_t photos = report.photos;
  for (const catalog::Volume& volume : report.read_before) photos += volume.info.photos;
  return photos;
}

std::string all_intact(std::uint64_t photos, const std::string& where) {
  return photos == 1 ? fmt::format("The only photo {} is intact", where)
                     : fmt::format("All {} {} are intact", core::count_of(photos, "photo"), where);
}

/// What this visit read, and those before it that it went on from.
std::string what_is_intact(const rituals::ScrubReport& report) {
  const double seconds = std::chrono::duration<double>(report.took).count();
  std::string read = core::format_size(report.bytes_read) + " read";
  if (seconds > 0.5)
    read += " in " + core::format_duration(std::chrono::seconds(static_cast<std::int64_t>(seconds + 0.5)));
  if (!report.not_read.empty()) {
    return fmt::format("What was read on {} is intact: {} in {} to the end ({}).", core::printable(report.drive.label),
                       core::count_of(report.photos, "photo"), core::count_of(report.volumes.size(), "volume"), read);
  }
  if (report.since && (report.read_in_part || !report.read_before.empty()))
    read += fmt::format("; the rest since {}", core::format_date_for_people(*report.since));
  const std::string where =
      fmt::format("in {} on {}", core::count_of(report.volumes.size() + report.read_before.size(), "volume"),
                  core::printable(report.drive.label));
  return fmt::format("{} ({}).", all_intact(photos_in_check(report), where), read);
}

/// What gives volumes their names back.
std::vector<std::string> renames(const rituals::ScrubReport& report) {
  std::vector<std::string> commands;
  for (const rituals::MisplacedVolume& one : report.misplaced) {
    if (!one.twice) commands.push_back(rituals::rename_back(one.path, one.belongs));
  }
  return commands;
}

void tell_misplaced(Output& out, const rituals::ScrubReport& report) {
  for (const rituals::MisplacedVolume& one : report.misplaced) {
    const std::string path = core::printable(one.path.lexically_relative(report.root).string()),
                      belongs = core::printable(one.belongs.lexically_relative(report.root).string());
    out.line(one.twice ? fmt::format("{} is {} a second time: one of the two can be removed.", path, belongs)
                       : fmt::format("{} is {} under another name.", path, belongs));
    Json object = {{"volume", one.volume.text()}, {"twice", one.twice}};
    put_path(object, "path", one.path.lexically_relative(report.root).string());
    put_path(object, "belongs", one.belongs.lexically_relative(report.root).string());
    out.object("misplaced_volume", std::move(object));
  }
}

void print_verdict(Output& out, const rituals::ScrubReport& report) {
  if (!report.damage()) {
    if (!report.volumes.empty() || !report.read_before.empty() || !report.not_read.empty())
      out.line(out.paint(Color::kGreen, what_is_intact(report)));
    return;
  }
  if (report.photos_hit > 0) {
    out.line(out.paint(
        Color::kRed,
        fmt::format("{} of {}{} on {} {} damaged{}.", core::with_commas(report.photos_hit),
                    core::count_of(photos_in_check(report), "photo"), report.not_read.empty() ? "" : " that were read",
                    core::printable(report.drive.label), report.photos_hit == 1 ? "is" : "are",
                    report.repairable() && renames(report).empty() ? "; repairable from parity on this drive" : "")));
  } else {
    const bool in_volumes = std::any_of(report.volumes.begin(), report.volumes.end(), [](const auto& copy) {
      return std::any_of(copy.examination.findings.begin(), copy.examination.findings.end(), is_damage);
    });
    const bool beside = std::any_of(report.drive_findings.begin(), report.drive_findings.end(), is_damage);
    const std::string intact = all_intact(photos_in_check(report), "on " + core::printable(report.drive.label));
    out.line(!in_volumes && !beside ? intact + "."
                                    : out.paint(Color::kAmber, fmt::format("{}; {} beside them are damaged.", intact,
                                                                           in_volumes ? "lists or recovery data"
                                                                                      : "files of the drive itself")));
  }
}

/// What to type about damage on the drive, where its medium takes what a repair writes or does not.
std::string to_mend(const rituals::ScrubReport& report, const std::string& label) {
  if (!report.read_only && !report.failing()) return fmt::format("darkshelf repair {}", label);
  return fmt::format("darkshelf copy {} --to ANOTHER-DRIVE   (mends on the way; {})", label,
                     report.failing() ? "the medium is failing" : "it is read-only here");
}

/// Once: what earlier visits saw is not told again.
void tell_litter(Output& out, const rituals::ScrubReport& report) {
  if (report.new_litter == 0) return;
  const bool all = report.new_litter == report.litter;
  std::string text =
      fmt::format("{} left by macOS or Windows in darkshelf/ on {}: harmless.",
                  core::count_of(report.new_litter, all ? "file" : "new file"), core::printable(report.drive.label));
  if (!report.read_only && !report.failing())
    text += fmt::format(" To remove {}: darkshelf repair {} --tidy", report.litter == 1 ? "it" : "them",
                        core::shell_quote(report.drive.label));
  out.note(text);
}

int tell_the_rest(Output& out, const rituals::ScrubReport& report, const std::string& label) {
  int code = kGood;
  if (report.unknown_volumes > 0) {
    if (report.volumes.empty()) code = kFailed;
    out.line(fmt::format("{} here {} unknown to this catalog and not checked: darkshelf catalog recover {}",
                         core::count_of(report.unknown_volumes, "volume"), report.unknown_volumes == 1 ? "is" : "are",
                         core::shell_quote(report.root.string())));
    out.note("Until then the copy of a catalog on the drive stays as it is.");
  }
  if (!report.not_refreshed.empty())  // what was found stands
    tell_not_refreshed(out, report.not_refreshed, report.drive.label);
  if (!report.not_read.empty()) {
    out.line(fmt::format("Time is up: {} not read to the end. To go on there: darkshelf scrub {}",
                         core::count_of(report.not_read.size(), "volume is", "volumes are"), label));
  }
  if (report.known_damage) {
    code = worse(code, kDamageRepairable);
    out.line(fmt::format("Among them is damage that an earlier check found: {}", to_mend(report, label)));
  }
  if (report.volumes.empty() && report.read_before.empty() && report.not_read.empty() && report.unknown_volumes == 0 &&
      !report.adopted.any())
    out.note(fmt::format("{} holds no volumes.", core::printable(report.drive.label)));
  return code;
}

void tell_report(Output& out, const rituals::ScrubReport& report) {
  Json object = {{"drive", report.drive.label},
                 {"since", report.since ? Json(core::format_time(*report.since)) : Json(nullptr)},
                 {"volumes", report.volumes.size()},
                 {"read_before", report.read_before.size()},
                 {"not_read", report.not_read.size()},
                 {"damage", report.damage() || report.adopted.damage()},
                 {"known_damage", report.known_damage},
                 {"repairable", report.repairable()},
                 {"contradicts_seal", report.contradicts_seal},
                 {"photos", report.photos},
                 {"photos_hit", report.photos_hit},
                 {"bytes_read", report.bytes_read},
                 {"seconds", std::chrono::duration<double>(report.took).count()},
                 {"unfinished_repair", report.unfinished_repair},
                 {"catalog_refreshed", report.catalog_refreshed}};
  object["medium_failing"] = report.wear.failing();
  object["litter"] = report.litter;
  object["new_litter"] = report.new_litter;
  object["misplaced"] = report.misplaced.size();
  put_medium(object, report);
  out.object("scrub_report", std::move(object));
}

/// Goes on with what the scrub found, and only that.
int repair_findings(Session& session, const rituals::ScrubReport& report, std::uint64_t memory) {
  rituals::RepairRequest request;
  request.drive = report.root.string();
  if (!report.unfinished_repair && !report.known_damage) {
    request.only.emplace();
    for (const rituals::ScrubbedCopy& copy : report.volumes) {
      const auto& found = copy.examination;
      if (!found.loaded || std::any_of(found.findings.begin(), found.findings.end(), is_damage))
        request.only->push_back(copy.volume.info.volume);
    }
  }
  return repair_drive(session, request, memory);
}

std::uint64_t told_size(const char* told) {
  try {
    return core::parse_size(told);
  } catch (const core::Error& error) {
    throw core::Error(core::Code::kUsage, fmt::format("DARKSHELF_LOOK_FIRST_ABOVE: {}", error.what()),
                      "unset DARKSHELF_LOOK_FIRST_ABOVE, or give it a size such as 4GiB");
  }
}

int scrub(Session& session, const Options& options) {
  rituals::ScrubRequest request;
  request.drive = options.drive;
  request.read_only = options.read_only;
  request.full = options.full;
  if (!options.budget.empty()) request.budget = core::parse_duration(options.budget);
  if (const char* told = std::getenv("DARKSHELF_LOOK_FIRST_ABOVE")) request.look_first_above = told_size(told);
  const std::uint64_t memory = core::parse_size(options.memory);
  rituals::Context context = session.context(memory);
  Output& out = session.out();
  request.on_first_look = [&](const catalog::Drive& drive, const rituals::FirstLook& look) {
    print_first_look(out, drive, look);
  };
  const rituals::ScrubReport report = rituals::scrub(context, request);
  for (const rituals::ScrubbedCopy& copy : report.volumes) print_volume(session, copy);
  for (const rituals::FileFinding& finding : report.drive_findings) {
    out.object("drive_finding", finding_json(finding));
    const std::string text = fmt::format("{}: {}", rituals::name_of(finding.kind), core::printable(finding.path));
    if (is_damage(finding))
      out.line(text);
    else if (finding.kind != rituals::FindingKind::kLitter)
      out.note(text);
  }
  tell_litter(out, report);
  const std::string label = core::shell_quote(report.drive.label);
  const int adopted = tell_adopted_check(session, report);
  if (report.only_adopted) {
    print_medium(out, report);
    tell_report(out, report);
    return report.failing() ? worse(adopted, kDamageBeyondRepair) : adopted;
  }
  tell_misplaced(out, report);
  print_verdict(out, report);
  print_medium(out, report);
  const int row = tell_signatures(out, report) ? kDamageBeyondRepair : kGood;
  const int rest = worse(adopted, tell_the_rest(out, report, label));
  tell_report(out, report);
  if (options.repair && !report.read_only && (report.damage() || report.unfinished_repair || report.known_damage)) {
    return worse(worse(rest == kDamageRepairable ? kGood : rest, repair_findings(session, report, memory)), row);
  }
  int code = rest;
  if (report.damage()) {
    code = worse(code, report.repairable() ? kDamageRepairable : kDamageBeyondRepair);
    out.line(next_step(report, label));
  } else if (report.wear.failing()) {
    out.line(next_for_failing(report.drive));
  }
  if (report.unfinished_repair) {
    code = worse(code, kDamageRepairable);
    out.line(fmt::format("An interrupted repair waits: {}", to_mend(report, label)));
  }
  return code;
}

}  // namespace

std::string next_step(const rituals::ScrubReport& report, const std::string& label) {
  if (report.contradicts_seal) {
    std::set<std::string> anew;
    bool contents = false;
    for (const rituals::ScrubbedCopy& copy : report.volumes) {
      if (!rituals::is_changed(copy.examination)) continue;
      contents = true;
      if (!copy.renewal.empty()) anew.insert(copy.renewal);
    }
    std::string text = fmt::format("{} what was sealed: compare with another copy before you trust this drive.",
                                   contents ? "Contents contradict" : "Signatures or numbers of seals contradict");
    if (!anew.empty() && !report.read_only && !report.failing())
      text +=
          fmt::format("\nWhat was sealed comes back, and what stands there now is kept in quarantine, by:\n      {}",
                      fmt::join(anew, "\n      "));
    return text;
  }
  if (report.failing()) return next_for_failing(report.drive);
  if (report.read_only) {
    return fmt::format(
        "It is read-only, and nothing on it can be mended there. Next: darkshelf copy {0} --to ANOTHER-DRIVE   (mends "
        "on the way)\n      or mount it for writing, and then: darkshelf repair {0}",
        label);
  }
  const std::vector<std::string> by_name = renames(report);
  if (!by_name.empty()) return fmt::format("Next: {}\n      darkshelf scrub {}", fmt::join(by_name, "\n      "), label);
  if (report.repairable()) return fmt::format("Next: darkshelf repair {}", label);
  std::set<std::string> renewals;
  for (const rituals::ScrubbedCopy& copy : report.volumes) {
    if (!copy.renewal.empty()) renewals.insert(copy.renewal);
  }
  if (!renewals.empty()) {
    const bool mends = std::any_of(renewals.begin(), renewals.end(),
                                   [](const std::string& command) { return command.starts_with("darkshelf repair"); });
    return fmt::format("Next: {}{}", fmt::join(renewals, "\n      "),
                       mends ? "" : fmt::format("\n      darkshelf repair {}   (mends the rest)", label));
  }
  return fmt::format(
      "Next: darkshelf repair {}   (mends what can be mended)\n      darkshelf show SHOOT   (tells which "
      "other drives hold it)",
      label);
}

void add_scrub(CLI::App& app, Session& session) {
  for (const char* name : {"scrub", "check"}) {
    CLI::App* cmd = app.add_subcommand(name, name == std::string("scrub")
                                                 ? "Read everything on a drive and compare it with what was sealed"
                                                 : "The same as scrub")
                        ->group(kBack);
    auto o = std::make_shared<Options>();
    cmd->add_option("DRIVE", o->drive, "Label, id, or where it is mounted")->required();
    auto* budget = cmd->add_option("--for", o->budget, "Stop after this time (40m); the next check goes on there");
    budget->type_name("TIME")->check(some_time());
    cmd->add_flag("--full", o->full, "Read everything, even what an unfinished check has read already");
    auto* repair = cmd->add_flag("--repair", o->repair,
                                 "Repair at once what is found; that takes as long as it takes, whatever --for says");
    cmd->add_flag("--read-only", o->read_only, "Write nothing at all to the drive")->excludes(repair);
    add_memory(cmd, o->memory, "--memory", "What reading may take");
    cmd->callback([&session, o] { session.action = [&session, o] { return scrub(session, *o); }; });
  }
}

}  // namespace darkshelf::cli
