// Files that are not what their names say.

#include "photo/as_named.hpp"

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/photo/pictures.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

using photo::Unlike;

std::string told(const std::string& name, core::ByteSpan bytes) {
  const auto found = photo::picture_not_as_named(name, bytes, bytes.size());
  return found ? found->reason : "";
}
std::optional<Unlike> how(const std::string& name, core::ByteSpan bytes) {
  const auto found = photo::picture_not_as_named(name, bytes, bytes.size());
  return found ? std::optional(found->how) : std::nullopt;
}

core::Bytes overwritten(core::Bytes file, std::size_t from, std::size_t count, std::optional<std::uint64_t> seed) {
  const core::Bytes with = seed ? seeded_bytes(count, *seed) : core::Bytes(count);
  std::copy(with.begin(), with.end(), file.begin() + static_cast<std::ptrdiff_t>(from));
  return file;
}

}  // namespace

TEST_CASE("as named: good pictures are, and what is no picture's name is not asked") {
  CHECK(told("a.jpg", noisy_jpeg(100, 80, 1)).empty());
  CHECK(told("a.JPEG", noisy_jpeg(1, 1, 1)).empty());
  CHECK(told("folder.d/a.dng", small_dng(1)).empty());
  CHECK(told("a.CR3", small_cr3(1)).empty());
  CHECK(told("a.txt", core::to_bytes("words")).empty());
  CHECK(told("a.xmp", {}).empty());
  CHECK(told("folder.jpg/readme", {}).empty());
  CHECK(photo::is_picture_as_named("a.jpg", noisy_jpeg(10, 10, 1), 10'000'000));  // only the front is known
}

TEST_CASE("as named: empty, zeros, encrypted, another file under the name") {
  CHECK(told("a.jpg", {}) == "is empty");
  CHECK(told("a.CR2", core::Bytes(5000)) == "is nothing but zeros");
  CHECK(told("a.CR2", overwritten(core::Bytes(200'000), 100'000, 50'000, 1)) == "starts with zeros");
  CHECK(how("a.jpg", core::Bytes(3)) == Unlike::kZeros);
  for (const char* name : {"a.jpg", "a.CR2", "a.nef", "a.dng", "a.heic", "a.CR3", "a.png", "a.RAF", "a.mov", "a.tif"}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) CHECK(how(name, seeded_bytes(20'000, seed)) == Unlike::kNoPicture);
  }
  CHECK(told("a.CR2", seeded_bytes(20'000, 3)) == "does not start as a Canon RAW does, nor as anything known");
  CHECK(told("a.jpg", core::to_bytes("PK\x03\x04 and so on")) == "is a ZIP archive");
  CHECK(told("a.jpg", core::to_bytes("<!DOCTYPE html><html>")) == "is a web page");
  CHECK(told("a.CR2", core::to_bytes("Salted__1234")) == "is encrypted (OpenSSL)");
  CHECK(how("a.jpg", core::to_bytes("%PDF-1.4")) == Unlike::kNoPicture);
  CHECK(told("a.jpg", small_dng(1)) == "is a TIFF");
  CHECK(how("a.CR2", noisy_jpeg(10, 10, 1)) == Unlike::kOtherPicture);
  CHECK(how("a.heic", noisy_jpeg(10, 10, 1)) == Unlike::kOtherPicture);
}

TEST_CASE("as named: cut, and broken or zero inside") {
  const core::Bytes jpeg = noisy_jpeg(1500, 1000, 1), dng = small_dng(1), cr3 = small_cr3(1);
  REQUIRE(jpeg.size() > 200'000);
  CHECK(how("a.jpg", core::ByteSpan(jpeg).first(jpeg.size() - 1000)) == Unlike::kCut);
  CHECK(how("a.dng", core::ByteSpan(dng).first(9000)) == Unlike::kCut);
  CHECK(how("a.CR3", core::ByteSpan(cr3).first(cr3.size() - 1)) == Unlike::kCut);
  CHECK(how("a.jpg", overwritten(jpeg, 100'000, 50'000, 7)) == Unlike::kBroken);  // encrypted or rotten in the middle
  CHECK(told("a.jpg", overwritten(jpeg, 100'000, 50'000, 7)).find("breaks off at byte 100,") == 0);
  CHECK(how("a.jpg", overwritten(jpeg, 64 << 10, 64 << 10, {})) == Unlike::kZeros);
  CHECK(told("a.jpg", overwritten(jpeg, 100'000, jpeg.size() - 100'000, {})) ==
        "has nothing but zeros from byte 100,000 on");
  // Zeros behind the end of a picture are harmless: cards and cameras pad.
  core::Bytes padded = jpeg;
  padded.resize(jpeg.size() + 200'000);
  CHECK(told("a.jpg", padded).empty());
  // Zeros in uncompressed data may be what the picture is.
  TiffMaker maker;
  const std::uint32_t black = maker.add_data(core::Bytes(300'000));
  const core::Bytes tiff = maker.finish(
      maker.add_directory({{256, 4, {500}}, {257, 4, {600}}, {259, 3, {1}}, {273, 4, {black}}, {279, 4, {300'000}}}));
  CHECK(told("a.tif", tiff).empty());
}

TEST_CASE("as named: real pictures of packages, whole and hurt") {
  const auto cr2 = packaged(kRealCr2), phone = packaged(kRealPhone);
  if (!cr2 || !phone) return skip("rawtran-doc and forensics-samples-files are not installed");
  const core::Bytes raw = read(*cr2), jpeg = read(*phone);
  CHECK(told("a.CR2", raw).empty());
  CHECK(told("a.jpg", jpeg).empty());
  CHECK(how("a.CR2", core::ByteSpan(raw).first(raw.size() - 10'000)) == Unlike::kCut);
  // Its sensor data are JPEG's lossless way: there is a structure that breaks.
  CHECK(how("a.CR2", overwritten(raw, raw.size() / 2, 100'000, 1)) == Unlike::kBroken);
  CHECK(how("a.CR2", overwritten(raw, raw.size() / 2, 200'000, {})) == Unlike::kZeros);
  CHECK(how("a.jpg", overwritten(jpeg, jpeg.size() / 2, 4096, 1)) == Unlike::kBroken);
  for (const io::Path& path : packaged_pictures()) {
    if (path.string().find("goexif") != std::string::npos || path.string().find("heif") != std::string::npos) continue;
    INFO(path.string());
    const std::string found = told(path.string(), read(path));
    CHECK(found.empty());
  }
}

}  // namespace darkshelf::testing
