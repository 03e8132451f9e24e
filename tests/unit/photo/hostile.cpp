// Files that are cut, flipped or made to hurt, through the real decoders: each is answered, and so is the next one.

#include <catch2/catch.hpp>
#include <chrono>
#include <iostream>

#include "core/text.hpp"
#include "photo/pool.hpp"
#include "support/damage.hpp"
#include "support/photo/pictures.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

using photo::Failure;

class Victim {
 public:
  Victim() {
    photo::PoolOptions options;
    options.workers = 1;
    options.limits.time = std::chrono::seconds(10);
    options.limits.memory = 512 << 20;
    pool_ = std::make_unique<photo::Pool>(options);
  }
  ~Victim() {
    // Whatever came before.
    const photo::Extract good = pool_->extract({"good.jpg", good_, {}, {}});
    CHECK(good.failure == Failure::kNone);
    CHECK_FALSE(good.thumbnail.empty());
  }
  photo::Extract look(const std::string& name, core::ByteSpan bytes, std::vector<core::ByteSpan> sidecars = {}) {
    photo::Extract out = pool_->extract({name, bytes, std::move(sidecars), {}});
    ++asked;
    failed += out.failure != Failure::kNone;
    if (out.metadata) {
      photo::Metadata again = *out.metadata;
      photo::tidy(again);
      CHECK(again == *out.metadata);
      CHECK(core::is_utf8(out.metadata->caption));
    }
    return out;
  }
  std::size_t asked = 0, failed = 0;  // a failure is a decoder's, told and survived

 private:
  std::unique_ptr<photo::Pool> pool_;
  core::Bytes good_ = noisy_jpeg(400, 300, 1);
};

/// Files of every kind, with metadata in them where exiftool is there.
std::vector<std::pair<std::string, core::Bytes>> kinds() {
  TempDir temp;
  std::vector<std::pair<std::string, core::Bytes>> out;
  write(temp / "a.jpg", noisy_jpeg(300, 200, 1));
  write(temp / "a.dng", small_dng(1));
  write(temp / "a.cr3", small_cr3(1));
  for (const char* name : {"a.jpg", "a.dng", "a.cr3"}) {
    if (const std::string why = exiftool({"-m", "-XMP-dc:Subject=a", "-XMP:Rating=4", "-EXIF:LensModel=lens",
                                          "-EXIF:GPSLatitude=1", "-EXIF:GPSLatitudeRef=N", "-EXIF:GPSLongitude=1",
                                          "-EXIF:GPSLongitudeRef=E", "-IPTC:Keywords=k", (temp / name).string()});
        !why.empty())
      skip(why);
    out.emplace_back(name, read(temp / name));
  }
  if (has_program("heif-enc")) {
    REQUIRE(run_process({"heif-enc", (temp / "a.jpg").string(), "-o", (temp / "a.heic").string()}).exit_code == 0);
    out.emplace_back("a.heic", read(temp / "a.heic"));
  } else {
    skip("heif-enc is not installed (libheif-examples)");
  }
  return out;
}

}  // namespace

TEST_CASE("hostile photos: every kind cut at many lengths is answered") {
  Victim victim;
  for (const auto& [name, file] : kinds()) {
    const core::ByteSpan whole = file;
    // All of the front, where the structure is, then here and there.
    for (std::size_t length = 0; length < whole.size(); length += 1 + length / 12)
      victim.look(name, whole.first(length));
  }
  std::cout << victim.asked << " cut files, " << victim.failed << " failures told" << std::endl;
  CHECK(victim.failed == 0);
}

TEST_CASE("hostile photos: flipped bytes, one or many, are answered") {
  Victim victim;
  Dice dice(11);
  for (const auto& [name, file] : kinds()) {
    for (int round = 0; round < 250; ++round) {
      core::Bytes hurt = file;
      const std::size_t front = round % 3 == 0 ? hurt.size() : std::min<std::size_t>(hurt.size(), 2000);
      for (std::uint64_t flips = 1 + dice.below(8); flips > 0; --flips) {
        hurt[dice.below(front)] = static_cast<std::byte>(dice.below(256));
      }
      victim.look(name, hurt);
    }
  }
  std::cout << victim.asked << " flipped files, " << victim.failed << " failures told" << std::endl;
  CHECK(victim.failed < victim.asked / 20);  // exiv2 and libheif may die of some: that is what the worker is for
}

