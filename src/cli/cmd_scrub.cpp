#include <fmt/format.h>

#include <set>

#include "cli/commands.hpp"
#include "cli/damage.hpp"
#include "core/text.hpp"
#include "rituals/scrub.hpp"

namespace darkshelf::cli {

namespace {

struct Options {
  std::string drive, budget, memory = "2GiB";
  bool read_only = false;
};

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
  if (!hit) {
    out.detail(fmt::format("{}: intact", copy.volume.folder));
    return;
  }
  print_damage(session, copy.volume, found);
}

int scrub(Session& session, const Options& options) {
  rituals::ScrubRequest request;
  request.drive = options.drive;
  request.read_only = options.read_only;
  if (!options.budget.empty()) request.budget = core::parse_duration(options.budget);
  rituals::Context context = session.context(core::parse_size(options.memory));
  const rituals::ScrubReport report = rituals::scrub(context, request);
  Output& out = session.out();
  for (const rituals::ScrubbedCopy& copy : report.volumes) print_volume(session, copy);
  for (const rituals::FileFinding& finding : report.drive_findings) {
    out.object("drive_finding", finding_json(finding));
    const std::string text = fmt::format("{}: {}", rituals::name_of(finding.kind), core::printable(finding.path));
    if (is_damage(finding))
      out.line(text);
    else
      out.note(text);
  }
  const std::string label = core::shell_quote(report.drive.label);
  const double seconds = std::chrono::duration<double>(report.took).count();
  const std::string rate =
      seconds >= 1
          ? fmt::format(" in {}", core::format_duration(std::chrono::seconds(static_cast<std::int64_t>(seconds + 0.5))))
          : "";
  int code = kGood;
  if (report.damage()) {
    code = report.repairable() ? kDamageRepairable : kDamageBeyondRepair;
    if (report.photos_hit > 0) {
      out.line(out.paint(
          Color::kRed,
          fmt::format("{} of {} on {} {} damaged{}.", core::with_commas(report.photos_hit),
                      core::count_of(report.photos, "photo"), report.drive.label, report.photos_hit == 1 ? "is" : "are",
                      report.repairable() ? "; repairable from parity on this drive" : "")));
    } else {
      out.line(out.paint(Color::kAmber,
                         fmt::format("All {} on {} are intact; lists or recovery data beside them are damaged.",
                                     core::count_of(report.photos, "photo"), report.drive.label)));
    }
    out.line(next_step(report, label));
  } else if (!report.volumes.empty() || report.unknown_volumes == 0) {
    out.line(out.paint(Color::kGreen,
                       fmt::format("All {} in {} on {} are intact ({} read{}).", core::count_of(report.photos, "photo"),
                                   core::count_of(report.volumes.size(), "volume"), report.drive.label,
                                   core::format_size(report.bytes_read), rate)));
  }
  if (report.unknown_volumes > 0) {
    if (report.volumes.empty()) code = worse(code, kFailed);
    out.line(fmt::format("{} here {} unknown to this catalog and not checked: darkshelf catalog recover {}",
                         core::count_of(report.unknown_volumes, "volume"), report.unknown_volumes == 1 ? "is" : "are",
                         core::shell_quote(report.root.string())));
  }
  if (!report.not_refreshed.empty()) {
    code = worse(code, kFailed);
    out.error(core::printable(report.not_refreshed));
  }
  if (report.unfinished_repair) {
    code = worse(code, kDamageRepairable);
    out.line(fmt::format("An interrupted repair waits: darkshelf repair {}", label));
  }
  if (!report.not_read.empty())
    out.line(fmt::format("Time is up: {} not read this time; the next check begins with them.",
                         core::count_of(report.not_read.size(), "volume")));
  if (report.volumes.empty() && report.not_read.empty() && report.unknown_volumes == 0)
    out.note(fmt::format("{} holds no volumes.", report.drive.label));
  out.object("scrub_report", {{"drive", report.drive.label},
                              {"volumes", report.volumes.size()},
                              {"not_read", report.not_read.size()},
                              {"damage", report.damage()},
                              {"repairable", report.repairable()},
                              {"contradicts_seal", report.contradicts_seal},
                              {"photos", report.photos},
                              {"photos_hit", report.photos_hit},
                              {"bytes_read", report.bytes_read},
                              {"seconds", seconds},
                              {"unfinished_repair", report.unfinished_repair},
                              {"catalog_refreshed", report.catalog_refreshed}});
  return code;
}

}  // namespace

