// A shoot removed for good: its tombstone outlives every catalog, and the last good copy does not go by accident.

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {
namespace {

const std::string kWedding = "2026-06-14_müller-wedding", kHarbour = "2026-09-01_harbour";

/// What find says of the harbour: "alive", "discarded" or "unknown".
std::string state_of_harbour(ProgramShelf& shelf, const io::Path& catalog = {}) {
  const Outcome found = shelf.run({"--json", "find", "harbour"}, {}, catalog);
  if (found.exit_code != 0) return "unknown";
  return object(found.out, "shoot").at("discarded").get<bool>() ? "discarded" : "alive";
}

std::size_t shoots_in_status(ProgramShelf& shelf, const io::Path& catalog = {}) {
  return object(shelf.run({"--json", "status"}, {}, catalog).out, "status").at("shoots");
}

}  // namespace

TEST_CASE("discard: the last good copy wants the name typed, and then leaves a tombstone") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const auto trees = shelf.volume_tree("A");
  const std::vector<std::string> command = {"discard", "harbour", "--reason", "the client asked"};
  const auto with = [&](const std::vector<std::string>& more) {
    auto all = command;
    all.insert(all.end(), more.begin(), more.end());
    return shelf.run(all);
  };
  for (const Outcome& refused : {with({}), with({"--confirm", "wedding"}), shelf.run({"discard", "harbour"})}) {
    CHECK(refused.exit_code == 2);
    CHECK(shelf.volume_tree("A") == trees);
  }
  CHECK(with({}).err.find("--confirm harbour") != std::string::npos);
  REQUIRE(with({"--confirm", "harbour"}).exit_code == 0);
  for (const char* drive : {"A", "B"}) {
    CHECK(shelf.volumes(drive).size() == 2);
    CHECK(shelf.leftovers(drive).empty());
    CHECK(io::posix().list(shelf.path(drive) / "darkshelf" / "seals").size() == 2);
    CHECK(shelf.run({"scrub", drive}).exit_code == 0);
  }
  CHECK(state_of_harbour(shelf) == "discarded");
  CHECK(shoots_in_status(shelf) == 1);
  CHECK(shelf.run({"restore", "harbour", "--to", shelf.path("back").string()}).exit_code == 7);
  CHECK(shelf.run({"copy", "--missing", "--to", "B"}).exit_code == 0);
  CHECK(shelf.volumes("B").size() == 2);

  // A catalog made anew from either drive knows it.
  for (const char* drive : {"A", "B"}) {
    const io::Path fresh = shelf.path(std::string("fresh-") + drive);
    REQUIRE(shelf.run({"catalog", "recover", shelf.path(drive).string()}, {}, fresh).exit_code == 0);
    CHECK(state_of_harbour(shelf, fresh) == "discarded");
    CHECK(shoots_in_status(shelf, fresh) == 1);
  }
  // Sealed once more it is a shoot of its own, and the one that is meant by its name.
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
  CHECK(shoots_in_status(shelf) == 2);
  shelf.must({"restore", "harbour", "--to", shelf.path("back").string()});
  CHECK(files_below(shelf.path("back")).size() == 7);
}

TEST_CASE("discard: from one drive alone the shoot stays alive elsewhere") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  shelf.must({"discard", "harbour", "--from", "A", "--reason", "room is needed"});
  CHECK(shelf.volumes("A").size() == 2);
  CHECK(shelf.volumes("B").size() == 3);
  CHECK(state_of_harbour(shelf) == "alive");
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
  const Json copies = object(shelf.run({"--json", "find", "harbour"}).out, "shoot").at("drives");
  REQUIRE(copies.size() == 1);
  CHECK(copies[0].at("drive") == "B");
  CHECK(shelf.run({"discard", "harbour", "--from", "A", "--reason", "again"}).exit_code == 1);
  // The copy on B is the last one now; a damaged copy elsewhere would not change that.
  CHECK(shelf.run({"discard", "harbour", "--from", "B", "--reason", "x"}).exit_code == 2);
  shelf.must({"copy", "harbour", "--to", "A"});
  zero(files_below(shelf.volumes("A").back() / "data").begin()->first, 0, 150'000);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 5);
  CHECK(shelf.run({"discard", "harbour", "--from", "B", "--reason", "x"}).exit_code == 2);
  shelf.must({"discard", "harbour", "--from", "A", "--reason", "it is ruined"});
  shelf.must({"restore", "harbour", "--to", shelf.path("back").string()});
}

