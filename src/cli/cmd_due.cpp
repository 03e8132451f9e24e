#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "core/text.hpp"
#include "shelf/calendar.hpp"
#include "shelf/due.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;
using core::Code;
using core::Error;
using shelf::DueDrive;

namespace {

constexpr std::uint64_t kLargestCalendar = 64 << 20;

/// Written whole or not at all; another file than a calendar of ours is left alone.
io::Path write_calendar(Session& session, const io::Path& argument, const std::string& text) {
  io::FileSystem& fs = session.fs();
  const std::string shown = core::printable(argument.string());
  io::Path path = argument;
  if (const auto stat = fs.stat_following(argument)) {
    path = fs.canonical(argument);  // what a link leads to, not the link, is renewed
    const bool file = stat->type == io::FileType::kRegular;
    const bool own = file && stat->bytes <= kLargestCalendar &&
                     (stat->bytes == 0 || shelf::is_own_calendar(io::read_text(fs, path, kLargestCalendar)));
    if (!own)
      throw Error(Code::kUsage, fmt::format("{} is there already, and no calendar that darkshelf wrote", shown),
                  "name another file; nothing was written");
  }
  io::write_file_durably(fs, path, core::as_bytes(text));
  return path;
}

std::string takes(const DueDrive& one) {
  return fmt::format("{} to read, about {} ({})", core::format_size(one.bytes),
                     core::format_duration(std::max(one.takes, std::chrono::seconds(1))), one.rate);
}

std::string next_for(catalog::Catalog& catalog, const DueDrive& one) {
  const std::string label = core::shell_quote(one.drive.label);
  switch (one.reasons.front().cause) {
    case shelf::Cause::kFailing:
    case shelf::Cause::kDamaged:
      return what_mends(catalog, one.drive);
    case shelf::Cause::kLentLong:
      return fmt::format("darkshelf drive return {}   (when it is back)", label);
    default:
      return "darkshelf check " + label;
  }
}

void tell_json(Output& out, const DueDrive& one) {
  Json reasons = Json::array(), causes = Json::array();
  for (const shelf::Reason& reason : one.reasons) {
    causes.push_back(shelf::name_of(reason.cause));
    reasons.push_back(core::printable(reason.text));
  }
  out.object("due_drive", {{"id", one.drive.id.text()},
                           {"drive", one.drive.label},
                           {"place", one.drive.place_name},
                           {"lent_to", core::printable(one.drive.lent_to)},
                           {"due", one.is_due()},
                           {"date", core::format_date(one.due)},
                           {"causes", causes},
                           {"reasons", reasons},
                           {"bytes", one.bytes},
                           {"seconds", one.takes.count()},
                           {"rate", one.rate}});
}

int due(Session& session, const std::string& ics) {
  catalog::Catalog& catalog = session.catalog(Access::kRead);
  const core::Time now = session.now();
  const shelf::Stock stock = shelf::take_stock(catalog);
  const auto drives = shelf::due_drives(stock, shelf::take_history(catalog, stock), session.policy(), now);
  const io::Path file = ics.empty() ? io::Path() : write_calendar(session, ics, shelf::calendar_of(drives, now));
  Output& out = session.out();
  std::size_t wanted = 0;
  for (const DueDrive& one : drives) {
    tell_json(out, one);
    if (!one.is_due()) continue;
    out.line(fmt::format("{}. {}  {}", ++wanted, out.paint(Color::kBold, core::printable(one.drive.label)),
                         session.whereabouts(one.drive)));
    for (const shelf::Reason& reason : one.reasons) out.line("     " + core::printable(reason.text));
    if (one.reasons.front().cause != shelf::Cause::kLentLong) out.line("     " + takes(one));
    out.item("     " + next_for(catalog, one));
  }
  if (drives.empty()) {
    out.line("No drive holds anything that could be due.");
  } else if (wanted == 0) {
    out.line("No drive is due.");
  }
  Table later({"NOT DUE YET", "DUE ON", "WHERE", "TAKES ABOUT"});
  for (const DueDrive& one : drives) {
    if (one.is_due()) continue;
    const bool lent = one.drive.state == catalog::DriveState::kLent;
    later.row({core::printable(one.drive.label), core::format_date_for_people(one.due), session.whereabouts(one.drive),
               lent ? "" : core::format_duration(std::max(one.takes, std::chrono::seconds(1)))});
  }
  if (!later.empty()) {
    if (wanted > 0) out.line();
    later.print(out);
  }
  if (!file.empty()) {
    out.line(fmt::format("The calendar {} has {}; import it again after a check, and they move.",
                         core::printable(file.string()), core::count_of(drives.size(), "event")));
  }
  Json report = {{"drives", drives.size()}, {"due", wanted}};
  if (!file.empty()) put_path(report, "calendar", file.string());
  out.object("due_report", std::move(report));
  return wanted > 0 ? kPolicyNotMet : kGood;
}

}  // namespace

void add_due(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("due", "Which drive to fetch next, why, and how long it takes")->group(kSafe);
  auto ics = std::make_shared<std::string>();
  cmd->add_option("--ics", *ics, "Write a calendar with the day of each drive")->type_name("FILE");
  cmd->callback([&session, ics] { session.action = [&session, ics] { return due(session, *ics); }; });
}

}  // namespace darkshelf::cli
