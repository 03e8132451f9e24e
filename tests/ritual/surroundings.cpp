// What lies beside the volumes of a drive, and in them without being theirs: told by scrub, mended where it is ours.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <set>

#include "core/error.hpp"
#include "rituals/repair.hpp"
#include "rituals/scrub.hpp"
#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {

TEST_CASE("surroundings: damaged CURRENT, catalog copy and START-HERE are found, and repair writes them anew") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  shelf.must({"scrub", "A"});
  const io::Path folder = shelf.path("A") / "darkshelf";
  std::string newest;
  for (const io::Entry& entry : io::posix().list(folder / "catalog")) {
    if (entry.name.starts_with("catalog-")) newest = std::max(newest, entry.name);
  }
  const std::vector<std::string> files = {"darkshelf/catalog/CURRENT", "darkshelf/catalog/" + newest,
                                          "darkshelf/START-HERE.txt", "START-HERE photo archive A.txt"};
  shelf.keep();
  for (const std::string& below : files) {
    for (const std::string how : {"rotten", "missing", "a folder"}) {
      CAPTURE(below, how);
      shelf.back();
      const io::Path path = shelf.path("A") / below;
      if (how == "rotten") rot(path, 30, 3);
      if (how != "rotten") io::posix().remove_file(path);
      if (how == "a folder") io::posix().make_dir(path);
      const Outcome scrub = shelf.run({"scrub", "A"});
      INFO(scrub.out << scrub.err);
      CHECK(scrub.exit_code == 4);
      const bool one_of_two = below.find("START-HERE") != std::string::npos && how == "rotten";
      CHECK(scrub.out.find(one_of_two ? "START-HERE" : below) != std::string::npos);
      CHECK(scrub.out.find("Next: darkshelf repair A") != std::string::npos);
      const Outcome repair = shelf.run({"repair", "A"});
      INFO(repair.out << repair.err);
      if (how == "a folder") continue;  // it may hold something: a person has to look
      CHECK(repair.exit_code == 0);
      CHECK(repair.out.find("written anew") != std::string::npos);
      CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
    }
  }
}

TEST_CASE("surroundings: strange files beside the volumes are told, and harm nothing") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string year = shelf.volumes("A").front().parent_path().filename().string();
  make_file(shelf.path("A") / "darkshelf" / "stray.txt", 10, 1);
  make_file(shelf.path("A") / "darkshelf" / year / "notes.txt", 10, 1);
  make_file(shelf.path("A") / "darkshelf" / year / "more" / "deep.txt", 10, 1);
  make_file(shelf.path("A") / "darkshelf" / "START-HERE.txt.new", 10, 1);  // of our own, killed
  make_file(shelf.path("A") / "mine" / "photo.jpg", 10, 1);                // not ours to tell
  const Outcome scrub = shelf.run({"--json", "scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 0);
  std::set<std::string> foreign;
  for (const Json& finding : objects(scrub.out, "drive_finding")) {
    CHECK(finding.at("kind") == "foreign");
    foreign.insert(finding.at("path").get<std::string>());
  }
  CHECK(foreign == std::set<std::string>{"darkshelf/stray.txt", "darkshelf/" + year + "/notes.txt",
                                         "darkshelf/" + year + "/more"});
  CHECK(object(scrub.out, "scrub_report").at("catalog_refreshed") == true);
}

TEST_CASE("surroundings: strange files in a volume are shown with what to do, and the catalog copy is refreshed") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path volume = shelf.volumes("A").front();
  for (const char* name : {"a.txt", "b.txt", "c.txt", "d.txt", "data/e.txt"}) make_file(volume / name, 10, 1);
  const Outcome scrub = shelf.run({"scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 0);
  CHECK(scrub.out.find("5 files in it were not sealed with it: a.txt, b.txt, c.txt and 2 more") != std::string::npos);
  CHECK(scrub.out.find("move them elsewhere") != std::string::npos);
  const Outcome json = shelf.run({"--json", "scrub", "A"});
  CHECK(object(json.out, "scrub_report").at("catalog_refreshed") == true);
}

TEST_CASE("surroundings: an archive is not sealed into an archive") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string root = shelf.path("A").string(), year = shelf.volumes("A").front().parent_path().string();
  const std::vector<std::vector<std::string>> commands = {{"seal", year, "--to", "B", "--yes"},
                                                          {"seal", shelf.volumes("A").front().string(), "--to", "B"},
                                                          {"seal", root + "/darkshelf", "--to", "B", "--yes"},
                                                          {"seal", root, "--to", "B", "--each=0"},
                                                          {"seal", root, "--to", "B", "--each"},
                                                          {"seal", root, "--to", "B", "--each=2"},
                                                          {"seal", root + "/..", "--to", "B", "--each=0"}};
  for (const auto& command : commands) {
    const Outcome outcome = shelf.run(command);
    INFO(fmt::format("{}", fmt::join(command, " ")) << "\n" << outcome.out << outcome.err);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.err.find("→") != std::string::npos);
  }
  CHECK(shelf.volumes("B").empty());
  // A folder that only has the name is one like any other.
  make_file(shelf.shoots() / "2026-05-05_odd" / "darkshelf" / "P.JPG", 5000, 3);
  shelf.must({"seal", (shelf.shoots() / "2026-05-05_odd").string(), "--to", "B"});
}

TEST_CASE("surroundings: what a failing medium lost is repairable, elsewhere") {
  Faults faults;
  Shelf shelf({"A"}, &faults);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 200'000), {"A"});
  faults.unreadable("_1of1.tar", 100'000, 4096);
  rituals::Context context = shelf.context();
  rituals::RepairReport report = rituals::repair(context, {"A", {}, {}, false});
  REQUIRE(report.volumes.size() == 1);
  CHECK_FALSE(report.volumes.front().repaired);
  CHECK(report.volumes.front().failing_medium);
  faults.unreadable("_1of1.tar", 0, 500'000);  // more than parity can mend
  rituals::Context fresh = shelf.context();
  try {
    report = rituals::repair(fresh, {"A", {}, {}, false});
    CHECK_FALSE(report.volumes.front().failing_medium);
  } catch (const core::Error& error) {  // 64 in a row
    CHECK(error.code() == core::Code::kDriveGone);
  }
}

}  // namespace darkshelf::testing
