#include "photo/jpeg_walk.hpp"

#include <cstring>

namespace darkshelf::photo {

namespace {

std::uint8_t at(core::ByteSpan bytes, std::size_t i) { return std::to_integer<std::uint8_t>(bytes[i]); }
std::size_t be16(core::ByteSpan bytes, std::size_t i) { return std::size_t{at(bytes, i)} << 8 | at(bytes, i + 1); }

bool is_frame(std::uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}
bool has_no_length(std::uint8_t marker) { return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8); }
/// Segments that may stand in a JPEG: frames, tables, SOS, restart interval, APPn, comments.
bool is_segment(std::uint8_t marker) {
  return (marker >= 0xC0 && marker <= 0xCF && marker != 0xC8) || (marker >= 0xDA && marker <= 0xEF) || marker == 0xFE ||
         (marker >= 0xF0 && marker <= 0xFD);
}
/// What may end a scan: tables or another scan, a comment, APPn, the number of lines, the end.
bool ends_scan(std::uint8_t marker) {
  return marker == 0xC4 || marker == 0xD9 || (marker >= 0xDA && marker <= 0xDD) || (marker >= 0xE0 && marker <= 0xEF) ||
         marker == 0xFE;
}

/// Where the coded data that begin at `from` end: at a marker, or at the end of the bytes.
std::size_t end_of_scan(core::ByteSpan bytes, std::size_t from) {
  while (from < bytes.size()) {
    const void* found = std::memchr(bytes.data() + from, 0xFF, bytes.size() - from);
    if (found == nullptr) return bytes.size();
    from = static_cast<std::size_t>(static_cast<const std::byte*>(found) - bytes.data());
    std::size_t next = from + 1;
    while (next < bytes.size() && at(bytes, next) == 0xFF) ++next;  // fill bytes
    if (next >= bytes.size()) return bytes.size();
    const std::uint8_t follows = at(bytes, next);
    if (follows != 0 && !(follows >= 0xD0 && follows <= 0xD7)) return from;
    from = next + 1;
  }
  return bytes.size();
}

}  // namespace

JpegWalk walk_jpeg(core::ByteSpan bytes, const std::function<void(const JpegPart&)>& part) {
  JpegWalk walk;
  const auto tell = [&](bool scan, std::uint8_t marker, std::size_t from, std::size_t to) {
    if (part) part({scan, marker, from, bytes.subspan(from, to - from)});
    walk.end = to;
  };
  if (bytes.size() < 3 || at(bytes, 0) != 0xFF || at(bytes, 1) != 0xD8 || at(bytes, 2) != 0xFF) return walk;
  walk.started = true;
  tell(false, 0xD8, 0, 2);
  bool after_scan = false;
  for (std::size_t from = 2; from < bytes.size();) {
    if (at(bytes, from) != 0xFF) {
      walk.broken_at = from;
      return walk;
    }
    std::size_t next = from + 1;
    while (next < bytes.size() && at(bytes, next) == 0xFF) ++next;
    if (next >= bytes.size()) return walk;
    const std::uint8_t marker = at(bytes, next);
    from = next - 1;
    if (marker == 0xD9) {
      tell(false, marker, from, from + 2);
      walk.complete = true;
      return walk;
    }
    if (after_scan ? !ends_scan(marker) : !is_segment(marker) && !has_no_length(marker)) {
      walk.broken_at = from;
      return walk;
    }
    if (has_no_length(marker)) {
      tell(false, marker, from, from + 2);
      from += 2;
      continue;
    }
    if (bytes.size() - from < 4) return walk;
    const std::size_t length = be16(bytes, from + 2);
    if (length < 2) {
      walk.broken_at = from;
      return walk;
    }
    if (length > bytes.size() - from - 2) return walk;  // cut
    const std::size_t end = from + 2 + length;
    if (is_frame(marker) && length >= 8) {
      walk.height = static_cast<std::uint32_t>(be16(bytes, from + 5));
      walk.width = static_cast<std::uint32_t>(be16(bytes, from + 7));
    }
    tell(false, marker, from, end);
    from = end;
    after_scan = false;
    if (marker != 0xDA) continue;
    walk.has_picture = true;
    from = end_of_scan(bytes, end);
    tell(true, marker, end, from);
    after_scan = true;
  }
  return walk;
}

}  // namespace darkshelf::photo
