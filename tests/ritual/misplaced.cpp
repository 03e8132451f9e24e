// Folders of volumes that somebody copied or renamed on their drive.

#include <catch2/catch.hpp>

#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

io::Path with_x(const io::Path& folder) {
  io::Path other = folder;
  other += "x";
  return other;
}

}  // namespace

TEST_CASE("misplaced: a copy of a folder is the same volume a second time, and no alarm") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path folder = shelf.volumes("A").front(), other = with_x(folder);
  REQUIRE(run_process({"cp", "-a", folder.string(), other.string()}).exit_code == 0);
  const Outcome scrub = shelf.run({"--json", "scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 0);
  CHECK(object(scrub.out, "misplaced_volume").at("twice") == true);
  CHECK(object(scrub.out, "scrub_report").at("contradicts_seal") == false);
  CHECK(object(scrub.out, "scrub_report").at("misplaced") == 1);
  CHECK(objects(scrub.out, "chain_finding").empty());
  CHECK(has(shelf.run({"scrub", "A"}).out, "a second time: one of the two can be removed"));
  CHECK(shelf.run({"repair", "A"}).exit_code == 0);
  for (const bool lost : {false, true}) {
    CAPTURE(lost);
    if (lost) {
      shelf.lose_catalog();
      shelf.lose_catalog_copies("A");
    }
    const Outcome recover = shelf.run({"catalog", "recover", shelf.path("A").string()});
    INFO(recover.out << recover.err);
    CHECK(has(recover.out + recover.err, "second time"));
    CHECK_FALSE(has(recover.out + recover.err, "rename it back"));
    CHECK(recover.exit_code == 0);
  }
}

TEST_CASE("misplaced: a volume that was renamed is found, and gets its name back by the command that is told") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path folder = shelf.volumes("A").front(), other = with_x(folder);
  io::posix().rename(folder, other);
  const std::string command = "mv " + other.string() + " " + folder.string();
  const Outcome scrub = shelf.run({"scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 4);
  CHECK(has(scrub.out, "under another name"));
  CHECK(has(scrub.out, command));
  CHECK_FALSE(has(scrub.out, "catalog recover"));
  const Outcome repair = shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 5);
  CHECK(has(repair.out, command));
  const Outcome recover = shelf.run({"catalog", "recover", shelf.path("A").string()});
  INFO(recover.out << recover.err);
  CHECK(has(recover.out + recover.err, "mv "));
  REQUIRE(run_process({"sh", "-c", command}).exit_code == 0);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

}  // namespace darkshelf::testing
