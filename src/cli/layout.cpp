#include "cli/layout.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace darkshelf::cli {

namespace {

constexpr std::size_t kNarrowest = 40, kWidest = 1000;
constexpr std::string_view kPrograms[] = {"darkshelf ", "mv ", "tar ", "umount "};  // what is told to be typed
constexpr std::size_t kFurther = 2;  // how much a line that goes on is indented

struct Glyph {
  std::size_t bytes = 1, width = 1;
  char32_t value = 0;
};

Glyph glyph_at(const std::string& text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  Glyph glyph;
  if (first == 0x1B) {  // a colour: ESC [ … m
    const std::size_t end = std::min(text.find('m', at), text.size() - 1);
    return {end + 1 - at, 0, first};
  }
  glyph.bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  glyph.bytes = std::min(glyph.bytes, text.size() - at);
  glyph.value = glyph.bytes == 1 ? first : first & (0xFFu >> (glyph.bytes + 1));
  for (std::size_t i = 1; i < glyph.bytes; ++i)
    glyph.value = glyph.value << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
  const char32_t c = glyph.value;
  const bool combining = (c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F);
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
                    (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                    (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  glyph.width = combining ? 0 : wide ? 2 : 1;
  return glyph;
}

bool starts_at(const std::string& text, std::size_t at, std::string_view what) {
  return text.compare(at, what.size(), what) == 0;
}

/// Does something to type begin there? Behind ": " or an arrow, or on an indented line of its own.
bool begins_command(const std::string& text, std::size_t at, std::string_view before) {
  const bool told = before.ends_with(": ") || before.ends_with("→ ");
  const bool alone = !before.empty() && before.find_first_not_of(' ') == std::string_view::npos;
  return (told || alone) && std::any_of(std::begin(kPrograms), std::end(kPrograms),
                                        [&](std::string_view program) { return starts_at(text, at, program); });
}

/// Where the piece that must not be broken ends, that begins with the word at `at`.
std::size_t end_of_piece(const std::string& text, std::size_t at) {
  if (constexpr std::string_view kArrow = "→ "; starts_at(text, at, kArrow))
    return end_of_piece(text, at + kArrow.size());
  const std::string_view before = std::string_view(text).substr(0, at);
  if (begins_command(text, at, before)) {
    std::size_t end = std::min(text.size(), text.find("   ", at));
    for (const char* stop : {"; ", ", or", ": "}) {
      if (const std::size_t found = text.find(stop, at); found != std::string::npos) end = std::min(end, found + 1);
    }
    return end;
  }
  std::size_t end = std::min(text.find(' ', at), text.size());
  constexpr std::size_t kShort = 16;  // "(8 files)" belongs together
  if (text[at] == '(') {
    const std::size_t close = text.find(')', at);
    if (close != std::string::npos && close - at < kShort) return std::min(text.find(' ', close), text.size());
  }
  std::size_t quote = at;
  while (quote < end && (text[quote] == '(' || text[quote] == '$')) ++quote;
  if (quote < end && (text[quote] == '\'' || text[quote] == '"')) {
    const std::size_t close = text.find(text[quote], quote + 1);
    if (close != std::string::npos) end = std::max(end, std::min(text.find(' ', close), text.size()));
  }
  return end;
}

void wrap_line(const std::string& text, std::size_t width, std::vector<std::string>& lines) {
  if (width_of(text) <= width) return lines.push_back(text);
  const std::size_t indent = std::min(text.find_first_not_of(' '), text.size());
  const std::string further(indent + kFurther, ' ');
  // A remark behind a command goes below it.
  if (const std::size_t remark = text.find("   (", indent); remark != std::string::npos) {
    wrap_line(text.substr(0, remark), width, lines);
    return wrap_line(further + text.substr(remark + 3), width, lines);
  }
  std::string line(indent, ' ');
  bool empty = true;
  for (std::size_t at = indent; at < text.size();) {
    const std::size_t end = end_of_piece(text, at);
    const std::size_t next = std::min(text.find_first_not_of(' ', end), text.size());
    const std::string piece = text.substr(at, end - at);
    if (!empty && width_of(line) + width_of(piece) > width) {
      line.erase(line.find_last_not_of(' ') + 1);
      lines.push_back(line);
      line = further;
    }
    line += piece + std::string(next - end, ' ');
    empty = false;
    at = next;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  lines.push_back(line);
}

}  // namespace

std::optional<std::size_t> columns_of(int descriptor) {
  if (const char* told = std::getenv("COLUMNS"); told != nullptr) {
    const unsigned long columns = std::strtoul(told, nullptr, 10);
    if (columns > 0) return std::clamp<std::size_t>(columns, kNarrowest, kWidest);
  }
  winsize size{};
  if (::isatty(descriptor) != 1) return {};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return std::clamp<std::size_t>(size.ws_col, kNarrowest, kWidest);
}

std::size_t width_of(const std::string& text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Glyph glyph = glyph_at(text, at);
    width += glyph.width;
    at += glyph.bytes;
  }
  return width;
}

std::string shortened(const std::string& text, std::size_t width) {
  if (width_of(text) <= width) return text;
  if (width < 3) return std::string(width, '.');
  std::vector<std::string> glyphs;
  std::vector<std::size_t> widths;
  for (std::size_t at = 0; at < text.size();) {
    const Glyph glyph = glyph_at(text, at);
    glyphs.push_back(text.substr(at, glyph.bytes));
    widths.push_back(glyph.width);
    at += glyph.bytes;
  }
  std::string front, back;
  std::size_t first = 0, last = glyphs.size(), used = 1;
  for (bool at_front = true; first < last; at_front = !at_front) {
    const std::size_t next = at_front ? first : last - 1;
    if (used + widths[next] > width) break;
    used += widths[next];
    if (at_front) {
      front += glyphs[first++];
    } else {
      back = glyphs[--last] + back;
    }
  }
  return front + "…" + back;
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    wrap_line(text.substr(at, end - at), width, lines);
    at = end + 1;
  }
  return lines;
}

}  // namespace darkshelf::cli
