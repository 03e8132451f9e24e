#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/error.hpp"
#include "core/text.hpp"
#include "formats/volume/tag_files.hpp"

namespace darkshelf::formats::volume {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kLongestLine = 256 << 10;
constexpr std::size_t kMostLines = 2'000'000;
constexpr unsigned kMostParts = 100'000;

/// A value keeps to its line: backslash, control characters and bytes that are not UTF-8 stand as \xNN.
std::string escaped(std::string_view value) {
  std::string doubled;
  for (const char c : value) {
    if (c == '\\')
      doubled += "\\x5C";
    else
      doubled += c;
  }
  return core::printable(doubled);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string unescaped(std::string_view value) {
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 3 < value.size() && value[i + 1] == 'x' && hex_digit(value[i + 2]) >= 0 &&
        hex_digit(value[i + 3]) >= 0) {
      out += static_cast<char>(hex_digit(value[i + 2]) * 16 + hex_digit(value[i + 3]));
      i += 3;
    } else {
      out += value[i];
    }
  }
  return out;
}

class Lines {
 public:
  void put(std::string_view label, std::string_view value) { text_ += fmt::format("{}: {}\n", label, escaped(value)); }
  void put(std::string_view label, std::uint64_t value) { text_ += fmt::format("{}: {}\n", label, value); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// All of the text as a decimal number; nothing if it is none, or one above 64 bits.
std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed != std::errc{} || end != text.data() + text.size()) return {};
  return out;
}

/// "Label: value" lines; a label that repeats keeps its values in order.
class Fields {
 public:
  explicit Fields(std::string_view text) {
    for (std::size_t number = 1; !text.empty(); ++number) {
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos || end > kLongestLine || number > kMostLines) {
        throw Error(Code::kCorrupt, fmt::format("bag-info.txt line {}: is cut off or too long", number));
      }
      const std::string_view line = text.substr(0, end);
      const std::size_t colon = line.find(": ");
      if (colon == std::string_view::npos) {
        if (!line.ends_with(':'))
          throw Error(Code::kCorrupt, fmt::format("bag-info.txt line {}: is not \"Label: value\"", number));
        values_[std::string(line.substr(0, line.size() - 1))].emplace_back();
      } else {
        values_[std::string(line.substr(0, colon))].push_back(unescaped(line.substr(colon + 2)));
      }
      text.remove_prefix(end + 1);
    }
  }

  const std::vector<std::string>& all(const std::string& label) const {
    static const std::vector<std::string> kNone;
    const auto found = values_.find(label);
    return found == values_.end() ? kNone : found->second;
  }
  std::string text(const std::string& label) const {
    const auto& values = all(label);
    if (values.size() > 1) bad(label, "stands twice");
    return values.empty() ? std::string() : values.front();
  }
  std::uint64_t number(const std::string& label, std::uint64_t most = ~std::uint64_t{0}) const {
    const auto value = number_in(text(label));
    if (!value || *value > most) bad(label);
    return *value;
  }
  core::Uuid uuid(const std::string& label) const {
    const auto id = core::Uuid::parse(text(label));
    if (!id) bad(label);
    return *id;
  }
  [[noreturn]] static void bad(const std::string& label, const char* what = "is missing or makes no sense") {
    throw Error(Code::kCorrupt, fmt::format("bag-info.txt: {} {}", label, what));
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

}  // namespace

std::string_view name_of(Layout layout) { return layout == Layout::kTar ? "tar" : "files"; }

std::optional<Layout> layout_from(std::string_view name) {
  if (name == "tar") return Layout::kTar;
  if (name == "files") return Layout::kFiles;
  return {};
}

std::string bagit_txt() { return "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"; }

std::string encode_bag_info(const BagInfo& info) {
  Lines lines;
  lines.put("Bagging-Date", core::format_date(info.sealed));
  lines.put("Payload-Oxum", fmt::format("{}.{}", info.payload_bytes, info.payload_files));
  lines.put("External-Description", info.title);
  lines.put("Bag-Count", fmt::format("{} of {}", info.part, info.parts));
  lines.put("Bag-Group-Identifier", info.group.text());
  lines.put("Internal-Sender-Identifier", info.volume.text());
  lines.put("Darkshelf-Format", info.format);
  lines.put("Darkshelf-Volume", info.volume.text());
  lines.put("Darkshelf-Group", info.group.text());
  lines.put("Darkshelf-Shoot", info.shoot.text());
  lines.put("Darkshelf-Shoot-Name", info.shoot_name);
  lines.put("Darkshelf-Shoot-Date", info.shoot_date);
  lines.put("Darkshelf-Title", info.title);
  lines.put("Darkshelf-Part", info.part);
  lines.put("Darkshelf-Parts", info.parts);
  lines.put("Darkshelf-Layout", name_of(info.layout));
  lines.put("Darkshelf-Content-Bytes", info.content_bytes);
  lines.put("Darkshelf-Content-Files", info.content_files);
  lines.put("Darkshelf-Photos", info.photos);
  lines.put("Darkshelf-Slice-Bytes", info.slice_bytes);
  lines.put("Darkshelf-Slices", info.slices);
  lines.put("Darkshelf-Recovery-Slices", info.recovery_slices);
  lines.put("Darkshelf-Tag-Slice-Bytes", info.tag_slice_bytes);
  lines.put("Darkshelf-Tag-Recovery-Slices", info.tag_recovery_slices);
  lines.put("Darkshelf-Writer", info.writer.text());
  lines.put("Darkshelf-Sequence", info.sequence);
  lines.put("Darkshelf-Previous-Seal", info.previous_seal);
  lines.put("Darkshelf-Creator", info.creator);
  lines.put("Darkshelf-Sealed", core::format_time(info.sealed));
  for (const LeftOut& left : info.left_out) {
    lines.put("Darkshelf-Left-Out", left.path);
    lines.put("Darkshelf-Left-Out-Because", left.reason);
  }
  return lines.take();
}

