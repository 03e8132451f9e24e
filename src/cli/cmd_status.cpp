#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/commands.hpp"
#include "core/text.hpp"
#include "shelf/policy.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;
using core::Code;
using core::Error;

namespace {

const char* word_of(shelf::Light light) {
  switch (light) {
    case shelf::Light::kGreen:
      return "green";
    case shelf::Light::kAmber:
      return "amber";
    case shelf::Light::kRed:
      return "red";
  }
  return "";
}

Color color_of(shelf::Light light) {
  return light == shelf::Light::kGreen ? Color::kGreen : light == shelf::Light::kAmber ? Color::kAmber : Color::kRed;
}

std::string failing_line(const catalog::Drive& drive) {
  return fmt::format("The medium of {} is failing: darkshelf copy {} --to ANOTHER-DRIVE", core::printable(drive.label),
                     core::shell_quote(drive.label));
}

/// Oldest first is most urgent; null where nothing is unsealed.
Json oldest_of(const rituals::WorkReport& work) { return work.oldest_days ? Json(*work.oldest_days) : Json(nullptr); }

int status(Session& session) {
  auto& catalog = session.catalog(Access::kRead);
  const shelf::Status status = session.status();
  const rituals::WorkReport work = rituals::look_at_work(session.fs(), catalog, session.work(), session.now());
  Output& out = session.out();
  for (const shelf::ShootStatus& shoot : status.shoots) {
    Json lacks = Json::array();
    for (const std::string& lack : shoot.lacks) lacks.push_back(core::printable(lack));
    out.object("shoot_status", {{"id", shoot.shoot.id.text()},
                                {"name", core::printable(shoot.shoot.name)},
                                {"date", shoot.shoot.date},
                                {"light", word_of(shoot.light)},
                                {"copies", shoot.counting},
                                {"places", shoot.places},
                                {"offsite", shoot.offsite},
                                {"kinds", shoot.kinds},
                                {"all_attached", shoot.all_attached},
                                {"lacks", lacks}});
    if (shoot.light == shelf::Light::kGreen && !out.verbose()) continue;
    out.line(fmt::format("{}  {} {}: {}, {}, {} off-site",
                         out.paint(color_of(shoot.light), fmt::format("{:5}", word_of(shoot.light))), shoot.shoot.date,
                         core::printable(shoot.shoot.name), core::count_of(shoot.counting, "good copy", "good copies"),
                         core::count_of(shoot.places, "place"), shoot.offsite));
    if (!shoot.lacks.empty()) out.line(core::printable(fmt::format("       lacks {}", fmt::join(shoot.lacks, ", "))));
    if (shoot.all_attached) out.line("       all its copies are plugged in at once");
  }
  const std::uint64_t all = status.green + status.amber + status.red;
  out.line(all == 0 ? std::string("Nothing is sealed yet.")
                    : fmt::format("{}: {} red (one good copy or none), {} amber (below the policy), {} green.",
                                  core::count_of(all, "shoot"), status.red, status.amber, status.green));
  if (status.all_attached > 0) {
    out.line(fmt::format("Every copy of {} is plugged in now: unplug a drive, and keep it elsewhere.",
                         core::count_of(status.all_attached, "shoot")));
  }
  for (const catalog::Drive& drive : status.overdue_drives) {
    out.line(fmt::format("Check due: {}{}: darkshelf check {}", core::printable(drive.label),
                         drive.place_name.empty() ? "" : fmt::format(" (at {})", core::printable(drive.place_name)),
                         core::shell_quote(drive.label)));
  }
  for (const std::string& line : work_lines(work)) out.line(line);
  Json failing = Json::array();
  for (const catalog::Drive& drive : status.failing_drives) {
    out.line(out.paint(Color::kRed, failing_line(drive)));
    failing.push_back(drive.label);
  }
  Json due = Json::array();
  for (const catalog::Drive& drive : status.overdue_drives) due.push_back(drive.label);
  out.object("status", {{"shoots", all},
                        {"green", status.green},
                        {"amber", status.amber},
                        {"red", status.red},
                        {"all_attached", status.all_attached},
                        {"met", status.met()},
                        {"checks_due", due},
                        {"medium_failing", failing},
                        {"not_sealed", work.not_sealed},
                        {"partly_sealed", work.partly},
                        {"oldest_not_sealed_days", oldest_of(work)}});
  return status.met() && status.overdue_drives.empty() ? kGood : kPolicyNotMet;
}

/// In one line: bare `darkshelf` has ten.
void tell_overdue(Output& out, const std::vector<catalog::Drive>& drives) {
  if (drives.empty()) return;
  constexpr std::size_t kShown = 3;
  std::string labels;
  for (std::size_t i = 0; i < drives.size() && i < kShown; ++i)
    labels += (i == 0 ? "" : ", ") + core::printable(drives[i].label);
  if (drives.size() > kShown) labels += fmt::format(" and {} more", drives.size() - kShown);
  out.line(fmt::format("Check due: {}: darkshelf due", labels));
}

}  // namespace

