#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "cli/commands.hpp"
#include "cli/passphrase.hpp"
#include "core/text.hpp"
#include "rituals/seal.hpp"

namespace darkshelf::cli {

using core::Code;
using core::Error;
namespace fv = formats::volume;

namespace {

struct Options {
  std::vector<std::string> shoots, targets, excludes;
  bool plan_only = false, update = false, again = false, yes = false, no_signature = false;
  std::string passphrase_file, each, date, name, parity = "10%", volume_size = "8GiB", layout, memory = "2GiB";
};

rituals::SealRequest request_from(const Options& options) {
  rituals::SealRequest request;
  request.shoots.assign(options.shoots.begin(), options.shoots.end());
  for (const std::string& target : options.targets) {
    std::vector<std::string> drives;
    std::istringstream parts(target);
    for (std::string part; std::getline(parts, part, ',');) drives.push_back(part);
    if (drives.empty()) throw Error(Code::kUsage, "--to wants a drive, or several with commas between");
    request.targets.push_back(std::move(drives));
  }
  if (!options.each.empty()) request.each = static_cast<unsigned>(std::stoul(options.each));
  request.as_one = options.each == "0" || options.yes;
  request.date = options.date;
  request.name = options.name;
  request.parity_percent = core::parse_percent(options.parity);
  request.volume_bytes = core::parse_size(options.volume_size);
  if (!options.layout.empty()) request.layout = fv::layout_from(options.layout);
  request.excludes = options.excludes;
  request.update = options.update;
  request.again = options.again;
  return request;
}

std::string what_to_do(const rituals::ShootPlan& shoot) {
  switch (shoot.kind) {
    case rituals::ShootPlanKind::kNew:
      return "new";
    case rituals::ShootPlanKind::kResumed:
      return "goes on";
    case rituals::ShootPlanKind::kUpdated:
      return fmt::format("{} new, {} changed", shoot.added.size(), shoot.changed.size());
    case rituals::ShootPlanKind::kAgain:
      return "all of it again";
    case rituals::ShootPlanKind::kSealed:
      return shoot.added.empty() && shoot.changed.empty() ? "sealed already" : "sealed; has news";
    case rituals::ShootPlanKind::kMissingCopies:
      return fmt::format("sealed; {} to copy", core::count_of(shoot.to_copy.size(), "volume"));
  }
  return {};
}

bool does_something(const rituals::ShootPlan& shoot) { return shoot.kind != rituals::ShootPlanKind::kSealed; }

void print_left_out(Output& out, const std::vector<fv::LeftOut>& left_out) {
  constexpr std::size_t kShown = 10;
  if (left_out.empty()) return;
  out.note(fmt::format("Left out: {}", core::count_of(left_out.size(), "entry", "entries")));
  for (std::size_t i = 0; i < left_out.size() && (i < kShown || out.verbose()); ++i) {
    out.note(fmt::format("    {}: {}", core::printable(left_out[i].path), core::printable(left_out[i].reason)));
  }
  if (left_out.size() > kShown && !out.verbose()) out.note("    … (-v shows all)");
}

void tell_suspects(Output& out, const std::vector<rituals::PictureFinding>& findings, const char* when) {
  for (const rituals::PictureFinding& finding : findings) {
    Json object;
    put_path(object, "path", finding.path);
    object["reason"] = core::printable(finding.reason);
    object["lost"] = finding.lost;
    object["seen"] = when;
    out.object("suspect_picture", std::move(object));
  }
}

void print_suspects(Output& out, const std::vector<rituals::PictureFinding>& findings) {
  constexpr std::size_t kShown = 5;
  std::size_t shown = 0;
  for (const rituals::PictureFinding& finding : findings) {
    if (!finding.lost && !out.verbose()) continue;
    if (++shown > kShown && !out.verbose()) continue;
    out.note(fmt::format("    {} {}", core::printable(finding.path), core::printable(finding.reason)));
  }
  if (shown > kShown && !out.verbose()) out.note(fmt::format("    … and {} more (-v shows all)", shown - kShown));
}

std::size_t lost_of(const std::vector<rituals::PictureFinding>& findings) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(), [](const auto& finding) { return finding.lost; }));
}

