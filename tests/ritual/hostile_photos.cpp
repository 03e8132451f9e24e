// Pictures that are cut, crafted or eat their decoder, through a seal: they are sealed as they are, and all else is
// too.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "core/text.hpp"
#include "photo/record.hpp"
#include "rituals/photo_records.hpp"
#include "rituals/restore.hpp"
#include "rituals/scrub.hpp"
#include "support/damage.hpp"
#include "support/photo/pictures.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {

namespace fv = formats::volume;

namespace {

volume::SourceEntry entry_of(const io::Path& file) {
  volume::SourceEntry entry;
  entry.source = file;
  entry.member.path = "shoot/" + file.filename().string();
  entry.member.bytes = io::posix().stat(file)->bytes;
  return entry;
}

}  // namespace

TEST_CASE("hostile photos: cut and crafted ones are sealed as they are, told, and restored byte for byte") {
  Shelf shelf({"A"});
  const io::Path folder = shelf.path("shoots") / "2026-06-14_hostile";
  shelf.fs().make_dirs(folder);
  std::vector<core::Bytes> contents = {noisy_jpeg(300, 200, 1), small_dng(2), small_cr3(3)};
  for (const io::Entry& entry : io::posix().list(io::Path(DARKSHELF_SOURCE_DIR) / "tests/fuzz/corpus/photo"))
    contents.push_back(read(io::Path(DARKSHELF_SOURCE_DIR) / "tests/fuzz/corpus/photo" / entry.name));
  const std::vector<std::string> endings = {"JPG", "CR2", "DNG", "CR3", "HEIC", "RAF", "PNG", "TIF", "MOV", "NEF"};
  core::Bytes boxes;
  for (int i = 0; i < 20'000; ++i) boxes = i % 1000 == 0 ? box("meta", boxes) : boxes;
  contents.push_back(boxes);
  unsigned number = 0;
  for (const core::Bytes& content : contents) {
    for (const double share : {1.0, 0.9, 0.5, 0.1}) {
      const auto size = static_cast<std::ptrdiff_t>(static_cast<double>(content.size()) * share);
      const std::string& ending = endings[number % endings.size()];
      write(folder / fmt::format("IMG_{:04}.{}", number++, ending),
            core::Bytes(content.begin(), content.begin() + size));
    }
  }
  write(folder / "IMG_0000.xmp", core::as_bytes("<x:xmpmeta" + std::string(50'000, '<')));
  const rituals::SealReport report = shelf.seal(folder, {"A"});
  REQUIRE(report.volumes.size() == 1);
  CHECK(report.failures.empty());
  CHECK(report.left_out.empty());
  CHECK_FALSE(report.pictures.empty());
  CHECK(report.without_metadata.empty());
  auto context = shelf.context();
  rituals::restore(context, {{"hostile"}, shelf.path("back"), "", {}});
  shelf.require_restored("2026-06-14_hostile");
}

TEST_CASE("hostile photos: decoders that crash, hang or lie cost their own photo, and are told") {
  Shelf shelf({"A"});
  TempDir temp;
  std::vector<volume::SourceEntry> entries;
  for (const char* name : {"abort.jpg", "garbage.jpg", "good.jpg", "hang.jpg", "leave.jpg"}) {
    write(temp / name, plain_jpeg(64, 48));
    entries.push_back(entry_of(temp / name));
  }
  auto context = shelf.context();
  photo::Pool pool(rogue_pool(2));
  rituals::ThumbnailSpool spool(context);
  rituals::PhotoRecords photos(context, pool, spool, entries, 1 << 20);
  std::vector<fv::Member> members;
  for (const volume::SourceEntry& entry : entries) {
    photos.give(entry.member.path, read(entry.source));
    members.push_back(entry.member);
  }
  const auto gathered = photos.finish(members);
  CHECK(gathered.without_a_worker.empty());
  std::vector<std::string> told;
  for (const auto& finding : gathered.findings) told.push_back(finding.path);
  CHECK(told == std::vector<std::string>{"shoot/abort.jpg", "shoot/garbage.jpg", "shoot/hang.jpg", "shoot/leave.jpg"});
}

TEST_CASE("hostile photos: without the program that decodes, everything is sealed, and that is told") {
  Shelf shelf({"A"});
  TempDir temp;
  write(temp / "a.jpg", plain_jpeg(64, 48));
  const std::vector<volume::SourceEntry> entries = {entry_of(temp / "a.jpg")};
  auto context = shelf.context();
  photo::PoolOptions options;
  options.program = "/nowhere/darkshelf-photo";
  photo::Pool pool(options);
  rituals::ThumbnailSpool spool(context);
  rituals::PhotoRecords photos(context, pool, spool, entries, 1 << 20);
  photos.give(entries.front().member.path, read(entries.front().source));
  std::vector<fv::Member> members = {entries.front().member};
  CHECK_FALSE(photos.finish(members).without_a_worker.empty());
  CHECK(members.front().photo.empty());
}

}  // namespace darkshelf::testing
