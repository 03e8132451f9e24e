// What goes wrong while the parity is written, and the payload is read back beside it.

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>

#include "core/error.hpp"
#include "rituals/seal.hpp"
#include "support/faults.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::testing {

TEST_CASE("seal: a drive that is full when the parity comes is dropped, the other one is sealed") {
  Faults faults;
  Shelf shelf({"A", "B"}, &faults);
  const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 3, 200'000);
  const bool both = GENERATE(false, true);
  CAPTURE(both);
  faults.fail("write_at", both ? "*.vol*" : "/B/*.vol*", 1, ENOSPC, true);
  if (both) {
    CHECK_THROWS_AS(shelf.seal(shoot, {"A", "B"}), core::Error);
    CHECK(shelf.catalog().copies().empty());
  } else {
    const rituals::SealReport report = shelf.seal(shoot, {"A", "B"});
    REQUIRE(report.failures.size() == 1);
    CHECK(report.failures.front().drive == "B");
    CHECK(shelf.catalog().copies().size() == shelf.catalog().volumes().size());
  }
  CHECK(volume::volume_folders(io::posix(), shelf.path("B")).empty());
  CHECK(files_below(shelf.path("B") / "darkshelf" / ".incoming").empty());
  faults.nothing();
  CHECK(shelf.seal(shoot, {"A", "B"}).failures.empty());
  CHECK(shelf.catalog().copies().size() == 2 * shelf.catalog().volumes().size());
}

TEST_CASE("seal: what the payload gives back while the parity is written is compared") {
  Faults faults;
  Shelf shelf({"A", "B"}, &faults);
  const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 3, 200'000);
  faults.flip("/B/*.tar", 100'000, 0x10);
  const rituals::SealReport report = shelf.seal(shoot, {"A", "B"});
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures.front().drive == "B");
  CHECK(report.failures.front().sentence.find("is not what was written") != std::string::npos);
  CHECK(volume::volume_folders(io::posix(), shelf.path("B")).empty());
}

TEST_CASE("seal: stopped while the parity is written it leaves nothing, and the same command seals") {
  struct Stops final : Watcher {
    core::Cancel cancel;
    std::atomic<bool> on = true;
    void before(const Call& call) override {
      if (on && call.call == "write_at" && call.path.string().find(".vol") != std::string::npos) cancel.request();
    }
  } stops;
  Shelf shelf({"A", "B"}, &stops);
  const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 3, 200'000);
  rituals::Context context = shelf.context();
  context.work.cancel = &stops.cancel;
  try {
    rituals::seal(context, rituals::plan_seal(context, shelf.request(shoot, {"A", "B"})));
    FAIL("it went on");
  } catch (const core::Error& error) {
    CHECK(error.code() == core::Code::kCancelled);
  }
  stops.on = false;
  for (const char* drive : {"A", "B"}) {
    CHECK(volume::volume_folders(io::posix(), shelf.path(drive)).empty());
    CHECK(files_below(shelf.path(drive) / "darkshelf" / ".incoming").empty());
  }
  CHECK(shelf.seal(shoot, {"A", "B"}).failures.empty());
}

}  // namespace darkshelf::testing
