// A copy that went bad is renewed from its twin, by copy and by seal; what a killed discard left is finished.

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {
namespace {

io::Path payload_of(const io::Path& volume) {
  const auto files = files_below(volume / "data");
  REQUIRE(files.size() == 1);
  return files.begin()->first;
}

/// One copy on A cannot be repaired, another is missing; a scrub tells.
void ruin(ProgramShelf& shelf) {
  cut(payload_of(shelf.volumes("A")[0]), 0);
  io::remove_tree(io::posix(), shelf.volumes("A")[1]);
  const Outcome scrub = shelf.run({"scrub", "A"});
  CAPTURE(scrub.out, scrub.err);
  REQUIRE(scrub.exit_code == 5);
  REQUIRE(scrub.out.find("--from B --to A") != std::string::npos);
}

}  // namespace

TEST_CASE("renew: copy replaces a missing and a ruined copy from the twin, and keeps the ruined one") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const auto sealed = shelf.volume_tree("A");
  ruin(shelf);
  const Outcome repair = shelf.run({"repair", "A"});
  CAPTURE(repair.out, repair.err);
  REQUIRE(repair.exit_code == 5);
  REQUIRE((repair.out + repair.err).find("--from B --to A") != std::string::npos);
  shelf.must({"copy", "B", "--to", "A"});
  REQUIRE(shelf.volume_tree("A") == sealed);
  REQUIRE(io::posix().list(shelf.path("A") / "darkshelf" / "quarantine").size() == 1);
  shelf.must({"scrub", "A"});
  shelf.require_whole_seals();
}

TEST_CASE("renew: a volume that somebody deleted is copied again, before any scrub noticed") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const auto sealed = shelf.volume_tree("A");
  const bool by_seal = GENERATE(false, true);
  CAPTURE(by_seal);
  io::remove_tree(io::posix(), shelf.volumes("A")[1]);
  shelf.must(by_seal ? shelf.seal_command({"A", "B"}) : std::vector<std::string>{"copy", "B", "--to", "A"});
  REQUIRE(shelf.volume_tree("A") == sealed);
}

TEST_CASE("renew: the same seal again does not call a ruined copy sealed, but renews it") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const auto sealed = shelf.volume_tree("A");
  ruin(shelf);
  shelf.must(shelf.seal_command({"A", "B"}));
  REQUIRE(shelf.volume_tree("A") == sealed);
  shelf.must({"scrub", "A"});
}

TEST_CASE("renew: without a twin, seal says that the only copy is ruined") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  cut(payload_of(shelf.volumes("A")[0]), 0);
  REQUIRE(shelf.run({"scrub", "A"}).exit_code == 5);
  const Outcome again = shelf.run(shelf.seal_command({"A"}));
  CAPTURE(again.out, again.err);
  REQUIRE(again.exit_code == 5);
  REQUIRE(again.err.find("--again") != std::string::npos);
}

TEST_CASE("renew: a discard killed between the fact and the bytes is finished by the same command") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  std::vector<std::string> discard = {"discard", "harbour", "--reason", "test"};
  if (GENERATE(true, false))
    discard.insert(discard.end(), {"--from", "A"});
  else
    discard.insert(discard.end(), {"--confirm", "harbour"});
  const Outcome killed = shelf.run(discard, {{"DARKSHELF_STOP_AT", "discard.recorded"}});
  REQUIRE(killed.signal != 0);
  REQUIRE_FALSE((shelf.leftovers("A").empty() && shelf.leftovers("B").empty()));
  const Outcome again = shelf.run(discard);
  CAPTURE(again.out, again.err);
  REQUIRE(again.exit_code == 0);
  REQUIRE((shelf.leftovers("A").empty() && shelf.leftovers("B").empty()));
  REQUIRE(io::posix().list(shelf.path("A") / "darkshelf" / "seals").size() == ProgramShelf::kVolumes - 1);
  shelf.must({"scrub", "A"});
}

}  // namespace darkshelf::testing
