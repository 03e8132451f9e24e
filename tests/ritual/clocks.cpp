// Dates of checks where clocks are wrong: nothing passes for freshly checked that may not be.

#include <catch2/catch.hpp>

#include "core/text.hpp"
#include "rituals/scrub.hpp"
#include "shelf/policy.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::chrono::hours kDay{24};

struct Setting {
  Setting() {
    for (const char* name : {"2026-01-01_a", "2026-02-02_b", "2026-03-03_c"})
      shelf.seal(shelf.add_shoot(name, 1, 5'000), {"A"});
    sealed = shelf.world().now();
  }
  rituals::ScrubReport scrub_at(core::Time when) {
    shelf.world().set_now(when);
    rituals::Context context = shelf.context();
    return rituals::scrub(context, {"A", false, true, {}});
  }
  core::Time checked() { return *shelf.catalog().copies().front().checked; }
  bool counts_at(core::Time when) {
    const auto status = shelf::status_of(shelf.catalog(), shelf::Policy{}, when, {});
    return status.shoots.front().volumes.front().counting == 1;
  }
  Shelf shelf{{"A"}};
  core::Time sealed{};
};

}  // namespace

TEST_CASE("clocks: one that is behind what is known dates nothing, and that is told") {
  Setting setting;
  CHECK_FALSE(setting.scrub_at(setting.sealed + 10 * kDay).clock_behind);
  const core::Time before = setting.checked();
  CHECK(before >= setting.sealed + 10 * kDay);
  SECTION("by minutes: clocks of two machines") {
    CHECK_FALSE(setting.scrub_at(before - std::chrono::minutes(30)).clock_behind);
  }
  SECTION("by days") {
    const auto report = setting.scrub_at(setting.sealed + 5 * kDay);
    REQUIRE(report.clock_behind);
    CHECK(*report.clock_behind >= before);
    CHECK(setting.checked() == before);
  }
  SECTION("by years: its battery is empty") {
    CHECK(setting.scrub_at(*core::parse_time("2015-01-01T00:00:00Z")).clock_behind);
    CHECK(setting.checked() == before);
  }
  CHECK_FALSE(setting.scrub_at(setting.sealed + 20 * kDay).clock_behind);
  CHECK(setting.checked() >= setting.sealed + 20 * kDay);
}

TEST_CASE("clocks: one that was far ahead makes nothing fresh, and the next check by the right time does") {
  Setting setting;
  setting.scrub_at(setting.sealed + 5 * 365 * kDay);
  CHECK_FALSE(setting.counts_at(setting.sealed + kDay));
  const auto report = setting.scrub_at(setting.sealed + 2 * kDay);
  CHECK_FALSE(report.clock_behind);
  CHECK(setting.checked() < setting.sealed + 3 * kDay);
  CHECK(setting.counts_at(setting.sealed + 3 * kDay));
  CHECK_FALSE(setting.counts_at(setting.sealed + 3 * 365 * kDay));
}

TEST_CASE("clocks: an undated check finds damage like any other") {
  Setting setting;
  setting.scrub_at(setting.sealed + 10 * kDay);
  const catalog::Volume volume = setting.shelf.catalog().volumes().front();
  io::remove_tree(io::posix(), setting.shelf.path("A") / "darkshelf" / volume.folder);
  const rituals::ScrubReport report = setting.scrub_at(setting.sealed + 5 * kDay);
  CHECK(report.clock_behind);  // so it dates nothing
  CHECK(report.damage());
  for (const catalog::Copy& copy : setting.shelf.catalog().copies_of(volume.info.volume))
    CHECK(copy.health == catalog::CopyHealth::kMissing);
}

}  // namespace darkshelf::testing
