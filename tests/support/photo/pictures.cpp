#include "support/photo/pictures.hpp"

#include <algorithm>
#include <cmath>

#include "core/pictures.hpp"
#include "support/damage.hpp"
#include "support/process.hpp"

namespace darkshelf::testing {

photo::Pixels quarters(std::uint32_t width, std::uint32_t height) {
  photo::Pixels out{width, height, {}};
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      const bool right = x >= width / 2, below = y >= height / 2;
      const std::uint8_t red = right == below ? 255 : 0;  // top left and the white one
      out.rgb.push_back(red);
      out.rgb.push_back(right ? 255 : 0);
      out.rgb.push_back(below ? 255 : 0);
    }
  }
  return out;
}

std::string colours_of(const photo::Pixels& pixels) {
  std::string out;
  for (const std::uint32_t y : {pixels.height / 4, pixels.height * 3 / 4}) {
    for (const std::uint32_t x : {pixels.width / 4, pixels.width * 3 / 4}) {
      const std::uint8_t* at = &pixels.rgb[(std::size_t{y} * pixels.width + x) * 3];
      const auto is = [&](int red, int green, int blue) {
        return std::abs(at[0] - red) < 40 && std::abs(at[1] - green) < 40 && std::abs(at[2] - blue) < 40;
      };
      out += is(255, 0, 0) ? 'r' : is(0, 255, 0) ? 'g' : is(0, 0, 255) ? 'b' : is(255, 255, 255) ? 'w' : '?';
    }
  }
  return out;
}

core::Bytes plain_jpeg(std::uint32_t width, std::uint32_t height) {
  return photo::encode_thumbnail(quarters(width, height));
}

core::Bytes noisy_jpeg(std::uint32_t width, std::uint32_t height, std::uint64_t seed) {
  photo::Pixels pixels = quarters(width, height);
  Dice dice(seed);
  for (std::uint8_t& value : pixels.rgb) value = static_cast<std::uint8_t>(value / 2 + dice.below(128));
  return photo::encode_thumbnail(pixels);
}

// --- TIFF ---------------------------------------------------------------------------------------------------------

TiffMaker::TiffMaker(bool little_endian) : little_endian_(little_endian) {
  bytes_ = core::to_bytes(little_endian ? "II" : "MM");
  number(42, 2);
  number(0, 4);
}
void TiffMaker::put(std::size_t at, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t place = little_endian_ ? at + i : at + size - 1 - i;
    bytes_[place] = static_cast<std::byte>(value >> (8 * i));
  }
}
void TiffMaker::number(std::uint64_t value, std::size_t size) {
  bytes_.resize(bytes_.size() + size);
  put(bytes_.size() - size, value, size);
}
std::uint32_t TiffMaker::add_data(core::ByteSpan bytes) {
  if (bytes_.size() % 2 != 0) number(0, 1);
  const auto at = static_cast<std::uint32_t>(bytes_.size());
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return at;
}
std::uint32_t TiffMaker::add_text(const std::string& text) { return add_data(core::as_bytes(text + '\0')); }

std::uint32_t TiffMaker::add_directory(const std::vector<Entry>& entries, std::uint32_t next) {
  if (bytes_.size() % 2 != 0) number(0, 1);
  const auto at = static_cast<std::uint32_t>(bytes_.size());
  const std::size_t tail = at + 2 + entries.size() * 12 + 4;
  number(entries.size(), 2);
  core::Bytes values;  // those that do not fit into their entries
  for (const Entry& entry : entries) {
    const std::size_t size = entry.type == 3 ? 2 : entry.type == 4 ? 4 : entry.type == 5 ? 8 : 1;
    const bool text = entry.type == 2 || entry.type == 5;  // values: offset and count
    const std::size_t count = text ? entry.values.at(1) : entry.values.size();
    number(entry.tag, 2);
    number(entry.type, 2);
    number(count, 4);
    if (text) {
      number(entry.values.at(0), 4);
    } else if (count * size <= 4) {
      for (const std::uint64_t value : entry.values) number(value, size);
      number(0, 4 - count * size);
    } else {
      number(tail + values.size(), 4);
      for (const std::uint64_t value : entry.values) {
        for (std::size_t i = 0; i < size; ++i) {
          values.push_back(static_cast<std::byte>(value >> (8 * (little_endian_ ? i : size - 1 - i))));
        }
      }
    }
  }
  number(next, 4);
  bytes_.insert(bytes_.end(), values.begin(), values.end());
  return at;
}
core::Bytes TiffMaker::finish(std::uint32_t first) {
  put(4, first, 4);
  return bytes_;
}

