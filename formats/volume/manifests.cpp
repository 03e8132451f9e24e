#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "formats/volume/paths.hpp"
#include "formats/volume/tag_files.hpp"

namespace darkshelf::formats::volume {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kHex = 64;
constexpr std::size_t kLongestLine = 192 << 10;  // a path of 64 KiB with every byte escaped

/// As coreutils writes names that would break a line; "" when the name needs none of it.
std::string escaped(const std::string& path) {
  if (path.find_first_of("\\\n\r") == std::string::npos) return {};
  std::string out;
  for (const char c : path) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else
      out += c;
  }
  return out;
}

std::string unescaped(std::string_view text, const std::string& where) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    ++i;
    if (i == text.size()) throw Error(Code::kCorrupt, where + ": ends in a backslash");
    if (text[i] == 'n')
      out += '\n';
    else if (text[i] == 'r')
      out += '\r';
    else if (text[i] == '\\')
      out += '\\';
    else
      throw Error(Code::kCorrupt, where + ": an unknown escape");
  }
  return out;
}

ManifestEntry decode_line(std::string_view line, const std::string& where) {
  const bool has_escapes = line.starts_with('\\');
  if (has_escapes) line.remove_prefix(1);
  const auto sha256 = core::digest_from_hex<32>(line.substr(0, kHex));
  const bool separated =
      line.size() > kHex + 2 && line[kHex] == ' ' && (line[kHex + 1] == ' ' || line[kHex + 1] == '*');
  if (!sha256 || !separated) throw Error(Code::kCorrupt, where + ": is not \"SHA-256  path\"");
  ManifestEntry entry{*sha256, std::string(line.substr(kHex + 2))};
  if (has_escapes) entry.path = unescaped(entry.path, where);
  require_safe_path(entry.path, where);
  return entry;
}

}  // namespace

std::string encode_manifest(std::vector<ManifestEntry> entries) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  std::string text;
  for (const ManifestEntry& entry : entries) {
    const std::string special = escaped(entry.path);
    if (!special.empty()) text += '\\';
    text += core::to_hex(entry.sha256);
    text += "  ";
    text += special.empty() ? entry.path : special;
    text += '\n';
  }
  return text;
}

std::vector<ManifestEntry> decode_manifest(std::string_view text) {
  std::vector<ManifestEntry> entries;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::string where = fmt::format("line {} of a list of hashes", ++number);
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || end > kLongestLine)
      throw Error(Code::kCorrupt, where + ": is cut off or too long");
    entries.push_back(decode_line(text.substr(0, end), where));
    if (entries.size() > 1 && !(entries[entries.size() - 2].path < entries.back().path)) {
      throw Error(Code::kCorrupt, where + ": paths are not in order, or one stands twice");
    }
    text.remove_prefix(end + 1);
  }
  return entries;
}

std::string encode_slices(const std::vector<digest::Sha256>& slices) {
  std::string text;
  text.reserve(slices.size() * (kHex + 1));
  for (const digest::Sha256& slice : slices) {
    text += core::to_hex(slice);
    text += '\n';
  }
  return text;
}

std::vector<digest::Sha256> decode_slices(std::string_view text) {
  if (text.size() % (kHex + 1) != 0)
    throw Error(Code::kCorrupt, "slices.sha256: its length is no multiple of 65 bytes");
  std::vector<digest::Sha256> slices;
  slices.reserve(text.size() / (kHex + 1));
  for (std::size_t at = 0; at < text.size(); at += kHex + 1) {
    const auto sha256 = core::digest_from_hex<32>(text.substr(at, kHex));
    if (!sha256 || text[at + kHex] != '\n') {
      throw Error(Code::kCorrupt, fmt::format("slices.sha256 line {}: is no SHA-256", at / (kHex + 1) + 1));
    }
    slices.push_back(*sha256);
  }
  return slices;
}

}  // namespace darkshelf::formats::volume
