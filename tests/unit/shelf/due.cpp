// What is due, in which order and until when, against a slow and obvious reading of the rules; and the calendar.

#include "shelf/due.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "core/text.hpp"
#include "shelf/calendar.hpp"
#include "unit/shelf/plain_shelf.hpp"

namespace darkshelf::testing {
namespace {

using catalog::CopyHealth;
using catalog::DriveState;
using shelf::Cause;
using shelf::DueDrive;
using std::chrono::hours;

core::Time ago(int count) { return plain_now() - hours(count); }

struct PlainDue {
  std::set<Cause> causes;
  std::optional<core::Time> date;
  std::uint64_t bytes = 0;
  bool any = false;
};

/// One drive, copy by copy.
PlainDue plain_due(const PlainShelf& shelf, std::size_t number, const std::optional<int>& lent_hours,
                   std::optional<bool> last_check_complete) {
  PlainDue due;
  const PlainDrive& drive = shelf.drives[number];
  int oldest = -1;
  bool now = false;
  for (const PlainVolume& volume : shelf.volumes) {
    if (shelf.shoots[static_cast<std::size_t>(volume.shoot)].discarded) continue;
    for (const PlainCopy& copy : volume.copies) {
      if (copy.drive != static_cast<int>(number)) continue;
      due.any = true;
      due.bytes += volume.bytes;
      if (copy.health != CopyHealth::kGood) {
        due.causes.insert(Cause::kDamaged);
        continue;
      }
      const bool same_day = copy.checked && core::format_date(ago(*copy.checked)) == core::format_date(ago(copy.made));
      if (!copy.checked || (copy.cached && same_day)) {
        due.causes.insert(Cause::kNeverProven);
        now = true;
        continue;
      }
      if (copy.latest < -24) {
        due.causes.insert(Cause::kOverdue);
        now = true;
        continue;
      }
      oldest = std::max(oldest, *copy.checked);
    }
  }
  if (oldest > shelf.every + shelf.grace) {
    due.causes.insert(Cause::kOverdue);
  } else if (oldest > shelf.every) {
    due.causes.insert(Cause::kDue);
  }
  if (drive.failing) due.causes.insert(Cause::kFailing);
  if (last_check_complete == false) due.causes.insert(Cause::kIncomplete);
  due.date = now || oldest < 0 ? plain_now() : ago(oldest) + hours(shelf.every);
  if (drive.state == DriveState::kLent) {
    due.causes.clear();
    due.date = ago(lent_hours.value_or(0)) + hours(365 * 24);
    if (lent_hours.value_or(0) >= 365 * 24) due.causes.insert(Cause::kLentLong);
  }
  return due;
}

const DueDrive* find(const std::vector<DueDrive>& drives, std::size_t number) {
  const auto at = std::find_if(drives.begin(), drives.end(),
                               [&](const auto& one) { return one.drive.id == plain_id('d', number); });
  return at == drives.end() ? nullptr : &*at;
}

catalog::Visit visit(int hours_ago, std::uint64_t bytes, int seconds, bool complete = true) {
  catalog::Visit visit;
  visit.started = ago(hours_ago);
  visit.ended = visit.started + std::chrono::seconds(seconds);
  visit.bytes = bytes;
  visit.complete = complete;
  visit.of_check = true;
  return visit;
}

/// Content lines as they were before they were folded.
std::vector<std::string> unfolded(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find("\r\n", at);
    REQUIRE(end != std::string::npos);
    const std::string line = text.substr(at, end - at);
    CHECK(line.size() <= 75);
    CHECK(core::is_utf8(line));
    CHECK(line.find_first_of("\r\n") == std::string::npos);
    if (line.starts_with(' ')) {
      REQUIRE_FALSE(lines.empty());
      lines.back() += line.substr(1);
    } else {
      lines.push_back(line);
    }
    at = end + 2;
  }
  return lines;
}

DueDrive due_drive(const std::string& label, core::Time when, std::vector<shelf::Reason> reasons) {
  DueDrive one;
  one.drive.id = plain_id('d', label.size());
  one.drive.label = label;
  one.drive.place_name = "home; shelf 2, \\left";
  one.due = when;
  one.reasons = std::move(reasons);
  one.rate = "at 120 MB/s, assumed";
  return one;
}

}  // namespace

