#include "shelf/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"

namespace darkshelf::shelf {

namespace {

constexpr std::size_t kLineOctets = 75;
constexpr std::string_view kBegin = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//darkshelf//darkshelf//EN\r\n";

/// TEXT of RFC 5545, 3.3.11: of several lines, each made printable.
std::string escaped(const std::string& text) {
  std::string out;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    for (const char c : core::printable(std::string_view(text).substr(begin, end - begin))) {
      if (c == '\\' || c == ';' || c == ',') out += '\\';
      out += c;
    }
    if (end == text.size()) return out;
    out += "\\n";
    begin = end + 1;
  }
}

class Calendar {
 public:
  Calendar() : text_(kBegin) {}

  /// One content line, folded where it is longer than 75 octets, never within a character.
  void put(const std::string& line) {
    std::size_t room = kLineOctets, at = 0;
    while (line.size() - at > room) {
      std::size_t end = at + room;
      while (end > at && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
      text_ += line.substr(at, end - at) + "\r\n ";
      at = end;
      room = kLineOctets - 1;  // the blank is one
    }
    text_ += line.substr(at) + "\r\n";
  }
  void put_text(const std::string& name, const std::string& text) { put(name + ":" + escaped(text)); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string day(core::Time time) {
  std::string date = core::format_date(time);
  std::erase(date, '-');
  return date;
}

std::string moment(core::Time time) {
  std::string text = core::format_time(std::chrono::floor<std::chrono::seconds>(time));
  std::erase(text, '-');
  std::erase(text, ':');
  return text;
}

std::string what_to_do(const DueDrive& one) {
  const std::string label = core::printable(one.drive.label);
  if (one.drive.state == catalog::DriveState::kLent)
    return fmt::format("Ask {} for the drive {}", core::printable(one.drive.lent_to), label);
  if (!one.is_due()) return fmt::format("Check the drive {}", label);
  if (one.reasons.front().cause == Cause::kFailing) return fmt::format("Copy the drive {}: it is failing", label);
  if (one.reasons.front().cause == Cause::kDamaged) return fmt::format("Repair the drive {}", label);
  return fmt::format("Check the drive {}", label);
}

std::string command_for(const DueDrive& one) {
  const std::string label = core::shell_quote(one.drive.label);
  if (one.drive.state == catalog::DriveState::kLent) return "darkshelf drive return " + label;
  if (one.is_due() && one.reasons.front().cause == Cause::kFailing)
    return fmt::format("darkshelf copy {} --to ANOTHER-DRIVE", label);
  if (one.is_due() && one.reasons.front().cause == Cause::kDamaged) return "darkshelf repair " + label;
  return "darkshelf check " + label;
}

void put_alarm(Calendar& calendar, const std::string& trigger, const std::string& text) {
  calendar.put("BEGIN:VALARM");
  calendar.put("ACTION:DISPLAY");
  calendar.put("TRIGGER:" + trigger);
  calendar.put_text("DESCRIPTION", text);
  calendar.put("END:VALARM");
}

void put_event(Calendar& calendar, const DueDrive& one, core::Time now) {
  const bool later = !one.is_due() && one.due > now;
  const core::Time when = later ? one.due : now;
  const std::string title = what_to_do(one);
  std::string text;
  if (one.is_due()) text += one.why() + ".\n";
  if (one.drive.state != catalog::DriveState::kLent) {
    text += fmt::format("{} to read, about {} {}.\n", core::format_size(one.bytes), core::format_duration(one.takes),
                        one.rate);
  }
  text += command_for(one);

  calendar.put("BEGIN:VEVENT");
  calendar.put(fmt::format("UID:{}@darkshelf", one.drive.id.text()));
  calendar.put("DTSTAMP:" + moment(now));
  // A later calendar has a higher number, as long as a minute lies between.
  constexpr std::int64_t kSince2020 = 1'577'836'800;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  calendar.put(fmt::format("SEQUENCE:{}", std::max<std::int64_t>((seconds - kSince2020) / 60, 0)));
  calendar.put("DTSTART;VALUE=DATE:" + day(when));
  calendar.put("DTEND;VALUE=DATE:" + day(when + std::chrono::hours(24)));
  calendar.put_text("SUMMARY", title);
  if (!one.drive.place_name.empty()) calendar.put_text("LOCATION", core::printable(one.drive.place_name));
  calendar.put_text("DESCRIPTION", text);
  calendar.put("TRANSP:TRANSPARENT");
  if (later) put_alarm(calendar, "-P6DT15H", title);  // at nine, a week before
  put_alarm(calendar, "PT9H", title);
  calendar.put("END:VEVENT");
}

}  // namespace

std::string calendar_of(const std::vector<DueDrive>& drives, core::Time now) {
  Calendar calendar;
  calendar.put("CALSCALE:GREGORIAN");
  calendar.put("METHOD:PUBLISH");
  calendar.put("X-WR-CALNAME:Archive drives");
  for (const DueDrive& one : drives) put_event(calendar, one, now);
  calendar.put("END:VCALENDAR");
  return calendar.text();
}

bool is_own_calendar(std::string_view text) { return text.starts_with(kBegin); }

}  // namespace darkshelf::shelf
