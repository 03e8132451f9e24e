// What is believed when sidecars, XMP, IPTC and EXIF disagree.

#include <catch2/catch.hpp>

#include "photo/pool.hpp"
#include "support/photo/pictures.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

photo::Metadata metadata(core::ByteSpan picture, const std::vector<std::string>& sidecars = {},
                         const std::string& name = "a.jpg") {
  static photo::Pool pool({1, {}, 1 << 30, {}});
  std::vector<core::Bytes> bytes;
  for (const std::string& one : sidecars) bytes.push_back(core::to_bytes(one));
  photo::Request request{name, picture, {}, {true, false, false, false}};
  request.sidecars.assign(bytes.begin(), bytes.end());
  const photo::Extract out = pool.extract(request);
  for (const std::string& problem : out.problems) UNSCOPED_INFO(problem);
  REQUIRE(out.metadata);
  return *out.metadata;
}
std::string bag(const std::string& name, const std::vector<std::string>& items, const std::string& kind = "Bag") {
  std::string out = "<" + name + "><rdf:" + kind + ">";
  for (const std::string& item : items) {
    out += kind == "Alt" ? "<rdf:li xml:lang=\"x-default\">" + item + "</rdf:li>" : "<rdf:li>" + item + "</rdf:li>";
  }
  return out + "</rdf:" + kind + "></" + name + ">";
}
using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("precedence: a Lightroom sidecar says all that people give a photo") {
  const auto m = metadata(
      {}, {xmp_packet("xmp:Rating=\"4\" xmp:Label=\"Rot\" exif:DateTimeOriginal=\"2026-06-14T15:30:12.34+02:00\" "
                      "tiff:Make=\"Canon\" tiff:Model=\"Canon EOS R6\" aux:Lens=\"RF24-70mm F2.8 L IS USM\" "
                      "exif:FNumber=\"28/10\" exif:ExposureTime=\"1/250\" exif:FocalLength=\"50/1\" "
                      "exif:GPSLatitude=\"47,30.6N\" exif:GPSLongitude=\"1,12,30W\" exif:GPSAltitude=\"125/2\"",
                      bag("dc:subject", {"wedding", "Île de Ré"}) +
                          bag("lr:hierarchicalSubject", {"Places|France|Île de Ré", "Events|wedding"}) +
                          bag("dc:title", {"Smith"}, "Alt") + bag("dc:description", {"The cake.\nAll of it."}, "Alt") +
                          bag("exif:ISOSpeedRatings", {"800"}, "Seq"))});
  CHECK(m.rating == 4);
  CHECK(m.label == "Rot");
  CHECK(m.captured->text() == "2026-06-14T15:30:12.34+02:00");
  CHECK(m.camera() == "Canon EOS R6");
  CHECK(m.lens == "RF24-70mm F2.8 L IS USM");
  CHECK(m.exposure.f_number == Approx(2.8));
  CHECK(m.exposure.seconds == Approx(0.004));
  CHECK(m.exposure.focal_mm == Approx(50));
  CHECK(m.exposure.iso == 800U);
  REQUIRE(m.position);
  CHECK(m.position->latitude == Approx(47.51));
  CHECK(m.position->longitude == Approx(-1.2083333));
  CHECK(m.position->altitude == Approx(62.5));
  CHECK(m.keywords == Words{"wedding", "Île de Ré"});
  CHECK(m.keyword_paths == Words{"Places|France|Île de Ré", "Events|wedding"});
  CHECK(m.title == "Smith");
  CHECK(m.caption == "The cake.\nAll of it.");
}

TEST_CASE("precedence: digiKam's paths, rejected pictures, a sidecar that is none") {
  const auto m =
      metadata({}, {xmp_packet("xmp:Rating=\"-1\"", bag("digiKam:TagsList", {"Places/France", "x"}, "Seq"))});
  CHECK(m.rating == -1);
  CHECK(m.keyword_paths == Words{"Places|France", "x"});
  photo::Pool pool({1, {}, 1 << 30, {}});
  const core::Bytes junk = core::to_bytes("<x:xmpmeta"), good = core::to_bytes(xmp_packet("xmp:Rating=\"2\""));
  const photo::Extract out = pool.extract({"a.CR2", {}, {junk, good}, {true, true, true, false}});
  REQUIRE(out.metadata);
  CHECK(out.metadata->rating == 2);
  REQUIRE(out.problems.size() == 1);
  CHECK(out.problems[0].find("sidecar 1 cannot be read") == 0);
}