TEST_CASE("due: causes, dates and order are what the rules say, on shelves made by chance") {
  std::map<Cause, unsigned> seen;
  unsigned later = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    PlainShelf plain = PlainShelf::make(seed + 40'000, 9, 4);
    Dice dice(seed);
    shelf::History history;
    std::vector<std::optional<int>> lent(plain.drives.size());
    std::vector<std::optional<bool>> complete(plain.drives.size());
    for (std::size_t d = 0; d < plain.drives.size(); ++d) {
      if (plain.drives[d].state == DriveState::kLent) {
        lent[d] = static_cast<int>(dice.below(20'000));
        history.lent_since[plain_id('d', d)] = ago(*lent[d]);
      }
      if (dice.below(2) == 0) {
        complete[d] = dice.below(2) == 0;
        history.visits[plain_id('d', d)] = {visit(10, 0, 5, *complete[d]), visit(20, 0, 5, dice.below(2) == 0)};
      }
    }
    const std::vector<DueDrive> told = shelf::due_drives(stock(plain), history, policy(plain), plain_now());
    std::size_t expected = 0;
    for (std::size_t d = 0; d < plain.drives.size(); ++d) {
      CAPTURE(d);
      const PlainDue due = plain_due(plain, d, lent[d], complete[d]);
      const DueDrive* one = find(told, d);
      const bool can_be_had =
          plain.drives[d].state == DriveState::kOnShelf || plain.drives[d].state == DriveState::kLent;
      REQUIRE((one != nullptr) == (due.any && can_be_had));
      if (one == nullptr) continue;
      ++expected;
      std::set<Cause> causes;
      for (const shelf::Reason& reason : one->reasons) causes.insert(reason.cause);
      CHECK(causes == due.causes);
      CHECK(one->due == *due.date);
      CHECK(one->bytes == due.bytes);
      CHECK(one->is_due() == !due.causes.empty());
      if (due.causes.empty()) CHECK(one->due >= plain_now());
      for (const Cause cause : causes) ++seen[cause];
      later += due.causes.empty() ? 1 : 0;
      CHECK(std::is_sorted(one->reasons.begin(), one->reasons.end(),
                           [](const auto& a, const auto& b) { return a.cause < b.cause; }));
    }
    CHECK(told.size() == expected);
    for (std::size_t i = 1; i < told.size(); ++i) {
      const auto rank = [](const DueDrive& one) { return one.is_due() ? static_cast<int>(one.reasons[0].cause) : 99; };
      REQUIRE(rank(told[i - 1]) <= rank(told[i]));
      if (rank(told[i - 1]) == rank(told[i])) CHECK(told[i - 1].due <= told[i].due);
    }
  }
  for (const Cause cause : {Cause::kFailing, Cause::kDamaged, Cause::kOverdue, Cause::kNeverProven, Cause::kDue,
                            Cause::kIncomplete, Cause::kLentLong})
    CHECK(seen[cause] > 20);
  CHECK(later > 50);
}

TEST_CASE("due: how long it takes goes by the drive's own checks, else by what is said to be assumed") {
  PlainShelf plain;
  plain.shoots.resize(1);
  plain.drives.resize(1);
  plain.volumes.push_back({0, 1'200'000'000'000, 10, {}});
  plain.volumes[0].copies.push_back({0, CopyHealth::kGood, 24, 24, 24, false});
  const auto ask = [&](const std::vector<catalog::Visit>& visits) {
    shelf::History history;
    history.visits[plain_id('d', 0)] = visits;
    return shelf::due_drives(stock(plain), history, policy(plain), plain_now()).at(0);
  };
  CHECK(ask({}).takes == std::chrono::seconds(10'000));
  CHECK(ask({}).rate == "at 120 MB/s, assumed");
  // The middle one of three; what a repair came upon, and what was read in no time, tell nothing.
  catalog::Visit repair = visit(5, 1'000'000'000, 1);
  repair.of_check = false;
  const DueDrive measured = ask({repair, visit(6, 1000, 1), visit(10, 100'000'000'000, 1000),
                                 visit(20, 200'000'000'000, 1000), visit(30, 900'000'000'000, 1000)});
  CHECK(measured.rate == "at 200 MB/s, as its last checks");
  CHECK(measured.takes == std::chrono::seconds(6000));
  plain.drives[0].kind = 1;
  CHECK(ask({}).rate == "at 350 MB/s, assumed");
}

TEST_CASE("due: a disk that gets worse is fetched before its check is due") {
  PlainShelf plain;
  plain.shoots.resize(1);
  plain.drives.resize(2);
  plain.volumes.push_back({0, 1000, 10, {}});
  plain.volumes[0].copies = {{0, CopyHealth::kGood, 24, 24, 24, false},
                             {1, CopyHealth::kGood, 9000, 9000, 9000, false}};
  shelf::History history;
  history.wear_news[plain_id('d', 0)] = "8 reallocated sectors";
  const auto drives = shelf::due_drives(stock(plain), history, policy(plain), plain_now());
  REQUIRE(drives.size() == 2);
  CHECK(drives[0].why() == "8 reallocated sectors");
  CHECK(drives[1].why().find("it counts until") != std::string::npos);
}

TEST_CASE("calendar: lines end and fold as they have to, texts are escaped, and events keep their names") {
  const core::Time now = plain_now();
  const std::string long_label = "Zweitplatte für die Hochzeiten – " + std::string(20, 'x');
  const std::vector<DueDrive> drives = {
      due_drive("2026-A", now - hours(24 * 90),
                {{Cause::kOverdue, "checked last on 3 Mar 2026,\ndue; since \x01 long"}}),
      due_drive(long_label, now + hours(24 * 30), {})};
  const std::string text = shelf::calendar_of(drives, now);
  CHECK(shelf::is_own_calendar(text));
  CHECK_FALSE(shelf::is_own_calendar("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//other//EN\r\n"));
  const std::vector<std::string> lines = unfolded(text);
  const auto has = [&](const std::string& line) { return std::count(lines.begin(), lines.end(), line); };
  CHECK(lines.front() == "BEGIN:VCALENDAR");
  CHECK(lines.back() == "END:VCALENDAR");
  CHECK(has("BEGIN:VEVENT") == 2);
  CHECK(has("DTSTAMP:20270601T120000Z") == 2);
  CHECK(has("DTSTART;VALUE=DATE:20270601") == 1);  // what is due already is due today
  CHECK(has("DTEND;VALUE=DATE:20270602") == 1);
  CHECK(has("DTSTART;VALUE=DATE:20270701") == 1);
  CHECK(has("LOCATION:home\\; shelf 2\\, \\\\left") == 2);
  CHECK(has("SUMMARY:Check the drive " + long_label) == 1);
  CHECK(has("TRIGGER:PT9H") == 2);
  CHECK(has("TRIGGER:-P6DT15H") == 1);
  CHECK(text.find("03 Mar 2026") == std::string::npos);
  CHECK(text.find("due\\; since \\\\x01 long") != std::string::npos);
  const std::string uid = "UID:" + drives[0].drive.id.text() + "@darkshelf";
  CHECK(has(uid) == 1);
  const auto later = unfolded(shelf::calendar_of(drives, now + hours(1)));
  CHECK(std::count(later.begin(), later.end(), uid) == 1);
  const auto sequence = [](const std::vector<std::string>& all) {
    const auto at =
        std::find_if(all.begin(), all.end(), [](const auto& line) { return line.starts_with("SEQUENCE:"); });
    return std::stol(at->substr(9));
  };
  CHECK(sequence(later) > sequence(lines));
}

}  // namespace darkshelf::testing
