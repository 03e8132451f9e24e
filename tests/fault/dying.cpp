// A drive that answers nothing from some moment on, at any moment of any ritual: it is gone, not ruined (promise 4).

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <set>

#include "core/error.hpp"
#include "rituals/copy.hpp"
#include "rituals/repair.hpp"
#include "rituals/restore.hpp"
#include "rituals/scrub.hpp"
#include "rituals/upkeep.hpp"
#include "support/damage.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {
namespace {

using core::Code;

enum class Fails { kReads, kEverything };

/// From the nth call on the drive everything (or all reading, and what has to reach the medium) fails with EIO.
struct Dying : Watcher {
  io::Path root;
  Fails fails = Fails::kReads;
  std::atomic<unsigned> nth = 0, seen = 0;  // 0: it is well

  void die_at(const io::Path& drive, Fails what, unsigned when) {
    root = drive;
    fails = what;
    nth = when;
    seen = 0;
  }
  bool is_dead() const { return nth != 0 && seen >= nth; }
  void before(const Call& call) override {
    static const std::set<std::string> kReading = {"read_at", "open_read"};
    if (nth == 0 || !call.path.string().starts_with(root.string())) return;
    if (fails == Fails::kReads && !kReading.contains(call.call)) return;
    if (++seen >= nth) throw core::Error::from_os(EIO, call.call, call.path, call.offset);
  }
};

constexpr int kGone = 7;

/// What the cli would end with, as far as this is about drives that left.
int exit_of(const std::function<int()>& work) {
  try {
    return work();
  } catch (const core::Error& error) {
    UNSCOPED_INFO(error.what());
    return error.code() == Code::kDriveGone || error.code() == Code::kDriveAbsent ? kGone : 1;
  }
}

int run(Shelf& shelf, const std::string& ritual) {
  return exit_of([&] {
    rituals::Context context = shelf.context();
    if (ritual == "scrub") {
      const rituals::ScrubReport report = rituals::scrub(context, {"A", false, false, {}});
      return report.damage() ? 5 : report.not_refreshed.empty() ? 0 : 1;
    }
    if (ritual == "repair") {
      const rituals::RepairReport report = rituals::repair(context, {"A", {}, {}, false});
      return !report.complete() ? 5 : report.not_refreshed.empty() ? 0 : 1;
    }
    if (ritual == "seal") {
      const io::Path shoot = shelf.path("shoots") / "2026-07-01_harbour";
      const rituals::SealReport report = shelf.seal(shoot, {"A"});
      for (const auto& failure : report.failures) {
        UNSCOPED_INFO(failure.sentence);
        if (failure.code != Code::kDriveGone) return 1;
      }
      return report.failures.empty() ? 0 : kGone;
    }
    if (ritual == "restore") {
      const rituals::RestoreReport report =
          rituals::restore(context, {{"2026-06-14_wedding"}, shelf.path("back"), "", {}});
      return !report.lost.empty() ? 5 : report.absent.empty() ? 0 : kGone;
    }
    if (ritual == "discard") {
      if (shelf.catalog().copies().empty() && io::posix().list(shelf.path("A") / "darkshelf" / ".incoming").empty())
        return 0;  // it was done, and only the news did not reach the drive
      return rituals::discard(context, {"2026-06-14_wedding", "A", "a test", "wedding"}).not_refreshed.empty() ? 0 : 1;
    }
    rituals::CopyRequest copy;
    copy.what = {"2026-06-14_wedding"};
    copy.to = ritual == "copy onto it" ? "A" : "B";
    const rituals::CopyReport report = rituals::copy(context, copy);
    for (const auto& [volume, why] : report.failed) UNSCOPED_INFO(why);
    return !report.failed.empty() ? 5 : !report.absent.empty() ? kGone : report.not_refreshed.empty() ? 0 : 1;
  });
}

/// A shelf before the ritual.
std::unique_ptr<Shelf> shelf_for(const std::string& ritual, Dying& dying) {
  dying.nth = 0;
  auto shelf = std::make_unique<Shelf>(std::vector<std::string>{"A", "B"}, &dying);
  shelf->add_shoot("2026-07-01_harbour", 1, 30'000);
  shelf->seal(shelf->add_shoot("2026-06-14_wedding", 2, 30'000), {ritual == "copy onto it" ? "B" : "A"});
  if (ritual == "repair") {
    const io::Path folder = volume::volume_folders(io::posix(), shelf->path("A")).front();
    rot(folder / "data" / io::posix().list(folder / "data").front().name, 20'000, 64);
    rot(folder / "photos.sha256", 10, 4);
  }
  return shelf;
}

void require_nothing_damaged(Shelf& shelf) {
  for (const catalog::Copy& copy : shelf.catalog().copies()) REQUIRE(copy.health == catalog::CopyHealth::kGood);
  for (const catalog::Drive& drive : shelf.catalog().drives()) REQUIRE(shelf.catalog().open_findings(drive.id).empty());
}

}  // namespace

TEST_CASE("dying: whenever a drive stops answering it is gone, and the same command finishes when it is back") {
  const std::string ritual =
      GENERATE(as<std::string>{}, "scrub", "repair", "copy from it", "copy onto it", "seal", "restore", "discard");
  const Fails fails = GENERATE(Fails::kReads, Fails::kEverything);
  CAPTURE(ritual, static_cast<int>(fails));
  Dying dying;
  unsigned calls = 0;
  {
    const auto shelf = shelf_for(ritual, dying);
    dying.die_at(shelf->path("A"), fails, ~0u);
    REQUIRE(run(*shelf, ritual) == 0);
    calls = dying.seen;
  }
  REQUIRE(calls > 10);
  const unsigned stride = std::max(1u, calls / 5);  // every step of it takes a minute
  for (unsigned nth = 1 + stride / (fails == Fails::kReads ? 2 : 3); nth <= calls; nth += stride) {
    CAPTURE(nth, calls);
    const auto shelf = shelf_for(ritual, dying);
    dying.die_at(shelf->path("A"), fails, nth);
    const int code = run(*shelf, ritual);
    REQUIRE(code == (dying.is_dead() ? kGone : 0));
    require_nothing_damaged(*shelf);
    dying.nth = 0;
    REQUIRE(run(*shelf, ritual) == 0);
    require_nothing_damaged(*shelf);
    if (ritual == "restore") shelf->require_restored("2026-06-14_wedding");
  }
}

TEST_CASE("dying: of two drives sealed on, the one that stays gets everything") {
  for (const Fails fails : {Fails::kReads, Fails::kEverything}) {
    for (const unsigned nth : {4u, 40u, 90u}) {
      CAPTURE(static_cast<int>(fails), nth);
      const auto label_of = [](Shelf& shelf, const catalog::Copy& copy) {
        return shelf.catalog().drive(copy.drive)->label;
      };
      Dying dying;
      Shelf shelf({"A", "B"}, &dying);
      const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 2, 30'000);
      rituals::Context context = shelf.context();
      rituals::Plan plan = rituals::plan_seal(context, shelf.request(shoot, {"A", "B"}));
      dying.die_at(shelf.path("A"), fails, nth);
      const rituals::SealReport report = rituals::seal(context, std::move(plan));
      if (!dying.is_dead()) continue;
      REQUIRE(report.failures.size() == 1);
      CHECK(report.failures.front().drive == "A");
      CHECK(report.failures.front().code == Code::kDriveGone);
      bool on_b = false;
      for (const catalog::Copy& copy : shelf.catalog().copies()) on_b |= label_of(shelf, copy) == "B";
      CHECK(on_b);
      dying.nth = 0;
      CHECK(shelf.seal(shoot, {"A", "B"}).failures.empty());
      CHECK(shelf.catalog().copies().size() == 2);
    }
  }
}

TEST_CASE("dying: a drive that leaves while a contradiction is looked into is gone, and contradicts nothing") {
  Dying dying;
  Shelf shelf({"A"}, &dying);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 2, 30'000), {"A"});
  const io::Path folder = volume::volume_folders(io::posix(), shelf.path("A")).front();
  rot(folder / "tagmanifest-sha256.txt", 10, 1);
  unsigned calls = 0;
  for (unsigned nth = 1; nth == 1 || nth <= calls; ++nth) {
    CAPTURE(nth, calls);
    if (calls == 0) {
      dying.die_at(shelf.path("A"), Fails::kReads, ~0u);
      rituals::Context context = shelf.context();
      REQUIRE(rituals::scrub(context, {"A", true, false, {}}).damage());
      calls = dying.seen;
      shelf.catalog().record_repair(shelf.catalog().drives().front().id, shelf.catalog().volumes().front().info.volume,
                                    1, "{}");
    }
    dying.die_at(shelf.path("A"), Fails::kReads, nth);
    REQUIRE(run(shelf, "scrub") == kGone);
    for (const catalog::Copy& copy : shelf.catalog().copies()) REQUIRE(copy.health == catalog::CopyHealth::kGood);
    nth += calls / 40;
  }
}

TEST_CASE("dying: one bad sector, and many with good ones between, are erasures and no farewell") {
  Faults faults;
  Shelf shelf({"A", "B"}, &faults);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 4, 300'000), {"A"});
  rituals::Context context = shelf.context();
  const unsigned holes = GENERATE(1u, 12u);
  for (unsigned i = 0; i < holes; ++i) faults.unreadable("/A/darkshelf/2026/*.tar", 50'000 + 40'000 * i, 512);
  const rituals::ScrubReport report = rituals::scrub(context, {"A", true, false, {}});
  CHECK(report.damage());
  CHECK(report.repairable());
  std::size_t lost = 0;
  for (const rituals::ScrubbedCopy& copy : report.volumes) lost += copy.examination.lost.size();
  CHECK(lost >= holes);
  rituals::CopyRequest copy;
  copy.what = {"2026-06-14_wedding"};
  copy.to = "B";
  const rituals::CopyReport copied = rituals::copy(context, copy);
  CHECK(copied.failed.empty());
  CHECK(copied.absent.empty());
  CHECK_FALSE(copied.volumes.empty());
}

}  // namespace darkshelf::testing
