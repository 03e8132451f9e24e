#include <fmt/format.h>

#include "core/error.hpp"
#include "core/text.hpp"
#include "formats/drive/drive_files.hpp"
#include "formats/json/json_line.hpp"

namespace darkshelf::formats::drive {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kLongest = 64 << 10;
constexpr std::size_t kLongestLabel = 240;   // that is read
constexpr std::size_t kLongestGiven = 60;    // characters
constexpr std::size_t kLongestInName = 222;  // bytes: a name has 255 at most, and ".new" while it is written
const std::string kWhere = "drive.json";

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

/// The first bytes of UTF-8, without a part of a character at the end.
std::string_view first_bytes(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && !begins_character(text[bytes])) --bytes;
  return text.substr(0, bytes);
}

std::string_view first_characters(std::string_view text, std::size_t characters) {
  for (std::size_t i = 0, begun = 0; i < text.size(); ++i) {
    if (begins_character(text[i]) && ++begun > characters) return text.substr(0, i);
  }
  return text;
}

}  // namespace

bool is_label(std::string_view label) {
  return !label.empty() && core::printable(label) == label && first_characters(label, kLongestGiven) == label &&
         label.find_first_of("/,") == std::string_view::npos && label.front() != '-' && label != "." && label != "..";
}

std::string label_from(std::string_view text) {
  std::string label = core::printable(text);
  for (char& c : label) c = c == '/' || c == ',' || (c == '-' && &c == label.data()) ? '_' : c;
  label = std::string(first_characters(label, kLongestGiven));
  return label.empty() || label == "." || label == ".." ? "drive" : label;
}

std::string encode_identity(const DriveIdentity& identity) {
  Json object;
  object["what"] = "The identity of an archive drive of darkshelf. Please leave this file where it is.";
  object["format"] = identity.format;
  object["id"] = identity.id.text();
  object["label"] = identity.label;
  object["created"] = core::format_time(identity.created);
  object["catalog"] = identity.catalog_mode;
  return object.dump(2) + "\n";
}

DriveIdentity decode_identity(std::string_view text) {
  const Json object = parse_object(text, kLongest, kWhere);
  DriveIdentity identity;
  const std::uint64_t format = must_number(object, "format", kWhere);
  if (format > kFormat) {
    const std::string writer = text_field(object, "written_by").value_or("");
    throw Error(Code::kNewerFormat,
                fmt::format("this drive has format {} (written by {}); this darkshelf knows up to {}", format,
                            writer.empty() ? "a later darkshelf" : core::printable(writer.substr(0, 100)), kFormat),
                "install a later darkshelf; nothing is wrong with the drive");
  }
  const auto id = core::Uuid::parse(must_text(object, "id", kWhere));
  const auto created = core::parse_time(must_text(object, "created", kWhere));
  if (format == 0 || !id || !created) throw Error(Code::kCorrupt, kWhere + ": format, id or created makes no sense");
  identity.format = static_cast<unsigned>(format);
  identity.id = *id;
  identity.created = *created;
  identity.label = must_text(object, "label", kWhere);
  if (identity.label.empty() || identity.label.size() > kLongestLabel)
    throw Error(Code::kCorrupt, kWhere + ": the label is empty or too long");
  identity.catalog_mode = text_field(object, "catalog").value_or("full");
  if (identity.catalog_mode != "own" && identity.catalog_mode != "none") identity.catalog_mode = "full";
  return identity;
}

std::string encode_current(const CurrentCatalog& current) {
  return fmt::format("{}\n{}\n{}\n", current.name, current.bytes, core::to_hex(current.sha256));
}

CurrentCatalog decode_current(std::string_view text) {
  const auto corrupt = [] {
    return Error(Code::kCorrupt, "catalog/CURRENT: is not a name, a length and a SHA-256 on three lines");
  };
  std::string lines[3];
  for (std::string& line : lines) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || end > 255) throw corrupt();
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  CurrentCatalog current;
  current.name = lines[0];
  const bool plain = current.name.starts_with("catalog-") && current.name.ends_with(".db") &&
                     current.name.find('/') == std::string::npos && core::printable(current.name) == current.name;
  const auto sha256 = core::digest_from_hex<32>(lines[2]);
  if (!plain || !sha256 || !text.empty() || lines[1].empty() || lines[1].size() > 18) throw corrupt();
  for (const char c : lines[1]) {
    if (c < '0' || c > '9') throw corrupt();
    current.bytes = current.bytes * 10 + static_cast<std::uint64_t>(c - '0');
  }
  current.sha256 = *sha256;
  return current;
}

std::string root_start_here_name(std::string_view label) {
  std::string safe;
  for (const char c : core::printable(label))
    safe += std::string_view("\\/:*?\"<>|").find(c) == std::string_view::npos ? c : '_';
  safe = std::string(first_bytes(safe, kLongestInName));
  while (!safe.empty() && (safe.back() == ' ' || safe.back() == '.')) safe.pop_back();
  return fmt::format("START-HERE photo archive {}.txt", safe);
}

}  // namespace darkshelf::formats::drive