BagInfo decode_bag_info(std::string_view text) {
  const Fields fields(text);
  BagInfo info;
  info.format = static_cast<unsigned>(fields.number("Darkshelf-Format", 1'000'000));
  if (info.format > kFormat) {
    throw Error(Code::kNewerFormat,
                fmt::format("a volume of format {} (written by {}); this darkshelf reads up to {}", info.format,
                            core::printable(fields.text("Darkshelf-Creator")), kFormat),
                "install a later darkshelf; nothing is wrong with the volume");
  }
  if (info.format == 0) Fields::bad("Darkshelf-Format");
  info.volume = fields.uuid("Darkshelf-Volume");
  info.group = fields.uuid("Darkshelf-Group");
  info.shoot = fields.uuid("Darkshelf-Shoot");
  info.shoot_name = fields.text("Darkshelf-Shoot-Name");
  info.shoot_date = fields.text("Darkshelf-Shoot-Date");
  if (!info.shoot_date.empty() && (info.shoot_date.size() != 10 || !core::parse_date(info.shoot_date)))
    Fields::bad("Darkshelf-Shoot-Date");
  info.title = fields.text("Darkshelf-Title");
  info.parts = static_cast<unsigned>(fields.number("Darkshelf-Parts", kMostParts));
  info.part = static_cast<unsigned>(fields.number("Darkshelf-Part", info.parts));
  if (info.part == 0) Fields::bad("Darkshelf-Part");
  const auto layout = layout_from(fields.text("Darkshelf-Layout"));
  if (!layout) Fields::bad("Darkshelf-Layout");
  info.layout = *layout;
  const std::string oxum = fields.text("Payload-Oxum");
  const std::size_t dot = std::min(oxum.find('.'), oxum.size());
  const auto bytes = number_in(std::string_view(oxum).substr(0, dot));
  const auto files = number_in(std::string_view(oxum).substr(std::min(dot + 1, oxum.size())));
  if (!bytes || !files) Fields::bad("Payload-Oxum");
  info.payload_bytes = *bytes;
  info.payload_files = *files;
  info.content_bytes = fields.number("Darkshelf-Content-Bytes");
  info.content_files = fields.number("Darkshelf-Content-Files");
  info.photos = fields.number("Darkshelf-Photos");
  info.slice_bytes = fields.number("Darkshelf-Slice-Bytes", std::uint64_t{1} << 40);
  if (info.slice_bytes == 0 || info.slice_bytes % 4 != 0) Fields::bad("Darkshelf-Slice-Bytes");
  info.slices = static_cast<std::uint32_t>(fields.number("Darkshelf-Slices", 32768));
  info.recovery_slices = static_cast<std::uint32_t>(fields.number("Darkshelf-Recovery-Slices", 65535));
  info.tag_slice_bytes = fields.number("Darkshelf-Tag-Slice-Bytes", std::uint64_t{1} << 40);
  if (info.tag_slice_bytes == 0 || info.tag_slice_bytes % 4 != 0) Fields::bad("Darkshelf-Tag-Slice-Bytes");
  info.tag_recovery_slices = static_cast<std::uint32_t>(fields.number("Darkshelf-Tag-Recovery-Slices", 65535));
  info.writer = fields.uuid("Darkshelf-Writer");
  info.sequence = fields.number("Darkshelf-Sequence");
  info.previous_seal = fields.text("Darkshelf-Previous-Seal");
  if (!info.previous_seal.empty() && !core::digest_from_hex<32>(info.previous_seal))
    Fields::bad("Darkshelf-Previous-Seal");
  info.creator = fields.text("Darkshelf-Creator");
  const auto sealed = core::parse_time(fields.text("Darkshelf-Sealed"));
  if (!sealed) Fields::bad("Darkshelf-Sealed");
  info.sealed = *sealed;
  const auto& paths = fields.all("Darkshelf-Left-Out");
  const auto& reasons = fields.all("Darkshelf-Left-Out-Because");
  if (paths.size() != reasons.size()) Fields::bad("Darkshelf-Left-Out");
  for (std::size_t i = 0; i < paths.size(); ++i) info.left_out.push_back({paths[i], reasons[i]});
  return info;
}

std::string base_name(const BagInfo& info) {
  const std::string date = info.shoot_date.empty() ? "undated" : info.shoot_date;
  return fmt::format("{}_{}_{}of{}", date, core::slug(info.title), info.part, info.parts);
}

std::string folder_name(const BagInfo& info) {
  const std::string date = info.shoot_date.empty() ? "undated" : info.shoot_date;
  return fmt::format("{}_{}_{}_{}of{}", date, core::slug(info.title), info.group.short_text(), info.part, info.parts);
}

std::string year_folder(const BagInfo& info) {
  return info.shoot_date.empty() ? "undated" : info.shoot_date.substr(0, 4);
}

}  // namespace darkshelf::formats::volume