/// "3 files are named as pictures and are none": what could be seen before anything is sealed.
void print_pictures(Output& out, const rituals::ShootPlan& shoot) {
  const std::size_t lost = lost_of(shoot.pictures.findings);
  if (lost > 0) {
    out.note(
        out.paint(Color::kRed, fmt::format("{}: {} named as {} and {}:", core::printable(shoot.source.name),
                                           lost == 1 ? "1 file is" : core::with_commas(lost) + " files are",
                                           lost == 1 ? "a picture" : "pictures", lost == 1 ? "is none" : "are none")));
  }
  print_suspects(out, shoot.pictures.findings);
  if (!shoot.pictures.edits_missing.empty())
    out.note(fmt::format("{}: {}.", core::printable(shoot.source.name), shoot.pictures.edits_missing));
  tell_suspects(out, shoot.pictures.findings, "before");
}

/// So many files are no pictures any more that nobody should seal them by mistake.
void refuse_ruins(const rituals::Plan& plan) {
  for (const rituals::ShootPlan& shoot : plan.shoots) {
    if (!shoot.pictures.is_alarming()) continue;
    throw Error(Code::kUsage,
                fmt::format("{} of {} pictures in {} are none: that is what ransomware or a dying disk leaves. Nothing "
                            "was sealed",
                            core::with_commas(lost_of(shoot.pictures.findings)),
                            core::with_commas(shoot.pictures.looked_at), core::printable(shoot.source.name)),
                "look at them first; the same command with --yes seals them as they are");
  }
}

void print_news(Output& out, const rituals::ShootPlan& shoot) {
  constexpr std::size_t kShown = 5;
  const auto some = [&](const char* what, const std::vector<std::string>& paths) {
    for (std::size_t i = 0; i < paths.size() && (i < kShown || out.verbose()); ++i)
      out.note(fmt::format("    {}: {}", what, core::printable(paths[i])));
    if (paths.size() > kShown && !out.verbose())
      out.note(fmt::format("    … and {} more {}", paths.size() - kShown, what));
  };
  some("new", shoot.added);
  some("changed", shoot.changed);
  some("no longer there", shoot.gone);
  if (shoot.kind == rituals::ShootPlanKind::kSealed && !(shoot.added.empty() && shoot.changed.empty())) {
    out.note("    Seal these with --update, or the whole shoot once more with --again.");
  }
}

