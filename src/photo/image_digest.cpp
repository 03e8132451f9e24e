#include "photo/image_digest.hpp"

#include <algorithm>
#include <array>

#include "photo/box_walk.hpp"
#include "photo/jpeg_walk.hpp"
#include "photo/tiff_walk.hpp"

namespace darkshelf::photo {

namespace {

class Hasher {
 public:
  explicit Hasher(std::string method) { out_.method = std::move(method); }
  void number(std::uint64_t value) {
    std::array<std::byte, 8> field{};
    core::store_le(field.data(), value);
    stream_.update(field);
  }
  void data(core::ByteSpan bytes) {
    stream_.update(bytes);
    out_.bytes += bytes.size();
  }
  void measured(core::ByteSpan bytes) {
    number(bytes.size());
    data(bytes);
  }
  std::optional<ImageDigest> finish() {
    out_.sha256 = stream_.finish();
    if (out_.bytes == 0) return {};
    return out_;
  }

 private:
  ImageDigest out_;
  digest::Sha256Stream stream_;
};

std::optional<ImageDigest> of_jpeg(core::ByteSpan file) {
  Hasher hasher("jpeg-1");
  const JpegWalk walk = walk_jpeg(file, [&](const JpegPart& part) {
    const bool about =
        !part.scan && ((part.marker >= 0xE0 && part.marker <= 0xEF && part.marker != 0xEE) || part.marker == 0xFE);
    if (!about) hasher.data(part.bytes);
  });
  if (!walk.complete || !walk.has_picture) return {};
  return hasher.finish();
}

std::optional<ImageDigest> of_tiff(core::ByteSpan file) {
  const auto tiff = walk_tiff(file);
  if (!tiff) return {};
  const auto has_data = [&](const TiffDirectory& one) { return !image_ranges(*tiff, one, file.size()).empty(); };
  const bool some_full = std::any_of(tiff->directories.begin(), tiff->directories.end(),
                                     [&](const TiffDirectory& one) { return has_data(one) && !is_reduced(one); });
  constexpr std::array kReading = {kImageWidth, kImageLength,  kBitsPerSample,   kCompression, kPhotometric,
                                   kPlanar,     kRowsPerStrip, kSamplesPerPixel, kPredictor,   kTileWidth,
                                   kTileLength, kSampleFormat, kFillOrder,       kColorMap,    kYcbcrSubsampling};
  Hasher hasher("tiff-1");
  std::uint64_t left = file.size();  // images that lie over each other, again and again, are none
  for (const TiffDirectory& one : tiff->directories) {
    if (!has_data(one) || (some_full && is_reduced(one))) continue;
    for (const std::uint16_t tag : kReading) {
      const auto found = one.numbers.find(tag);
      if (found == one.numbers.end()) continue;
      hasher.number(tag);
      hasher.number(found->second.size());
      for (const std::uint64_t value : found->second) hasher.number(value);
    }
    if (const auto tables = one.bytes.find(kJpegTables); tables != one.bytes.end()) hasher.measured(tables->second);
    for (const ImageRange& range : image_ranges(*tiff, one, file.size())) {
      left -= std::min(left, range.bytes);
      if (left == 0) return {};
      if (range.offset > file.size() || range.bytes > file.size() - range.offset) return {};
      hasher.measured(file.subspan(range.offset, range.bytes));
    }
  }
  return hasher.finish();
}

std::optional<ImageDigest> of_cr3(core::ByteSpan file) {
  Hasher hasher("cr3-1");
  for (const Box& box : boxes_in(file)) {
    if (box.cut) return {};
    if (box.type == "mdat") hasher.measured(box.content);
  }
  return hasher.finish();
}

std::optional<ImageDigest> of_heif(core::ByteSpan file) {
  const auto items = items_of(file);
  if (!items || !items->complete) return {};
  constexpr std::array kImages = {"hvc1", "av01", "jpeg", "grid", "iden", "iovl", "unci"};
  Hasher hasher("heif-1");
  std::uint64_t left = file.size();
  for (const auto& [id, item] : items->by_id) {
    if (item.thumbnail || std::find(kImages.begin(), kImages.end(), item.type) == kImages.end()) continue;
    hasher.number(id);
    hasher.data(core::as_bytes(item.type));
    hasher.number(item.settings.size());
    for (const core::ByteSpan setting : item.settings) hasher.measured(setting);
    hasher.number(item.parts.size());
    for (const std::uint32_t part : item.parts) hasher.number(part);
    hasher.number(item.extents.size());
    for (const core::ByteSpan extent : item.extents) {
      left -= std::min<std::uint64_t>(left, extent.size());
      if (left == 0) return {};
      hasher.measured(extent);
    }
  }
  return hasher.finish();
}

std::optional<ImageDigest> of_raf(core::ByteSpan file) {
  if (file.size() < 108) return {};
  const auto be32 = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint64_t>(file[at + i]);
    return value;
  };
  const std::uint64_t offset = be32(100), bytes = be32(104);
  if (offset > file.size() || bytes > file.size() - offset) return {};
  Hasher hasher("raf-1");
  hasher.data(file.subspan(offset, bytes));
  return hasher.finish();
}

std::optional<ImageDigest> of_png(core::ByteSpan file) {
  Hasher hasher("png-1");
  for (std::size_t at = 8; file.size() - at >= 12;) {
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | std::to_integer<std::uint64_t>(file[at + i]);
    if (length > file.size() - at - 12) return {};
    const std::string_view type = core::as_text(file.subspan(at + 4, 4));
    if (type == "IEND") return hasher.finish();
    if (type == "IHDR" || type == "PLTE" || type == "tRNS" || type == "IDAT")
      hasher.data(file.subspan(at + 4, length + 4));
    at += length + 12;
  }
  return {};
}

}  // namespace

std::optional<ImageDigest> image_digest(core::ByteSpan file) {
  const std::string_view front = core::as_text(file.first(std::min<std::size_t>(file.size(), 16)));
  if (front.starts_with("\xFF\xD8\xFF")) return of_jpeg(file);
  if (front.starts_with("FUJIFILMCCD-RAW")) return of_raf(file);
  if (front.starts_with("\x89PNG\r\n\x1A\n")) return of_png(file);
  const std::vector<std::string> brands = brands_of(file);
  if (!brands.empty()) return brands.front() == "crx " ? of_cr3(file) : of_heif(file);
  return of_tiff(file);
}

}  // namespace darkshelf::photo
