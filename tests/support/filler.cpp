#include "support/filler.hpp"

#include <fmt/format.h>

#include <random>

#include "core/pictures.hpp"
#include "support/damage.hpp"

namespace darkshelf::testing {

namespace {

/// Little-endian numbers and texts, one behind the other.
struct Out {
  std::string bytes;
  void u8(unsigned value) { bytes += static_cast<char>(value); }
  void u16(unsigned value) {
    u8(value & 0xFF);
    u8(value >> 8);
  }
  void u32(std::size_t value) {
    u16(static_cast<unsigned>(value & 0xFFFF));
    u16(static_cast<unsigned>(value >> 16));
  }
  void big16(std::size_t value) {
    u8(static_cast<unsigned>(value >> 8));
    u8(static_cast<unsigned>(value & 0xFF));
  }
};

/// A TIFF with camera and time, and `strip` as its image if there is one.
std::string tiff(std::uint64_t seed, const std::string& strip) {
  const std::string make = "Canon", model = "Canon EOS R6";
  const std::string time = fmt::format("2026:06:14 {:02}:{:02}:{:02}", 10 + seed % 12, seed / 7 % 60, seed % 60);
  const bool image = !strip.empty();
  const unsigned count = image ? 10 : 4;
  const std::size_t texts = 16 + 2 + 12 * count + 4, exif = texts + 6 + 14 + 20, data = exif + 2 + 12 * 2 + 4 + 20;
  Out out;
  out.bytes = std::string("II*\0", 4);
  out.u32(16);
  out.bytes += std::string("CR\2\0\0\0\0\0", 8);
  const auto entry = [&](unsigned tag, unsigned type, std::size_t values, std::size_t value) {
    out.u16(tag);
    out.u16(type);
    out.u32(values);
    out.u32(value);
  };
  out.u16(count);
  if (image) {
    entry(256, 4, 1, 64);
    entry(257, 4, 1, strip.size() / 64);
    entry(258, 3, 1, 8);
    entry(259, 3, 1, 1);
  }
  entry(271, 2, make.size() + 1, texts);
  entry(272, 2, model.size() + 1, texts + 6);
  if (image) {
    entry(273, 4, 1, data);
    entry(279, 4, 1, strip.size());
  }
  entry(306, 2, time.size() + 1, texts + 20);
  entry(34665, 4, 1, exif);
  out.u32(0);
  out.bytes += make + std::string(1, '\0') + model + std::string(2, '\0') + time + '\0';
  out.u16(2);
  entry(34855, 3, 1, 100 << (seed % 6));
  entry(36867, 2, time.size() + 1, exif + 2 + 12 * 2 + 4);
  out.u32(0);
  out.bytes += time + '\0';
  return out.bytes + strip;
}

/// Bits of coded data, with a zero behind each 0xFF.
struct Bits {
  std::string bytes;
  unsigned held = 0, count = 0;
  void put(unsigned value, unsigned length) {
    for (unsigned i = length; i-- > 0;) {
      held = held << 1 | (value >> i & 1);
      if (++count < 8) continue;
      bytes += static_cast<char>(held);
      if (held == 0xFF) bytes += '\0';
      held = count = 0;
    }
  }
  void fill() {
    while (count != 0) put(1, 1);
  }
};

/// Grey blocks, each a little lighter or darker than the one before it: a block is one number, and costs about 8 bits.
std::string jpeg(std::uint64_t seed, std::size_t bytes) {
  const std::string exif = tiff(seed, {});
  constexpr std::size_t kAcross = 40;
  const std::size_t down = std::max<std::size_t>(1, bytes > 400 ? (bytes - 400) * 10 / 9 / kAcross : 1);
  Out out;
  out.bytes = "\xFF\xD8\xFF\xE1";
  out.big16(2 + 6 + exif.size());
  out.bytes += std::string("Exif\0\0", 6) + exif;
  out.bytes += "\xFF\xDB";
  out.big16(67);
  out.u8(0);
  out.bytes += std::string(64, '\x10');
  out.bytes += "\xFF\xC0";
  out.big16(11);
  out.u8(8);
  out.big16(down * 8);
  out.big16(kAcross * 8);
  out.bytes += std::string("\1\1\x11\0", 4);
  // Seven lengths of differences, each named by three bits; and one code for "the rest of the block is zero".
  out.bytes += "\xFF\xC4";
  out.big16(2 + 17 + 7);
  out.bytes += std::string("\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0\0\0", 17) + std::string("\0\1\2\3\4\5\6", 7);
  out.bytes += "\xFF\xC4";
  out.big16(2 + 17 + 1);
  out.bytes += std::string("\x10\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 17) + std::string(1, '\0');
  out.bytes += "\xFF\xDA";
  out.big16(8);
  out.bytes += std::string("\1\1\0\0\x3F\0", 6);
  std::mt19937_64 dice(seed);
  Bits bits;
  int level = 0;
  for (std::size_t block = 0; block < down * kAcross; ++block) {
    const int wanted = static_cast<int>(dice() % 127) - 63;
    const int step = level + wanted > 60 || level + wanted < -60 ? -wanted : wanted;
    level += step;
    const unsigned size = static_cast<unsigned>(step < 0 ? -step : step);
    unsigned length = 0;
    while (size >> length != 0) ++length;
    bits.put(length, 3);
    if (length > 0) bits.put(static_cast<unsigned>(step < 0 ? step + (1 << length) - 1 : step), length);
    bits.put(0, 1);
  }
  bits.fill();
  return out.bytes + bits.bytes + "\xFF\xD9";
}

}  // namespace

void make_picture(const io::Path& path, std::size_t bytes, std::uint64_t seed) {
  const std::string ending = core::file_ending(path.filename().string());
  const bool is_jpeg = ending == "jpg";
  if (!is_jpeg && core::picture_kind(path.filename().string()) != core::PictureKind::kRaw)
    return make_file(path, bytes, seed);
  std::string content;
  if (is_jpeg) {
    content = jpeg(seed, bytes);
  } else {
    std::mt19937_64 dice(seed);
    const std::size_t head = tiff(seed, "x").size() - 1;
    std::string strip(bytes > head ? bytes - head : 1, '\0');
    for (char& c : strip) c = static_cast<char>(dice());
    content = tiff(seed, strip);
  }
  io::posix().make_dirs(path.parent_path());
  io::posix().create(path)->write_at(0, core::as_bytes(content));
}

}  // namespace darkshelf::testing