TEST_CASE("discard: a drive that was away does not bring the shoot back to life") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  io::posix().rename(shelf.path("B"), shelf.path("B.away"));
  const Outcome discard =
      shelf.run({"--json", "discard", "harbour", "--reason", "the client asked", "--confirm", "harbour"});
  INFO(discard.out << discard.err);
  REQUIRE(discard.exit_code == 0);
  CHECK(object(discard.out, "discarded").at("later") == Json::array({"B"}));
  io::posix().rename(shelf.path("B.away"), shelf.path("B"));

  const bool without_its_catalog = GENERATE(false, true);
  CAPTURE(without_its_catalog);
  if (without_its_catalog) shelf.lose_catalog_copies("B");
  shelf.must({"catalog", "recover", shelf.path("B").string()});
  CHECK(state_of_harbour(shelf) == "discarded");
  // A machine that asks B alone cannot know; with A it does.
  const io::Path fresh = shelf.path("fresh.db");
  REQUIRE(shelf.run({"catalog", "recover", shelf.path("B").string()}, {}, fresh).exit_code == 0);
  CHECK(state_of_harbour(shelf, fresh) == "alive");
  REQUIRE(shelf.run({"catalog", "recover", shelf.path("A").string()}, {}, fresh).exit_code == 0);
  CHECK(state_of_harbour(shelf, fresh) == "discarded");
  CHECK(shoots_in_status(shelf, fresh) == 1);

  CHECK(shelf.run({"scrub", "B"}).exit_code == (without_its_catalog ? 4 : 0));
  CHECK(shelf.volumes("B").size() == 3);
  shelf.must({"discard", "harbour", "--from", "B", "--reason", "the client asked"});
  CHECK(shelf.volumes("B").size() == 2);
  CHECK(state_of_harbour(shelf) == "discarded");
  CHECK(shelf.run({"scrub", "B"}).exit_code == 0);
}

TEST_CASE("discard: a copy that nobody has read yet is not the good one that stays") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  for (const char* drive : {"A", "B"}) shelf.lose_catalog_copies(drive);
  shelf.lose_catalog();
  shelf.must({"catalog", "recover", shelf.path("A").string(), shelf.path("B").string()});
  const std::vector<std::string> command = {"discard", "harbour", "--from", "A", "--reason", "room is needed"};
  const Outcome refused = shelf.run(command);
  CHECK(refused.exit_code == 2);
  CHECK(refused.err.find("the copy on B does not count: nobody has checked it yet") != std::string::npos);
  CHECK(shelf.volumes("A").size() == 3);
  shelf.run({"scrub", "B"});
  shelf.must(command);
  CHECK(shelf.volumes("A").size() == 2);
}

TEST_CASE("discard: a copy that is no longer on a plugged-in drive is not the good one that stays") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const io::Path twin = shelf.volumes("B").back();  // the harbour's
  const int what = GENERATE(0, 1, 2, 3);
  CAPTURE(what);
  const io::Path payload = files_below(twin / "data").begin()->first;
  if (what == 0) io::remove_tree(io::posix(), twin);
  if (what == 1) io::posix().remove_file(payload);
  if (what == 2) io::posix().remove_file(twin / "tagmanifest-sha256.txt");
  if (what == 3) io::posix().open_write(payload)->truncate(1000);
  const std::vector<std::string> command = {"discard", "harbour", "--from", "A", "--reason", "room is needed"};
  const Outcome refused = shelf.run(command);
  CHECK(refused.exit_code == 2);
  CHECK(refused.err.find("the copy on B does not count: files are missing") != std::string::npos);
  CHECK(shelf.volumes("A").size() == 3);
  // A drive that is away is taken at the catalog's word.
  io::posix().rename(shelf.path("B"), shelf.path("B.away"));
  shelf.must(command);
}

TEST_CASE("discard: a volume that a killed run moved out is no leftover for a seal to clean away") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const std::vector<std::string> discard = {"discard", "harbour", "--from", "A", "--reason", "blurred"};
  CHECK(shelf.run(discard, {{"DARKSHELF_STOP_AT", "discard.moved-out"}}).signal == 9);
  REQUIRE(shelf.leftovers("A").size() == 1);
  const auto waiting = files_below(shelf.path("A") / "darkshelf" / ".incoming");
  REQUIRE_FALSE(waiting.empty());
  const io::Path other = shelf.shoots() / "2026-10-10_other";
  make_file(other / "IMG_1.JPG", 1000, 7);
  shelf.must({"seal", other.string(), "--to", "A"});
  for (const auto& [path, stat] : waiting) CHECK(io::posix().stat(path));
  shelf.must(discard);
  CHECK(shelf.leftovers("A").empty());
}

TEST_CASE("discard: one drive that lacks its identity is told, and the others are done") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  io::posix().remove_file(shelf.path("A") / "darkshelf" / "drive.json");
  const Outcome named = shelf.run({"discard", "harbour", "--from", "A", "--reason", "x"});
  CHECK(named.exit_code == 7);
  const Outcome discard =
      shelf.run({"--json", "discard", "harbour", "--reason", "the client asked", "--confirm", "harbour"});
  INFO(discard.out << discard.err);
  REQUIRE(discard.exit_code == 0);
  CHECK(object(discard.out, "discarded").at("later") == Json::array({"A"}));
  CHECK((discard.out + discard.err).find("its darkshelf/drive.json is missing") != std::string::npos);
  CHECK(shelf.volumes("A").size() == 3);
  CHECK(shelf.volumes("B").size() == 2);
  CHECK(state_of_harbour(shelf) == "discarded");
}

}  // namespace darkshelf::testing
