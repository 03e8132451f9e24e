// Mending a drive from its own parity: where the work is done, what is kept of the damage, and what is left alone.

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

std::string read(const io::Path& path) { return io::read_text(io::posix(), path, std::uint64_t{1} << 30); }

}  // namespace

TEST_CASE("repair: the damaged bytes are kept in quarantine, at their places, until --discard") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const auto sealed = shelf.volume_tree("A");
  shelf.damage("A");
  std::multimap<std::string, std::string> damaged;  // by path below the volume
  for (const io::Path& volume : shelf.volumes("A")) {
    for (const auto& [path, stat] : files_below(volume))
      damaged.emplace(path.lexically_relative(volume).string(), read(path));
  }
  shelf.must({"repair", "A"});
  CHECK(shelf.volume_tree("A") == sealed);
  const io::Path quarantine = shelf.path("A") / "darkshelf" / "quarantine";
  std::size_t kept = 0;
  for (const auto& [path, stat] : files_below(quarantine)) {
    // <date>_<id>/<volume>/<path>.<offset>
    const std::string name = path.lexically_relative(quarantine).string();
    const std::size_t below = name.find('/', name.find('/') + 1) + 1, dot = name.rfind('.');
    const std::size_t offset = std::stoul(name.substr(dot + 1));
    const auto [first, last] = damaged.equal_range(name.substr(below, dot - below));
    INFO(name);
    const auto content = read(path);
    CHECK(std::any_of(first, last, [&](const auto& one) {
      return one.second.size() > offset && one.second.substr(offset, content.size()) == content;
    }));
    ++kept;
  }
  CHECK(kept >= 4);  // two places of a payload, a recovery packet, a list
  const Outcome discard = shelf.run({"--json", "repair", "A", "--discard"});
  CHECK(discard.exit_code == 0);
  CHECK(object(discard.out, "quarantine_discarded").at("bytes") > 0);
  CHECK_FALSE(io::posix().stat(quarantine));
  CHECK(shelf.volume_tree("A") == sealed);
  CHECK(object(shelf.run({"--json", "repair", "A", "--discard"}).out, "quarantine_discarded").at("bytes") == 0);
}

TEST_CASE("repair: --work does the work elsewhere, and leaves nothing there") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const auto sealed = shelf.volume_tree("A");
  shelf.damage("A");
  const io::Path work = shelf.path("work");
  const std::vector<std::string> command = {"repair", "A", "--work", work.string()};
  REQUIRE(shelf.run(command, {{"DARKSHELF_STOP_AT", "repair.half-applied"}}).signal == 9);
  CHECK_FALSE(files_below(work).empty());  // the journal is there …
  CHECK(shelf.leftovers("A").empty());     // … and not on the drive
  shelf.must(command);
  CHECK(shelf.volume_tree("A") == sealed);
  CHECK(files_below(work).empty());
  CHECK(shelf.leftovers("A").empty());
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("repair: a full drive is told to work elsewhere, and does") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.shoots().parent_path(), "A", std::uint64_t{96} << 20);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", "A"});
  shelf.must(shelf.seal_command({"A"}));
  const auto sealed = shelf.volume_tree("A");
  shelf.damage("A");
  // Room for what is kept of the damage, not for the work.
  const std::uint64_t free = io::posix().space(drive.mount_point()).free;
  REQUIRE(
      run_process({"fallocate", "-l", std::to_string(free - (700 << 10)), (drive.mount_point() / "filler").string()})
          .exit_code == 0);
  const auto damaged = shelf.volume_tree("A");
  const Outcome full = shelf.run({"repair", "A"});
  INFO(full.out << full.err);
  CHECK(full.exit_code == 1);
  CHECK(full.err.find("--work DIR") != std::string::npos);
  CHECK(shelf.volume_tree("A") == damaged);
  shelf.must({"repair", "A", "--work", shelf.path("work").string()});
  CHECK(shelf.volume_tree("A") == sealed);
}

TEST_CASE("repair: nothing to do is said, and changes nothing, beyond parity the way to the good copy is") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const auto sealed = shelf.volume_tree("A");
  const Outcome nothing = shelf.run({"repair", "A"});
  CHECK(nothing.exit_code == 0);
  CHECK(nothing.out.find("Nothing to repair: 3 volumes on A, intact") != std::string::npos);
  CHECK(shelf.volume_tree("A") == sealed);
  // One beyond its parity, one within: the second is mended all the same.
  zero(files_below(shelf.volumes("A").back() / "data").begin()->first, 0, 150'000);
  rot(files_below(shelf.volumes("A").front() / "data").begin()->first, 5000, 100);
  const Outcome repair = shelf.run({"--json", "repair", "A"});
  CHECK(repair.exit_code == 5);
  const auto volumes = objects(repair.out, "repaired_volume");
  REQUIRE(volumes.size() == 2);
  CHECK(volumes[0].at("repaired") == true);
  CHECK(volumes[1].at("repaired") == false);
  CHECK(volumes[1].at("message").get<std::string>().find("darkshelf repair A --with B") != std::string::npos);
  for (const auto& [path, what] : shelf.volume_tree("A")) {
    if (path.find("wedding") != std::string::npos) CHECK(what == sealed.at(path));
  }
}

TEST_CASE("repair: right after a scrub no more is claimed than the repair itself has read") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  rot(files_below(shelf.volumes("A").front() / "data").begin()->first, 5000, 100);
  const Outcome repair = shelf.run({"scrub", "A", "--repair"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(repair.out.find("1 volume on A is byte for byte as it was sealed again") != std::string::npos);
  CHECK(repair.out.find("Everything on A") == std::string::npos);
}

TEST_CASE("repair: the second copy of a seal is written anew") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path seals = shelf.path("A") / "darkshelf" / "seals";
  const auto files = files_below(seals);
  REQUIRE(files.size() == 3);
  std::vector<std::string> texts;
  for (const auto& [path, stat] : files) texts.push_back(read(path));
  rot(files.begin()->first, 70, 3);
  io::posix().remove_file(std::next(files.begin())->first);
  const Outcome scrub = shelf.run({"--json", "scrub", "A"});
  CHECK(scrub.exit_code == 4);
  CHECK(objects(scrub.out, "drive_finding").size() == 2);
  shelf.must({"repair", "A"});
  std::size_t i = 0;
  for (const auto& [path, stat] : files_below(seals)) CHECK(read(path) == texts.at(i++));
  CHECK(i == 3);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

}  // namespace darkshelf::testing
