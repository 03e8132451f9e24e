#pragma once
// Sizes, durations, dates, names and globs as people write and read them.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/id.hpp"

namespace darkshelf::core {

/// "8GiB", "500 MB", "4096", "1.5TB" to bytes (B, kB/KiB, MB/MiB, GB/GiB, TB/TiB, any case; a bare K, M, G, T is
/// binary). Throws Error(kUsage) naming the text.
std::uint64_t parse_size(std::string_view text);
/// "0 B", "999 B", "1.5 KB", "12.3 GB": decimal units, as drives are sold.
std::string format_size(std::uint64_t bytes);

/// "90s", "40m", "3h", "10d", "2w", "12mo", "1y" to seconds (a month is 30.4375 days). Throws Error(kUsage).
std::chrono::seconds parse_duration(std::string_view text);
/// "45 s", "12 min", "3 h 20 min", "5 days", "7 months", "2 years": one or two units, for people.
std::string format_duration(std::chrono::seconds duration);

/// "10%" or "10" to 10.0. Throws Error(kUsage) outside 0 < p <= 100.
double parse_percent(std::string_view text);

/// "2026-12-31T12:00:00Z" with as many fractional digits as are needed (none for whole seconds).
std::string format_time(Time time);
/// Nothing for what is no time, or lies outside the years 1678 to 2261.
std::optional<Time> parse_time(std::string_view text);
/// "2026-12-31", and "14 Jan 2027" for people.
std::string format_date(Time time);
std::string format_date_for_people(Time time);
/// "2026", "2026-06" or "2026-06-14" to the first moment of it; nothing if it is no such date, or outside 1678 to 2261.
std::optional<Time> parse_date(std::string_view text);
/// A date of eight digits at the front of a name ("2026-06-14_smith", "20260614 smith", "2026_06_14 …"), and where it
/// ends.
struct LeadingDate {
  std::string date;  // "2026-06-14"
  std::size_t length = 0;
};
std::optional<LeadingDate> leading_date(std::string_view name);

/// The code point at `at` and its length, or length 0 if the bytes there are not UTF-8 (RFC 3629).
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;
};
CodePoint code_point(std::string_view text, std::size_t at);
bool is_utf8(std::string_view bytes);
/// The text with every control character and every byte that is not UTF-8 shown as \xNN: safe on a terminal.
std::string printable(std::string_view bytes);
/// Lower-case ASCII letters and digits with single dashes between, at most 40 characters, never empty ("shoot"):
/// accents of Latin letters are dropped, everything else becomes a dash.
std::string slug(std::string_view name);
/// Shell pattern with *, ? and [set], no case folding; * and ? also match '/'.
bool glob_match(std::string_view pattern, std::string_view text);
/// "1 photo", "2,412 photos".
std::string count_of(std::uint64_t count, std::string_view singular, std::string_view plural = {});
/// 2412 as "2,412".
std::string with_commas(std::uint64_t count);
/// The argument as a shell takes it back: quoted only where it must be.
std::string shell_quote(std::string_view argument);

}  // namespace darkshelf::core
