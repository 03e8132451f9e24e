// The digest of the image apart from what is written about it: exiftool writes, and pixels change.

#include <catch2/catch.hpp>

#include "photo/box_walk.hpp"
#include "photo/image_digest.hpp"
#include "photo/tiff_walk.hpp"
#include "support/damage.hpp"
#include "support/photo/pictures.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

using photo::image_digest;

/// Writes keywords, a caption, a rating and an artist into a copy, and gives the file as it is then.
std::optional<core::Bytes> written_about(const TempDir& temp, const std::string& name, const core::Bytes& file) {
  const io::Path path = temp / name;
  write(path, file);
  const std::string why =
      exiftool({"-m", "-XMP-dc:Subject=wedding", "-XMP-dc:Subject+=Île de Ré", "-XMP:Rating=4",
                "-XMP-dc:Description=" + std::string(3000, 'c'), "-Artist=Somebody", path.string()});
  if (!why.empty()) {
    skip(why);
    return {};
  }
  return read(path);
}

void check_kept_and_changed(const TempDir& temp, const std::string& name, const core::Bytes& file,
                            const std::string& method, std::size_t pixel) {
  INFO(name);
  const auto before = image_digest(file);
  REQUIRE(before);
  CHECK(before->method == method);
  const auto after = written_about(temp, name, file);
  if (after) {
    CHECK(*after != file);
    const auto kept = image_digest(*after);
    REQUIRE(kept);
    CHECK(kept->sha256 == before->sha256);
    CHECK(kept->bytes == before->bytes);
  }
  core::Bytes changed = file;
  changed.at(pixel) ^= std::byte{1};
  const auto other = image_digest(changed);
  REQUIRE(other);
  CHECK(other->sha256 != before->sha256);
}

core::Bytes big(std::uint64_t value, std::size_t size) {
  core::Bytes out;
  while (size-- > 0) out.push_back(static_cast<std::byte>(value >> (8 * size)));
  return out;
}
/// A HEIC of two tiles and a grid of them, in the order given; items 1, 2 and 3.
core::Bytes grid_heic(unsigned first, unsigned second) {
  const auto infe = [&](unsigned id, const char* type) {
    return box("infe",
               joined({big(0x02000000, 4), big(id, 2), big(0, 2), core::to_bytes(std::string(type)), big(0, 1)}));
  };
  const core::Bytes iinf =
      box("iinf", joined({big(0, 4), big(3, 2), infe(1, "hvc1"), infe(2, "hvc1"), infe(3, "grid")}));
  const core::Bytes iref =
      box("iref", joined({big(0, 4), box("dimg", joined({big(3, 2), big(2, 2), big(first, 2), big(second, 2)}))}));
  const core::Bytes idat = box("idat", seeded_bytes(300, 8));
  core::Bytes places = joined({big(0x01000000, 4), big(0x4400, 2), big(3, 2)});
  for (unsigned id = 1; id <= 3; ++id)
    places = joined({places, big(id, 2), big(1, 2), big(0, 2), big(1, 2), big((id - 1) * 100, 4), big(100, 4)});
  return joined({box("ftyp", core::to_bytes(std::string("heic\0\0\0\0mif1", 12))),
                 box("meta", joined({big(0, 4), box("pitm", joined({big(0, 4), big(3, 2)})), iinf, box("iloc", places),
                                     iref, idat}))});
}

}  // namespace

TEST_CASE("image digest: keywords written by exiftool keep it, a changed pixel does not, in JPEG, DNG and CR3") {
  TempDir temp;
  const core::Bytes jpeg = noisy_jpeg(200, 150, 1), dng = small_dng(2), cr3 = small_cr3(3);
  check_kept_and_changed(temp, "a.jpg", jpeg, "jpeg-1", jpeg.size() - 500);
  check_kept_and_changed(temp, "a.dng", dng, "tiff-1", 32 * 24 * 3 + 8 + 1000);
  check_kept_and_changed(temp, "a.cr3", cr3, "cr3-1", cr3.size() - 1000);
}

