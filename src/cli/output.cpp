#include "cli/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "core/bytes.hpp"
#include "core/text.hpp"

namespace darkshelf::cli {

namespace {

constexpr std::size_t kColumns = 80, kGap = 2, kNarrowest = 8;
constexpr int kSchema = 1;

struct Glyph {
  std::size_t bytes = 1, width = 1;
  char32_t value = 0;
};

/// The character at `at`; texts here are valid UTF-8 or went through core::printable.
Glyph glyph_at(const std::string& text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  Glyph glyph;
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

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t have = width_of(text);
  return have < width ? text + std::string(width - have, ' ') : text;
}

/// In the order it was said, also when both streams end in one file.
void to_stderr(const std::string& text) {
  std::fflush(stdout);
  fmt::print(stderr, "{}\n", text);
}

}  // namespace

void Output::line(const std::string& text) {
  if (!json_) fmt::print("{}\n", text);
}

void Output::object(const std::string& type, Json fields) {
  if (!json_) return;
  Json object = {{"type", type}, {"schema", kSchema}};
  for (auto& [key, value] : fields.items()) object[key] = value;
  fmt::print("{}\n", object.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void Output::note(const std::string& text) {
  if (!quiet_) to_stderr(text);
}

void Output::detail(const std::string& text) {
  if (verbose_) to_stderr(text);
}

void Output::error(const std::string& text) { to_stderr(text); }

std::string Output::paint(Color color, const std::string& text) const {
  if (colors_ == Colors::kNever || color == Color::kPlain) return text;
  const char* code = "0";
  switch (color) {
    case Color::kPlain:
      break;
    case Color::kBold:
      code = "1";
      break;
    case Color::kGreen:
      code = "32";
      break;
    case Color::kAmber:
      code = "33";
      break;
    case Color::kRed:
      code = "31";
      break;
    case Color::kUnplugged:
      code = "36";
      break;
  }
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

void Table::print(Output& out) const {
  std::vector<std::size_t> widths;
  for (const std::string& heading : headings_) widths.push_back(width_of(heading));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  const auto total = [&] {
    std::size_t sum = kGap * (widths.size() - 1);
    for (const std::size_t width : widths) sum += width;
    return sum;
  };
  while (total() > kColumns) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kNarrowest) break;
    --*widest;
  }
  const auto text_of = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string cell = shortened(cells[i], widths[i]);
      text += i + 1 == cells.size() ? cell : padded(cell, widths[i] + kGap);
    }
    return text.substr(0, text.find_last_not_of(' ') + 1);
  };
  out.line(out.paint(Color::kBold, text_of(headings_)));
  for (const auto& row : rows_) out.line(text_of(row));
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
  std::string line;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (!line.empty() && width_of(line) + 1 + width_of(word) > width) {
      lines.push_back(line);
      line.clear();
    }
    line += line.empty() ? word : " " + word;
    at = end + 1;
  }
  lines.push_back(line);
  return lines;
}

void put_path(Json& object, const std::string& name, const std::string& path) {
  object[name] = core::printable(path);
  if (!core::is_utf8(path)) object[name + "_b64"] = core::to_base64(core::as_bytes(path));
}

Json member_json(const formats::volume::Member& member) {
  Json object;
  put_path(object, "path", member.path);
  object["bytes"] = member.bytes;
  object["modified"] = core::format_time(core::Time(std::chrono::nanoseconds(member.mtime_ns)));
  if (member.type == formats::volume::MemberType::kFile) object["sha256"] = core::to_hex(member.sha256);
  return object;
}

}  // namespace darkshelf::cli