TEST_CASE("hostile photos: nesting, circles and lengths made to hurt are answered in seconds") {
  Victim victim;
  const auto began = std::chrono::steady_clock::now();
  TiffMaker circle;
  std::uint32_t at = circle.add_directory({{0x8769, 4, {8}}, {330, 4, {8, 8, 8, 8}}}, 8);
  victim.look("circle.dng", circle.finish(at));
  TiffMaker deep;
  std::uint32_t last = deep.add_directory({{256, 4, {1}}});
  for (int i = 0; i < 20'000; ++i) last = deep.add_directory({{330, 4, {last}}}, last);
  victim.look("deep.dng", deep.finish(last));
  TiffMaker strips;  // half a million strips, all the same
  at = strips.add_directory({{256, 4, {1000}},
                             {257, 4, {1'000'000}},
                             {273, 4, std::vector<std::uint64_t>(500'000, 8)},
                             {279, 4, std::vector<std::uint64_t>(500'000, 100)}});
  victim.look("strips.tif", strips.finish(at));
  core::Bytes inner;
  for (int i = 0; i < 20'000; ++i) inner = box("moov", inner);
  victim.look("deep.cr3", joined({box("ftyp", core::to_bytes(std::string("crx \0\0\0\1crx isom", 16))), inner}));
  core::Bytes meta = core::Bytes(4);
  for (int i = 0; i < 5'000; ++i) meta = joined({core::Bytes(4), box("meta", meta)});
  victim.look("deep.heic", joined({box("ftyp", core::to_bytes(std::string("heic\0\0\0\0mif1heic", 16))), meta}));

  // A JPEG of 65500 x 65500 pixels with nothing in it.
  core::Bytes large = plain_jpeg(64, 64);
  for (std::size_t i = 0; i + 9 < large.size(); ++i) {
    if (large[i] == std::byte{0xFF} && large[i + 1] == std::byte{0xC0}) {
      for (std::size_t j = 5; j < 9; j += 2) large[i + j] = std::byte{0xFF}, large[i + j + 1] = std::byte{0xDC};
    }
  }
  victim.look("large.jpg", large);

  std::string nested;
  for (int i = 0; i < 20'000; ++i) nested += "<rdf:Bag><rdf:li>";
  const core::Bytes deep_xmp = core::to_bytes(xmp_packet("", "<dc:subject>" + nested));
  victim.look("a.jpg", {}, {deep_xmp});
  std::string balanced = "<dc:subject>" + nested;
  for (int i = 0; i < 20'000; ++i) balanced += "</rdf:li></rdf:Bag>";
  const core::Bytes deep_good = core::to_bytes(xmp_packet("", balanced + "</dc:subject>"));
  victim.look("a.jpg", {}, {deep_good});
  std::string entities = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\">";
  for (char c = 'b'; c < 'm'; ++c) {
    const std::string before = std::string("&") + static_cast<char>(c - 1) + ";";
    entities += std::string("<!ENTITY ") + c + " \"";
    for (int i = 0; i < 10; ++i) entities += before;
    entities += "\">";
  }
  const core::Bytes laughs = core::to_bytes(entities + "]>" + xmp_packet("xmp:Label=\"&l;\""));
  victim.look("a.jpg", {}, {laughs});
  std::string keywords;
  for (int i = 0; i < 100'000; ++i) keywords += "<rdf:li>k" + std::to_string(i) + "</rdf:li>";
  const core::Bytes many =
      core::to_bytes(xmp_packet("", "<dc:subject><rdf:Bag>" + keywords + "</rdf:Bag></dc:subject>"));
  const photo::Extract out = victim.look("a.jpg", {}, {many});
  REQUIRE(out.metadata);
  CHECK(out.metadata->keywords.size() == photo::kMostKeywords);
  std::cout << victim.asked << " crafted files, " << victim.failed << " failures told" << std::endl;
  CHECK(victim.failed <= 2);  // exiv2 dies of the deepest nesting
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(60));
}

TEST_CASE("hostile photos: damaged ones of packages, and a real CR2 and HEIC cut all along") {
  const std::vector<io::Path> paths = packaged_pictures();
  if (paths.empty()) return skip("rawtran-doc, forensics-samples-files, golang-go4-dev: none is installed");
  Victim victim;
  for (const io::Path& path : paths) {
    if (path.string().find("corrupt") != std::string::npos || path.string().find("heif") != std::string::npos) {
      victim.look(path.filename().string(), read(path));
    }
  }
  if (const auto cr2 = packaged(kRealCr2)) {
    const core::Bytes file = read(*cr2);
    for (std::size_t i = 0; i < 40; ++i) victim.look("a.CR2", core::ByteSpan(file).first(file.size() * i / 40));
    for (std::size_t length = 16; length < 40'000; length += 1111)
      victim.look("a.CR2", core::ByteSpan(file).first(length));
  }
  if (const auto heic = packaged(kCutHeic)) {
    const core::Bytes file = read(*heic);
    for (std::size_t length = 0; length < file.size(); length += 499)
      victim.look("a.HEIC", core::ByteSpan(file).first(length));
  }
  std::cout << victim.asked << " damaged real files, " << victim.failed << " failures told" << std::endl;
  CHECK(victim.failed < 3);
}

}  // namespace darkshelf::testing
