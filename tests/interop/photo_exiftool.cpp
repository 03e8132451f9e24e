// exiftool as the judge of what is read from photos: real ones of Debian packages, and made ones of the kinds that no
// package has.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "photo/pool.hpp"
#include "photo/text.hpp"
#include "support/photo/pictures.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

using nlohmann::json;

/// What exiftool says of each file, numbers as numbers.
json judged(const std::vector<io::Path>& paths) {
  std::vector<std::string> words = {"exiftool", "-q", "-q", "-json", "-n", "-c", "%+.6f"};
  // Time as text, the lens as it prints it; all else as numbers.
  // Of the standard's own fields: makers' notes have others of the same names, in units of their own.
  for (const char* tag :
       {"EXIF:DateTimeOriginal", "EXIF:CreateDate", "EXIF:ModifyDate", "EXIF:Make", "EXIF:Model", "LensModel",
        "EXIF:Orientation", "EXIF:ExposureTime", "EXIF:FNumber", "EXIF:ISO", "EXIF:FocalLength", "GPSLatitude",
        "GPSLongitude", "ImageWidth", "ImageHeight", "EXIF:ExifImageWidth", "EXIF:ExifImageHeight"}) {
    words.push_back(std::string("-") + tag);
  }
  for (const io::Path& path : paths) words.push_back(path.string());
  const std::string out = run_process(words).out;
  return json::parse(out, nullptr, false);
}

/// How often both said the same of a field, and where not. What neither has is not counted.
struct Agreement {
  std::size_t same = 0, compared = 0;
  std::string differences;
  void add(const std::string& file, const std::string& ours, const std::string& theirs) {
    if (ours.empty() && theirs.empty()) return;
    ++compared;
    if (ours == theirs) {
      ++same;
    } else {
      differences += fmt::format("  {}: we '{}', exiftool '{}'\n", file, ours, theirs);
    }
  }
};

std::string text_of(const json& of, const char* tag) {
  if (!of.contains(tag)) return {};
  const json& value = of.at(tag);
  return photo::clean_text(value.is_string() ? value.get<std::string>() : value.dump(), photo::kMostNameBytes).text;
}
std::string number_of(const json& of, const char* tag) {
  if (!of.contains(tag) || !of.at(tag).is_number()) return {};
  const double value = of.at(tag).get<double>();
  return value == 0 ? "" : fmt::format("{:.4g}", value);
}
std::string number_of(const std::optional<double>& value) { return value ? fmt::format("{:.4g}", *value) : ""; }

std::string time_of(const json& of) {
  for (const char* tag : {"DateTimeOriginal", "CreateDate", "ModifyDate"}) {
    auto time = photo::parse_capture_time(text_of(of, tag));
    if (!time) continue;
    time->zone.reset();
    time->digits = 0;
    return time->text();
  }
  return {};
}

/// The EXIF of a file whose JPEG was cut off behind it, in front of a good one: exiftool does not look into the other.
core::Bytes with_a_picture(const core::Bytes& cut) {
  core::Bytes out = plain_jpeg(16, 12);
  if (cut.size() < 6 || cut[2] != std::byte{0xFF} || cut[3] != std::byte{0xE1}) return out;
  const std::size_t length = std::to_integer<std::size_t>(cut[4]) << 8 | std::to_integer<std::size_t>(cut[5]);
  const std::size_t end = std::min(cut.size(), length + 4);
  out.insert(out.begin() + 2, cut.begin() + 2, cut.begin() + static_cast<std::ptrdiff_t>(end));
  return out;
}

