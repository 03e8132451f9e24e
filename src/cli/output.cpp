#include "cli/output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/layout.hpp"
#include "core/bytes.hpp"
#include "core/text.hpp"

namespace darkshelf::cli {

namespace {

constexpr std::size_t kGap = 2, kNarrowest = 8;
constexpr int kSchema = 1;

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t have = width_of(text);
  return have < width ? text + std::string(width - have, ' ') : text;
}

std::string broken(const std::string& text, std::optional<std::size_t> columns) {
  return columns ? fmt::format("{}", fmt::join(wrapped(text, *columns), "\n")) : text;
}

}  // namespace

Output::Output(Style style)
    : style_(style), out_columns_(columns_of(STDOUT_FILENO)), err_columns_(columns_of(STDERR_FILENO)) {}

std::size_t Output::columns() const { return out_columns_.value_or(kUsualColumns); }

void Output::line(const std::string& text) {
  if (!style_.json) fmt::print("{}\n", broken(text, out_columns_));
}

void Output::item(const std::string& text) {
  if (!style_.json) fmt::print("{}\n", text);
}

void Output::text(const std::string& text) { fmt::print("{}", text); }

/// In the order it was said, also when both streams end in one file.
void Output::to_stderr(const std::string& text) {
  std::fflush(stdout);
  fmt::print(stderr, "{}\n", broken(text, err_columns_));
}

void Output::object(const std::string& type, Json fields) {
  if (!style_.json) return;
  Json object = {{"type", type}, {"schema", kSchema}};
  for (auto& [key, value] : fields.items()) object[key] = value;
  fmt::print("{}\n", object.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void Output::note(const std::string& text) {
  if (!style_.quiet) to_stderr(text);
}

void Output::detail(const std::string& text) {
  if (style_.verbose) to_stderr(text);
}

void Output::error(const std::string& text) { to_stderr(text); }

std::string Output::paint(Color color, const std::string& text) const {
  if (!style_.colors || color == Color::kPlain) return text;
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
  while (total() > out.columns()) {
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
  out.item(out.paint(Color::kBold, text_of(headings_)));
  for (const auto& row : rows_) out.item(text_of(row));
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
