// SIGKILL at every named step of seal, copy, repair and recover, on one and on two drives: nothing half-made looks
// sealed, the same command again finishes, and every drive then holds the same seals. The real program, real files,
// real kills.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "support/shelf/program_shelf.hpp"
#include "support/shelf/slices.hpp"

namespace darkshelf::testing {
namespace {

using Arguments = std::vector<std::string>;

/// What must hold after the kill, before the command is given again.
enum class AfterKill { kSealsAreWhole, kAnything };

struct Tried {
  std::size_t kills = 0;
  std::set<std::string> steps;
};

/// Runs `command` once undisturbed to learn its steps, then once for the first and the last time each step is reached.
Tried kill_everywhere(ProgramShelf& shelf, const Arguments& command, const std::string& verb, AfterKill after,
                      const std::function<void(const std::string&)>& check) {
  shelf.keep();
  const std::vector<std::string> reached = shelf.steps_of(command);
  std::map<std::string, int> times;
  for (const std::string& step : reached) ++times[step];
  Tried tried;
  for (const auto& [step, count] : times) {
    if (!step.starts_with(verb)) continue;
    for (const int nth : std::set<int>{1, count}) {
      shelf.back();
      const std::string at = fmt::format("{}:{}", step, nth);
      INFO("killed at " << at);
      const Outcome killed = shelf.run(command, {{"DARKSHELF_STOP_AT", at}});
      REQUIRE(killed.signal == 9);
      if (after == AfterKill::kSealsAreWhole) shelf.require_whole_seals();
      const Outcome again = shelf.run(command);
      INFO(again.out << again.err);
      REQUIRE(again.exit_code == 0);
      check(at);
      ++tried.kills;
      tried.steps.insert(step);
    }
  }
  return tried;
}

void require_steps(const Tried& tried, const std::vector<std::string>& expected) {
  for (const std::string& step : expected) {
    INFO(step);
    CHECK(tried.steps.contains(step));
  }
  WARN(fmt::format("{} kills at {} steps", tried.kills, tried.steps.size()));
}

void require_sound(ProgramShelf& shelf, const std::vector<std::string>& drives) {
  for (const std::string& drive : drives) {
    const Outcome scrub = shelf.run({"scrub", drive});
    INFO(drive << ": " << scrub.out << scrub.err);
    REQUIRE(scrub.exit_code == 0);
    REQUIRE(shelf.leftovers(drive).empty());
    REQUIRE(shelf.seals(drive) == shelf.seals(drives.front()));
    REQUIRE(shelf.seals(drive).size() == ProgramShelf::kVolumes);
  }
  const Outcome verify = shelf.run({"catalog", "verify"});
  INFO(verify.out << verify.err);
  REQUIRE(verify.exit_code == 0);
}

const std::vector<std::string> kSealSteps = {
    "seal.planned", "seal.payload-written", "seal.parity-written", "seal.tags-written",    "seal.sealed-text-written",
    "seal.synced",  "seal.proven",          "seal.renamed",        "seal.volume-recorded", "seal.recorded",
    "seal.ended",   "seal.refreshed"};

}  // namespace

TEST_CASE("kill matrix: seal onto one drive") {
  ProgramShelf shelf({"A"});
  const Tried tried = kill_everywhere(shelf, shelf.seal_command({"A"}), "seal.", AfterKill::kSealsAreWhole,
                                      [&](const std::string&) { require_sound(shelf, {"A"}); });
  require_steps(tried, kSealSteps);
}

TEST_CASE("kill matrix: seal onto two drives") {
  ProgramShelf shelf({"A", "B"});
  const Tried tried = kill_everywhere(shelf, shelf.seal_command({"A", "B"}), "seal.", AfterKill::kSealsAreWhole,
                                      [&](const std::string&) {
                                        require_sound(shelf, {"A", "B"});
                                      });
  require_steps(tried, kSealSteps);
}

TEST_CASE("kill matrix: the catalog copy written after a seal") {
  ProgramShelf shelf({"A", "B"});
  const Tried tried = kill_everywhere(shelf, shelf.seal_command({"A", "B"}), "refresh.", AfterKill::kSealsAreWhole,
                                      [&](const std::string&) {
                                        require_sound(shelf, {"A", "B"});
                                      });
  require_steps(tried, {"refresh.copy-written", "refresh.current-written"});
}

TEST_CASE("kill matrix: copy to one drive and to a second") {
  ProgramShelf shelf({"A", "B", "C"});
  shelf.must(shelf.seal_command({"A"}));
  const std::vector<std::string> steps = {"copy.written", "copy.synced", "copy.proven", "copy.renamed",
                                          "copy.recorded"};
  const Tried one =
      kill_everywhere(shelf, {"copy", "A", "--to", "B"}, "copy.", AfterKill::kSealsAreWhole, [&](const std::string&) {
        require_sound(shelf, {"A", "B"});
      });
  require_steps(one, steps);
  shelf.must({"copy", "A", "--to", "B"});
  const Tried two =
      kill_everywhere(shelf, {"copy", "A", "--to", "C"}, "copy.", AfterKill::kSealsAreWhole, [&](const std::string&) {
        require_sound(shelf, {"A", "B", "C"});
      });
  require_steps(two, steps);
}

TEST_CASE("kill matrix: repair on one drive and on two") {
  const std::vector<std::string> steps = {"repair.journal-written", "repair.committed", "repair.quarantined",
                                          "repair.half-applied",    "repair.applied",   "repair.read-back",
                                          "repair.journal-removed"};
  for (const std::vector<std::string>& drives : {std::vector<std::string>{"A"}, std::vector<std::string>{"A", "B"}}) {
    ProgramShelf shelf(drives);
    shelf.must(shelf.seal_command(drives));
    const auto sealed = shelf.volume_tree("A");
    for (const std::string& drive : drives) shelf.damage(drive);
    const Tried tried =
        kill_everywhere(shelf, {"repair", "A"}, "repair.", AfterKill::kAnything, [&](const std::string&) {
          if (drives.size() > 1) shelf.must({"repair", "B"});
          require_sound(shelf, drives);
          for (const std::string& drive : drives) REQUIRE(shelf.volume_tree(drive) == sealed);
        });
    require_steps(tried, steps);
  }
}

TEST_CASE("kill matrix: repair with a twin that is damaged too, in other places, and then the twin") {
  const std::vector<std::string> steps = {"repair.journal-written", "repair.committed", "repair.quarantined",
                                          "repair.half-applied",    "repair.applied",   "repair.read-back",
                                          "repair.journal-removed"};
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const auto sealed = shelf.volume_tree("A");
  shelf.damage("A");
  spoil(slices_of(shelf.volumes("A").front()), 0, 60);
  spoil(slices_of(shelf.volumes("B").front()), 60, 120);
  const auto twin = shelf.volume_tree("B");
  REQUIRE(shelf.run({"repair", "A"}).exit_code == 5);
  REQUIRE(shelf.run({"repair", "B"}).exit_code == 5);
  const Tried tried =
      kill_everywhere(shelf, {"repair", "A", "--with", "B"}, "repair.", AfterKill::kAnything, [&](const std::string&) {
        REQUIRE(shelf.volume_tree("A") == sealed);
        REQUIRE(shelf.volume_tree("B") == twin);
        shelf.must({"repair", "B", "--with", "A"});
        require_sound(shelf, {"A", "B"});
      });
  require_steps(tried, steps);
}

TEST_CASE("kill matrix: a parcel that is made, and one that is applied") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const auto sealed = shelf.volume_tree("A");
  spoil(slices_of(shelf.volumes("A").front()), 0, 60);
  const std::string request = shelf.path("a.request").string(), parcel = shelf.path("a.parcel").string();
  REQUIRE(shelf.run({"repair", "A", "--request", request}).exit_code == 5);
  require_steps(kill_everywhere(shelf, {"repair", "B", "--parcel", request}, "parcel.", AfterKill::kAnything,
                                [&](const std::string&) {
                                  REQUIRE_FALSE(io::posix().stat(parcel + ".new"));
                                  shelf.must({"repair", "A", "--parcel", parcel});
                                  require_sound(shelf, {"A", "B"});
                                }),
                {"parcel.written"});
  shelf.back();
  shelf.must({"repair", "B", "--parcel", request});
  const Tried tried = kill_everywhere(shelf, {"repair", "A", "--parcel", parcel}, "repair.", AfterKill::kAnything,
                                      [&](const std::string&) {
                                        REQUIRE(shelf.volume_tree("A") == sealed);
                                        require_sound(shelf, {"A", "B"});
                                      });
  require_steps(tried, {"repair.journal-written", "repair.committed", "repair.quarantined", "repair.half-applied",
                        "repair.applied", "repair.read-back", "repair.journal-removed"});
}