TEST_CASE("image digest: a real CR2, HEIC and PNG keep theirs when exiftool writes into them") {
  TempDir temp;
  if (const auto cr2 = packaged(kRealCr2)) {
    const core::Bytes file = read(*cr2);
    check_kept_and_changed(temp, "a.CR2", file, "tiff-1", file.size() - 100'000);
  } else {
    skip("rawtran-doc is not installed");
  }
  if (const auto png = packaged("/usr/share/forensics-samples/original-files/pic1/debian.png")) {
    const core::Bytes file = read(*png);
    check_kept_and_changed(temp, "a.png", file, "png-1", file.size() / 2);
  }
  if (!has_program("heif-enc")) return skip("heif-enc is not installed (libheif-examples)");
  write(temp / "source.jpg", noisy_jpeg(320, 200, 5));
  REQUIRE(run_process({"heif-enc", (temp / "source.jpg").string(), "-o", (temp / "made.heic").string()}).exit_code ==
          0);
  const core::Bytes heic = read(temp / "made.heic");
  check_kept_and_changed(temp, "a.heic", heic, "heif-1", heic.size() - 200);
}

TEST_CASE("image digest: a changed preview is no change of the photo, changed reading of its data is") {
  const core::Bytes dng = small_dng(2);
  const auto before = image_digest(dng);
  REQUIRE(before);
  CHECK(before->bytes == 128 * 96 * 2);
  core::Bytes preview = dng;
  preview.at(100) ^= std::byte{1};
  CHECK(image_digest(preview) == before);

  TiffMaker little, big(false);
  const auto make = [](TiffMaker& maker, std::uint64_t width) {
    const std::uint32_t data = maker.add_data(seeded_bytes(600, 4));
    return maker.finish(maker.add_directory({{256, 4, {width}}, {257, 4, {10}}, {273, 4, {data}}, {279, 4, {600}}}));
  };
  const auto one = image_digest(make(little, 20)), same = image_digest(make(big, 20));
  REQUIRE(one);
  CHECK(one == same);  // the byte order of the file is not the picture's
  // A palette decides what the numbers look like.
  const auto of_palette = [](std::uint64_t first) {
    TiffMaker maker;
    const std::uint32_t data = maker.add_data(seeded_bytes(600, 4));
    return image_digest(maker.finish(maker.add_directory(
        {{256, 4, {20}}, {257, 4, {10}}, {273, 4, {data}}, {279, 4, {600}}, {320, 3, {first, 2, 3}}})));
  };
  CHECK(of_palette(1)->sha256 != of_palette(7)->sha256);
  const auto of_least = [](std::uint64_t least) {  // tag 280: Panasonic's place of the image, elsewhere a number
    TiffMaker maker;
    const std::uint32_t data = maker.add_data(seeded_bytes(600, 4));
    return image_digest(maker.finish(
        maker.add_directory({{256, 4, {20}}, {257, 4, {10}}, {273, 4, {data}}, {279, 4, {600}}, {280, 3, {least}}})));
  };
  CHECK(of_least(1)->bytes == 600);
  const auto over_each_other = [](std::size_t strips) {
    TiffMaker maker;
    const std::uint32_t data = maker.add_data(seeded_bytes(600, 4));
    return image_digest(maker.finish(maker.add_directory({{256, 4, {20}},
                                                          {273, 4, std::vector<std::uint64_t>(strips, data)},
                                                          {279, 4, std::vector<std::uint64_t>(strips, 600)}})));
  };
  CHECK(over_each_other(1));
  CHECK_FALSE(over_each_other(1000));
  TiffMaker wider;
  CHECK(image_digest(make(wider, 21))->sha256 != one->sha256);
}

TEST_CASE("image digest: half a picture never has that of the whole, and what is no picture has none") {
  const core::Bytes jpeg = noisy_jpeg(64, 48, 1), dng = small_dng(2), cr3 = small_cr3(3);
  for (const core::Bytes* file : {&jpeg, &dng, &cr3}) {
    const core::ByteSpan whole = *file;
    const auto all = image_digest(whole);
    REQUIRE(all);
    for (std::size_t length = 0; length < whole.size(); length += 1 + whole.size() / 997) {
      const auto some = image_digest(whole.first(length));
      if (some && some->sha256 == all->sha256 && file != &dng) FAIL("as if whole at " << length);
    }
  }
  CHECK_FALSE(image_digest(core::ByteSpan(jpeg).first(jpeg.size() - 2)));
  CHECK_FALSE(image_digest({}));
  CHECK_FALSE(image_digest(seeded_bytes(10'000, 1)));
  CHECK_FALSE(image_digest(core::Bytes(10'000)));
}

TEST_CASE("TIFF walk: circles, counts beyond the file and deep nesting come to an end") {
  TiffMaker circle;
  const std::uint32_t at = circle.add_directory({{256, 4, {1}}}, 8);
  CHECK(at == 8);
  CHECK(photo::walk_tiff(circle.finish(at))->directories.size() == 1);

  TiffMaker nested;  // each with itself and the one before as SubIFDs
  std::uint32_t last = nested.add_directory({{256, 4, {1}}});
  for (int i = 0; i < 200; ++i) last = nested.add_directory({{330, 4, {last, last}}}, last);
  CHECK(photo::walk_tiff(nested.finish(last))->directories.size() <= 64);

  TiffMaker huge;
  core::Bytes file = huge.finish(huge.add_directory({{273, 4, {1, 2, 3}}, {279, 4, {1, 2, 3}}}));
  for (std::size_t i = 14; i < 18; ++i) file[i] = std::byte{0xFF};  // the count of the first entry
  const auto tiff = photo::walk_tiff(file);
  REQUIRE(tiff);
  CHECK(tiff->cut);
  CHECK(photo::image_ranges(*tiff, tiff->directories.at(0), file.size()).empty());
}

TEST_CASE("box walk: nested, endless and lying boxes come to an end") {
  core::Bytes inner;
  for (int i = 0; i < 3000; ++i) inner = box("meta", inner);
  CHECK(photo::boxes_in(inner).size() == 1);
  CHECK_FALSE(image_digest(joined({box("ftyp", core::to_bytes(std::string("heic\0\0\0\0mif1", 12))), inner})));
  core::Bytes many;
  for (int i = 0; i < 10'000; ++i)
    many.insert(many.end(), {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{8}, std::byte{'f'}, std::byte{'r'},
                             std::byte{'e'}, std::byte{'e'}});
  CHECK(photo::boxes_in(many).size() == 4096);
  core::Bytes longer = box("mdat", seeded_bytes(100, 1));
  longer[2] = std::byte{0x7F};
  CHECK(photo::boxes_in(longer).at(0).cut);
  // An iloc of four thousand million items with four thousand million extents each.
  const core::Bytes iloc =
      joined({core::to_bytes(std::string("\2\0\0\0\0\0\xFF\xFF\xFF\xFF\0\0\0\1\0\0\0\0\xFF\xFF", 20))});
  const core::Bytes lying = joined({box("ftyp", core::to_bytes(std::string("heic\0\0\0\0mif1", 12))),
                                    box("meta", joined({core::Bytes(4), box("iloc", iloc)}))});
  const auto items = photo::items_of(lying);
  REQUIRE(items);
  CHECK_FALSE(items->complete);
}

TEST_CASE("image digest: tiles of a HEIC that are put together in another order are another picture") {
  const auto one = image_digest(grid_heic(1, 2)), other = image_digest(grid_heic(2, 1));
  REQUIRE(one);
  REQUIRE(other);
  CHECK(one->sha256 != other->sha256);
  CHECK(one->bytes >= 300);
  // Lists that end before their last entry are no lists.
  const core::Bytes whole = grid_heic(1, 2);
  const auto items = photo::items_of(whole);
  REQUIRE(items);
  CHECK(items->complete);
  CHECK(items->by_id.at(3).parts == std::vector<std::uint32_t>{1, 2});
  core::Bytes short_list = whole;
  const std::string_view text = core::as_text(whole);
  short_list.at(text.find("dimg") + 7) = std::byte{9};  // says nine tiles
  CHECK_FALSE(photo::items_of(short_list)->complete);
  CHECK_FALSE(image_digest(short_list));
}

}  // namespace darkshelf::testing
