#include "photo/box_walk.hpp"

#include <algorithm>

namespace darkshelf::photo {

namespace {

constexpr std::size_t kMostBoxes = 4096;
constexpr std::size_t kMostEntries = 1 << 16;  // of all lists of a file together

/// Big-endian fields from the front; once something is lacking, nothing more comes and bad() says so.
class Fields {
 public:
  explicit Fields(core::ByteSpan bytes) : bytes_(bytes) {}
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const std::byte byte : take(size)) value = value << 8 | std::to_integer<std::uint64_t>(byte);
    return value;
  }
  std::string type() { return std::string(core::as_text(take(4))); }
  core::ByteSpan take(std::uint64_t size) {
    if (size > bytes_.size()) {
      bad_ = true;
      bytes_ = {};
      return {};
    }
    const core::ByteSpan out = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return out;
  }
  /// Up to a zero byte or the end.
  std::string text() {
    const std::string_view all = core::as_text(bytes_);
    const std::size_t end = std::min(all.find('\0'), all.size());
    const std::string out(all.substr(0, end));
    bytes_ = bytes_.subspan(std::min(end + 1, all.size()));
    return out;
  }
  core::ByteSpan rest() const { return bytes_; }
  bool bad() const { return bad_; }

 private:
  core::ByteSpan bytes_;
  bool bad_ = false;
};

/// Version and flags of a full box.
struct Versioned {
  unsigned version = 0, flags = 0;
};
Versioned version_of(Fields& fields) {
  const std::uint64_t word = fields.number(4);
  return {static_cast<unsigned>(word >> 24), static_cast<unsigned>(word & 0xFFFFFF)};
}

/// Reads the lists of a "meta" box into items.
class ItemReader {
 public:
  ItemReader(core::ByteSpan file, const std::vector<Box>& meta, Items& items)
      : file_(file), meta_(meta), items_(items) {}

  void read() {
    if (auto fields = list("pitm")) {
      items_.primary = static_cast<std::uint32_t>(fields->number(version_of(*fields).version == 0 ? 2 : 4));
    }
    types();
    places();
    references();
    settings();
  }

 private:
  std::optional<Fields> list(std::string_view type) {
    const auto box = box_of_type(meta_, type);
    if (!box) return {};
    items_.complete &= !box->cut;
    return Fields(box->content);
  }
  /// Goes on as long as lists can be read and are of a length that makes sense.
  bool more(const Fields& fields) {
    broken_ |= fields.bad() || ++entries_ > kMostEntries;
    items_.complete &= !broken_;
    return !broken_;
  }

  /// A list that ended before its last entry did.
  void end_of(const Fields& fields) { items_.complete &= !fields.bad(); }

  void types() {
    auto fields = list("iinf");
    if (!fields) return;
    const std::uint64_t count = fields->number(version_of(*fields).version == 0 ? 2 : 4);
    const std::vector<Box> entries = boxes_in(fields->rest());
    items_.complete &= count <= entries.size();
    for (const Box& entry : entries) {
      items_.complete &= !entry.cut;
      if (entry.type != "infe") continue;
      Fields of(entry.content);
      const unsigned version = version_of(of).version;
      if (version < 2) continue;  // no types yet
      const auto id = static_cast<std::uint32_t>(of.number(version == 2 ? 2 : 4));
      of.number(2);
      const std::string type = of.type();
      end_of(of);
      if (!more(of)) return;
      items_.by_id[id].type = type;
      if (type != "mime") continue;
      of.text();  // its name
      items_.by_id[id].content_type = of.text();
    }
  }

  void places() {
    auto fields = list("iloc");
    if (!fields) return;
    const unsigned version = version_of(*fields).version;
    const std::uint64_t sizes = fields->number(2);
    const std::size_t offset_size = sizes >> 12, length_size = sizes >> 8 & 15, base_size = sizes >> 4 & 15;
    const std::size_t index_size = version == 0 ? 0 : sizes & 15;
    for (const std::size_t size : {offset_size, length_size, base_size, index_size}) items_.complete &= size <= 8;
    const std::uint64_t count = fields->number(version < 2 ? 2 : 4);
    const auto data = box_of_type(meta_, "idat");
    for (std::uint64_t i = 0; i < count && more(*fields); ++i) {
      const auto id = static_cast<std::uint32_t>(fields->number(version < 2 ? 2 : 4));
      const std::uint64_t method = version == 0 ? 0 : fields->number(2) & 15;
      fields->number(2);  // which file: this one
      const std::uint64_t base = fields->number(base_size), extents = fields->number(2);
      const core::ByteSpan within = method == 1 && data ? data->content : file_;
      for (std::uint64_t e = 0; e < extents && more(*fields); ++e) {
        fields->number(index_size);
        const auto offset = core::checked_add(base, fields->number(offset_size));
        std::uint64_t length = fields->number(length_size);
        if (length == 0 && offset && *offset < within.size()) length = within.size() - *offset;
        if (method > 1 || !offset || *offset > within.size() || length > within.size() - *offset) {
          items_.complete = false;  // others may be there
          continue;
        }
        items_.by_id[id].extents.push_back(within.subspan(*offset, length));
      }
    }
    end_of(*fields);
  }