int print_summary(Session& session) {
  auto& catalog = session.catalog(Access::kRead);
  const shelf::Status status = session.status();
  const rituals::WorkReport work = rituals::look_at_work(session.fs(), catalog, session.work(), session.now());
  Output& out = session.out();
  std::uint64_t photos = 0;
  for (const shelf::ShootStatus& shoot : status.shoots) photos += shoot.shoot.photos;
  const auto drives = catalog.drives();
  const std::uint64_t all = status.green + status.amber + status.red;
  out.line(fmt::format("{}, {}, {}.", core::count_of(all, "shoot"), core::count_of(photos, "photo"),
                       core::count_of(drives.size(), "drive")));
  const auto plans = catalog.open_plans();
  if (!plans.empty())
    out.line(fmt::format("Interrupted: sealing {}. The same seal command goes on.",
                         core::printable(plans.front().shoot_name)));
  std::string repair;
  for (const catalog::Drive& drive : drives) {
    const bool reachable = drive.state == catalog::DriveState::kOnShelf;
    if (repair.empty() && reachable && !shelf::is_failing(catalog, drive.id) && !open_damage(catalog, drive.id).empty())
      repair = what_mends(catalog, drive);
  }
  if (!repair.empty()) out.line(out.paint(Color::kRed, fmt::format("Damage was found: {}", repair)));
  if (!status.failing_drives.empty()) out.line(out.paint(Color::kRed, failing_line(status.failing_drives.front())));
  if (status.red > 0)
    out.line(out.paint(Color::kRed, fmt::format("{} with one good copy or none: darkshelf status",
                                                core::count_of(status.red, "shoot"))));
  if (status.amber > 0)
    out.line(out.paint(Color::kAmber,
                       fmt::format("{} below the policy: darkshelf status", core::count_of(status.amber, "shoot"))));
  tell_overdue(out, status.overdue_drives);
  if (const std::vector<std::string> lines = work_lines(work); !lines.empty()) out.line(lines.front());
  std::string next = "darkshelf find WORDS";
  if (drives.empty())
    next = "darkshelf drive add PATH --label LABEL";
  else if (all == 0 && work.not_sealed == 0)
    next = "darkshelf seal SHOOT --to DRIVE --to DRIVE";
  else if (!status.failing_drives.empty())
    next = fmt::format("darkshelf copy {} --to ANOTHER-DRIVE", core::shell_quote(status.failing_drives.front().label));
  else if (!repair.empty())
    next = repair;
  else if (!status.overdue_drives.empty())
    next = "darkshelf check " + core::shell_quote(status.overdue_drives.front().label);
  else if (status.red + status.amber > 0)
    next = "darkshelf copy --missing --to DRIVE";
  else if (work.not_sealed > 0)
    next = fmt::format("darkshelf seal {} --to DRIVE --to DRIVE", core::shell_quote(work.oldest.string()));
  else if (work.partly > 0)
    next = fmt::format("darkshelf seal {} --update --to DRIVE --to DRIVE", core::shell_quote(work.oldest.string()));
  out.line("Next: " + next);
  out.object("summary", {{"shoots", all},
                         {"photos", photos},
                         {"drives", drives.size()},
                         {"red", status.red},
                         {"amber", status.amber},
                         {"green", status.green},
                         {"checks_due", status.overdue_drives.size()},
                         {"medium_failing", status.failing_drives.size()},
                         {"interrupted", plans.size()},
                         {"not_sealed", work.not_sealed},
                         {"partly_sealed", work.partly},
                         {"next", next}});
  return kGood;
}

void add_status(CLI::App& app, Session& session) {
  CLI::App* cmd =
      app.add_subcommand("status", "Copies, places and checks of every shoot against the policy")->group(kSafe);
  auto without = std::make_shared<std::vector<std::string>>();
  cmd->add_option("--without", *without, "A fire drill: what if this place or drive were gone? May be repeated")
      ->allow_extra_args(false)
      ->type_name("PLACE|DRIVE");
  cmd->callback([&session, without] {
    session.action = [&session, without] { return without->empty() ? status(session) : fire_drill(session, *without); };
  });
}

}  // namespace darkshelf::cli