std::map<std::string, Agreement> compare(const std::vector<io::Path>& paths) {
  std::map<std::string, Agreement> out;
  const json all = judged(paths);
  REQUIRE(all.is_array());
  REQUIRE(all.size() == paths.size());
  photo::Pool pool;
  for (const json& theirs : all) {
    const std::string path = theirs.at("SourceFile").get<std::string>();
    const std::string file = io::Path(path).filename().string();
    const core::Bytes bytes = read(path);
    const photo::Extract got = pool.extract({file, bytes, {}, {true, false, false, false}});
    REQUIRE(got.failure == photo::Failure::kNone);
    REQUIRE(got.metadata);
    photo::Metadata ours = *got.metadata;
    if (ours.captured) ours.captured->zone.reset(), ours.captured->digits = 0;
    out["date"].add(file, ours.captured ? ours.captured->text() : "", time_of(theirs));
    const auto camera = [](const std::string& make, const std::string& model) {
      return make.empty() && model.empty() ? "" : make + "|" + model;
    };
    out["camera"].add(file, camera(ours.make, ours.model), camera(text_of(theirs, "Make"), text_of(theirs, "Model")));
    out["lens"].add(file, ours.lens, text_of(theirs, "LensModel"));
    const std::string turned = text_of(theirs, "Orientation");
    out["orientation"].add(file, std::to_string(ours.orientation), turned.empty() || turned == "0" ? "1" : turned);
    out["exposure time"].add(file, number_of(ours.exposure.seconds), number_of(theirs, "ExposureTime"));
    out["f-number"].add(file, number_of(ours.exposure.f_number), number_of(theirs, "FNumber"));
    out["focal length"].add(file, number_of(ours.exposure.focal_mm), number_of(theirs, "FocalLength"));
    if (theirs.contains("ISO")) {  // without it, makers' notes are asked, whose ISO is a matter of opinion
      out["ISO"].add(file, ours.exposure.iso ? fmt::format("{:.4g}", *ours.exposure.iso * 1.0) : "",
                     number_of(theirs, "ISO"));
    }
    out["latitude"].add(file, ours.position ? fmt::format("{:.4g}", ours.position->latitude) : "",
                        number_of(theirs, "GPSLatitude"));
    out["longitude"].add(file, ours.position ? fmt::format("{:.4g}", ours.position->longitude) : "",
                         number_of(theirs, "GPSLongitude"));
    // Of a RAW file exiftool names the preview's size first.
    const std::string pixels = fmt::format("{}x{}", ours.width, ours.height);
    const std::string in_exif = text_of(theirs, "ExifImageWidth") + "x" + text_of(theirs, "ExifImageHeight");
    out["pixels"].add(
        file, pixels,
        pixels == in_exif ? in_exif : text_of(theirs, "ImageWidth") + "x" + text_of(theirs, "ImageHeight"));
  }
  for (const auto& [field, agreement] : out) {
    std::cout << fmt::format("{}: {} of {} agree with exiftool\n{}", field, agreement.same, agreement.compared,
                             agreement.differences);
  }
  std::cout << std::flush;
  return out;
}

}  // namespace

TEST_CASE("photo metadata: real photos of Debian packages agree with exiftool") {
  if (!has_program("exiftool")) return skip("exiftool is not installed (libimage-exiftool-perl)");
  TempDir temp;
  std::vector<io::Path> paths;
  for (const io::Path& path : packaged_pictures()) {
    // Files made to be broken are tried elsewhere: what they say is nobody's truth.
    if (path.string().find("corrupt") != std::string::npos || path.filename() == "rotate.heic") continue;
    paths.push_back(path);
    if (path.string().find("goexif") == std::string::npos) continue;
    paths.back() = temp / path.filename().string();
    write(paths.back(), with_a_picture(read(path)));
  }
  if (paths.size() < 5)
    return skip("rawtran-doc, forensics-samples-files, golang-github-rwcarlsen-goexif-dev are not installed");
  const auto found = compare(paths);
  for (const char* field : {"date", "camera", "lens", "orientation", "exposure time", "f-number", "focal length", "ISO",
                            "latitude", "longitude", "pixels"}) {
    INFO(field);
    const Agreement& agreement = found.at(field);
    CHECK(agreement.compared > 0);
    CHECK(agreement.same + (std::string_view(field) == "lens" ? 1 : 0) >= agreement.compared);  // see testing.md
  }
}

TEST_CASE("photo metadata: made DNG, CR3 and HEIC agree with exiftool") {
  if (!has_program("exiftool")) return skip("exiftool is not installed (libimage-exiftool-perl)");
  TempDir temp;
  std::vector<io::Path> paths;
  write(temp / "a.jpg", noisy_jpeg(640, 400, 1));
  write(temp / "a.dng", small_dng(1));
  write(temp / "a.cr3", small_cr3(1));
  if (has_program("heif-enc")) {
    REQUIRE(run_process({"heif-enc", (temp / "a.jpg").string(), "-o", (temp / "a.heic").string()}).exit_code == 0);
    paths.push_back(temp / "a.heic");
  } else {
    skip("heif-enc is not installed (libheif-examples)");
  }
  for (const char* name : {"a.jpg", "a.dng"}) paths.push_back(temp / name);
  for (const io::Path& path : paths) {
    REQUIRE(exiftool({"-m", "-n", "-EXIF:Make=Apple", "-EXIF:Model=iPhone 13",
                      "-EXIF:DateTimeOriginal=2026:06:14 15:30:12", "-EXIF:LensModel=back camera 5.1mm f/1.6",
                      "-EXIF:ExposureTime=0.008", "-EXIF:FNumber=1.6", "-EXIF:ISO=64", "-EXIF:FocalLength=5.1",
                      "-EXIF:GPSLatitude=48.2", "-EXIF:GPSLatitudeRef=N", "-EXIF:GPSLongitude=1.4",
                      "-EXIF:GPSLongitudeRef=W", "-XMP:Rating=4", "-XMP-dc:Subject=wedding", path.string()})
                .empty());
  }
  paths.push_back(temp / "a.cr3");
  for (const auto& [field, agreement] : compare(paths)) {
    INFO(field << "\n" << agreement.differences);
    CHECK(agreement.same == agreement.compared);
  }
}

}  // namespace darkshelf::testing