  void references() {
    auto fields = list("iref");
    if (!fields) return;
    const std::size_t id_size = version_of(*fields).version == 0 ? 2 : 4;
    for (const Box& reference : boxes_in(fields->rest())) {
      items_.complete &= !reference.cut;
      if (reference.type != "thmb" && reference.type != "dimg") continue;
      Fields of(reference.content);
      const auto from = items_.by_id.find(static_cast<std::uint32_t>(of.number(id_size)));
      if (!more(of)) return;
      if (from == items_.by_id.end()) continue;
      if (reference.type == "thmb") {
        from->second.thumbnail = true;
        continue;
      }
      const std::uint64_t count = of.number(2);
      for (std::uint64_t i = 0; i < count && more(of); ++i)
        from->second.parts.push_back(static_cast<std::uint32_t>(of.number(id_size)));
      end_of(of);
    }
  }

  void settings() {
    const auto properties = box_of_type(meta_, "iprp");
    if (!properties) return;
    const std::vector<Box> parts = boxes_in(properties->content);
    const auto container = box_of_type(parts, "ipco");
    if (!container) return;
    const std::vector<Box> all = boxes_in(container->content);
    for (const Box& part : parts) {
      if (part.type != "ipma") continue;
      Fields of(part.content);
      const auto [version, flags] = version_of(of);
      const std::uint64_t count = of.number(4);
      for (std::uint64_t i = 0; i < count && more(of); ++i) {
        const auto item = items_.by_id.find(static_cast<std::uint32_t>(of.number(version == 0 ? 2 : 4)));
        const std::uint64_t of_item = of.number(1);
        for (std::uint64_t p = 0; p < of_item && more(of); ++p) {
          const std::uint64_t index = (flags & 1) != 0 ? of.number(2) & 0x7FFF : of.number(1) & 0x7F;
          if (item == items_.by_id.end() || index == 0 || index > all.size()) continue;
          const Box& setting = all[index - 1];
          // Turning, mirroring and cropping change how the pixels are shown, not what they are; colours and the like
          // are metadata.
          constexpr std::array kNeeded = {"hvcC", "av1C", "jpgC", "ispe", "pixi"};
          if (std::find(kNeeded.begin(), kNeeded.end(), setting.type) != kNeeded.end()) {
            item->second.settings.push_back(setting.content);
          }
          if (setting.type == "ispe") {
            Fields size(setting.content);
            size.number(4);
            item->second.width = static_cast<std::uint32_t>(size.number(4));
            item->second.height = static_cast<std::uint32_t>(size.number(4));
          }
        }
      }
      end_of(of);
    }
  }

  core::ByteSpan file_;
  const std::vector<Box>& meta_;
  Items& items_;
  std::size_t entries_ = 0;
  bool broken_ = false;
};

}  // namespace

std::vector<Box> boxes_in(core::ByteSpan bytes) {
  std::vector<Box> out;
  while (bytes.size() >= 8 && out.size() < kMostBoxes) {
    Fields fields(bytes);
    std::uint64_t size = fields.number(4), header = 8;
    Box box{fields.type(), {}, false};
    if (size == 1) {
      size = fields.number(8);
      header = 16;
      if (fields.bad()) break;
    }
    if (size == 0) size = bytes.size();
    if (size < header) break;
    box.cut = size > bytes.size();
    size = std::min<std::uint64_t>(size, bytes.size());
    box.content = bytes.subspan(header, size - header);
    bytes = bytes.subspan(size);
    out.push_back(std::move(box));
  }
  return out;
}

std::optional<Box> box_of_type(const std::vector<Box>& boxes, std::string_view type) {
  const auto found = std::find_if(boxes.begin(), boxes.end(), [&](const Box& box) { return box.type == type; });
  return found == boxes.end() ? std::nullopt : std::optional(*found);
}

std::vector<std::string> brands_of(core::ByteSpan file) {
  if (file.size() < 16 || core::as_text(file.subspan(4, 4)) != "ftyp") return {};
  const std::vector<Box> boxes = boxes_in(file.first(std::min<std::size_t>(file.size(), 4096)));
  if (boxes.empty() || boxes.front().content.size() < 8) return {};
  const core::ByteSpan content = boxes.front().content;
  std::vector<std::string> out = {std::string(core::as_text(content.first(4)))};
  for (std::size_t at = 8; at + 4 <= content.size(); at += 4) out.emplace_back(core::as_text(content.subspan(at, 4)));
  return out;
}

std::optional<Items> items_of(core::ByteSpan file) {
  const auto meta = box_of_type(boxes_in(file), "meta");
  if (!meta || meta->content.size() < 4) return {};
  const std::vector<Box> parts = boxes_in(meta->content.subspan(4));
  Items items;
  items.complete = !meta->cut;
  ItemReader(file, parts, items).read();
  return items;
}

}  // namespace darkshelf::photo
