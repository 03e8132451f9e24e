// Where a repair does its work: how much room it wants, and which folders it takes.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

void fill_up(const io::Path& mount_point, std::uint64_t leave) {
  const std::uint64_t free = io::posix().space(mount_point).free;
  REQUIRE(run_process({"fallocate", "-l", std::to_string(free - leave), (mount_point / "filler").string()}).exit_code ==
          0);
}

}  // namespace

TEST_CASE("repair: a small one needs little room, and where even that is missing, room is what is asked for") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.shoots().parent_path(), "A", std::uint64_t{96} << 20);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", "A"});
  shelf.must(shelf.seal_command({"A"}));
  const auto tree = shelf.volume_tree("A");
  rot(files_below(shelf.volumes("A").front() / "data").begin()->first, 5000, 100);
  SECTION("3 MiB are enough") {
    fill_up(drive.mount_point(), std::uint64_t{3} << 20);
    shelf.must({"repair", "A"});
    CHECK(shelf.volume_tree("A") == tree);
  }
  SECTION("with its journal elsewhere, 400 KiB are") {
    fill_up(drive.mount_point(), 400 << 10);
    CHECK(shelf.run({"repair", "A"}).err.find("--work DIR") != std::string::npos);
    const Outcome repair = shelf.run({"repair", "A", "--work", shelf.path("work").string()});
    INFO(repair.out << repair.err);  // the copy of the catalog may find no room
    CHECK(repair.out.find("repaired 2026/") != std::string::npos);
    CHECK(shelf.volume_tree("A") == tree);
  }
  SECTION("64 KiB are not, wherever the journal is") {
    const bool kept = GENERATE(false, true);
    if (kept) make_file(drive.mount_point() / "darkshelf" / "quarantine" / "2020-01-01_a" / "x", 100'000, 1);
    fill_up(drive.mount_point(), 64 << 10);
    const Outcome full = shelf.run({"repair", "A", "--work", shelf.path("work").string()});
    INFO(full.out << full.err);
    CHECK(full.exit_code == 1);
    CHECK(full.err.find("--work") == std::string::npos);
    CHECK(full.err.find("wherever its journal is") != std::string::npos);
    CHECK(full.err.find(kept ? "darkshelf repair A --discard" : "darkshelf copy A --to ANOTHER-DRIVE") !=
          std::string::npos);
    CHECK(io::posix().list(shelf.path("work")).empty());
  }
}

TEST_CASE("repair: a work folder that cannot be used is told as that, whatever the damage is") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  rot(files_below(shelf.volumes("A").front() / "data").begin()->first, 5000, 100);
  make_file(shelf.path("file"), 10, 1);
  const std::string works[] = {(shelf.path("file") / "x").string(), shelf.path("file").string(), "/proc/nope"};
  const std::string& work = works[GENERATE(0, 1, 2)];
  const Outcome repair = shelf.run({"repair", "A", "--work", work});
  INFO(work << "\n" << repair.out << repair.err);
  CHECK(repair.exit_code == 2);
  CHECK(repair.err.find("--work DIR") != std::string::npos);
  CHECK(repair.out.find("restore") == std::string::npos);
}

TEST_CASE("repair: the journal lies in no archive") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  rot(files_below(shelf.volumes("A").front() / "data").begin()->first, 5000, 100);
  const auto before = shelf.volume_tree("A");
  io::posix().make_symlink((shelf.path("B") / "darkshelf").string(), shelf.path("link"));
  const io::Path works[] = {shelf.volumes("A").front() / "work", shelf.path("A") / "darkshelf" / "work",
                            shelf.path("B") / "darkshelf", shelf.path("link") / "work", shelf.volumes("B").front()};
  const io::Path& work = works[GENERATE(0, 1, 2, 3, 4)];
  const Outcome repair = shelf.run({"repair", "A", "--work", work.string()});
  INFO(work << "\n" << repair.out << repair.err);
  CHECK(repair.exit_code == 2);
  CHECK(repair.err.find("give a folder outside of it") != std::string::npos);
  CHECK(shelf.volume_tree("A") == before);
  const Outcome via = shelf.run({"copy", "A", "--to", "B", "--via", work.string()});
  CHECK(via.exit_code == 2);
  CHECK(via.err.find("restore") == std::string::npos);
}

}  // namespace darkshelf::testing