core::Bytes small_dng(std::uint64_t seed) {
  TiffMaker maker;
  const std::uint32_t preview = maker.add_data(seeded_bytes(32 * 24 * 3, 7));
  const std::uint32_t sensor = maker.add_data(seeded_bytes(std::size_t{128} * 96 * 2, seed));
  const std::uint32_t raw = maker.add_directory({{254, 4, {0}},
                                                 {256, 4, {128}},
                                                 {257, 4, {96}},
                                                 {258, 3, {16}},
                                                 {259, 3, {1}},
                                                 {262, 3, {32803}},
                                                 {273, 4, {sensor}},
                                                 {277, 3, {1}},
                                                 {278, 4, {96}},
                                                 {279, 4, {128 * 96 * 2}},
                                                 {33421, 3, {2, 2}},
                                                 {33422, 1, {0, 1, 1, 2}}});
  const std::uint32_t make = maker.add_text("Pentax"), model = maker.add_text("PENTAX K-3");
  const std::uint32_t time = maker.add_text("2026:06:14 15:30:12");
  return maker.finish(maker.add_directory({{254, 4, {1}},
                                           {256, 4, {32}},
                                           {257, 4, {24}},
                                           {258, 3, {8, 8, 8}},
                                           {259, 3, {1}},
                                           {262, 3, {2}},
                                           {271, 2, {make, 7}},
                                           {272, 2, {model, 11}},
                                           {273, 4, {preview}},
                                           {274, 3, {6}},
                                           {277, 3, {3}},
                                           {278, 4, {24}},
                                           {279, 4, {32 * 24 * 3}},
                                           {306, 2, {time, 20}},
                                           {330, 4, {raw}},
                                           {50706, 1, {1, 4, 0, 0}},
                                           {50708, 2, {model, 11}}}));
}

// --- boxes --------------------------------------------------------------------------------------------------------

core::Bytes box(const std::string& type, core::ByteSpan content) {
  core::Bytes out;
  const std::size_t size = content.size() + 8;
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::byte>(size >> shift));
  for (const char c : type) out.push_back(static_cast<std::byte>(c));
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

core::Bytes joined(const std::vector<core::Bytes>& parts) {
  core::Bytes out;
  for (const core::Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

core::Bytes small_cr3(std::uint64_t seed) {
  TiffMaker camera;
  const std::uint32_t make = camera.add_text("Canon"), model = camera.add_text("Canon EOS R6");
  const core::Bytes first = camera.finish(camera.add_directory(
      {{256, 4, {5472}}, {257, 4, {3648}}, {271, 2, {make, 6}}, {272, 2, {model, 13}}, {274, 3, {8}}}));
  TiffMaker shot;
  const std::uint32_t time = shot.add_text("2026:06:14 15:30:12"), lens = shot.add_text("RF24-70mm F2.8 L IS USM");
  const std::uint32_t zone = shot.add_text("+02:00"), fraction = shot.add_text("3400");
  const core::Bytes second = shot.finish(shot.add_directory({{34855, 3, {800}},
                                                             {36867, 2, {time, 20}},
                                                             {36881, 2, {zone, 7}},
                                                             {37521, 2, {fraction, 5}},
                                                             {42036, 2, {lens, 24}}}));
  const std::string canon("\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48", 16);
  const core::Bytes uuid = joined({core::to_bytes(canon), box("CMT1", first), box("CMT2", second)});
  return joined({box("ftyp", core::to_bytes(std::string("crx \0\0\0\1crx isom", 16))), box("moov", box("uuid", uuid)),
                 box("mdat", seeded_bytes(40'000, seed))});
}

std::string xmp_packet(const std::string& attributes, const std::string& elements) {
  return R"(<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">)"
         R"(<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/")"
         R"( xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/")"
         R"( xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:digiKam="http://www.digikam.org/ns/1.0/")"
         R"( xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" )" +
         attributes + ">" + elements + "</rdf:Description></rdf:RDF></x:xmpmeta>";
}

// --- files --------------------------------------------------------------------------------------------------------

std::optional<io::Path> packaged(const std::string& path) {
  if (io::posix().stat_following(path)) return io::Path(path);
  return {};
}

std::vector<io::Path> packaged_pictures() {
  std::vector<io::Path> out;
  for (const char* folder :
       {"/usr/share/doc/rawtran", "/usr/share/forensics-samples/original-files/pic1",
        "/usr/share/forensics-samples/original-files/pic2", "/usr/share/gocode/src/go4.org/media/heif/testdata",
        "/usr/share/gocode/src/github.com/rwcarlsen/goexif/exif/samples",
        "/usr/share/gocode/src/github.com/rwcarlsen/goexif/exif/corrupt"}) {
    if (!io::posix().stat_following(folder)) continue;
    for (const io::Entry& entry : io::posix().list(folder)) {
      if (core::picture_kind(entry.name) != core::PictureKind::kNone) out.push_back(io::Path(folder) / entry.name);
    }
  }
  return out;
}

photo::PoolOptions rogue_pool(unsigned workers) {
  photo::PoolOptions options;
  options.workers = workers;
  options.program = DARKSHELF_ROGUE_WORKER;
  options.limits.time = std::chrono::milliseconds(400);
  return options;
}

void write(const io::Path& path, core::ByteSpan bytes) { io::write_file_durably(io::posix(), path, bytes); }
core::Bytes read(const io::Path& path) { return io::read_file(io::posix(), path, std::uint64_t{1} << 30); }

std::string exiftool(const std::vector<std::string>& arguments) {
  if (!has_program("exiftool")) return "exiftool is not installed (libimage-exiftool-perl)";
  std::vector<std::string> words = {"exiftool", "-q", "-overwrite_original"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const ProcessResult run = run_process(words);
  return run.exit_code == 0 ? "" : "exiftool: " + run.err;
}

}  // namespace darkshelf::testing
