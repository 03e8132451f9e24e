#include "photo/as_named.hpp"

#include <algorithm>
#include <cstring>

#include "core/pictures.hpp"
#include "core/text.hpp"
#include "photo/box_walk.hpp"
#include "photo/jpeg_walk.hpp"
#include "photo/magic.hpp"
#include "photo/tiff_walk.hpp"

namespace darkshelf::photo {

namespace {

constexpr std::size_t kZeroRun =
    64 << 10;                         // no coded picture has that many in a row; lost clusters of a card are as long
constexpr std::size_t kProbe = 4096;  // a run that long has whole pages in it

std::size_t zeros_from(core::ByteSpan bytes, std::size_t from) {
  std::size_t at = from;
  while (at < bytes.size() && bytes[at] == std::byte{0}) ++at;
  return at - from;
}

/// Where the first long run of zeros begins.
std::optional<std::size_t> long_zeros(core::ByteSpan bytes) {
  for (std::size_t at = 0; at + kProbe <= bytes.size(); at += kProbe) {
    if (bytes[at] != std::byte{0} || zeros_from(bytes.first(at + 64), at) < 64) continue;
    std::size_t begin = at;
    while (begin > 0 && bytes[begin - 1] == std::byte{0}) --begin;
    const std::size_t run = zeros_from(bytes, begin);
    if (run >= kZeroRun) return begin;
    at = (begin + run) / kProbe * kProbe;
  }
  return {};
}

std::string place(std::uint64_t offset) { return "byte " + core::with_commas(offset); }
NotAsNamed zeros(std::uint64_t from) { return {Unlike::kZeros, "has nothing but zeros from " + place(from) + " on"}; }
NotAsNamed ends_early(std::string_view what) {
  return {Unlike::kCut, "ends before its picture does: " + std::string(what)};
}

std::optional<NotAsNamed> look_into_jpeg(core::ByteSpan file, std::uint64_t base, std::string_view what) {
  const JpegWalk walk = walk_jpeg(file);
  if (const auto run = long_zeros(file.first(walk.complete ? walk.end : file.size()))) return zeros(base + *run);
  if (walk.broken_at)
    return NotAsNamed{Unlike::kBroken, "breaks off at " + place(base + *walk.broken_at) + ": no " + std::string(what) +
                                           " goes on like that"};
  if (!walk.complete) return ends_early("its end marker is missing");
  if (!walk.has_picture) return NotAsNamed{Unlike::kBroken, "has no picture in it"};
  return {};
}

std::optional<NotAsNamed> look_into_tiff(core::ByteSpan file) {
  const auto tiff = walk_tiff(file);
  if (!tiff) return {};  // a kind of TIFF that is not walked here
  if (tiff->directories.empty()) return ends_early("its list of contents lies behind its end");
  const bool values_cut = tiff->cut;
  bool some_data = false;
  std::uint64_t left = file.size();  // data that lie over each other are looked at so long
  for (const TiffDirectory& one : tiff->directories) {
    const std::uint64_t compression = one.number(kCompression, 1);
    for (const ImageRange& range : image_ranges(*tiff, one, file.size())) {
      some_data = true;
      if (range.offset > file.size() || range.bytes > file.size() - range.offset) {
        if (is_reduced(one)) continue;  // a small preview; some writers leave stale ones
        return ends_early("image data should go on to " + place(range.offset + range.bytes) + ", and the file has " +
                          core::with_commas(file.size()));
      }
      if (range.bytes > left) return {};
      left -= range.bytes;
      const core::ByteSpan data = file.subspan(range.offset, range.bytes);
      const bool jpeg = data.size() > 3 && core::as_text(data.first(2)) == "\xFF\xD8";
      if (jpeg && (compression == 6 || compression == 7)) {
        if (auto found = look_into_jpeg(data, range.offset, "coded picture")) return found;
      } else if (compression != 1) {
        if (const auto run = long_zeros(data)) return zeros(range.offset + *run);
      }
    }
  }
  if (!some_data && values_cut) return ends_early("its lists of contents are not all there");
  return {};
}

/// Films may have silence in zeros, and room in front of what they never recorded.
std::optional<NotAsNamed> look_into_boxes(core::ByteSpan file, bool film) {
  for (const Box& box : boxes_in(file)) {
    if (box.cut) return ends_early("a part of it is longer than the file");
    if (film || box.type != "mdat") continue;
    if (const auto run = long_zeros(box.content)) {
      return zeros(static_cast<std::uint64_t>(box.content.data() - file.data()) + *run);
    }
  }
  return {};
}

std::optional<NotAsNamed> look_into_png(core::ByteSpan file) {
  if (core::as_text(file).rfind("IEND") == std::string_view::npos) return ends_early("its end marker is missing");
  return {};
}

}  // namespace

std::optional<NotAsNamed> picture_not_as_named(std::string_view name, core::ByteSpan front, std::uint64_t total) {
  const std::size_t slash = name.rfind('/');
  const std::string_view file_name = name.substr(slash == std::string_view::npos ? 0 : slash + 1);
  if (core::picture_kind(file_name) == core::PictureKind::kNone) return {};
  if (total == 0) return NotAsNamed{Unlike::kEmpty, "is empty"};
  const std::string ending = core::file_ending(file_name), kind = kind_of_ending(ending);
  const core::ByteSpan begin = front.first(std::min<std::size_t>(front.size(), kProbe));
  if (!begin.empty() && zeros_from(begin, 0) == begin.size()) {
    return NotAsNamed{Unlike::kZeros, zeros_from(front, 0) == total ? "is nothing but zeros" : "starts with zeros"};
  }
  const Looks looks = looks_of(front);
  if (!fits_ending(ending, looks.content)) {
    if (looks.content == Content::kUnknown) {
      return NotAsNamed{Unlike::kNoPicture, "does not start as a " + kind + " does, nor as anything known"};
    }
    const Unlike how = looks.content == Content::kOther ? Unlike::kNoPicture : Unlike::kOtherPicture;
    return NotAsNamed{how, "is " + std::string(looks.what)};
  }
  if (front.size() < total) return {};
  switch (looks.content) {
    case Content::kJpeg:
      return look_into_jpeg(front, 0, "JPEG");
    case Content::kTiff:
      return look_into_tiff(front);
    case Content::kCr3:
    case Content::kHeif:
    case Content::kQuickTime:
      return look_into_boxes(front, looks.content == Content::kQuickTime);
    case Content::kPng:
      return look_into_png(front);
    default:
      return {};
  }
}

}  // namespace darkshelf::photo
