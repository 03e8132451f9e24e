#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/error.hpp"

namespace darkshelf::core {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

/// A decimal number at the front of `text` and what follows it, blanks removed; nothing if there is none.
struct Quantity {
  double value = 0;
  std::string unit;
};
std::optional<Quantity> quantity(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && (is_digit(text[end]) || text[end] == '.')) ++end;
  if (end == 0 || !is_digit(text[0]) || text[end - 1] == '.') return {};
  Quantity out;
  const auto [stop, failed] = std::from_chars(text.data(), text.data() + end, out.value);
  if (failed != std::errc{} || stop != text.data() + end || !std::isfinite(out.value)) return {};
  while (end < text.size() && text[end] == ' ') ++end;
  out.unit = lower(text.substr(end));
  return out;
}

std::optional<unsigned> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return {};
  unsigned value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (!is_digit(text[i])) return {};
    value = value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  return value;
}

/// Nothing for days that do not exist, and for years whose nanoseconds since 1970 a Time cannot hold.
std::optional<std::chrono::sys_days> day_of(unsigned year, unsigned month, unsigned day) {
  if (year < 1678 || year > 2261) return {};
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return {};
  return std::chrono::sys_days(date);
}

}  // namespace

std::uint64_t parse_size(std::string_view text) {
  static constexpr std::string_view kLetters = "kmgtp";
  const auto bad = [&] {
    return Error(Code::kUsage,
                 fmt::format("\"{}\" is not a size; sizes look like 8GiB, 500MB or 4096", printable(text)));
  };
  const auto found = quantity(text);
  if (!found) throw bad();
  std::string_view unit = found->unit;
  double factor = 1;
  if (!unit.empty() && unit != "b") {
    const std::size_t power = kLetters.find(unit.front());
    if (power == std::string_view::npos) throw bad();
    unit.remove_prefix(1);
    const bool binary = unit.empty() || unit == "ib" || unit == "i";
    if (!binary && unit != "b") throw bad();
    factor = std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power + 1));
  }
  const double bytes = found->value * factor;
  if (bytes >= 9e18) throw bad();
  return static_cast<std::uint64_t>(bytes + 0.5);
}

std::string format_size(std::uint64_t bytes) {
  static constexpr std::array<const char*, 6> kUnits = {"B", "KB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.95 && unit + 1 < kUnits.size()) value /= 1000, ++unit;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::chrono::seconds parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  static constexpr double kDay = 86400;
  static constexpr std::array<Unit, 7> kUnits = {Unit{"s", 1},
                                                 Unit{"m", 60},
                                                 Unit{"h", 3600},
                                                 Unit{"d", kDay},
                                                 Unit{"w", 7 * kDay},
                                                 Unit{"mo", 30.4375 * kDay},
                                                 Unit{"y", 365.25 * kDay}};
  if (const auto found = quantity(text)) {
    for (const Unit& unit : kUnits) {
      const double seconds = found->value * unit.seconds;
      if (found->unit == unit.name && seconds < 1e11) return std::chrono::seconds(std::llround(seconds));
    }
  }
  throw Error(
      Code::kUsage,
      fmt::format("\"{}\" is not a length of time; they look like 90s, 40m, 3h, 10d, 2w, 12mo or 1y", printable(text)));
}

std::string format_duration(std::chrono::seconds duration) {
  const std::int64_t s = std::max<std::int64_t>(duration.count(), 0);
  constexpr std::int64_t kDay = 86400;
  const auto count = [](std::int64_t n, const char* one) { return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s"); };
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min", s / 60);
  if (s < kDay)
    return s % 3600 < 60 ? fmt::format("{} h", s / 3600) : fmt::format("{} h {} min", s / 3600, s % 3600 / 60);
  if (s < 60 * kDay) return count(s / kDay, "day");
  if (s < 730 * kDay) return count(s * 10000 / (kDay * 304375), "month");
  return count(s * 100 / (kDay * 36525), "year");
}

double parse_percent(std::string_view text) {
  const auto found = quantity(text);
  if (!found || (found->unit != "%" && !found->unit.empty()) || found->value <= 0 || found->value > 100) {
    throw Error(Code::kUsage, fmt::format("\"{}\" is not a percentage above 0 and up to 100", printable(text)));
  }
  return found->value;
}

std::string format_time(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::int64_t of_day = (seconds - day).count();
  std::string text =
      fmt::format("{}T{:02}:{:02}:{:02}", format_date(time), of_day / 3600, of_day / 60 % 60, of_day % 60);
  if (const std::int64_t ns = (time - seconds).count(); ns != 0) {
    text += fmt::format(".{:09}", ns);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "Z";
}

std::optional<Time> parse_time(std::string_view text) {
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return {};
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text.back() != 'Z')
    return {};
  const auto date = day_of(*year, *month, *day);
  if (!date || *hour > 23 || *minute > 59 || *second > 59) return {};
  std::int64_t ns = 0;
  if (text.size() > 20) {
    const std::string_view fraction = text.substr(20, text.size() - 21);
    if (text[19] != '.' || fraction.empty() || fraction.size() > 9 || !digits(fraction, 0, fraction.size())) return {};
    ns = *digits(fraction, 0, fraction.size());
    for (std::size_t i = fraction.size(); i < 9; ++i) ns *= 10;
  }
  return Time(*date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second) +
         std::chrono::nanoseconds(ns);
}

std::string format_date(Time time) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(time));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::string format_date_for_people(Time time) {
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(time));
  return fmt::format("{} {} {}", static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()));
}

std::optional<Time> parse_date(std::string_view text) {
  const auto year = digits(text, 0, 4);
  const bool shape = text.size() == 4 || (text.size() == 7 && text[4] == '-') ||
                     (text.size() == 10 && text[4] == '-' && text[7] == '-');
  if (!year || !shape) return {};
  const auto month = text.size() >= 7 ? digits(text, 5, 2) : std::optional<unsigned>(1);
  const auto day = text.size() == 10 ? digits(text, 8, 2) : std::optional<unsigned>(1);
  if (!month || !day) return {};
  const auto date = day_of(*year, *month, *day);
  if (!date) return {};
  return Time(*date);
}

std::optional<LeadingDate> leading_date(std::string_view name) {
  const auto year = digits(name, 0, 4);
  if (!year || *year < 1826 || *year > 2200) return {};  // the first photograph
  const bool separated = name.size() > 4 && (name[4] == '-' || name[4] == '_' || name[4] == '.' || name[4] == ' ');
  const std::size_t step = separated ? 1 : 0;
  const std::size_t length = 8 + 2 * step;
  const auto month = digits(name, 4 + step, 2), day = digits(name, 6 + 2 * step, 2);
  if (!month || !day || (separated && name[7] != name[4])) return {};
  if (name.size() > length && is_digit(name[length])) return {};
  const auto date = day_of(*year, *month, *day);
  if (!date) return {};
  return LeadingDate{format_date(Time(*date)), length};
}

std::string count_of(std::uint64_t count, std::string_view singular, std::string_view plural) {
  if (count == 1) return fmt::format("1 {}", singular);
  return plural.empty() ? fmt::format("{} {}s", with_commas(count), singular)
                        : fmt::format("{} {}", with_commas(count), plural);
}

std::string with_commas(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

}  // namespace darkshelf::core
