// `status --without`: what would be left, and the commands that make it enough.

#include "shelf/fire_drill.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "core/text.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;
using core::Code;
using core::Error;
using shelf::Outcome;

namespace {

constexpr std::size_t kNamesShown = 5, kNamesInCommand = 8;

const char* word_of(Outcome outcome) {
  static constexpr const char* kWords[] = {"lost", "uncounted", "one-copy", "below", "green"};
  return kWords[static_cast<std::size_t>(outcome)];
}

/// Drives that are taken to be gone: one drive, or all that are kept at a place.
std::set<core::Uuid> without_drives(Session& session, const shelf::Stock& stock,
                                    const std::vector<std::string>& names) {
  catalog::Catalog& catalog = session.catalog(Access::kRead);
  const std::set<core::Uuid> here = session.situation().plugged_in;
  std::set<core::Uuid> gone;
  for (const std::string& name : names) {
    const auto place = catalog.find_place(name);
    const auto drive = place ? std::nullopt : catalog.find_drive(name);
    if (!place && !drive)
      throw Error(Code::kNotFound, fmt::format("no place and no drive is called \"{}\"", core::printable(name)),
                  "darkshelf place list");
    if (drive) gone.insert(drive->id);
    if (place) gone.merge(shelf::drives_at(stock, *place, here));
  }
  return gone;
}

class Telling {
 public:
  Telling(Session& session, const shelf::Stock& stock, const shelf::FireDrill& drill, shelf::Room room,
          std::set<core::Uuid> measured)
      : session_(session),
        out_(session.out()),
        stock_(stock),
        drill_(drill),
        room_(std::move(room)),
        measured_(std::move(measured)) {}

  void gone(const std::vector<std::string>& names, const std::set<core::Uuid>& drives) {
    std::vector<std::string> labels, moved;
    for (const catalog::Drive& drive : stock_.drives) {
      if (!drives.contains(drive.id)) continue;
      labels.push_back(core::printable(drive.label));
      const bool named = std::find(names.begin(), names.end(), drive.label) != names.end() ||
                         std::find(names.begin(), names.end(), drive.place_name) != names.end();
      if (!named && drive.offsite)
        moved.push_back(fmt::format("{} is here and not at {}: taken to be gone too.", labels.back(),
                                    core::printable(drive.place_name)));
    }
    std::vector<std::string> shown;
    for (const std::string& name : names) shown.push_back(core::printable(name));
    const std::string what = fmt::format("{}", fmt::join(shown, " and "));
    out_.line(fmt::format("If {} were gone: {}.", what,
                          labels.empty()    ? "no drive is kept there"
                          : labels == shown ? core::count_of(labels.size(), "drive") + " less"
                                            : fmt::format("{}", fmt::join(labels, ", "))));
    for (const std::string& line : moved) out_.line(line);
  }

  void outcomes() {
    for (const shelf::ShootOutcome& shoot : drill_.shoots) tell_json(shoot);
    if (drill_.shoots.empty()) return out_.line("Nothing is sealed yet.");
    const std::string photos = core::count_of(drill_.photos_lost, "photo");
    group(Outcome::kLost, Color::kRed, drill_.lost, fmt::format("Lost for good: {{}}, {}", photos));
    group(Outcome::kUncounted, Color::kRed, drill_.uncounted, "Left on copies that do not count: {}");
    group(Outcome::kOneCopy, Color::kRed, drill_.one_copy, "One good copy left: {}");
    group(Outcome::kBelow, Color::kAmber, drill_.below, "Below the policy: {}");
    if (drill_.lost == 0) out_.line("Nothing would be lost for good.");
    out_.line(out_.paint(Color::kGreen, fmt::format("Still green: {}.", core::count_of(drill_.green, "shoot"))));
  }