void print_plan(Session& session, const rituals::Plan& plan) {
  Output& out = session.out();
  Table table({"SHOOT", "DATE", "PHOTOS", "SIZE", "VOLUMES", "WHAT"});
  for (const rituals::ShootPlan& shoot : plan.shoots) {
    const std::string date = shoot.infos.empty() ? shoot.source.date : shoot.infos.front().shoot_date;
    table.row({core::printable(shoot.source.name), date, core::with_commas(shoot.source.photos),
               core::format_size(shoot.source.bytes),
               std::to_string(shoot.kind == rituals::ShootPlanKind::kMissingCopies ? shoot.to_copy.size()
                                                                                   : shoot.volumes.size()),
               what_to_do(shoot)});
    Json volumes = Json::array();
    for (std::size_t i = 0; i < shoot.infos.size(); ++i) {
      Json drives = Json::array();
      for (const std::size_t drive : shoot.drives[i]) drives.push_back(plan.drives[drive].drive.drive.label);
      volumes.push_back({{"folder", fv::year_folder(shoot.infos[i]) + "/" + fv::folder_name(shoot.infos[i])},
                         {"bytes_on_drive", shoot.volumes[i].sizes.bytes_on_drive},
                         {"slices", shoot.volumes[i].sizes.slices},
                         {"recovery_slices", shoot.volumes[i].sizes.recovery_slices},
                         {"drives", drives}});
    }
    Json object = {{"name", core::printable(shoot.source.name)},
                   {"date", date},
                   {"photos", shoot.source.photos},
                   {"files", shoot.source.files},
                   {"bytes", shoot.source.bytes},
                   {"what", what_to_do(shoot)},
                   {"suspect_pictures", lost_of(shoot.pictures.findings)},
                   {"edits_missing", shoot.pictures.edits_missing},
                   {"volumes", volumes}};
    put_path(object, "path", shoot.source.folder.string());
    out.object("planned_shoot", std::move(object));
  }
  table.print(out);
  for (const rituals::ShootPlan& shoot : plan.shoots) {
    for (const std::string& note : shoot.notes)
      out.note(fmt::format("{}: {}", core::printable(shoot.source.name), core::printable(note)));
    print_news(out, shoot);
    print_pictures(out, shoot);
    print_left_out(out, shoot.source.left_out);
  }
  if (!plan.parity_plan.empty()) out.detail("Parity of the largest volume: " + plan.parity_plan);
  if (!plan.loose.empty()) out.note(fmt::format("In no shoot: {}", core::count_of(plan.loose.size(), "picture")));
  for (const rituals::DriveLoad& load : plan.drives) {
    if (load.volumes > 0) {
      out.line(fmt::format("{}: {}, {} of {} free", load.drive.drive.label, core::count_of(load.volumes, "volume"),
                           core::format_size(load.bytes), core::format_size(load.free)));
    }
    out.object("planned_drive", {{"label", load.drive.drive.label},
                                 {"volumes", load.volumes},
                                 {"bytes", load.bytes},
                                 {"free", load.free},
                                 {"reserve", load.reserve}});
  }
  for (const std::string& note : plan.notes) out.note(core::printable(note));
}

void print_finish(Session& session, const rituals::Plan& plan) {
  const core::Time done = session.now() + plan.estimate;
  const std::string clock = core::format_time(std::chrono::floor<std::chrono::minutes>(done)).substr(11, 5);
  session.out().line(fmt::format("{} to seal; about {}, done around {} UTC.", core::format_size(plan.bytes),
                                 core::format_duration(plan.estimate), clock));
  session.out().object("plan", {{"bytes", plan.bytes},
                                {"photos", plan.photos},
                                {"files", plan.files},
                                {"seconds", plan.estimate.count()},
                                {"done", core::format_time(done)}});
}

/// New or changed files of sealed shoots: they stay unsealed without --update or --again.
bool stays_unsealed(const rituals::ShootPlan& shoot) {
  const bool sealed =
      shoot.kind == rituals::ShootPlanKind::kSealed || shoot.kind == rituals::ShootPlanKind::kMissingCopies;
  return sealed && !(shoot.added.empty() && shoot.changed.empty());
}

