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

std::optional<std::chrono::sys_days> day_of(unsigned year, unsigned month, unsigned day) {
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return {};
  return std::chrono::sys_days(date);
}

/// The code point at `at` and its length, or length 0 if the bytes there are not UTF-8 (RFC 3629).
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;
};
CodePoint code_point(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(at);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return {};
  std::uint32_t value = first & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return {};
    value = value << 6 | (byte(at + i) & 0x3Fu);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[length] || surrogate || value > 0x10FFFF) return {};
  return {value, length};
}

/// Latin-1 Supplement and Latin Extended-A letters without their accents, by code point from U+00C0.
std::string_view plain_latin(std::uint32_t value) {
  static constexpr std::array<std::string_view, 0x180 - 0xC0> kPlain = {
      "a", "a", "a",  "a", "a", "a", "ae", "c",  "e", "e", "e",  "e",  "i", "i", "i",  "i",  "d", "n", "o",  "o",
      "o", "o", "o",  "",  "o", "u", "u",  "u",  "u", "y", "th", "ss", "a", "a", "a",  "a",  "a", "a", "ae", "c",
      "e", "e", "e",  "e", "i", "i", "i",  "i",  "d", "n", "o",  "o",  "o", "o", "o",  "",   "o", "u", "u",  "u",
      "u", "y", "th", "y", "a", "a", "a",  "a",  "a", "a", "c",  "c",  "c", "c", "c",  "c",  "c", "c", "d",  "d",
      "d", "d", "e",  "e", "e", "e", "e",  "e",  "e", "e", "e",  "e",  "g", "g", "g",  "g",  "g", "g", "g",  "g",
      "h", "h", "h",  "h", "i", "i", "i",  "i",  "i", "i", "i",  "i",  "i", "i", "ij", "ij", "j", "j", "k",  "k",
      "k", "l", "l",  "l", "l", "l", "l",  "l",  "l", "l", "l",  "n",  "n", "n", "n",  "n",  "n", "n", "n",  "n",
      "o", "o", "o",  "o", "o", "o", "oe", "oe", "r", "r", "r",  "r",  "r", "r", "s",  "s",  "s", "s", "s",  "s",
      "s", "s", "t",  "t", "t", "t", "t",  "t",  "u", "u", "u",  "u",  "u", "u", "u",  "u",  "u", "u", "u",  "u",
      "w", "w", "y",  "y", "y", "z", "z",  "z",  "z", "z", "z",  "s"};
  if (value < 0xC0 || value >= 0x180) return {};
  return kPlain[value - 0xC0];
}

bool matches_set(std::string_view set, char c) {
  bool negated = false;
  std::size_t i = 0;
  if (i < set.size() && (set[i] == '!' || set[i] == '^')) negated = true, ++i;
  bool inside = false;
  for (; i < set.size(); ++i) {
    if (i + 2 < set.size() && set[i + 1] == '-') {
      inside |= set[i] <= c && c <= set[i + 2];
      i += 2;
    } else {
      inside |= set[i] == c;
    }
  }
  return inside != negated;
}

/// One element of a pattern at `p`: does it match `c`, and where does the next element start?
bool matches_one(std::string_view pattern, std::size_t p, char c, std::size_t& next) {
  next = p + 1;
  if (pattern[p] == '?') return true;
  if (pattern[p] == '[') {
    const std::size_t end = pattern.find(']', p + 2);
    if (end != std::string_view::npos) {
      next = end + 1;
      return matches_set(pattern.substr(p + 1, end - p - 1), c);
    }
  }
  if (pattern[p] == '\\' && p + 1 < pattern.size()) {
    next = p + 2;
    return pattern[p + 1] == c;
  }
  return pattern[p] == c;
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

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const CodePoint point = code_point(bytes, i);
    if (point.length == 0) return false;
    i += point.length;
  }
  return true;
}

std::string printable(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size();) {
    const CodePoint point = code_point(bytes, i);
    const bool control = point.value < 0x20 || (point.value >= 0x7F && point.value < 0xA0);
    // Marks that turn the direction of writing can make a name look like another one.
    const bool turns =
        (point.value >= 0x202A && point.value <= 0x202E) || (point.value >= 0x2066 && point.value <= 0x2069);
    const std::size_t length = std::max<std::size_t>(point.length, 1);
    if (point.length == 0 || control || turns) {
      for (std::size_t k = i; k < i + length; ++k) out += fmt::format("\\x{:02X}", static_cast<std::uint8_t>(bytes[k]));
    } else {
      out += bytes.substr(i, length);
    }
    i += length;
  }
  return out;
}

std::string slug(std::string_view name) {
  constexpr std::size_t kLongest = 40;
  std::string out;
  for (std::size_t i = 0; i < name.size();) {
    const CodePoint point = code_point(name, i);
    std::string letters;
    if (point.value >= 0xC0 && point.length == 2) letters = plain_latin(point.value);
    if (point.length == 1) {
      const char c = lower(name[i]);
      if (is_digit(c) || (c >= 'a' && c <= 'z')) letters = c;
    }
    const bool combining = point.value >= 0x300 && point.value <= 0x36F;
    if (!letters.empty()) {
      out += letters;
    } else if (!combining && !out.empty() && out.back() != '-') {
      out += '-';
    }
    i += std::max<std::size_t>(point.length, 1);
  }
  if (out.size() > kLongest) out.resize(kLongest);
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "shoot" : out;
}

bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    std::size_t next = 0;
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      resume = t;
    } else if (p < pattern.size() && matches_one(pattern, p, text[t], next)) {
      p = next;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
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

std::string shell_quote(std::string_view argument) {
  static constexpr std::string_view kSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";
  if (!argument.empty() && argument.find_first_not_of(kSafe) == std::string_view::npos) return std::string(argument);
  if (printable(argument) != argument) {  // control characters or bytes no terminal takes: $'…' with escapes
    std::string out = "$'";
    for (const char c : argument) {
      const auto byte = static_cast<std::uint8_t>(c);
      if (c == '\'' || c == '\\') {
        out += '\\';
        out += c;
      } else if (byte < 0x20 || byte >= 0x7F) {
        out += fmt::format("\\x{:02x}", byte);
      } else {
        out += c;
      }
    }
    return out + "'";
  }
  std::string out = "'";
  for (const char c : argument) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace darkshelf::core
