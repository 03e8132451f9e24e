#include "photo/text.hpp"

#include <array>
#include <cstdint>

#include "core/text.hpp"

namespace darkshelf::photo {

namespace {

void append(std::string& out, std::uint32_t point) {
  const auto byte = [&](std::uint32_t value) { out.push_back(static_cast<char>(static_cast<std::uint8_t>(value))); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0 | point >> 6);
    byte(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    byte(0xE0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3F));
    byte(0x80 | (point & 0x3F));
  } else {
    byte(0xF0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3F));
    byte(0x80 | (point >> 6 & 0x3F));
    byte(0x80 | (point & 0x3F));
  }
}

/// Windows-1252, where it is not Latin-1: 0x80 to 0x9F. 0 where it has no character.
constexpr std::array<std::uint16_t, 32> kWindows = {0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                                    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017D, 0,
                                                    0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                                    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

std::string from_windows_1252(std::string_view raw) {
  std::string out;
  for (const char c : raw) {
    const auto byte = static_cast<std::uint8_t>(c);
    const std::uint32_t point = byte >= 0x80 && byte < 0xA0 ? kWindows[byte - 0x80] : byte;
    if (point != 0) append(out, point);
  }
  return out;
}

bool is_blank(std::uint32_t point) {
  return point <= 0x20 || (point >= 0x7F && point <= 0xA0) || point == 0x1680 || (point >= 0x2000 && point <= 0x200A) ||
         point == 0x2028 || point == 0x2029 || point == 0x202F || point == 0x205F || point == 0x3000;
}
bool is_line_end(std::uint32_t point) { return point == '\n' || point == '\r' || point == 0x2028 || point == 0x2029; }
/// Nothing to see, or what turns the writing around; joiners stay, since some scripts need them.
bool is_dropped(std::uint32_t point) {
  return point == 0xAD || point == 0x200B || point == 0x200E || point == 0x200F ||
         (point >= 0x202A && point <= 0x202E) || (point >= 0x2060 && point <= 0x206F) || point == 0xFEFF ||
         (point >= 0xFFF9 && point <= 0xFFFB) || (point & 0xFFFE) == 0xFFFE || (point >= 0xFDD0 && point <= 0xFDEF);
}

}  // namespace

CleanText clean_text(std::string_view raw, std::size_t most, Lines lines) {
  raw = raw.substr(0, raw.find('\0'));
  CleanText out;
  if (raw.size() > 16 * most) {  // before any work is put into it; a cut character at the end is no reason for 1252
    raw = raw.substr(0, 16 * most);
    for (int i = 0; i < 3 && !raw.empty() && !core::is_utf8(raw); ++i) raw.remove_suffix(1);
    out.shortened = true;
  }
  const std::string text = core::is_utf8(raw) ? std::string(raw) : from_windows_1252(raw);
  bool blank = false, line_end = false;
  for (std::size_t at = 0; at < text.size();) {
    const core::CodePoint point = core::code_point(text, at);
    const std::string_view bytes = std::string_view(text).substr(at, point.length);
    at += point.length;
    if (is_dropped(point.value)) continue;
    if (is_blank(point.value)) {
      blank = true;
      line_end = line_end || is_line_end(point.value);
      continue;
    }
    const bool between = blank && !out.text.empty();
    if (out.text.size() + (between ? 1 : 0) + bytes.size() > most) {
      out.shortened = true;
      break;
    }
    if (between) out.text.push_back(line_end && lines == Lines::kKeep ? '\n' : ' ');
    out.text += bytes;
    blank = line_end = false;
  }
  return out;
}

std::string from_utf16_le(std::string_view bytes) {
  std::string out;
  const auto unit = [&](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[at])) |
           static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[at + 1])) << 8;
  };
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    std::uint32_t point = unit(at);
    if (point == 0) break;
    if (point >= 0xD800 && point < 0xDC00 && at + 3 < bytes.size() && unit(at + 2) >= 0xDC00 && unit(at + 2) < 0xE000) {
      point = 0x10000 + ((point - 0xD800) << 10) + (unit(at + 2) - 0xDC00);
      at += 2;
    } else if (point >= 0xD800 && point < 0xE000) {
      continue;
    }
    append(out, point);
  }
  return out;
}

}  // namespace darkshelf::photo
