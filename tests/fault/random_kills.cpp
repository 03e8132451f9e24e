// SIGKILL at any moment, not just at the named steps: the real program over two drives, killed again and again until it
// gets through. DARKSHELF_KILLS says how many kills (10).

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>

#include "support/campaign.hpp"
#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {
namespace {

using Arguments = std::vector<std::string>;

/// Runs `command` with a kill after a random part of the time it takes, until it ends by itself; then both drives hold
/// the same seals and everything in them fits.
std::size_t kill_until_done(ProgramShelf& shelf, const Arguments& command, double usual_seconds, Dice& dice,
                            const std::function<void()>& between) {
  std::size_t kills = 0;
  for (;;) {
    const double when = usual_seconds * static_cast<double>(dice.below(1000)) / 1000;
    const Outcome outcome = shelf.run_killed_after(when, command);
    between();
    if (outcome.signal == 0) {
      INFO(outcome.out << outcome.err);
      REQUIRE(outcome.exit_code == 0);
      return kills;
    }
    REQUIRE(outcome.signal == 9);
    if (++kills % 6 == 0) usual_seconds *= 1.5;  // it has to get through some time
  }
}

double seconds_of(ProgramShelf& shelf, const Arguments& command) {
  const auto began = std::chrono::steady_clock::now();
  shelf.must(command);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  shelf.back();
  return took;
}

}  // namespace

TEST_CASE("random kills: seal and repair over two drives lose nothing and finish") {
  const std::size_t wanted = campaign_size("DARKSHELF_KILLS", 10);
  ProgramShelf shelf({"A", "B"});
  shelf.keep();
  const Arguments seal = shelf.seal_command({"A", "B"});
  const double seal_seconds = seconds_of(shelf, seal);
  std::size_t kills = 0, rounds = 0;
  for (std::uint64_t seed = 1; kills < wanted; ++seed, ++rounds) {
    CAPTURE(seed);
    Dice dice(seed);
    shelf.back();
    kills += kill_until_done(shelf, seal, seal_seconds, dice, [&] { shelf.require_whole_seals(); });
    REQUIRE(shelf.seals("A") == shelf.seals("B"));
    REQUIRE(shelf.seals("A").size() == ProgramShelf::kVolumes);
    const auto sealed = shelf.volume_tree("A");
    shelf.damage(dice.below(2) == 0 ? "A" : "B");
    for (const std::string drive : {"A", "B"}) {
      kills += kill_until_done(shelf, {"repair", drive}, seal_seconds / 2, dice, [] {});
      REQUIRE(shelf.volume_tree(drive) == sealed);
      REQUIRE(shelf.leftovers(drive).empty());
      REQUIRE(shelf.run({"scrub", drive}).exit_code == 0);
    }
    REQUIRE(shelf.run({"catalog", "verify"}).exit_code == 0);
  }
  WARN(fmt::format("{} kills in {} rounds of seal and repair over two drives", kills, rounds));
}

}  // namespace darkshelf::testing
