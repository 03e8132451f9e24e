// Names: bytes that should be UTF-8, shown, shortened, matched and quoted.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/text.hpp"

namespace darkshelf::core {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

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