int print_report(Session& session, const rituals::SealReport& report, std::size_t skipped, std::size_t with_news) {
  Output& out = session.out();
  int code = kGood;
  for (const std::string& cleaned : report.cleaned)
    out.note("Removed what an interrupted run had left: " + core::printable(cleaned));
  std::uint64_t photos = 0, files = 0;
  for (const rituals::SealedVolume& volume : report.volumes) {
    photos += volume.info.photos;
    files += volume.info.content_files;
    const std::string folder = fv::year_folder(volume.info) + "/" + fv::folder_name(volume.info);
    out.line(fmt::format("{} {}", out.paint(Color::kGreen, "sealed"), folder));
    out.line(fmt::format("       on {}{}", fmt::join(volume.drives, " and "),
                         volume.resumed ? " (stood there already, proven)" : ""));
    out.object("sealed_volume", {{"volume", volume.info.volume.text()},
                                 {"folder", folder},
                                 {"seal", core::to_hex(volume.seal)},
                                 {"photos", volume.info.photos},
                                 {"files", volume.info.content_files},
                                 {"bytes", volume.info.content_bytes},
                                 {"bytes_on_drive", volume.bytes_on_drive},
                                 {"drives", volume.drives},
                                 {"signed_by", volume.signed_by},
                                 {"resumed", volume.resumed}});
  }
  for (const fv::LeftOut& left : report.left_out) {
    code = worse(code, kInputIncomplete);
    Json object;
    put_path(object, "path", left.path);
    object["reason"] = core::printable(left.reason);
    out.object("left_out", std::move(object));
  }
  print_left_out(out, report.left_out);
  if (const std::size_t lost = lost_of(report.pictures); lost > 0)
    out.note(out.paint(Color::kRed, lost == 1 ? std::string("Sealed as it is, and looks damaged or is no picture:")
                                              : fmt::format("Sealed as they are, and look damaged or are no pictures: "
                                                            "{} files",
                                                            core::with_commas(lost))));
  print_suspects(out, report.pictures);
  tell_suspects(out, report.pictures, "sealed");
  if (!report.without_metadata.empty())
    out.note("Sealed without metadata and thumbnails: " + core::printable(report.without_metadata));
  for (const auto& failure : report.failures) {
    code = worse(code, failure.code == Code::kDriveGone ? kDriveNotThere : kFailed);
    out.error(fmt::format("{}: {}", core::printable(failure.drive), core::printable(failure.sentence)));
    if (!failure.hint.empty()) out.error(fmt::format("    → {}", core::printable(failure.hint)));
    out.object("drive_failed", {{"drive", failure.drive}, {"message", core::printable(failure.sentence)}});
  }
  for (const std::string& drive : report.readback_cached) {
    out.note(fmt::format(
        "{}: a cache may have answered when it was read back; its copies count after a check on a later day.", drive));
  }
  if (!report.volumes.empty()) {
    out.line(fmt::format("{} sealed and read back.", rituals::photos_and_files(photos, files)));
    out.line("Next: darkshelf drive eject DRIVE, label it, and put it on its shelf.");
  } else if (skipped > 0 && with_news == 0 && report.failures.empty()) {
    out.line("Nothing to seal: everything is sealed already.");
  }
  if (with_news > 0) {
    code = worse(code, kInputIncomplete);
    out.line(fmt::format("What is new or changed in {} is not sealed: type the same command with --update, or --again.",
                         core::count_of(with_news, "sealed shoot")));
  }
  out.detail(report.parity_plan);
  out.object("seal_report", {{"volumes", report.volumes.size()},
                             {"skipped", report.skipped},
                             {"photos", photos},
                             {"files", files},
                             {"bytes_read", report.bytes_read},
                             {"bytes_written", report.bytes_written},
                             {"left_out", report.left_out.size()},
                             {"suspect_pictures", lost_of(report.pictures)},
                             {"photos_with_metadata", report.photos_read},
                             {"failures", report.failures.size()},
                             {"readback_cached", report.readback_cached}});
  return code;
}

/// The key that signs what is sealed now; nothing where there is none, or (then `why_not` says so) it cannot be opened.
std::optional<sign::SigningKey> key_for(Session& session, rituals::Context& context, const Options& options,
                                        std::string& why_not) {
  if (options.no_signature || !rituals::read_key_file(context.fs, context.catalog.path())) return {};
  return opened_key(session, context, options.passphrase_file, why_not);
}

void tell_signatures(Output& out, const rituals::SealReport& report, const std::string& why_not) {
  std::map<std::string, std::size_t> signed_by;
  for (const rituals::SealedVolume& volume : report.volumes) {
    if (!volume.signed_by.empty()) ++signed_by[volume.signed_by];
  }
  for (const auto& [key, count] : signed_by)
    out.line(fmt::format("{} signed with key {}.", core::count_of(count, "volume"), key));
  if (!why_not.empty())
    out.line(fmt::format(
        "Sealed without a signature: {}. To sign later, with the drive plugged in: darkshelf key sign DRIVE", why_not));
}

