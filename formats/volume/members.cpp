#include <fmt/format.h>

#include "core/error.hpp"
#include "core/text.hpp"
#include "formats/json/json_line.hpp"
#include "formats/volume/paths.hpp"
#include "formats/volume/tag_files.hpp"

namespace darkshelf::formats::volume {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kLongestPath = 64 << 10;
constexpr std::size_t kLongestPhoto = 1 << 20;
constexpr std::size_t kLongestLine = 4 << 20;  // a path, a link and 64 KiB attributes in base64

std::string_view name_of(MemberType type) {
  switch (type) {
    case MemberType::kFile:
      return "file";
    case MemberType::kDirectory:
      return "dir";
    case MemberType::kSymlink:
      return "symlink";
    case MemberType::kHardLink:
      return "hardlink";
  }
  return "";
}

MemberType type_from(const std::string& name, const std::string& where) {
  for (const MemberType type :
       {MemberType::kFile, MemberType::kDirectory, MemberType::kSymlink, MemberType::kHardLink}) {
    if (name_of(type) == name) return type;
  }
  throw Error(Code::kCorrupt, fmt::format("{}: unknown type \"{}\"", where, core::printable(name)));
}

Json to_json(const Member& member) {
  Json line;
  put_bytes(line, "path", member.path);
  line["type"] = name_of(member.type);
  if (member.type == MemberType::kFile) {
    line["bytes"] = member.bytes;
    line["sha256"] = core::to_hex(member.sha256);
    if (!member.photo.empty()) line["photo"] = parse_object(member.photo, kLongestPhoto, "a photo's metadata");
  }
  line["mtime_ns"] = member.mtime_ns;
  line["mode"] = fmt::format("{:04o}", member.mode);
  if (member.type == MemberType::kSymlink) put_bytes(line, "target", member.link);
  if (member.type == MemberType::kHardLink) put_bytes(line, "link_to", member.link);
  if (!member.xattrs.empty() && member.type != MemberType::kHardLink) {
    Json attributes = Json::object();
    for (const auto& [name, value] : member.xattrs) attributes[name] = core::to_base64(core::as_bytes(value));
    line["xattrs_b64"] = std::move(attributes);
  }
  if (member.offset != 0 || member.header_offset != 0) {
    line["header_offset"] = member.header_offset;
    line["offset"] = member.offset;
  }
  if (member.first_slice != 0) line["first_slice"] = member.first_slice;
  return line;
}

std::uint64_t number_or_zero(const Json& line, const char* name, const std::string& where) {
  return line.contains(name) ? must_number(line, name, where) : 0;
}

std::uint32_t mode_from(const std::string& text, const std::string& where) {
  std::uint32_t mode = 0;
  if (text.empty() || text.size() > 5) throw Error(Code::kCorrupt, fmt::format("{}: \"mode\" is no file mode", where));
  for (const char c : text) {
    if (c < '0' || c > '7') throw Error(Code::kCorrupt, fmt::format("{}: \"mode\" is no file mode", where));
    mode = mode * 8 + static_cast<std::uint32_t>(c - '0');
  }
  return mode & 07777;
}

Member from_json(const Json& line, const std::string& where) {
  Member member;
  const auto path = bytes_field(line, "path", where);
  if (!path) throw Error(Code::kCorrupt, fmt::format("{}: has no path", where));
  member.path = *path;
  require_safe_path(member.path, where);
  member.type = type_from(must_text(line, "type", where), where);
  if (member.type == MemberType::kFile) {
    member.bytes = must_number(line, "bytes", where);
    const auto sha256 = core::digest_from_hex<32>(must_text(line, "sha256", where));
    if (!sha256) throw Error(Code::kCorrupt, fmt::format("{}: \"sha256\" is no SHA-256", where));
    member.sha256 = *sha256;
    if (const auto photo = line.find("photo"); photo != line.end()) {
      if (!photo->is_object()) throw Error(Code::kCorrupt, fmt::format("{}: \"photo\" is no object", where));
      member.photo = photo->dump(-1, ' ', false, Json::error_handler_t::replace);
      if (member.photo.size() > kLongestPhoto)
        throw Error(Code::kCorrupt, fmt::format("{}: \"photo\" is too long", where));
    }
  }
  member.mtime_ns = must_signed(line, "mtime_ns", where);
  member.mode = mode_from(must_text(line, "mode", where), where);
  if (member.type == MemberType::kSymlink || member.type == MemberType::kHardLink) {
    const auto link = bytes_field(line, member.type == MemberType::kSymlink ? "target" : "link_to", where);
    if (!link || link->empty() || link->find('\0') != std::string::npos || link->size() > kLongestPath) {
      throw Error(Code::kCorrupt, fmt::format("{}: a link to nothing", where));
    }
    member.link = *link;
    if (member.type == MemberType::kHardLink) require_safe_path(member.link, where);
  }
  if (const auto attributes = line.find("xattrs_b64"); attributes != line.end()) {
    if (!attributes->is_object()) throw Error(Code::kCorrupt, fmt::format("{}: \"xattrs_b64\" is no object", where));
    for (const auto& [name, value] : attributes->items()) {
      const auto bytes = value.is_string() ? core::from_base64(value.get<std::string>()) : std::nullopt;
      const bool ours = name.starts_with("user.") && name.size() <= 255 && name.find('\0') == std::string::npos;
      if (!bytes || !ours) throw Error(Code::kCorrupt, fmt::format("{}: an attribute is not understood", where));
      member.xattrs[name] = std::string(core::as_text(*bytes));
    }
  }
  member.header_offset = number_or_zero(line, "header_offset", where);
  member.offset = number_or_zero(line, "offset", where);
  const std::uint64_t first_slice = number_or_zero(line, "first_slice", where);
  if (first_slice > 0xFFFF) throw Error(Code::kCorrupt, fmt::format("{}: \"first_slice\" is out of range", where));
  member.first_slice = static_cast<std::uint32_t>(first_slice);
  return member;
}

}  // namespace

void require_safe_path(std::string_view path, const std::string& where) {
  bool safe = !path.empty() && path.size() <= kLongestPath && path.find('\0') == std::string_view::npos;
  for (std::size_t start = 0; safe && start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    safe = !part.empty() && part != "." && part != "..";
    start = end + 1;
  }
  if (!safe)
    throw Error(Code::kCorrupt,
                fmt::format("{}: \"{}\" is no path inside a volume", where, core::printable(path.substr(0, 200))));
}

std::string encode_members(const std::vector<Member>& members) {
  std::string text;
  for (const Member& member : members) {
    text += to_json(member).dump();
    text += '\n';
  }
  return text;
}

std::vector<Member> decode_members(std::string_view text) {
  std::vector<Member> members;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::string where = fmt::format("members.jsonl line {}", ++number);
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) throw Error(Code::kCorrupt, where + ": is cut off");
    members.push_back(from_json(parse_object(text.substr(0, end), kLongestLine, where), where));
    if (members.size() > 1 && !(members[members.size() - 2].path < members.back().path)) {
      throw Error(Code::kCorrupt, where + ": paths are not in order, or one stands twice");
    }
    text.remove_prefix(end + 1);
  }
  return members;
}

}  // namespace darkshelf::formats::volume
