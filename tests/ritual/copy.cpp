// Another copy of what is sealed: of a drive, a shoot or a volume, of whatever the policy lacks, mended on the way.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

const std::string kWedding = "2026-06-14_müller-wedding", kHarbour = "2026-09-01_harbour";
constexpr std::uint64_t kMiB = 1 << 20;

std::size_t copied(const Outcome& outcome) { return object(outcome.out, "copy_report").at("copied"); }

}  // namespace

TEST_CASE("copy: of a drive, a shoot or a volume, byte for byte in both layouts") {
  ProgramShelf shelf({"A", "B"});
  shelf.must({"seal", (shelf.shoots() / kWedding).string(), "--to", "A", "--volume-size", "1MiB"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A", "--layout", "files"});
  const auto tree = shelf.volume_tree("A");
  const io::Path part = shelf.volumes("A").at(1);
  const Outcome volume = shelf.run({"--json", "copy", part.filename().string(), "--to", "B"});
  INFO(volume.out << volume.err);
  REQUIRE(volume.exit_code == 0);
  CHECK(shelf.volumes("B").size() == 1);
  const Outcome shoot = shelf.run({"--json", "copy", "wedding", "--to", "B"});
  REQUIRE(shoot.exit_code == 0);
  CHECK(copied(shoot) == 1);  // the other part
  const Outcome drive = shelf.run({"--json", "copy", "A", "--to", "B"});
  REQUIRE(drive.exit_code == 0);
  CHECK(copied(drive) == 1);  // the harbour
  CHECK(shelf.volume_tree("B") == tree);
  CHECK(copied(shelf.run({"--json", "copy", "A", "--to", "B"})) == 0);
  CHECK(shelf.leftovers("B").empty());
  CHECK(shelf.run({"scrub", "B"}).exit_code == 0);
  shelf.require_whole_seals();

  CHECK(shelf.run({"copy", "nobody", "--to", "B"}).exit_code == 1);
  CHECK(shelf.run({"copy", "2026-", "--to", "B"}).exit_code == 2);
  CHECK(shelf.run({"copy", "A", "--from", "B", "--to", "B"}).exit_code == 2);
  CHECK(shelf.run({"copy", "--to", "B"}).exit_code == 2);
}

TEST_CASE("copy: a damaged source is mended on the way and left as it is, a good one is preferred") {
  ProgramShelf shelf({"A", "B", "C"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const auto tree = shelf.volume_tree("A");
  shelf.damage("A");
  const auto damaged = shelf.volume_tree("A");
  SECTION("from the damaged one") {
    const Outcome copy = shelf.run({"--json", "copy", "A", "--from", "A", "--to", "C"});
    INFO(copy.out << copy.err);
    REQUIRE(copy.exit_code == 0);
    for (const Json& one : objects(copy.out, "copied_volume")) CHECK(one.at("mended") == true);
    CHECK(objects(copy.out, "copied_volume").at(0).at("mended_slices") > 0);
  }
  SECTION("from the healthiest") {
    CHECK(shelf.run({"scrub", "A"}).exit_code == 4);
    const Outcome copy = shelf.run({"--json", "copy", "A", "--to", "C"});
    REQUIRE(copy.exit_code == 0);
    for (const Json& one : objects(copy.out, "copied_volume")) {
      CHECK(one.at("from") == "B");
      CHECK(one.at("mended") == false);
    }
  }
  SECTION("from the damaged one after the other is gone") {
    io::posix().rename(shelf.path("B"), shelf.path("B.away"));
    REQUIRE(shelf.run({"copy", kWedding, kHarbour, "--to", "C"}).exit_code == 0);
  }
  CHECK(shelf.volume_tree("C") == tree);
  CHECK(shelf.volume_tree("A") == damaged);
  CHECK(shelf.run({"scrub", "C"}).exit_code == 0);
}

TEST_CASE("copy: what no drive at hand can give is named, the rest is copied") {
  ProgramShelf shelf({"A", "B", "C"});
  shelf.must({"seal", (shelf.shoots() / kWedding).string(), "--to", "A", "--volume-size", "1MiB"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "B"});
  SECTION("its drive is not plugged in") {
    io::posix().rename(shelf.path("B"), shelf.path("B.away"));
    const Outcome copy = shelf.run({"--json", "copy", kWedding, kHarbour, "--to", "C"});
    CHECK(copy.exit_code == 7);
    CHECK(copied(copy) == 2);
    CHECK(object(copy.out, "copy_absent").at("folder").get<std::string>().find("harbour") != std::string::npos);
  }
  SECTION("it is damaged beyond repair") {
    zero(files_below(shelf.volumes("B").front() / "data").begin()->first, 0, 150'000);
    const Outcome copy = shelf.run({"--json", "copy", kWedding, kHarbour, "--to", "C"});
    CHECK(copy.exit_code == 5);
    CHECK(copied(copy) == 2);
    CHECK(object(copy.out, "copy_failed").at("message").get<std::string>().find("lost") != std::string::npos);
  }
  CHECK(shelf.volumes("C").size() == 2);
  CHECK(shelf.leftovers("C").empty());
}

TEST_CASE("copy: --missing copies what lacks one by the policy, and nothing else") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  const io::Path state = shelf.shoots().parent_path();
  LoopDrive a(state, "A", 64 * kMiB), b(state, "B", 64 * kMiB), c(state, "C", 64 * kMiB);
  for (const char* name : {"A", "B", "C"}) shelf.must({"drive", "add", shelf.path(name).string(), "--label", name});
  shelf.must({"policy", "set", "copies=2", "places=1", "offsite=0"});
  shelf.must({"seal", (shelf.shoots() / kWedding).string(), "--to", "A", "--to", "B", "--volume-size", "1MiB"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
  const Outcome status = shelf.run({"--json", "status"});
  CHECK(status.exit_code == 6);
  CHECK(object(status.out, "status").at("green") == 1);
  CHECK(object(status.out, "status").at("red") == 1);
  const Outcome copy = shelf.run({"--json", "copy", "--missing", "--to", "C"});
  INFO(copy.out << copy.err);
  CHECK(copy.exit_code == 0);
  CHECK(copied(copy) == 1);
  CHECK(object(copy.out, "copied_volume").at("folder").get<std::string>().find("harbour") != std::string::npos);
  CHECK(shelf.run({"status"}).exit_code == 0);
  CHECK(copied(shelf.run({"--json", "copy", "--missing", "--to", "C"})) == 0);
  // A drive that is lost no longer counts: what it held is missing again.
  shelf.must({"drive", "mark", "B", "lost"});
  CHECK(copied(shelf.run({"--json", "copy", "--missing", "--to", "C"})) == 2);
  CHECK(shelf.volume_tree("C") == shelf.volume_tree("A"));
  CHECK(shelf.run({"status"}).exit_code == 0);
}

}  // namespace darkshelf::testing
