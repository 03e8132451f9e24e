// Damage beside the volumes: what a repair does about it, and that it keeps no volume from being mended.

#include <catch2/catch.hpp>
#include <cerrno>

#include "core/error.hpp"
#include "rituals/repair.hpp"
#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {
namespace {

bool is_below(const io::Path& folder, const std::string& ending) {
  for (const auto& [path, stat] : files_below(folder)) {
    if (path.string().ends_with(ending)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("repair: what stands where second seals belong is moved away, and volumes are mended all the same") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const auto tree = shelf.volume_tree("A");
  rot(files_below(shelf.volumes("A").front() / "data").begin()->first, 5000, 100);
  const io::Path archive = shelf.path("A") / "darkshelf";
  const io::Path file = files_below(archive / "seals").begin()->first;
  std::string kept;
  SECTION("a folder of that name") {
    io::posix().remove_file(file);
    make_file(file / "x", 10, 1);
    kept = "tagmanifest-sha256.txt/x";
  }
  SECTION("a file instead of all of them") {
    io::remove_tree(io::posix(), archive / "seals");
    make_file(archive / "seals", 10, 1);
    kept = "darkshelf/seals";
  }
  const Outcome repair = shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(shelf.volume_tree("A") == tree);
  CHECK(is_below(archive / "quarantine", kept));
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("repair: a second seal that cannot be read is a problem of its own") {
  Faults faults;
  Shelf shelf({"A"}, &faults);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 50'000), {"A"});
  const auto volumes = shelf.catalog().volumes_on(shelf.catalog().find_drive("A")->id);
  const io::Path folder = shelf.path("A") / "darkshelf" / volumes.at(0).folder;
  rot(files_below(folder / "data").begin()->first, 1000, 10);
  faults.unreadable("/seals/*/tagmanifest-sha256.txt", 0, 1 << 20);
  rituals::Context context = shelf.context();
  rituals::RepairRequest request;
  request.drive = "A";
  const rituals::RepairReport report = rituals::repair(context, request);
  REQUIRE(report.volumes.size() == 1);
  CHECK(report.volumes[0].repaired);
  CHECK_FALSE(report.complete());
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].failing_medium);
  CHECK(report.problems[0].hint.find("copy A --to ANOTHER-DRIVE") != std::string::npos);
}

}  // namespace darkshelf::testing
