// A drive's life away from the machine: kept somewhere, lent, lost and found, renamed, moved to another disk, cloned.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
const std::string kHarbour = "2026-09-01_harbour";

struct Light {
  int exit_code = 0;
  std::string light;
  int copies = 0, offsite = 0;
  std::string lacks;
};

Light status_of(ProgramShelf& shelf) {
  const Outcome outcome = shelf.run({"--json", "status"});
  const Json shoot = object(outcome.out, "shoot_status");
  return {outcome.exit_code, shoot.at("light"), shoot.at("copies"), shoot.at("offsite"), shoot.at("lacks").dump()};
}

/// What the fire drill says of the one shoot: "lost", "one-copy" …
std::string outcome_without(ProgramShelf& shelf, const std::vector<std::string>& gone) {
  std::vector<std::string> command = {"--json", "status"};
  for (const std::string& one : gone) command.insert(command.end(), {"--without", one});
  return object(shelf.run(command).out, "drill_shoot").at("outcome");
}

Json drive_row(ProgramShelf& shelf, const std::string& label) {
  for (const Json& drive : objects(shelf.run({"--json", "drive", "list"}).out, "drive")) {
    if (drive.at("label") == label) return drive;
  }
  return nullptr;
}

std::vector<std::string> names_in(const io::Path& folder) {
  std::vector<std::string> names;
  for (const io::Entry& entry : io::posix().list(folder)) names.push_back(entry.name);
  return names;
}

}  // namespace

