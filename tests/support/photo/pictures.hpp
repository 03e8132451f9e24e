#pragma once
// Pictures for tests: made here, or real ones out of Debian packages.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/file_system.hpp"
#include "photo/decoders/thumbnail.hpp"
#include "photo/pool.hpp"

namespace darkshelf::testing {

/// Red, green / blue, white quarters: turned or mirrored, it shows.
photo::Pixels quarters(std::uint32_t width, std::uint32_t height);
/// "rgbw" for the pixels in the middle of the quarters, top left first; "?" for another colour.
std::string colours_of(const photo::Pixels& pixels);
/// A JPEG without metadata; noise makes it large and its content its own.
core::Bytes plain_jpeg(std::uint32_t width, std::uint32_t height);
core::Bytes noisy_jpeg(std::uint32_t width, std::uint32_t height, std::uint64_t seed);

/// A TIFF, written directory by directory.
class TiffMaker {
 public:
  explicit TiffMaker(bool little_endian = true);
  struct Entry {
    std::uint16_t tag, type;
    std::vector<std::uint64_t> values;  // types 1, 3, 4 and 7
  };
  /// Data that an entry points to; gives its offset.
  std::uint32_t add_data(core::ByteSpan bytes);
  std::uint32_t add_text(const std::string& text);
  /// A directory with `next` as the offset of the one behind it; gives its own offset. Entries have to be in order.
  std::uint32_t add_directory(const std::vector<Entry>& entries, std::uint32_t next = 0);
  core::Bytes finish(std::uint32_t first);

 private:
  void number(std::uint64_t value, std::size_t size);
  void put(std::size_t at, std::uint64_t value, std::size_t size);
  bool little_endian_;
  core::Bytes bytes_;
};
/// As a camera's DNG is: a preview in front, the sensor's data in a SubIFD.
core::Bytes small_dng(std::uint64_t seed);
/// A box of ISO base media; and a CR3 of the least boxes: camera and time in it, image data in "mdat".
core::Bytes box(const std::string& type, core::ByteSpan content);
core::Bytes small_cr3(std::uint64_t seed);
core::Bytes joined(const std::vector<core::Bytes>& parts);

/// XMP as Lightroom and darktable write it; `properties` and `elements` go into the description.
std::string xmp_packet(const std::string& attributes, const std::string& elements = {});

/// A file of a Debian package, or nothing if that is not installed.
std::optional<io::Path> packaged(const std::string& path);
inline constexpr const char* kRealCr2 = "/usr/share/doc/rawtran/IMG_5952.CR2";
inline constexpr const char* kRealPhone = "/usr/share/forensics-samples/original-files/pic2/IMG_20200124_231153.jpg";
inline constexpr const char* kCutHeic = "/usr/share/gocode/src/go4.org/media/heif/testdata/park.heic";
/// All pictures of the packages rawtran-doc, forensics-samples-files, golang-go4-dev and
/// golang-github-rwcarlsen-goexif-dev that are installed.
std::vector<io::Path> packaged_pictures();

/// Of the worker that misbehaves as the names of its files tell; it has little time.
photo::PoolOptions rogue_pool(unsigned workers = 1);

void write(const io::Path& path, core::ByteSpan bytes);
core::Bytes read(const io::Path& path);

/// exiftool over files, or why it cannot be: "" when it did.
std::string exiftool(const std::vector<std::string>& arguments);

}  // namespace darkshelf::testing
