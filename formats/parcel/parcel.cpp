#include "formats/parcel/parcel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "core/text.hpp"
#include "formats/json/json_line.hpp"
#include "formats/par2/packets.hpp"
#include "formats/volume/paths.hpp"
#include "formats/volume/tag_files.hpp"

namespace darkshelf::formats::parcel {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kLineLimit = 8192, kTextLimit = 240;
constexpr std::uint64_t kSliceLimit = std::uint64_t{1} << 40, kFileLimit = 512 << 20;
constexpr std::string_view kEnd = "{\"end\":";

bool is_tag_file(const std::string& name) {
  return std::find(std::begin(fv::kTagFiles), std::end(fv::kTagFiles), name) != std::end(fv::kTagFiles);
}

class Decoding {
 public:
  explicit Decoding(std::string_view head) : head_(head) {}

  Parcel run() {
    if (head_.size() > kHeadLimit) throw Error(Code::kCorrupt, "a request or parcel has a head that is too long");
    take_first(next());
    for (;;) {
      const std::size_t begin = at_;
      const Json line = next();
      if (line.contains("end")) {
        take_end(line, begin);
        break;
      }
      take(line);
    }
    return std::move(out_);
  }

 private:
  std::string where() const { return fmt::format("line {} of the {}", lines_, name_of(out_.kind)); }
  [[noreturn]] void corrupt(const std::string& what) const {
    throw Error(Code::kCorrupt, fmt::format("{} {}", where(), what));
  }

  Json next() {
    const std::size_t end = head_.find('\n', at_);
    ++lines_;
    if (end == std::string_view::npos) corrupt("is cut off");
    const std::string_view line = head_.substr(at_, end - at_);
    at_ = end + 1;
    return parse_object(line, kLineLimit, where());
  }

  std::string text(const Json& line, const char* name) const {
    std::string text = must_text(line, name, where());
    if (text.empty() || text.size() > kTextLimit) corrupt(fmt::format("has an empty or too long \"{}\"", name));
    return text;
  }
  core::Uuid id(const Json& line, const char* name) const {
    const auto id = core::Uuid::parse(must_text(line, name, where()));
    if (!id) corrupt(fmt::format("has no id \"{}\"", name));
    return *id;
  }
  digest::Sha256 hash(const Json& line, const char* name) const {
    const auto hash = core::digest_from_hex<32>(must_text(line, name, where()));
    if (!hash) corrupt(fmt::format("has no SHA-256 \"{}\"", name));
    return *hash;
  }
  std::uint64_t number(const Json& line, const char* name, std::uint64_t least, std::uint64_t most) const {
    const std::uint64_t number = must_number(line, name, where());
    if (number < least || number > most) corrupt(fmt::format("has a \"{}\" that cannot be", name));
    return number;
  }

  void take_first(const Json& line) {
    const std::string kind = must_text(line, "darkshelf", where());
    if (kind != "request" && kind != "parcel") corrupt("tells neither a request nor a parcel");
    out_.kind = kind == "parcel" ? Kind::kParcel : Kind::kRequest;
    const std::uint64_t format = must_number(line, "format", where());
    if (format > kFormat) {
      throw Error(Code::kNewerFormat,
                  fmt::format("this {} has format {}; this darkshelf knows up to {}{}", kind, format, kFormat,
                              line.contains("creator") ? ", and it was written by " + text(line, "creator") : ""),
                  "install the darkshelf that wrote it here too");
    }
    if (format == 0) corrupt("has a \"format\" that cannot be");
    out_.creator = text(line, "creator");
    const auto made = core::parse_time(must_text(line, "made", where()));
    if (!made) corrupt("has no time \"made\"");
    out_.made = *made;
    out_.drive = id(line, "drive");
    out_.label = text(line, "label");
    if (out_.kind == Kind::kParcel) out_.from = text(line, "from");
  }

  void take(const Json& line) {
    if (line.contains("volume")) return take_volume(line);
    if (out_.parts.empty()) corrupt("stands before any volume");
    if (line.contains("file")) return take_file(line);
    if (line.contains("slice")) return take_slice(line);
    corrupt("is of no known kind");
  }

  void take_volume(const Json& line) {
    require_full();
    Part part;
    part.volume = id(line, "volume");
    if (!volumes_.insert(part.volume).second) corrupt("names a volume again");
    part.seal = hash(line, "seal");
    part.folder = must_text(line, "folder", where());
    fv::require_safe_path(part.folder, where());
    if (part.folder.size() > kTextLimit || std::count(part.folder.begin(), part.folder.end(), '/') != 1)
      corrupt("names no folder of a volume");
    part.slice_bytes = number(line, "slice_bytes", 4, kSliceLimit);
    if (part.slice_bytes % 4 != 0) corrupt("has a \"slice_bytes\" that cannot be");
    if (out_.kind == Kind::kRequest) {
      part.needed = static_cast<std::uint32_t>(number(line, "needed", 0, par2::kMaxSlices));
      part.spare = static_cast<std::uint32_t>(number(line, "spare", 0, par2::kMaxSlices));
    }
    out_.parts.push_back(std::move(part));
  }

