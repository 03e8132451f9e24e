// What a check of several visits may say, and what other rituals come upon: no "all intact" over bytes that nobody
// read.

#include <boost/filesystem.hpp>
#include <catch2/catch.hpp>

#include "rituals/copy.hpp"
#include "rituals/restore.hpp"
#include "rituals/scrub.hpp"
#include "support/damage.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"
#include "support/skip.hpp"
#include "support/stops.hpp"

namespace darkshelf::testing {
namespace {

io::Path tar_of(const Shelf& shelf, const std::string& drive, const catalog::Volume& volume) {
  return shelf.path(drive) / "darkshelf" / volume.folder / "data" / (formats::volume::base_name(volume.info) + ".tar");
}

catalog::Volume volume_of(Shelf& shelf, const std::string& shoot) {
  return shelf.catalog().volumes_of(shelf.catalog().find_shoots(shoot).at(0).id).at(0);
}

catalog::CopyHealth health_of(Shelf& shelf, const catalog::Volume& volume, const std::string& drive) {
  for (const catalog::Copy& copy : shelf.catalog().copies_of(volume.info.volume)) {
    if (copy.drive == shelf.catalog().find_drive(drive)->id) return copy.health;
  }
  throw std::runtime_error("no copy on " + drive);
}

}  // namespace

TEST_CASE("checks: one of several visits goes by its own reads, whatever the clock says") {
  StopsAtRead stops;
  Shelf shelf({"A"}, &stops);
  shelf.seal(shelf.add_shoot("2026-01-01_a", 4, 150'000), {"A"});
  rituals::Context context = shelf.context();
  context.work.memory = 1 << 20;
  shelf.world().set_now(shelf.world().now() - std::chrono::hours(24));  // it was sealed "tomorrow"
  context.work.cancel = stops.after(2);
  CHECK_THROWS_AS(rituals::scrub(context, {"A", false, false, {}}), core::Error);
  context.work.cancel = stops.after(0);
  const catalog::Volume volume = volume_of(shelf, "2026-01-01_a");
  rot(tar_of(shelf, "A", volume), volume.info.payload_bytes - 100'000, 10);  // far behind what was read
  const rituals::ScrubReport report = rituals::scrub(context, {"A", false, false, {}});
  CHECK(report.since);
  CHECK(report.damage());
}

TEST_CASE("checks: what is missing or cut from a volume that an earlier visit read is seen all the same") {
  StopsAtRead stops;
  Shelf shelf({"A"}, &stops);
  shelf.seal(shelf.add_shoot("2026-01-01_a", 1, 5'000), {"A"});
  shelf.seal(shelf.add_shoot("2026-02-02_b", 4, 150'000), {"A"});
  rituals::Context context = shelf.context();
  context.work.memory = 1 << 20;
  context.work.cancel = stops.after(4);
  CHECK_THROWS_AS(rituals::scrub(context, {"A", false, false, {}}), core::Error);
  context.work.cancel = stops.after(0);
  const catalog::Volume first = volume_of(shelf, "2026-01-01_a");
  const io::Path folder = shelf.path("A") / "darkshelf" / first.folder;
  const std::string tar = "data/" + formats::volume::base_name(first.info) + ".tar";
  std::string hit;  // the file that something happens to
  SECTION("nothing") {}
  SECTION("the payload is gone") {
    hit = tar;
    io::posix().remove_file(folder / hit);
  }
  SECTION("the payload is cut short") {
    hit = tar;
    cut(folder / hit, 4'000);
  }
  SECTION("recovery data is gone") {
    for (const auto& [path, stat] : files_below(folder)) {
      const std::string name = path.filename().string();
      if (name.find(".vol") != std::string::npos && name.find(".tags.") == std::string::npos) hit = name;
    }
    io::posix().remove_file(folder / hit);
  }
  SECTION("a list is damaged") {
    hit = "photos.sha256";
    rot(folder / hit, 3, 1);
  }
  const rituals::ScrubReport report = rituals::scrub(context, {"A", false, false, {}});
  REQUIRE(report.since);
  CHECK(report.damage() == !hit.empty());
  CHECK(report.read_before.size() == (hit.empty() ? 1 : 0));  // so the first visit did read all of it
  if (hit.empty()) return;
  const auto of_first = std::find_if(report.volumes.begin(), report.volumes.end(),
                                     [&](const auto& copy) { return copy.volume.info.volume == first.info.volume; });
  REQUIRE(of_first != report.volumes.end());
  REQUIRE(of_first->examination.findings.size() >= 1);
  CHECK(of_first->examination.findings.front().path == hit);
  CHECK(health_of(shelf, first, "A") != catalog::CopyHealth::kGood);
}

TEST_CASE("checks: damage that a restore or a copy mends on its way is known from then on") {
  Shelf shelf({"A", "B"});
  shelf.seal(shelf.add_shoot("2026-01-01_a", 4, 150'000), {"A"});
  const catalog::Volume volume = volume_of(shelf, "2026-01-01_a");
  rot(tar_of(shelf, "A", volume), 100'000, 10);
  rituals::Context context = shelf.context();
  SECTION("a restore") {
    const rituals::RestoreReport report = rituals::restore(context, {{"2026-01-01_a"}, shelf.path("back"), "", {}});
    CHECK(report.mended_slices == 1);
  }
  SECTION("a copy") {
    rituals::CopyRequest request;
    request.what = {"2026-01-01_a"};
    request.to = "B";
    CHECK(rituals::copy(context, request).volumes.at(0).mended);
    CHECK(health_of(shelf, volume, "B") == catalog::CopyHealth::kGood);
  }
  CHECK(health_of(shelf, volume, "A") == catalog::CopyHealth::kDamaged);
  CHECK_FALSE(shelf.catalog().open_findings(shelf.catalog().find_drive("A")->id).empty());
}

TEST_CASE("checks: what a killed seal or copy left does not take the room of the same command") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({"A"});
  LoopDrive small(shelf.path("."), "small", 64 << 20);
  shelf.must({"drive", "add", small.mount_point().string(), "--label", "S"});
  const io::Path shoot = shelf.shoots() / "2026-03-03_large";
  make_file(shoot / "IMG_1.CR2", 6 << 20, 1);
  // Fits, with what the drive keeps free, but not twice.
  make_file(small.mount_point() / "filler", io::posix().space(small.mount_point()).free - (34 << 20), 2);
  std::vector<std::string> command = {"seal", shoot.string(), "--to", "S"};
  SECTION("seal") {}
  SECTION("copy") {
    shelf.must({"seal", shoot.string(), "--to", "A"});
    command = {"copy", "large", "--to", "S"};
  }
  const std::string step = command.front() == "seal" ? "seal.parity-written" : "copy.written";
  CHECK(shelf.run(command, {{"DARKSHELF_STOP_AT", step}}).signal == 9);
  const Outcome again = shelf.run(command);
  INFO(again.out << again.err);
  CHECK(again.exit_code == 0);
}

}  // namespace darkshelf::testing
