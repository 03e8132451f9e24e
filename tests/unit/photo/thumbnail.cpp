// Small upright pictures.

#include "photo/decoders/thumbnail.hpp"

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "photo/jpeg_walk.hpp"
#include "photo/pool.hpp"
#include "support/damage.hpp"
#include "support/photo/pictures.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

std::string size_of(const photo::Pixels& pixels) {
  return std::to_string(pixels.width) + "x" + std::to_string(pixels.height);
}
photo::Extract extract(const std::string& name, core::ByteSpan file) {
  static photo::Pool pool({1, {}, std::uint64_t{1} << 30, {}});
  return pool.extract({name, file, {}, {}});
}

}  // namespace

TEST_CASE("thumbnail: 320 pixels on the longer side, every shape, none enlarged") {
  CHECK(size_of(photo::small_pixels(plain_jpeg(3000, 2000))) == "320x213");
  CHECK(size_of(photo::small_pixels(plain_jpeg(2000, 3000))) == "213x320");
  CHECK(size_of(photo::small_pixels(plain_jpeg(321, 40))) == "320x40");
  CHECK(size_of(photo::small_pixels(plain_jpeg(5000, 3))) == "320x1");
  CHECK(size_of(photo::small_pixels(plain_jpeg(100, 80))) == "100x80");
  CHECK(size_of(photo::small_pixels(plain_jpeg(1, 1))) == "1x1");
  CHECK(colours_of(photo::small_pixels(plain_jpeg(1999, 1333))) == "rgbw");
  CHECK(colours_of(photo::small_pixels(quarters(640, 640))) == "rgbw");
  CHECK_THROWS_AS(photo::small_pixels(photo::Pixels{10, 10, {}}), core::Error);
  CHECK_THROWS_AS(photo::small_pixels(seeded_bytes(1000, 1)), core::Error);
  CHECK_THROWS_AS(photo::small_pixels(core::ByteSpan{}), core::Error);
}

TEST_CASE("thumbnail: every orientation of EXIF comes out upright") {
  // What the stored pixels look like when the scene is red, green / blue, white and the camera was held that way.
  const photo::Pixels scene = quarters(64, 48);
  CHECK(colours_of(photo::upright(scene, 1)) == "rgbw");
  CHECK(colours_of(photo::upright(scene, 2)) == "grwb");
  CHECK(colours_of(photo::upright(scene, 3)) == "wbgr");
  CHECK(colours_of(photo::upright(scene, 4)) == "bwrg");
  CHECK(colours_of(photo::upright(scene, 5)) == "rbgw");
  CHECK(colours_of(photo::upright(scene, 6)) == "brwg");  // a quarter turn to the right
  CHECK(colours_of(photo::upright(scene, 7)) == "wgbr");
  CHECK(colours_of(photo::upright(scene, 8)) == "gwrb");
  CHECK(size_of(photo::upright(scene, 6)) == "48x64");
  CHECK(photo::upright(scene, 0).rgb == scene.rgb);
  CHECK(photo::upright(scene, 99).rgb == scene.rgb);
}

TEST_CASE("thumbnail: about 12 KB whatever the picture is") {
  for (std::uint64_t seed = 1; seed < 4; ++seed) {
    const core::Bytes noise = photo::encode_thumbnail(photo::small_pixels(noisy_jpeg(2000, 1500, seed)));
    CHECK(noise.size() <= photo::kThumbnailBytes);
    CHECK(noise.size() > photo::kThumbnailBytes / 3);
  }
  CHECK(photo::encode_thumbnail(quarters(320, 320)).size() < photo::kThumbnailBytes);
}

TEST_CASE("thumbnail: exiftool turns a JPEG, and its thumbnail follows, and a sidecar turns it, too") {
  TempDir temp;
  const io::Path path = temp / "a.jpg";
  const core::Bytes file = plain_jpeg(900, 600);
  CHECK(colours_of(photo::small_pixels(extract("a.jpg", file).thumbnail)) == "rgbw");
  write(path, file);
  if (const std::string why = exiftool({"-n", "-Orientation=6", path.string()}); !why.empty()) return skip(why);
  const photo::Pixels turned = photo::small_pixels(extract("a.jpg", read(path)).thumbnail);
  CHECK(size_of(turned) == "213x320");
  CHECK(colours_of(turned) == "brwg");
  const core::Bytes sidecar = core::to_bytes(xmp_packet("tiff:Orientation=\"3\""));
  photo::Pool pool({1, {}, 1 << 30, {}});
  CHECK(colours_of(photo::small_pixels(pool.extract({"a.jpg", read(path), {sidecar}, {}}).thumbnail)) == "wbgr");
}

TEST_CASE("thumbnail: of a real CR2 from its preview, of a phone's JPEG from the one inside it") {
  const auto cr2 = packaged(kRealCr2), phone = packaged(kRealPhone);
  if (!cr2 || !phone) return skip("rawtran-doc and forensics-samples-files are not installed");
  for (const io::Path& path : {*cr2, *phone}) {
    INFO(path.string());
    const photo::Extract out = extract(path.string(), read(path));
    const auto walk = photo::walk_jpeg(out.thumbnail);
    CHECK(walk.complete);
    CHECK(std::max(walk.width, walk.height) == 320);
    CHECK(out.thumbnail.size() <= photo::kThumbnailBytes);
    CHECK(out.thumbnail.size() > 8000);
  }
}

TEST_CASE("thumbnail: a preview inside a JPEG that has another shape is of an earlier crop, and not taken") {
  TempDir temp;
  const io::Path path = temp / "a.jpg";
  const auto with_preview = [&](std::uint32_t width, std::uint32_t height) {
    photo::Pixels white{width, height, std::vector<std::uint8_t>(std::size_t{width} * height * 3, 255)};
    write(temp / "inside.jpg", photo::encode_thumbnail(white));
    write(path, plain_jpeg(1200, 800));
    return exiftool({"-ThumbnailImage<=" + (temp / "inside.jpg").string(), path.string()});
  };
  if (const std::string why = with_preview(360, 240); !why.empty()) return skip(why);
  CHECK(colours_of(photo::small_pixels(extract("a.jpg", read(path)).thumbnail)) == "wwww");
  REQUIRE(with_preview(360, 360).empty());
  CHECK(colours_of(photo::small_pixels(extract("a.jpg", read(path)).thumbnail)) == "rgbw");
  REQUIRE(with_preview(160, 107).empty());  // right, and too small
  CHECK(colours_of(photo::small_pixels(extract("a.jpg", read(path)).thumbnail)) == "rgbw");
}

TEST_CASE("thumbnail: of HEIC, with the thumbnail it has and without") {
  if (!has_program("heif-enc")) return skip("heif-enc is not installed (libheif-examples)");
  TempDir temp;
  write(temp / "a.jpg", plain_jpeg(900, 600));
  for (const std::string& option : {std::string("-q90"), std::string("-t320")}) {
    const auto run = run_process({"heif-enc", option, (temp / "a.jpg").string(), "-o", (temp / "a.heic").string()});
    INFO(run.err);
    REQUIRE(run.exit_code == 0);
    const photo::Extract out = extract("a.heic", read(temp / "a.heic"));
    REQUIRE_FALSE(out.thumbnail.empty());
    const photo::Pixels small = photo::small_pixels(out.thumbnail);
    CHECK(small.width == 320);  // the encoder's own is 212 high
    CHECK(colours_of(small) == "rgbw");
    REQUIRE(out.metadata);
    CHECK(out.metadata->width == 900);
    CHECK(out.metadata->height == 600);
  }
}

}  // namespace darkshelf::testing
