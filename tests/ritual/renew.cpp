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

TEST_CASE("renew: a copy killed when the ruined one was put aside is finished by the same command") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const auto sealed = shelf.volume_tree("A");
  ruin(shelf);
  const std::vector<std::string> again =
      GENERATE(true, false) ? std::vector<std::string>{"copy", "B", "--to", "A"} : shelf.seal_command({"A", "B"});
  const Outcome killed = shelf.run(again, {{"DARKSHELF_STOP_AT", "copy.bad-one-kept"}});
  CAPTURE(again.front(), killed.out, killed.err);
  REQUIRE(killed.signal == 9);
  REQUIRE(io::posix().list(shelf.path("A") / "darkshelf" / "quarantine").size() == 1);
  REQUIRE(shelf.volume_tree("A") != sealed);
  shelf.must(again);
  REQUIRE(shelf.volume_tree("A") == sealed);
  REQUIRE(io::posix().list(shelf.path("A") / "darkshelf" / "quarantine").size() == 1);
  REQUIRE(shelf.leftovers("A").empty());
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

TEST_CASE("renew: a catalog copy that cannot be refreshed is told beside the result") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"B"}));
  const io::Path start_here = shelf.path("A") / "darkshelf" / "START-HERE.txt";
  io::posix().remove_file(start_here);
  io::posix().make_dirs(start_here / "x");
  make_file(shelf.path("A") / "darkshelf" / "quarantine", 3, 1);  // so that it cannot be moved there, either
  const Outcome copy = shelf.run({"copy", "B", "--to", "A"});
  CAPTURE(copy.out, copy.err);
  REQUIRE(copy.exit_code == 1);
  REQUIRE(copy.out.find("3 volumes copied to A") != std::string::npos);
  REQUIRE(copy.err.find("not refreshed") != std::string::npos);
  const Outcome scrub = shelf.run({"scrub", "A"});
  CAPTURE(scrub.out, scrub.err);
  REQUIRE(scrub.exit_code == 4);
  REQUIRE(scrub.out.find("damaged: darkshelf/START-HERE.txt") != std::string::npos);
  const Outcome repair = shelf.run({"repair", "A"});
  CAPTURE(repair.out, repair.err);
  REQUIRE(repair.exit_code == 1);
  REQUIRE(repair.out.find("intact") != std::string::npos);
  REQUIRE(repair.err.find("not refreshed") != std::string::npos);
}

TEST_CASE("renew: news of a sealed shoot are not called sealed") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const auto photos = files_below(shelf.shoots());
  const io::Path photo = photos.begin()->first;
  io::posix().set_mtime(photo, 1'790'000'000'000'000'000);
  const Outcome again = shelf.run(shelf.seal_command({"A"}));
  CAPTURE(again.out, again.err);
  REQUIRE(again.exit_code == 3);
  REQUIRE(again.out.find("everything is sealed already") == std::string::npos);
  REQUIRE(again.out.find("--update") != std::string::npos);
}

TEST_CASE("renew: volumes the catalog does not know are not called intact") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string year = shelf.volumes("A")[0].parent_path().filename().string();
  REQUIRE(run_process({"cp", "-a", (shelf.path("A") / "darkshelf" / year).string(),
                       (shelf.path("B") / "darkshelf" / year).string()})
              .exit_code == 0);
  const Outcome scrub = shelf.run({"scrub", "B"});
  CAPTURE(scrub.out, scrub.err);
  REQUIRE(scrub.exit_code == 1);
  REQUIRE(scrub.out.find("intact") == std::string::npos);
  REQUIRE(scrub.out.find("3 volumes here are unknown to this catalog") != std::string::npos);
}

TEST_CASE("renew: recover fails when a volume is not understood, and says so when quiet") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  shelf.lose_catalog();
  shelf.lose_catalog_copies("A");
  const io::Path volume = shelf.volumes("A")[0];
  for (const io::Entry& entry : io::posix().list(volume)) {
    if (entry.type == io::FileType::kRegular) cut(volume / entry.name, 0);
  }
  const Outcome recover = shelf.run({"-q", "catalog", "recover", shelf.path("A").string()});
  CAPTURE(recover.out, recover.err);
  REQUIRE(recover.exit_code == 1);
  REQUIRE(recover.err.find("is not understood") != std::string::npos);
}

TEST_CASE("renew: the drive itself is not accepted as a copy of itself") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const Outcome accept = shelf.run({"drive", "accept", shelf.path("A").string(), "--as", "copy"});
  CAPTURE(accept.out, accept.err);
  REQUIRE(accept.exit_code == 7);
  shelf.must({"scrub", "A"});
}

}  // namespace darkshelf::testing