int seal(Session& session, const Options& options) {
  const rituals::SealRequest request = request_from(options);
  const std::uint64_t memory = core::parse_size(options.memory);
  rituals::Context context = session.context(memory);
  rituals::Plan plan = rituals::plan_seal(context, request);
  print_plan(session, plan);
  const auto busy = std::count_if(plan.shoots.begin(), plan.shoots.end(), does_something);
  if (busy > 0) print_finish(session, plan);
  if (options.plan_only) return kGood;
  if (!options.yes) refuse_ruins(plan);
  const std::size_t skipped = plan.shoots.size() - static_cast<std::size_t>(busy);
  const auto with_news =
      static_cast<std::size_t>(std::count_if(plan.shoots.begin(), plan.shoots.end(), stays_unsealed));
  int incomplete = kGood;
  for (const rituals::ShootPlan& shoot : plan.shoots) {
    if (!shoot.source.unreadable.empty()) incomplete = kInputIncomplete;
  }
  std::string why_not;
  const auto key = busy > 0 ? key_for(session, context, options, why_not) : std::nullopt;  // nothing asks after this
  const rituals::SealReport report = rituals::seal(context, std::move(plan), key ? &*key : nullptr);
  const int code = print_report(session, report, skipped, with_news);
  tell_signatures(session.out(), report, why_not);
  return worse(code, incomplete);
}

}  // namespace

void add_seal(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("seal", "Seal shoots onto drives")->group(kYearly);
  auto o = std::make_shared<Options>();
  cmd->add_option("SHOOT", o->shoots, "Folders; each is a shoot")->required();
  cmd->add_option("--to", o->targets, "A full copy there: a drive, or several with commas; repeat for more copies")
      ->required()
      ->allow_extra_args(false)
      ->type_name("DRIVES");
  cmd->add_flag("--each{1}", o->each, "Every subfolder is a shoot (--each=2: two levels down; --each=0: never)")
      ->check(number_between(0, 9));
  cmd->add_option("--date", o->date, "The shoot's date, if its folder does not tell")
      ->type_name("DATE")
      ->check(date(Dates::kDay));
  cmd->add_option("--name", o->name, "The shoot's name, if not its folder's")->type_name("NAME");
  cmd->add_option("--parity", o->parity, "How much may rot and still be repaired")
      ->capture_default_str()
      ->type_name("PERCENT")
      ->check(percentage());
  cmd->add_option("--volume-size", o->volume_size, "Shoots above it are cut at file borders")
      ->capture_default_str()
      ->type_name("SIZE")
      ->check(size_between(std::uint64_t{1} << 20, std::uint64_t{1} << 40));
  cmd->add_option("--layout", o->layout, "tar or files (the policy's if left out)")
      ->type_name("LAYOUT")
      ->check(one_of({"tar", "files"}));
  cmd->add_option("--exclude", o->excludes, "Names or paths to leave out; may be repeated")
      ->allow_extra_args(false)
      ->type_name("GLOB");
  add_memory(cmd, o->memory, "--memory", "What parity may take");
  CLI::Option* no_signature =
      cmd->add_flag("--unsigned", o->no_signature, "Without a signature, though there is a key");
  add_passphrase_file(cmd, o->passphrase_file)->excludes(no_signature);
  cmd->add_flag("--plan", o->plan_only, "Show volumes, drives and finish time; seal nothing");
  CLI::Option* update = cmd->add_flag("--update", o->update, "Seal new and changed files of sealed shoots");
  cmd->add_flag("--again", o->again, "Seal sealed shoots once more, as a whole")->excludes(update);
  cmd->add_flag("--yes", o->yes, "As it is: a folder like a year is one shoot, pictures that are none are sealed");
  cmd->callback([&session, o] { session.action = [&session, o] { return seal(session, *o); }; });
}

}  // namespace darkshelf::cli