TEST_CASE("kill matrix: recover a lost catalog from one drive and from two") {
  const std::vector<std::string> steps = {"recover.merged", "recover.drive-recorded", "recover.ended"};
  for (const std::vector<std::string>& drives : {std::vector<std::string>{"A"}, std::vector<std::string>{"A", "B"}}) {
    ProgramShelf shelf(drives);
    shelf.must(shelf.seal_command(drives));
    Arguments command = {"catalog", "recover"};
    for (const std::string& drive : drives) command.push_back(shelf.path(drive).string());

    shelf.lose_catalog();
    require_steps(kill_everywhere(shelf, command, "recover.", AfterKill::kSealsAreWhole,
                                  [&](const std::string&) { require_sound(shelf, drives); }),
                  steps);

    shelf.back();
    shelf.lose_catalog();
    for (const std::string& drive : drives) shelf.lose_catalog_copies(drive);
    require_steps(kill_everywhere(shelf, command, "recover.", AfterKill::kSealsAreWhole,
                                  [&](const std::string&) {
                                    for (const std::string& drive : drives) shelf.must({"repair", drive});
                                    require_sound(shelf, drives);
                                  }),
                  {"recover.merged", "recover.drive-recorded", "recover.volume-recorded", "recover.ended"});
  }
}

}  // namespace darkshelf::testing