TEST_CASE("precedence: sidecars before embedded XMP before IPTC before EXIF, field by field") {
  TempDir temp;
  const io::Path path = temp / "a.jpg";
  write(path, plain_jpeg(600, 400));
  const std::string why =
      exiftool({"-EXIF:Make=SONY", "-EXIF:Model=ILCE-6000", "-EXIF:LensModel=E 35mm F1.8",
                "-EXIF:DateTimeOriginal=2026:06:14 15:30:12", "-EXIF:SubSecTimeOriginal=07",
                "-EXIF:OffsetTimeOriginal=+02:00", "-EXIF:ImageDescription=from EXIF", "-EXIF:XPTitle=from Windows é",
                "-EXIF:XPKeywords=w1;w2", "-EXIF:GPSLatitude=10", "-EXIF:GPSLatitudeRef=S", "-EXIF:GPSLongitude=20",
                "-EXIF:GPSLongitudeRef=E", "-EXIF:GPSAltitude=5", "-EXIF:GPSAltitudeRef=1", "-n", path.string()});
  if (!why.empty()) return skip(why);
  auto m = metadata(read(path));
  CHECK(m.captured->text() == "2026-06-14T15:30:12.07+02:00");
  CHECK(m.camera() == "SONY ILCE-6000");
  CHECK(m.lens == "E 35mm F1.8");
  CHECK(m.caption == "from EXIF");
  CHECK(m.title == "from Windows é");
  CHECK(m.keywords == Words{"w1", "w2"});
  CHECK(m.position->latitude == Approx(-10));
  CHECK(m.position->altitude == Approx(-5));
  CHECK(m.width == 600);

  REQUIRE(exiftool({"-IPTC:Keywords=i1", "-IPTC:Keywords=i2", "-IPTC:ObjectName=from IPTC",
                    "-IPTC:Caption-Abstract=caption from IPTC", path.string()})
              .empty());
  m = metadata(read(path));
  CHECK(m.keywords == Words{"i1", "i2"});
  CHECK(m.title == "from IPTC");
  CHECK(m.caption == "caption from IPTC");

  REQUIRE(exiftool({"-XMP-dc:Subject=x1", "-XMP-dc:Title=from XMP", "-XMP:Rating=3",
                    "-XMP-exif:DateTimeOriginal=2020:01:01 00:00:00", path.string()})
              .empty());
  m = metadata(read(path));
  CHECK(m.keywords == Words{"x1"});
  CHECK(m.title == "from XMP");
  CHECK(m.caption == "caption from IPTC");
  CHECK(m.rating == 3);
  CHECK(m.captured->text() == "2026-06-14T15:30:12.07+02:00");  // the camera's own

  const std::string first = xmp_packet("xmp:Rating=\"5\" exif:GPSLatitude=\"1,0N\" exif:GPSLongitude=\"2,0E\"");
  const std::string second =
      xmp_packet("xmp:Rating=\"1\" xmp:Label=\"Green\" tiff:Model=\"other\"", bag("dc:subject", {"s1", "s2"}));
  m = metadata(read(path), {first, second});
  CHECK(m.rating == 5);
  CHECK(m.label == "Green");
  CHECK(m.keywords == Words{"s1", "s2"});
  CHECK(m.title == "from XMP");
  CHECK(m.model == "ILCE-6000");
  CHECK(m.position->latitude == Approx(1));
}

TEST_CASE(
    "precedence: a sidecar's time wins where it tells another second, and adds the zone where it tells the same") {
  TempDir temp;
  const io::Path path = temp / "a.jpg";
  write(path, plain_jpeg(60, 40));
  const std::string why =
      exiftool({"-EXIF:DateTimeOriginal=2026:06:14 15:30:12", "-EXIF:SubSecTimeOriginal=345", path.string()});
  if (!why.empty()) return skip(why);
  const auto with = [&](const std::string& time) {
    return metadata(read(path), {xmp_packet("exif:DateTimeOriginal=\"" + time + "\"")}).captured->text();
  };
  CHECK(with("2026-06-14T15:30:12+02:00") == "2026-06-14T15:30:12.345+02:00");
  CHECK(with("2026-06-14T16:30:12+02:00") == "2026-06-14T16:30:12+02:00");
  CHECK(with("yesterday") == "2026-06-14T15:30:12.345");
}

TEST_CASE("precedence: times from the most particular to the least") {
  TempDir temp;
  const io::Path path = temp / "a.jpg";
  write(path, plain_jpeg(60, 40));
  const auto with = [&](const std::string& option) {
    const std::string why = exiftool({option, path.string()});
    if (!why.empty()) return why;
    return metadata(read(path)).captured->text();
  };
  if (const std::string first = with("-EXIF:ModifyDate=2026:01:01 00:00:01");
      first.find("not installed") != std::string::npos) {
    return skip(first);
  } else {
    CHECK(first == "2026-01-01T00:00:01");
  }
  CHECK(with("-IPTC:DateCreated=2026:01:02") == "2026-01-02T00:00:00");
  CHECK(with("-IPTC:TimeCreated=10:00:00+01:00") == "2026-01-02T10:00:00+01:00");
  CHECK(with("-XMP-photoshop:DateCreated=2026:01:03 00:00:01") == "2026-01-03T00:00:01");
  CHECK(with("-EXIF:CreateDate=2026:01:04 00:00:01") == "2026-01-04T00:00:01");
  CHECK(with("-EXIF:DateTimeOriginal=2026:01:05 00:00:01") == "2026-01-05T00:00:01");
  CHECK(with("-EXIF:OffsetTime=+02:00") == "2026-01-05T00:00:01+02:00");
  CHECK(with("-EXIF:DateTimeOriginal#=0000:00:00 00:00:00") == "2026-01-04T00:00:01+02:00");
}

TEST_CASE("precedence: CR3 and DNG are read, with time and zone, lens and turning") {
  const auto cr3 = metadata(small_cr3(1), {}, "a.CR3");
  CHECK(cr3.camera() == "Canon EOS R6");
  CHECK(cr3.captured->text() == "2026-06-14T15:30:12.3400+02:00");
  CHECK(cr3.lens == "RF24-70mm F2.8 L IS USM");
  CHECK(cr3.exposure.iso == 800U);
  CHECK(cr3.orientation == 8);
  const auto dng = metadata(small_dng(1), {}, "a.dng");
  CHECK(dng.camera() == "PENTAX K-3");
  CHECK(dng.orientation == 6);
  CHECK(dng.width == 128);
  CHECK(dng.height == 96);
  CHECK(dng.captured->text() == "2026-06-14T15:30:12");
}

}  // namespace darkshelf::testing