  void fixes() {
    const bool one = drill_.keep_all.bytes == drill_.keep_policy.bytes;
    if (drill_.keep_all.needed() && !one)
      fix("nothing-lost", "So that nothing would be lost, copy {}:", drill_.keep_all);
    if (drill_.keep_policy.needed()) {
      fix("policy-met", "So that the policy would still be met, copy {}:", drill_.keep_policy);
      const std::uint64_t checked = drill_.keep_policy_once_checked.bytes;
      if (checked < drill_.keep_policy.bytes)
        out_.line(fmt::format(
            "Check first what is due: if all of it is well, {}. Which drives: darkshelf due",
            checked == 0 ? "nothing has to be copied" : core::format_size(checked) + " to copy are enough"));
    }
    const std::vector<catalog::Volume>& beyond = drill_.keep_policy.beyond;
    const auto adopted = static_cast<std::size_t>(
        std::count_if(beyond.begin(), beyond.end(), [](const catalog::Volume& volume) { return volume.adopted; }));
    if (beyond.size() > adopted)
      out_.line(fmt::format("No copying helps {}: there is no copy on the shelf to copy from.",
                            core::count_of(beyond.size() - adopted, "volume")));
    if (adopted > 0)
      out_.line(fmt::format("{} adopted and not sealed: darkshelf seal SHOOT --to DRIVE, with its drive plugged in",
                            core::count_of(adopted, "volume is", "volumes are")));
  }

 private:
  void tell_json(const shelf::ShootOutcome& one) {
    const shelf::ShootStatus& status = one.status;
    out_.object("drill_shoot", {{"id", status.shoot.id.text()},
                                {"name", core::printable(status.shoot.name)},
                                {"date", status.shoot.date},
                                {"outcome", word_of(one.outcome)},
                                {"now", word_of(one.before)},
                                {"photos_lost", one.photos_lost},
                                {"copies", status.counting},
                                {"places", status.places},
                                {"offsite", status.offsite},
                                {"kinds", status.kinds}});
  }

  void group(Outcome outcome, Color color, std::uint64_t count, const std::string& heading) {
    if (count == 0) return;
    out_.line(out_.paint(color, fmt::format(fmt::runtime(heading), core::count_of(count, "shoot"))));
    std::size_t shown = 0;
    for (const shelf::ShootOutcome& one : drill_.shoots) {
      if (one.outcome != outcome) continue;
      if (++shown > kNamesShown && !out_.verbose()) continue;
      std::string line = fmt::format("    {} {}", one.status.shoot.date, core::printable(one.status.shoot.name));
      if (outcome == Outcome::kLost) line += fmt::format(", {}", core::count_of(one.photos_lost, "photo"));
      if (one.before == outcome) line += " (so already)";
      out_.line(line);
    }
    if (shown > kNamesShown && !out_.verbose()) out_.line(fmt::format("    … and {} more (-v)", shown - kNamesShown));
  }

  void fix(const char* goal, const char* heading, const shelf::Fix& fix) {
    out_.line();
    out_.line(fmt::format(fmt::runtime(heading), core::format_size(fix.bytes)));
    std::size_t number = 0;
    for (const shelf::FixTarget& target : fix.targets) {
      const std::string label =
          target.drive ? target.drive->label : "NEW" + (number == 0 ? "" : std::to_string(number));
      number += target.drive ? 0 : 1;
      out_.line(target.drive ? about(target) : about_new(target));
      std::vector<std::string> commands;
      if (!target.drive) commands.push_back(fmt::format("darkshelf drive add PATH --label {} --place PLACE", label));
      const std::vector<std::string> names = names_for(target);
      for (std::size_t at = 0; at < names.size(); at += kNamesInCommand) {
        const std::vector<std::string> some(
            names.begin() + static_cast<std::ptrdiff_t>(at),
            names.begin() + static_cast<std::ptrdiff_t>(std::min(at + kNamesInCommand, names.size())));
        commands.push_back(fmt::format("darkshelf copy {} --to {}", fmt::join(some, " "), core::shell_quote(label)));
      }
      for (const std::string& command : commands) out_.item("      " + command);
      out_.object("drill_fix", {{"goal", goal},
                                {"drive", target.drive ? target.drive->label : ""},
                                {"new_drive_bytes", target.drive ? 0 : target.needed},
                                {"new_drive_kind", target.drive ? "" : target.kind},
                                {"volumes", target.volumes.size()},
                                {"bytes", target.bytes},
                                {"commands", commands}});
    }
  }

  std::string about(const shelf::FixTarget& target) {
    const catalog::Drive& drive = *target.drive;
    const bool is_here = drive.away() || session_.plugged_in().contains(drive.id);
    return fmt::format("    {} to {}, {}: {}{} free{}", core::format_size(target.bytes), core::printable(drive.label),
                       session_.whereabouts(drive), measured_.contains(drive.id) ? "" : "about ",
                       core::format_size(room_.at(drive.id)),
                       is_here && drive.offsite ? "; it counts there once it is back" : "");
  }

