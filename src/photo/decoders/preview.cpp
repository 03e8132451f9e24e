#include "photo/decoders/preview.hpp"

#include <algorithm>
#include <cmath>
#include <exiv2/exiv2.hpp>

#include "photo/decoders/thumbnail.hpp"
#include "photo/jpeg_walk.hpp"
#include "photo/tiff_walk.hpp"

namespace darkshelf::photo {

namespace {

constexpr std::uint16_t kMultiPictures = 0xB002, kJpegOffset = 513, kJpegBytes = 514;
constexpr std::size_t kEntry = 16;

std::uint32_t load(core::ByteSpan bytes, std::size_t at, bool little_endian) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[little_endian ? at + 3 - i : at + i]);
  }
  return value;
}

std::optional<core::ByteSpan> exif_thumbnail(core::ByteSpan exif) {
  const auto tiff = walk_tiff(exif);
  if (!tiff || tiff->directories.size() < 2) return {};
  const std::uint64_t offset = tiff->directories[1].number(kJpegOffset),
                      bytes = tiff->directories[1].number(kJpegBytes);
  if (offset == 0 || offset > exif.size() || bytes > exif.size() - offset) return {};
  return exif.subspan(offset, bytes);
}

/// What an index of further pictures calls large thumbnails; its offsets count from its own front.
std::vector<core::ByteSpan> pictures_behind(core::ByteSpan jpeg, core::ByteSpan index) {
  std::vector<core::ByteSpan> out;
  const auto base = static_cast<std::size_t>(index.data() - jpeg.data());
  const auto tiff = walk_tiff(index);
  if (!tiff || tiff->directories.empty()) return out;
  const auto entries = tiff->directories.front().bytes.find(kMultiPictures);
  if (entries == tiff->directories.front().bytes.end()) return out;
  for (std::size_t at = 0; at + kEntry <= std::min<std::size_t>(entries->second.size(), 16 * kEntry); at += kEntry) {
    const std::uint32_t kind = load(entries->second, at, tiff->little_endian) & 0xFFFFFF;
    if (kind != 0x010001 && kind != 0x010002) continue;  // others: gain maps, panoramas, the other eye's picture
    const std::uint64_t bytes = load(entries->second, at + 4, tiff->little_endian);
    const std::uint64_t offset = base + std::uint64_t{load(entries->second, at + 8, tiff->little_endian)};
    if (offset < jpeg.size() && bytes <= jpeg.size() - offset) out.push_back(jpeg.subspan(offset, bytes));
  }
  return out;
}

}  // namespace

std::vector<core::Bytes> previews_in(core::ByteSpan picture) {
  auto image = Exiv2::ImageFactory::open(reinterpret_cast<const Exiv2::byte*>(picture.data()),
                                         static_cast<long>(picture.size()));
  try {
    image->readMetadata();
  } catch (const Exiv2::Error&) {  // what was found before may suffice
  }
  const Exiv2::PreviewManager manager(*image);
  struct Found {
    std::uint32_t side;
    core::Bytes jpeg;
  };
  std::vector<Found> found;
  for (const Exiv2::PreviewProperties& properties : manager.getPreviewProperties()) {
    if (properties.mimeType_ != "image/jpeg" || found.size() == 8) continue;
    const Exiv2::PreviewImage preview = manager.getPreviewImage(properties);
    const auto* data = reinterpret_cast<const std::byte*>(preview.pData());
    core::Bytes jpeg(data, data + preview.size());
    // What exiv2 says of its size was not decoded from it: some are RAW data in JPEG's lossless way.
    const JpegWalk walk = walk_jpeg(jpeg);
    if (walk.started && walk.width > 0) found.push_back({std::max(walk.width, walk.height), std::move(jpeg)});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    const bool enough_a = a.side >= kThumbnailSide, enough_b = b.side >= kThumbnailSide;
    if (enough_a != enough_b) return enough_a;
    return enough_a ? a.side < b.side : a.side > b.side;
  });
  std::vector<core::Bytes> out;
  for (Found& one : found) out.push_back(std::move(one.jpeg));
  return out;
}

std::optional<core::ByteSpan> preview_of_jpeg(core::ByteSpan jpeg) {
  std::vector<core::ByteSpan> found;
  std::uint32_t width = 0, height = 0;
  // What stands in front of the picture alone: there is no need to walk through the coded data.
  for (std::size_t at = 2; at + 10 <= jpeg.size() && jpeg[at] == std::byte{0xFF};) {
    const auto marker = std::to_integer<std::uint8_t>(jpeg[at + 1]);
    const auto be16 = [&](std::size_t i) {
      return std::to_integer<std::uint32_t>(jpeg[i]) << 8 | std::to_integer<std::uint32_t>(jpeg[i + 1]);
    };
    const std::size_t length = be16(at + 2);
    if (marker == 0xDA || marker < 0xC0 || length < 2 || length > jpeg.size() - at - 2) break;
    const core::ByteSpan body = jpeg.subspan(at + 4, length - 2);
    if (marker >= 0xC0 && marker <= 0xC2) height = be16(at + 5), width = be16(at + 7);
    if (marker == 0xE1 && core::as_text(body).starts_with(std::string_view("Exif\0\0", 6))) {
      if (const auto small = exif_thumbnail(body.subspan(6))) found.push_back(*small);
    }
    if (marker == 0xE2 && core::as_text(body).starts_with(std::string_view("MPF\0", 4))) {
      const auto behind = pictures_behind(jpeg, body.subspan(4));
      found.insert(found.end(), behind.begin(), behind.end());
    }
    at += length + 2;
  }
  for (const core::ByteSpan& one : found) {
    const JpegWalk walk = walk_jpeg(one);
    if (!walk.complete || std::max(walk.width, walk.height) < kThumbnailSide) continue;
    const double off = static_cast<double>(walk.width) * height - static_cast<double>(walk.height) * width;
    if (std::abs(off) <= 0.02 * static_cast<double>(walk.width) * height) return one;
  }
  return {};
}

}  // namespace darkshelf::photo