TEST_CASE("drives: places, lending, losing and finding decide what counts") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  const io::Path state = shelf.shoots().parent_path();
  LoopDrive a(state, "A", 64 * kMiB), b(state, "B", 64 * kMiB);
  shelf.must({"init"});
  shelf.must({"policy", "set", "copies=2", "places=2", "offsite=1"});
  shelf.must({"place", "add", "home"});
  shelf.must({"place", "add", "bank", "--offsite"});
  shelf.must({"drive", "add", a.mount_point().string(), "--label", "A", "--place", "home"});
  shelf.must({"drive", "add", b.mount_point().string(), "--label", "B", "--place", "bank"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A", "--to", "B"});
  // Both are plugged in here: what is kept off-site is not there yet.
  Light light = status_of(shelf);
  CHECK(light.exit_code == 6);
  CHECK(light.light == "amber");
  CHECK(light.copies == 2);
  CHECK(light.offsite == 0);
  CHECK(light.lacks.find("a copy off-site") != std::string::npos);
  CHECK(shelf.run({"status"}).out.find("plugged in at once") != std::string::npos);
  shelf.must({"drive", "return", "B"});  // which it cannot be: it is still plugged in
  CHECK(status_of(shelf).offsite == 0);
  shelf.lose_catalog();  // the one that A brings back has never seen B here
  shelf.must({"catalog", "recover", a.mount_point().string()});
  light = status_of(shelf);
  CHECK(light.exit_code == 6);
  CHECK(light.offsite == 0);
  shelf.must({"policy", "set", "offsite=0", "places=1"});
  const Outcome green = shelf.run({"status"});
  INFO(green.out);
  CHECK(green.out.find("Every copy of 1 shoot is plugged in now") != std::string::npos);
  shelf.must({"policy", "set", "offsite=1", "places=2"});
  shelf.must({"drive", "eject", "B"});
  CHECK(status_of(shelf).light == "amber");  // unplugged, but still here
  shelf.must({"drive", "return", "B"});
  light = status_of(shelf);
  CHECK(light.exit_code == 0);
  CHECK(light.light == "green");
  CHECK(light.offsite == 1);
  CHECK(outcome_without(shelf, {"bank"}) == "one-copy");
  CHECK(outcome_without(shelf, {"B"}) == "one-copy");
  CHECK(outcome_without(shelf, {"A", "bank"}) == "lost");
  CHECK(shelf.run({"status", "--without", "moon"}).exit_code == 1);

  shelf.must({"drive", "lend", "A", "--to", "Anna"});
  CHECK(status_of(shelf).light == "red");
  CHECK(drive_row(shelf, "A").at("lent_to") == "Anna");
  CHECK(shelf.run({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A", "--again"}).exit_code == 7);
  shelf.must({"drive", "return", "A"});
  CHECK(status_of(shelf).light == "green");
  for (const char* mark : {"lost", "failed", "retired", "destroyed"}) {
    shelf.must({"drive", "mark", "A", mark});
    CHECK(status_of(shelf).copies == 1);
    CHECK(drive_row(shelf, "A").at("state") == mark);
    shelf.must({"drive", "mark", "A", "found"});
    CHECK(status_of(shelf).light == "green");
  }
  CHECK(shelf.run({"drive", "mark", "A", "eaten"}).exit_code == 2);
  shelf.must({"drive", "move", "B", "--place", "home"});
  CHECK(status_of(shelf).light == "amber");
  // One copy of this shoot is all that is wanted: its place is no matter then, and losing the other is none.
  shelf.must({"shoot", "keep", "harbour", "--copies", "1"});
  CHECK(status_of(shelf).light == "green");
  CHECK(shelf.run({"status", "--without", "B"}).exit_code == 0);
  CHECK(outcome_without(shelf, {"B", "A"}) == "lost");
}

TEST_CASE("drives: one good copy is green where the policy asks for one, and none is red") {
  ProgramShelf shelf({"A", "B"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
  CHECK(status_of(shelf).light == "red");
  shelf.must({"policy", "set", "copies=1"});
  const Light one = status_of(shelf);
  CHECK(one.light == "green");
  CHECK(one.exit_code == 0);
  CHECK(one.copies == 1);
  CHECK(one.lacks == "[]");
  CHECK(outcome_without(shelf, {"A"}) == "lost");
  shelf.must({"policy", "set", "copies=2", "places=1", "offsite=0"});
  CHECK(status_of(shelf).light == "red");
  shelf.must({"copy", "harbour", "--to", "B"});
  CHECK(status_of(shelf).copies == 1);  // both folders are on one disk
}

TEST_CASE("drives: a rename reaches the drive at its next visit") {
  ProgramShelf shelf({"A"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
  shelf.must({"drive", "rename", "A", "2026-A"});
  CHECK(shelf.run({"drive", "show", "A"}).exit_code != 0);
  CHECK(io::read_text(io::posix(), shelf.path("A") / "darkshelf" / "drive.json", 4096).find("2026-A") ==
        std::string::npos);
  shelf.must({"scrub", "2026-A"});
  CHECK(io::read_text(io::posix(), shelf.path("A") / "darkshelf" / "drive.json", 4096).find("2026-A") !=
        std::string::npos);
  CHECK(names_in(shelf.path("A")).size() == 2);  // darkshelf, and one START-HERE with the new label in its name
  CHECK(io::posix().stat(shelf.path("A") / "START-HERE photo archive 2026-A.txt"));
  io::posix().make_dir(shelf.path("B"));
  shelf.must({"drive", "add", shelf.path("B").string(), "--label", "B"});
  CHECK(shelf.run({"drive", "rename", "B", "2026-A"}).exit_code == 2);
  CHECK(shelf.run({"drive", "rename", "B", "a/b"}).exit_code == 2);
}

TEST_CASE("drives: one that was moved to another disk is refused until it is accepted") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  const io::Path state = shelf.shoots().parent_path();
  LoopDrive old(state, "A", 64 * kMiB), larger(state, "larger", 96 * kMiB);
  shelf.must({"drive", "add", old.mount_point().string(), "--label", "A"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
  const auto volumes = shelf.volume_tree("A");
  REQUIRE(run_process({"cp", "-a", (old.mount_point() / ".").string(), larger.mount_point().string()}).exit_code == 0);

  SECTION("as the same drive, the old disk gone") {
    old.unplug();
    const Outcome refused = shelf.run({"scrub", "A"});
    CHECK(refused.exit_code == 7);
    CHECK(refused.err.find("does not look like it") != std::string::npos);
    CHECK(refused.err.find("--as moved") != std::string::npos);
    shelf.must({"drive", "accept", larger.mount_point().string(), "--as", "moved"});
    CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
    CHECK(objects(shelf.run({"--json", "drive", "list"}).out, "drive").size() == 1);
    larger.unplug();
    old.plug();  // now the old one is the stranger
    CHECK(shelf.run({"scrub", "A"}).exit_code == 7);
  }
  SECTION("as a copy with an identity of its own") {
    const Outcome two = shelf.run({"scrub", "A"});
    CHECK(two.exit_code == 7);
    CHECK(two.err.find("two media claim to be A") != std::string::npos);
    shelf.must({"drive", "accept", larger.mount_point().string(), "--as", "copy", "--label", "B"});
    CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
    CHECK(status_of(shelf).copies == 1);  // nobody has read the clone yet
    CHECK(status_of(shelf).lacks.find("a check of B (never checked)") != std::string::npos);
    CHECK(shelf.run({"scrub", "B"}).exit_code == 0);
    CHECK(status_of(shelf).copies == 2);
    CHECK(drive_row(shelf, "B").at("id") != drive_row(shelf, "A").at("id"));
    CHECK(shelf.volume_tree("larger") == volumes);
    CHECK(io::posix().stat(larger.mount_point() / "START-HERE photo archive B.txt"));
    CHECK_FALSE(io::posix().stat(larger.mount_point() / "START-HERE photo archive A.txt"));
  }
}

TEST_CASE("drives: eject writes the news, unmounts what can be, and says so when a program is in the way") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({"folder"});
  LoopDrive drive(shelf.shoots().parent_path(), "A", 64 * kMiB);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", "A"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A", "--to", "folder"});
  const Outcome synced = shelf.run({"drive", "eject", "folder"});
  CHECK(synced.exit_code == 0);
  CHECK(synced.out.find("nothing was unmounted") != std::string::npos);
  {
    const auto busy = io::posix().open_read(drive.mount_point() / "darkshelf" / "drive.json");
    const Outcome refused = shelf.run({"drive", "eject", "A"});
    CHECK(refused.exit_code == 8);
    CHECK(refused.err.find("still in use") != std::string::npos);
  }
  const Outcome safe = shelf.run({"drive", "eject", "A"});
  CHECK(safe.exit_code == 0);
  CHECK(safe.out.find("safe to unplug") != std::string::npos);
  CHECK(shelf.run({"drive", "eject", "A"}).exit_code == 7);
}

TEST_CASE("drives: one is lent to somebody, or not at all") {
  ProgramShelf shelf({"A"});
  CHECK(shelf.run({"drive", "lend", "A", "--to", ""}).exit_code == 2);
  CHECK(object(shelf.run({"--json", "drive", "show", "A"}).out, "drive_details").at("state") != "lent");
}

TEST_CASE("drives: where names them as other commands take them") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  io::posix().rename(shelf.path("B"), shelf.path("B.away"));
  const std::vector<Json> files = objects(shelf.run({"--json", "where", "*.JPG"}).out, "file");
  REQUIRE(!files.empty());
  for (const Json& file : files) {
    CHECK(file.at("drives") == Json::array({"A", "B"}));
    CHECK(file.at("plugged_in") == Json::array({"A"}));
  }
}

TEST_CASE("drives: a plain folder where one was before is looked at by whoever looks for it or for another like it") {
  ProgramShelf shelf({"A"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
  const io::Path first = shelf.path("A"), second = shelf.path("elsewhere");
  io::posix().rename(first, second);
  shelf.must({"scrub", second.string()});
  io::posix().rename(second, first);
  CHECK(shelf.run({"drive", "list"}).out.find("plugged in") != std::string::npos);
  const auto files = objects(shelf.run({"--json", "where", "*.JPG"}).out, "file");
  REQUIRE_FALSE(files.empty());
  CHECK(files.front().at("plugged_in") == Json::array({"A"}));
  // Two of them: here, and where it was last.
  REQUIRE(run_process({"cp", "-a", first.string(), second.string()}).exit_code == 0);
  for (const auto& [one, other] : {std::pair(first, second), std::pair(second, first)}) {
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"scrub", one.string()}, {"drive", "accept", one.string(), "--as", "moved"}}) {
      const Outcome outcome = shelf.run(command);
      INFO(command.front() << " " << one << "\n" << outcome.out << outcome.err);
      CHECK(outcome.exit_code == 7);
      CHECK(outcome.err.find("two media claim to be A") != std::string::npos);
      CHECK(outcome.err.find(other.string()) != std::string::npos);
    }
  }
  shelf.must({"drive", "accept", second.string(), "--as", "copy", "--label", "B"});
  shelf.must({"scrub", "A"});
  shelf.must({"scrub", "B"});
}

TEST_CASE("drives: a drive.json that is no file tells nothing, and is in the way of a new drive") {
  ProgramShelf shelf({"A"});
  const io::Path identity = shelf.path("A") / "darkshelf" / "drive.json";
  io::posix().remove_file(identity);
  io::posix().make_dir(identity);
  const Outcome add = shelf.run({"drive", "add", shelf.path("A").string(), "--label", "B"});
  INFO(add.out << add.err);
  CHECK(add.exit_code == 7);
  CHECK(add.err.find("it is no file") != std::string::npos);
  CHECK(add.err.find("--as moved") != std::string::npos);
  shelf.must({"drive", "accept", shelf.path("A").string(), "--as", "moved"});
  CHECK(io::posix().stat(identity)->type == io::FileType::kRegular);
}

}  // namespace darkshelf::testing