  std::string about_new(const shelf::FixTarget& target) {
    const shelf::Policy policy = session_.policy();
    const bool apart = policy.offsite > 0 || policy.places > 1;
    return fmt::format("    {} to a new drive{} of at least {}, {}", core::format_size(target.bytes),
                       policy.kinds > 1 ? fmt::format(" ({})", target.kind) : "", core::format_size(target.needed),
                       policy.offsite > 0 ? "off-site, at a place of its own"
                       : apart            ? "at a place of its own"
                                          : "kept elsewhere");
  }

  /// As `copy` understands them: shoots where all of one goes, else volumes.
  std::vector<std::string> names_for(const shelf::FixTarget& target) {
    std::set<core::Uuid> there;
    for (const catalog::Copy& copy : stock_.copies) {
      if (target.drive && copy.drive == target.drive->id) there.insert(copy.volume);
    }
    for (const catalog::Volume& volume : target.volumes) there.insert(volume.info.volume);
    std::vector<std::string> names;
    std::set<core::Uuid> told;
    for (const catalog::Volume& volume : target.volumes) {
      const bool whole = std::all_of(stock_.volumes.begin(), stock_.volumes.end(), [&](const catalog::Volume& one) {
        return one.info.shoot != volume.info.shoot || there.contains(one.info.volume);
      });
      if (!whole) {
        names.push_back(core::shell_quote(io::Path(volume.folder).filename().string()));
      } else if (told.insert(volume.info.shoot).second) {
        names.push_back(name_of(volume.info.shoot));
      }
    }
    return names;
  }

  /// The shortest that means this shoot and nothing else.
  std::string name_of(const core::Uuid& id) {
    catalog::Catalog& catalog = session_.catalog(Access::kRead);
    const auto shoot = std::find_if(stock_.shoots.begin(), stock_.shoots.end(),
                                    [&](const catalog::Shoot& one) { return one.id == id; });
    for (const std::string& name : {shoot->name, shoot->date + " " + shoot->name}) {
      const auto same = static_cast<std::size_t>(
          std::count_if(stock_.shoots.begin(), stock_.shoots.end(), [&](const catalog::Shoot& one) {
            return !one.discarded && (one.name == name || one.folder == name || one.date + " " + one.name == name);
          }));
      if (same == 1 && core::printable(name) == name && !name.starts_with('-') && !catalog.find_drive(name))
        return core::shell_quote(name);
    }
    return id.text();
  }

  Session& session_;
  Output& out_;
  const shelf::Stock& stock_;
  const shelf::FireDrill& drill_;
  shelf::Room room_;
  std::set<core::Uuid> measured_;
};

}  // namespace

int fire_drill(Session& session, const std::vector<std::string>& without) {
  const shelf::Stock stock = shelf::take_stock(session.catalog(Access::kRead));
  const std::set<core::Uuid> gone = without_drives(session, stock, without);
  shelf::Room room = shelf::room_by_catalog(stock);
  std::set<core::Uuid> measured;
  for (const auto& [drive, root] : session.plugged_in()) {
    const io::Space space = session.fs().space(root);
    room[drive] = space.read_only ? 0 : shelf::room_in(space.free, space.total);
    measured.insert(drive);
  }
  const shelf::FireDrill drill =
      shelf::fire_drill(stock, session.policy(), session.now(), session.situation(gone), room);
  Telling telling(session, stock, drill, std::move(room), std::move(measured));
  telling.gone(without, gone);
  telling.outcomes();
  telling.fixes();
  const bool met = drill.green == drill.shoots.size();
  Json labels = Json::array();
  for (const catalog::Drive& drive : stock.drives) {
    if (gone.contains(drive.id)) labels.push_back(drive.label);
  }
  session.out().object("fire_drill", {{"drives", labels},
                                      {"shoots", drill.shoots.size()},
                                      {"lost", drill.lost},
                                      {"lost_already", drill.lost_before},
                                      {"photos_lost", drill.photos_lost},
                                      {"uncounted", drill.uncounted},
                                      {"one_copy", drill.one_copy},
                                      {"below", drill.below},
                                      {"green", drill.green},
                                      {"bytes_so_that_nothing_is_lost", drill.keep_all.bytes},
                                      {"bytes_so_that_policy_is_met", drill.keep_policy.bytes},
                                      {"bytes_once_all_is_checked", drill.keep_policy_once_checked.bytes},
                                      {"beyond_help", drill.keep_policy.beyond.size()},
                                      {"met", met}});
  return met ? kGood : kPolicyNotMet;
}

}  // namespace darkshelf::cli