bool is_damage(const rituals::FileFinding& finding) {
  return finding.kind != rituals::FindingKind::kLitter && finding.kind != rituals::FindingKind::kForeign;
}

Json finding_json(const rituals::FileFinding& finding) {
  Json object = {{"kind", rituals::name_of(finding.kind)}};
  put_path(object, "path", finding.path);
  Json ranges = Json::array();
  for (const rituals::SliceRange& range : finding.slices)
    ranges.push_back({{"first", range.first}, {"count", range.count}});
  object["slices"] = std::move(ranges);
  object["bytes"] = finding.bytes;
  return object;
}

void print_damage(Session& session, const catalog::Volume& volume, const rituals::Examination& found) {
  Output& out = session.out();
  constexpr std::size_t kShown = 10;
  const auto known = session.catalog(catalog::Catalog::Access::kWrite).shoot(volume.info.shoot);
  const std::string shoot = core::printable(known ? known->name : volume.info.title);
  if (!found.loaded) {
    out.line(out.paint(Color::kRed, fmt::format("{} (part {} of {}): {}", shoot, volume.info.part, volume.info.parts,
                                                core::printable(found.failure))));
    return;
  }
  if (!found.photos_hit.empty()) {
    const std::string verdict = found.repairable() ? "repairable from parity on this drive"
                                                   : "more is lost than parity on this drive can rebuild";
    out.line(fmt::format("{} of {} in {}; {}:", core::with_commas(found.photos_hit_count),
                         core::count_of(volume.info.photos, "photo"), shoot, verdict));
    for (std::size_t i = 0; i < found.photos_hit.size() && (i < kShown || out.verbose()); ++i) {
      out.item("    " + core::printable(found.photos_hit[i].path));
    }
    if (found.photos_hit.size() > kShown && !out.verbose())
      out.line(fmt::format("    … and {} more files (-v shows all)", found.photos_hit.size() - kShown));
  } else {
    out.line(fmt::format("{}: no photo is touched, but", volume.folder));
  }
  for (const rituals::FileFinding& finding : found.findings) {
    const std::string text = fmt::format("    {}: {}", rituals::name_of(finding.kind),
                                         finding.path.empty() ? volume.folder : core::printable(finding.path));
    if (is_damage(finding))
      out.line(text);
    else
      out.note(text);
  }
}

std::string next_step(const rituals::ScrubReport& report, const std::string& label) {
  if (report.contradicts_seal)
    return "Contents contradict the seal: compare with another copy before you trust this drive.";
  const bool failing = std::any_of(report.volumes.begin(), report.volumes.end(), [](const rituals::ScrubbedCopy& copy) {
    return std::any_of(copy.examination.findings.begin(), copy.examination.findings.end(),
                       [](const auto& f) { return f.kind == rituals::FindingKind::kUnreadable; });
  });
  if (failing)
    return fmt::format("The medium is failing: do not write to it. Next: darkshelf copy {} --to ANOTHER-DRIVE", label);
  if (report.repairable()) return fmt::format("Next: darkshelf repair {}", label);
  std::set<std::string> renewals;
  for (const rituals::ScrubbedCopy& copy : report.volumes) {
    if (!copy.renewal.empty()) renewals.insert(copy.renewal);
  }
  if (!renewals.empty()) {
    return fmt::format("Next: {}   (brings good copies)\n      darkshelf repair {}   (mends the rest)",
                       fmt::join(renewals, "   (brings good copies)\n      "), label);
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
    cmd->add_option("--for", o->budget, "Stop after this time (40m); longest unchecked volumes first")
        ->type_name("TIME")
        ->check(some_time());
    cmd->add_flag("--read-only", o->read_only, "Write nothing at all to the drive");
    add_memory(cmd, o->memory, "--memory", "What reading may take");
    cmd->callback([&session, o] { session.action = [&session, o] { return scrub(session, *o); }; });
  }
}

}  // namespace darkshelf::cli
