// Drives that were emptied or formatted: whoever plugs them in is told what they were, and nothing is written to them.

#include <catch2/catch.hpp>

#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
const std::string kHarbour = "2026-09-01_harbour";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string unwrapped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank || !out.ends_with(' ')) out += blank ? ' ' : c;
  }
  return out;
}

int counting(ProgramShelf& shelf) { return object(shelf.run({"--json", "status"}).out, "shoot_status").at("copies"); }

}  // namespace

TEST_CASE("former drives: one that was emptied or formatted is known, and its copies count no longer") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({"X"});
  LoopDrive drive(shelf.shoots().parent_path(), "Y", 64 * kMiB);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", "Y"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "X", "--to", "Y"});
  REQUIRE(counting(shelf) == 2);
  const bool formatted = GENERATE(false, true);
  CAPTURE(formatted);
  if (formatted) {
    drive.unplug();
    REQUIRE(run_process({"mkfs.ext4", "-q", "-F", "-E", "nodiscard", drive.image().string()}).exit_code == 0);
    drive.plug();
  } else {
    io::remove_tree(io::posix(), drive.mount_point() / "darkshelf");
  }
  const std::string root = drive.mount_point().string();
  const std::vector<std::vector<std::string>> commands = {
      {"scrub", "Y"}, {"scrub", root}, {"drive", "add", root, "--label", "Z"}};
  const std::size_t first = GENERATE(0u, 1u, 2u);
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const std::vector<std::string>& command = commands[(first + i) % commands.size()];
    const Outcome outcome = shelf.run(command);
    INFO(command[0] << " " << command[1] << "\n" << outcome.out << outcome.err);
    CHECK(outcome.exit_code == 7);
    CHECK(has(unwrapped(outcome.err), "this was Y, at " + root));
    CHECK(has(unwrapped(outcome.err), "Emptied or formatted? Write nothing to it: its 1 volume may"));
    CHECK(has(unwrapped(outcome.err), "umount " + root + " && darkshelf rescue " + drive.device()));
    CHECK(counting(shelf) == 1);
  }
  CHECK_FALSE(io::posix().stat(drive.mount_point() / "darkshelf"));
  // The hint works as typed.
  REQUIRE(run_process({"umount", root}).exit_code == 0);
  const Outcome look = shelf.run({"rescue", drive.device()});
  INFO(look.out << look.err);
  CHECK(look.exit_code == 0);
  REQUIRE(run_process({"mount", drive.device(), root}).exit_code == 0);
  SECTION("who needs nothing on it says so") {
    shelf.must({"drive", "mark", "Y", "destroyed"});
    shelf.must({"drive", "add", root, "--label", "Z"});
  }
  SECTION("another disk in the same case") { shelf.must({"drive", "add", root, "--label", "Z", "--new"}); }
}

TEST_CASE("former drives: where nothing tells what a folder was, the hint thinks of it") {
  ProgramShelf shelf({"X"});
  io::posix().make_dir(shelf.path("plain"));
  const Outcome outcome = shelf.run({"scrub", shelf.path("plain").string()});
  CHECK(outcome.exit_code == 7);
  CHECK(has(outcome.err, "darkshelf drive add"));
  CHECK(has(outcome.err, "darkshelf rescue"));
}

TEST_CASE("former drives: a folder that was a drive is known by its path, and its neighbours are others") {
  ProgramShelf shelf({"X", "Y"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "X", "--to", "Y"});
  io::remove_tree(io::posix(), shelf.path("Y") / "darkshelf");
  io::posix().make_dir(shelf.path("Z"));
  shelf.must({"drive", "add", shelf.path("Z").string(), "--label", "Z"});
  const Outcome outcome = shelf.run({"drive", "add", shelf.path("Y").string(), "--label", "W"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 7);
  CHECK(has(unwrapped(outcome.err), "Emptied or formatted?"));
  CHECK(has(unwrapped(outcome.err), "was Y"));
}

TEST_CASE("former drives: one that is mounted elsewhere, or has lost its identity alone, was not emptied") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({"X"});
  LoopDrive drive(shelf.shoots().parent_path(), "Y", 64 * kMiB);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", "Y"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "X", "--to", "Y"});
  const io::Path elsewhere = shelf.path("elsewhere"), old = drive.mount_point();
  io::posix().make_dir(elsewhere);
  drive.unplug();
  REQUIRE(run_process({"mount", "-o", "loop", drive.image().string(), elsewhere.string()}).exit_code == 0);
  io::posix().remove_file(elsewhere / "darkshelf" / "drive.json");
  io::posix().remove_dir(old);  // as desktops do
  for (const std::string& named : {std::string("Y"), elsewhere.string()}) {
    const Outcome outcome = shelf.run({"scrub", named});
    INFO(outcome.out << outcome.err);
    CHECK(outcome.exit_code == 7);
    CHECK_FALSE(has(unwrapped(outcome.err), "Emptied or formatted?"));
    CHECK(counting(shelf) == 2);
  }
  REQUIRE(run_process({"umount", elsewhere.string()}).exit_code == 0);
  io::posix().make_dir(old);
}

}  // namespace darkshelf::testing
