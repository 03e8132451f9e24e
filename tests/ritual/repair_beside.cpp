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

TEST_CASE("repair: where a second seal cannot be read the medium is failing, and nothing is written to it") {
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
  CHECK_FALSE(report.volumes[0].repaired);
  CHECK(report.volumes[0].failing_medium);
  CHECK_FALSE(report.complete());
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].failing_medium);
  CHECK(report.problems[0].hint.find("copy A --to ANOTHER-DRIVE") != std::string::npos);
}

TEST_CASE("repair: a folder where CURRENT or START-HERE belongs goes into quarantine, and the file is written anew") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string name =
      GENERATE("darkshelf/catalog/CURRENT", "darkshelf/START-HERE.txt", "START-HERE photo archive A.txt");
  const std::string command = GENERATE("repair", "eject");
  CAPTURE(name, command);
  const io::Path file = shelf.path("A") / name;
  io::posix().remove_file(file);
  make_file(file / "deeper" / "x", 10, 1);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 4);
  const Outcome outcome = command == "repair" ? shelf.run({"repair", "A"}) : shelf.run({"drive", "eject", "A"});
  INFO(outcome.out << outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.find("Nothing to repair") == std::string::npos);
  CHECK(io::posix().stat(file)->type == io::FileType::kRegular);
  CHECK(is_below(shelf.path("A") / "darkshelf" / "quarantine", name + "/deeper/x"));
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("repair: folders among the copies of the catalog do not stop a refresh") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path copies = shelf.path("A") / "darkshelf" / "catalog";
  for (const char* name : {"catalog-1.db", ".new-catalog-9.db", "CURRENT.new"}) {
    if (io::posix().stat(copies / name)) io::posix().remove_file(copies / name);
    make_file(copies / name / "x", 10, 1);
  }
  for (int visit = 0; visit < 3; ++visit) shelf.must({"drive", "eject", "A"});
  for (const io::Entry& entry : io::posix().list(copies)) {
    CAPTURE(entry.name);
    CHECK(entry.type == io::FileType::kRegular);
  }
}

TEST_CASE("repair: where the lists of a volume cannot be read, nothing is brought to the failing medium") {
  Faults faults;
  Shelf shelf({"A", "B"}, &faults);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 50'000), {"A", "B"});
  const auto volumes = shelf.catalog().volumes_on(shelf.catalog().find_drive("A")->id);
  const std::string folder = (shelf.path("A") / "darkshelf" / volumes.at(0).folder).string();
  faults.unreadable(folder + "/*.txt", 0, 1 << 20);
  faults.unreadable(folder + "/*.jsonl", 0, 1 << 20);
  faults.unreadable(folder + "/*.tags.", 0, 1 << 20);
  rituals::Context context = shelf.context();
  rituals::RepairRequest request;
  request.drive = "A";
  const rituals::RepairReport report = rituals::repair(context, request);
  REQUIRE(report.volumes.size() == 1);
  INFO(report.volumes[0].failure);
  CHECK_FALSE(report.volumes[0].after.loaded);
  CHECK(report.volumes[0].after.findings.at(0).kind == rituals::FindingKind::kUnreadable);
  CHECK(report.volumes[0].failure.find("--from B --to ANOTHER-DRIVE") != std::string::npos);
}

}  // namespace darkshelf::testing
