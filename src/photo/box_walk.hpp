#pragma once
// Boxes of the ISO base media file format (ISO/IEC 14496-12), in which CR3, HEIC, AVIF and films lie, and the items of
// a HEIC. Pure, and good for any bytes.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.hpp"

namespace darkshelf::photo {

struct Box {
  std::string type;        // four bytes: "ftyp", "mdat"
  core::ByteSpan content;  // behind its header; of a box that is cut: what there is
  bool cut = false;        // it says that it is longer than what there is
};
/// The boxes that follow each other in `bytes`, until one's header makes no sense; at most 4096.
std::vector<Box> boxes_in(core::ByteSpan bytes);
/// The first box of that type.
std::optional<Box> box_of_type(const std::vector<Box>& boxes, std::string_view type);

/// Major and compatible brands of the "ftyp" at the front; empty: the bytes do not begin with one.
std::vector<std::string> brands_of(core::ByteSpan file);

/// One item of a HEIC or AVIF: a tile, a grid of tiles, a thumbnail, EXIF.
struct Item {
  std::string type;                      // "hvc1", "grid", "Exif", "mime"
  std::string content_type;              // of "mime": "application/rdf+xml" is XMP
  std::vector<core::ByteSpan> extents;   // its data, in order
  std::vector<core::ByteSpan> settings;  // properties without which its data cannot be decoded: hvcC, av1C, ispe …
  std::vector<std::uint32_t> parts;      // of a grid: the items it is put together from, in order
  bool thumbnail = false;
  std::uint32_t width = 0, height = 0;  // as its data have it, before it is turned
};
struct Items {
  std::map<std::uint32_t, Item> by_id;
  std::uint32_t primary = 0;  // the picture itself; 0: not told
  bool complete = true;       // every extent lies within the file, and all of the lists could be read
};
/// Nothing if the file has no list of items.
std::optional<Items> items_of(core::ByteSpan file);

}  // namespace darkshelf::photo
