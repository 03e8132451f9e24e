// Disks that are full, sectors that cannot be read, drives that leave in mid-work, bits that flip on their way: each
// told, nothing half-made counted, nothing believed at first sight.

#include <catch2/catch.hpp>
#include <cerrno>

#include "core/error.hpp"
#include "rituals/copy.hpp"
#include "rituals/repair.hpp"
#include "rituals/restore.hpp"
#include "rituals/scrub.hpp"
#include "support/damage.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

using core::Code;

rituals::ScrubReport scrub(Shelf& shelf, const std::string& drive) {
  rituals::Context context = shelf.context();
  return rituals::scrub(context, {drive, false, false, {}});
}

}  // namespace

TEST_CASE("failing media: a disk that fills up in mid-seal drops out, and nothing half-made counts") {
  Faults faults;
  Shelf shelf({"A", "B"}, &faults);
  const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 4, 300'000);
  for (const std::uint64_t room : {10'000, 300'000, 1'000'000}) {
    CAPTURE(room);
    faults.nothing();
    faults.fail("write_at", "/A/darkshelf/.incoming", static_cast<unsigned>(room / 100'000 + 1), ENOSPC, true);
    try {
      const rituals::SealReport report = shelf.seal(shoot, {"A", "B"});
      REQUIRE(report.failures.size() == 1);
      CHECK(report.failures.front().drive == "A");
      CHECK(report.failures.front().code == Code::kNoSpace);
      CHECK(report.failures.front().hint.find("make room") != std::string::npos);
    } catch (const core::Error& error) {  // B has it all from the time before, and A was the last to write to
      CHECK(error.code() == Code::kNoSpace);
      CHECK(error.hint().find("make room") != std::string::npos);
    }
    faults.nothing();
    CHECK(volume::volume_folders(io::posix(), shelf.path("A")).empty());
    CHECK_FALSE(volume::volume_folders(io::posix(), shelf.path("B")).empty());
    for (const catalog::Copy& copy : shelf.catalog().copies()) CHECK(shelf.catalog().drive(copy.drive)->label == "B");
  }
  const rituals::SealReport finished = shelf.seal(shoot, {"A", "B"});
  CHECK(finished.failures.empty());
  CHECK_FALSE(scrub(shelf, "A").damage());
  CHECK(scrub(shelf, "A").volumes.size() == scrub(shelf, "B").volumes.size());
}

TEST_CASE("failing media: a disk too small is told before a byte is written, with what is needed and what is free") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive small(shelf.path("."), "small", 12 << 20);
  shelf.must({"drive", "add", small.mount_point().string(), "--label", "small"});
  for (int i = 0; i < 12; ++i)
    make_file(shelf.shoots() / "2026-10-01_big" / ("B" + std::to_string(i) + ".JPG"), 900'000, 50);
  const Outcome outcome = shelf.run({"seal", (shelf.shoots() / "2026-10-01_big").string(), "--to", "small"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err.find("needed") != std::string::npos);
  CHECK(outcome.err.find("free") != std::string::npos);
  CHECK(shelf.volumes("small/.").empty());
}

TEST_CASE("failing media: a killed seal on a disk that others fill up meanwhile") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.path("."), "A", 100 << 20);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", "A"});
  for (int i = 0; i < 8; ++i)
    make_file(shelf.shoots() / "2026-10-01_big" / ("B" + std::to_string(i) + ".JPG"), 900'000, 60);
  const std::vector<std::string> command = {"seal", (shelf.shoots() / "2026-10-01_big").string(), "--to", "A"};
  const Outcome killed = shelf.run(command, {{"DARKSHELF_STOP_AT", "seal.payload-written"}});
  INFO(killed.out << killed.err);
  REQUIRE(killed.signal == 9);
  const io::Space space = io::posix().space(drive.mount_point());
  {
    const auto filler = io::posix().create(drive.mount_point() / "filler");
    try {
      for (std::uint64_t at = 0; at < space.free + (1 << 20); at += 1 << 16) filler->write_at(at, core::Bytes(1 << 16));
    } catch (const core::Error& error) {
      REQUIRE(error.code() == Code::kNoSpace);
    }
  }
  const Outcome full = shelf.run(command);
  INFO(full.out << full.err);
  CHECK(full.exit_code == 1);
  CHECK(full.err.find("→") != std::string::npos);
  CHECK(shelf.volumes("A").empty());
  io::posix().remove_file(drive.mount_point() / "filler");
  shelf.must(command);
  CHECK(shelf.volumes("A").size() == 1);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("failing media: unreadable sectors are slices to mend, and the drive is said to be failing") {
  Faults faults;
  Shelf shelf({"A"}, &faults);
  const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 3, 200'000);
  shelf.seal(shoot, {"A"});
  faults.unreadable("_1of1.tar", 100'000, 4096);
  const rituals::ScrubReport report = scrub(shelf, "A");
  REQUIRE(report.damage());
  CHECK(report.repairable());
  REQUIRE(report.volumes.size() == 1);
  CHECK(report.volumes.front().examination.lost.size() == 2);
  CHECK(report.volumes.front().examination.findings.front().kind == rituals::FindingKind::kUnreadable);

  rituals::Context context = shelf.context();
  const rituals::RestoreReport restored =
      rituals::restore(context, {{"2026-06-14_wedding"}, shelf.path("back"), "", {}});
  CHECK(restored.lost.empty());
  CHECK(restored.files == 3);
  for (const auto& [path, stat] : files_below(shoot)) {
    CHECK(io::read_file(io::posix(), path, 1 << 20) ==
          io::read_file(io::posix(), shelf.path("back") / "2026-06-14_wedding" / path.filename(), 1 << 20));
  }
}

TEST_CASE("failing media: no parcel is asked for that would be refused, but a copy that mends on the way") {
  Faults faults;
  Shelf shelf({"A", "B"}, &faults);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 2, 60'000), {"A", "B"});
  faults.unreadable("/A/darkshelf/2026/*.tar", 0, 100'000);
  rituals::RepairRequest request;
  request.drive = "A";
  request.request = shelf.path("a.request");
  {
    rituals::Context context = shelf.context();
    const rituals::RepairReport report = rituals::repair(context, request);
    CHECK_FALSE(report.complete());
    CHECK(report.failing);
    CHECK_FALSE(report.request);
  }
  CHECK_FALSE(scrub(shelf, "A").repairable());
  faults.nothing();  // it is known before anything is read
  rituals::Context context = shelf.context();
  try {
    rituals::repair(context, request);
    FAIL("it should have been refused");
  } catch (const core::Error& error) {
    CHECK(error.code() == Code::kWrongDrive);
    CHECK(std::string(error.what()).find("a parcel would not help") != std::string::npos);
    CHECK(error.hint().find("darkshelf copy A --to ANOTHER-DRIVE") != std::string::npos);
  }
  CHECK_FALSE(io::posix().stat(shelf.path("a.request")));
}

TEST_CASE("failing media: a file of which nothing can be read is damage, where the drive answers elsewhere") {
  Faults faults;
  Shelf shelf({"A"}, &faults);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 200'000), {"A"});
  faults.fail("read_at", "/A/darkshelf/2026/*.tar", 1, EIO, true);
  const rituals::ScrubReport report = scrub(shelf, "A");
  CHECK(report.failing());
  CHECK_FALSE(report.repairable());
  faults.nothing();
  CHECK_FALSE(scrub(shelf, "A").damage());
}

TEST_CASE("failing media: a drive that dies between two volumes is gone, not ruined") {
  Faults faults;
  Shelf shelf({"A"}, &faults);
  for (const char* name : {"2026-06-14_wedding", "2026-07-15_harbour", "2026-08-16_island"})
    shelf.seal(shelf.add_shoot(name, 2, 100'000), {"A"});
  for (const unsigned reads : {3u, 10u, 30u}) {
    CAPTURE(reads);
    for (const char* call : {"read_at", "open_read"}) {
      faults.fail(call, "/A/darkshelf", reads, EIO, true);
      try {
        scrub(shelf, "A");
        FAIL("the scrub should have stopped");
      } catch (const core::Error& error) {
        CHECK((error.code() == Code::kDriveGone || error.code() == Code::kDriveAbsent));
      }
      faults.nothing();
      for (const catalog::Copy& copy : shelf.catalog().copies()) CHECK(copy.health == catalog::CopyHealth::kGood);
    }
  }
  CHECK_FALSE(scrub(shelf, "A").damage());
}

TEST_CASE("failing media: a bit that flips once on its way is read again and not believed") {
  Faults faults;
  Shelf shelf({"A"}, &faults);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 200'000), {"A"});
  faults.flip("_1of1.tar", 123'456, 0x10, 1);
  CHECK_FALSE(scrub(shelf, "A").damage());
  faults.flip("_1of1.tar", 123'456, 0x10);
  CHECK(scrub(shelf, "A").damage());
}

TEST_CASE("failing media: what is written wrong is not called sealed") {
  Faults faults;
  Shelf shelf({"A", "B"}, &faults);
  faults.flip("/A/darkshelf/.incoming/*_1of1.tar", 70'000, 0x01);  // drive A gives back other bytes than it was given
  const rituals::SealReport report = shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 200'000), {"A", "B"});
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures.front().drive == "A");
  CHECK(volume::volume_folders(io::posix(), shelf.path("A")).empty());
  CHECK(volume::volume_folders(io::posix(), shelf.path("B")).size() == 1);
}

TEST_CASE("failing media: a file system that takes no file above 4 GiB is told before a byte is written") {
  struct Fat : Watcher {
    void space(io::Space& space) override { space.max_file_bytes = (std::uint64_t{4} << 30) - 1; }
  };
  Fat fat;
  Shelf shelf({"A"}, &fat);
  const io::Path shoot = shelf.add_shoot("2026-04-04_film", 1, 100);
  io::posix().open_write(shoot / "IMG_0000.CR3")->truncate(std::uint64_t{5} << 30);
  rituals::Context context = shelf.context();
  rituals::SealRequest request = shelf.request(shoot, {"A"});
  request.volume_bytes = std::uint64_t{8} << 30;
  for (const auto layout : {formats::volume::Layout::kTar, formats::volume::Layout::kFiles}) {
    request.layout = layout;
    try {
      rituals::plan_seal(context, request);
      FAIL("it should have been refused");
    } catch (const core::Error& error) {
      INFO(error.what());
      CHECK(std::string(error.what()).find("4.3 GB") != std::string::npos);
    }
  }
  CHECK(volume::volume_folders(io::posix(), shelf.path("A")).empty());
}

TEST_CASE("failing media: a source that changes, vanishes or cannot be read is left out, and told") {
  struct Meddling : Watcher {
    io::Path change, vanish;
    bool done = false;
    void before(const Call& call) override {
      if (done || call.call != "open_read" || call.path.filename() != "IMG_0000.CR3") return;
      done = true;
      rot(change, 10, 100);
      io::posix().set_mtime(change, 1);
      io::posix().remove_file(vanish);
    }
  };
  const auto layout = GENERATE(formats::volume::Layout::kTar, formats::volume::Layout::kFiles);
  Meddling meddling;
  Shelf shelf({"A"}, &meddling);
  const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 6, 100'000);
  meddling.change = shoot / "IMG_0002.CR3";
  meddling.vanish = shoot / "IMG_0004.CR3";
  rituals::Context context = shelf.context();
  rituals::SealRequest request = shelf.request(shoot, {"A"});
  request.layout = layout;
  rituals::Plan plan = rituals::plan_seal(context, request);
  const rituals::SealReport report = rituals::seal(context, std::move(plan));
  REQUIRE(report.volumes.size() == 1);
  std::set<std::string> left_out;
  for (const auto& entry : report.left_out) left_out.insert(entry.path);
  CHECK(left_out == std::set<std::string>{"2026-06-14_wedding/IMG_0002.CR3", "2026-06-14_wedding/IMG_0004.CR3"});
  CHECK(report.volumes.front().info.content_files == 4);
  CHECK_FALSE(scrub(shelf, "A").damage());
}

}  // namespace darkshelf::testing