  void take_file(const Json& line) {
    Part& part = out_.parts.back();
    if (!part.slices.empty()) corrupt("has a file behind slices");
    File file;
    file.name = must_text(line, "file", where());
    if (!is_tag_file(file.name)) corrupt("names no tag file");
    if (std::any_of(part.files.begin(), part.files.end(), [&](const File& f) { return f.name == file.name; }))
      corrupt("names a file again");
    file.sha256 = hash(line, "sha256");
    if (out_.kind == Kind::kParcel) {
      file.bytes = number(line, "bytes", 0, kFileLimit);
      add_data(file.bytes);
    }
    part.files.push_back(std::move(file));
  }

  void take_slice(const Json& line) {
    Part& part = out_.parts.back();
    Slice slice;
    slice.number = static_cast<std::uint32_t>(number(line, "slice", 0, par2::kMaxSlices - 1));
    if (!part.slices.empty() && slice.number <= part.slices.back().number) corrupt("is a slice out of order");
    slice.bytes = number(line, "bytes", 1, part.slice_bytes);
    slice.sha256 = hash(line, "sha256");
    if (out_.kind == Kind::kParcel) add_data(slice.bytes);
    part.slices.push_back(slice);
  }

  void add_data(std::uint64_t bytes) {
    const auto sum = core::checked_add(data_, bytes);
    if (!sum || *sum > std::uint64_t{INT64_MAX}) corrupt("makes it longer than a file can be");
    data_ = *sum;
  }

  /// The volume whose lines have ended.
  void require_full() const {
    if (out_.parts.empty()) return;
    const Part& part = out_.parts.back();
    if (part.files.empty() && part.slices.empty()) corrupt("follows a volume of which nothing is told");
    if (out_.kind == Kind::kParcel) return;
    const std::size_t wanted = std::size_t{part.needed} + part.spare;
    if (wanted > part.slices.size() || (part.needed == 0) != part.slices.empty())
      corrupt("follows a volume that needs another number of slices than it tells of");
  }

  void take_end(const Json& line, std::size_t begin) {
    require_full();
    if (out_.parts.empty()) corrupt("ends it without any volume");
    if (must_number(line, "end", where()) != lines_ - 1) corrupt("tells another number of lines");
    if (must_number(line, "data", where()) != data_) corrupt("tells another length of the data");
    if (hash(line, "sha256") != digest::sha256(core::as_bytes(head_.substr(0, begin))))
      corrupt("tells another SHA-256 of the lines before it");
    if (at_ != head_.size()) corrupt("is not the last of the head");
  }

  std::string_view head_;
  std::size_t at_ = 0, lines_ = 0;
  std::uint64_t data_ = 0;
  std::set<core::Uuid> volumes_;
  Parcel out_;
};

void add(std::string& text, const Json& line) { text += line.dump() + "\n"; }

}  // namespace

std::string_view name_of(Kind kind) { return kind == Kind::kParcel ? "parcel" : "request"; }

std::uint64_t Parcel::data_bytes() const {
  std::uint64_t sum = 0;
  if (kind == Kind::kRequest) return sum;
  for (const Part& part : parts) {
    for (const File& file : part.files) sum += file.bytes;
    for (const Slice& slice : part.slices) sum += slice.bytes;
  }
  return sum;
}

std::string encode(const Parcel& parcel) {
  const bool request = parcel.kind == Kind::kRequest;
  std::string text;
  std::size_t lines = 1;
  Json first = {{"darkshelf", name_of(parcel.kind)}, {"format", kFormat},
                {"creator", parcel.creator},         {"made", core::format_time(parcel.made)},
                {"drive", parcel.drive.text()},      {"label", parcel.label}};
  if (!request) first["from"] = parcel.from;
  add(text, first);
  for (const Part& part : parcel.parts) {
    Json line = {{"volume", part.volume.text()},
                 {"seal", core::to_hex(part.seal)},
                 {"folder", part.folder},
                 {"slice_bytes", part.slice_bytes}};
    if (request) {
      line["needed"] = part.needed;
      line["spare"] = part.spare;
    }
    add(text, line);
    for (const File& file : part.files) {
      Json entry = {{"file", file.name}};
      if (!request) entry["bytes"] = file.bytes;
      entry["sha256"] = core::to_hex(file.sha256);
      add(text, entry);
    }
    for (const Slice& slice : part.slices) {
      add(text, {{"slice", slice.number}, {"bytes", slice.bytes}, {"sha256", core::to_hex(slice.sha256)}});
    }
    lines += 1 + part.files.size() + part.slices.size();
  }
  const std::string hash = core::to_hex(digest::sha256(core::as_bytes(text)));
  add(text, {{"end", lines}, {"data", parcel.data_bytes()}, {"sha256", hash}});
  return text;
}

Parcel decode(std::string_view head) { return Decoding(head).run(); }

std::optional<Kind> kind_of(std::string_view beginning) {
  for (const Kind kind : {Kind::kRequest, Kind::kParcel}) {
    if (beginning.starts_with(fmt::format("{{\"darkshelf\":\"{}\",", name_of(kind)))) return kind;
  }
  return {};
}

std::optional<std::size_t> head_length(std::string_view beginning) {
  const std::size_t last = beginning.find("\n" + std::string(kEnd));
  if (last == std::string_view::npos) return {};
  const std::size_t end = beginning.find('\n', last + 1);
  if (end == std::string_view::npos) return {};
  return end + 1;
}

}  // namespace darkshelf::formats::parcel
