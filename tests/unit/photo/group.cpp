// Which files are one photo.

#include "photo/group.hpp"

#include <catch2/catch.hpp>

namespace darkshelf::testing {
namespace {

using photo::group_photos;

/// "IMG_1.CR2+IMG_1.JPG [IMG_1.xmp]" for each photo.
std::string told(const photo::Grouping& grouping) {
  std::string out;
  for (const photo::Photo& one : grouping.photos) {
    if (!out.empty()) out += "; ";
    for (std::size_t i = 0; i < one.files.size(); ++i) out += (i > 0 ? "+" : "") + one.files[i];
    for (const photo::Sidecar& sidecar : one.sidecars) {
      out += " [" + sidecar.path + (sidecar.of ? " of " + one.files[*sidecar.of] : "") +
             (sidecar.version > 0 ? " v" + std::to_string(sidecar.version) : "") + "]";
    }
  }
  for (const std::string& orphan : grouping.orphans) out += " orphan " + orphan;
  return out;
}

std::string order(const photo::Photo& one, std::size_t file) {
  std::string out;
  for (const std::size_t i : photo::sidecars_for(one, file)) out += one.sidecars[i].path + " ";
  return out;
}

}  // namespace

TEST_CASE("grouping: RAW, JPEG and both kinds of sidecars are one photo") {
  CHECK(told(group_photos({"IMG_1.JPG", "IMG_1.CR2", "IMG_1.xmp", "IMG_1.CR2.xmp", "notes.txt", "IMG_2.JPG"})) ==
        "IMG_1.CR2+IMG_1.JPG [IMG_1.CR2.xmp of IMG_1.CR2] [IMG_1.xmp]; IMG_2.JPG");
  CHECK(told(group_photos({"a/IMG_1.CR2", "b/IMG_1.JPG", "b/IMG_1.xmp"})) == "a/IMG_1.CR2; b/IMG_1.JPG [b/IMG_1.xmp]");
  CHECK(told(group_photos({"img_1.cr2", "IMG_1.JPG", "Img_1.XMP", "IMG_1.Cr2.Xmp"})) ==
        "img_1.cr2+IMG_1.JPG [IMG_1.Cr2.Xmp of img_1.cr2] [Img_1.XMP]");
  CHECK(told(group_photos({"IMG_1.HEIC", "IMG_1.MOV", "IMG_1.jpg"})) == "IMG_1.HEIC+IMG_1.jpg+IMG_1.MOV");
  CHECK(told(group_photos({"A/x.dng", "a/x.dng"})) == "A/x.dng; a/x.dng");  // folders are told apart by case
}

TEST_CASE("grouping: darktable's further versions, names with dots, sidecars of nobody") {
  CHECK(told(group_photos({"IMG_1.CR2", "IMG_1_01.CR2.xmp", "IMG_1.CR2.xmp"})) ==
        "IMG_1.CR2 [IMG_1.CR2.xmp of IMG_1.CR2] [IMG_1_01.CR2.xmp of IMG_1.CR2 v1]");
  CHECK(told(group_photos({"IMG_1.CR2", "IMG_1_01.CR2", "IMG_1_01.CR2.xmp"})) ==
        "IMG_1.CR2; IMG_1_01.CR2 [IMG_1_01.CR2.xmp of IMG_1_01.CR2]");
  CHECK(told(group_photos({"IMG_1.CR2", "IMG_1_00.CR2.xmp", "gone.xmp", "IMG_1.NEF.xmp", ".xmp"})) ==
        "IMG_1.CR2 orphan IMG_1_00.CR2.xmp orphan gone.xmp orphan IMG_1.NEF.xmp");
  CHECK(told(group_photos({"a.b.CR2", "a.b.xmp", "a.CR2", "a.xmp"})) == "a.b.CR2 [a.b.xmp]; a.CR2 [a.xmp]");
  CHECK(told(group_photos({"a/.xmp", "a.d/IMG", "_01.CR2.xmp"})) == " orphan _01.CR2.xmp");
}

TEST_CASE("grouping: which sidecar is believed first depends on the file") {
  const auto grouping = group_photos({"X.CR2", "X.JPG", "X.xmp", "X.JPG.xmp", "X.CR2.xmp", "X_01.JPG.xmp"});
  REQUIRE(grouping.photos.size() == 1);
  CHECK(order(grouping.photos[0], 0) == "X.CR2.xmp X.xmp X.JPG.xmp X_01.JPG.xmp ");
  CHECK(order(grouping.photos[0], 1) == "X.JPG.xmp X.xmp X.CR2.xmp X_01.JPG.xmp ");
}

TEST_CASE("grouping: RAW files without any sidecar are told, once there are some") {
  std::vector<std::string> paths;
  for (int i = 0; i < 2412; ++i) paths.push_back("IMG_" + std::to_string(i) + ".CR2");
  auto grouping = group_photos(paths);
  CHECK(grouping.raws == 2412);
  CHECK(photo::edits_missing(grouping) == "2,412 RAW, 0 sidecars: your edits are not in this folder");
  paths.push_back("IMG_7.xmp");
  grouping = group_photos(paths);
  CHECK(grouping.raws_edited == 1);
  CHECK_FALSE(photo::edits_missing(grouping));
  CHECK_FALSE(photo::edits_missing(group_photos({"a.CR2", "b.CR2"})));
  CHECK_FALSE(photo::edits_missing(group_photos({})));
}

}  // namespace darkshelf::testing
