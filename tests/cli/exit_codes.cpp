// Every exit code of docs/scripting.md by a situation in which a person meets it, and which one is returned when
// several apply.

#include <fmt/format.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "support/damage.hpp"
#include "support/process.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {
namespace {

Outcome expect(ProgramShelf& shelf, int exit_code, const std::vector<std::string>& command,
               const std::map<std::string, std::string>& environment = {}) {
  Outcome outcome = shelf.run(command, environment);
  INFO(fmt::format("darkshelf {}\n{}{}", fmt::join(command, " "), outcome.out, outcome.err));
  CHECK(outcome.signal == 0);
  CHECK(outcome.exit_code == exit_code);
  return outcome;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

io::Path payload_of(const io::Path& volume) {
  for (const io::Entry& entry : io::posix().list(volume / "data")) {
    if (entry.name.ends_with(".tar")) return volume / "data" / entry.name;
  }
  return {};
}

/// Folders within folders, more than are sealed.
void make_too_deep(io::Path folder) {
  for (int i = 0; i < 205; ++i) folder /= "f";
  make_file(folder / "DEEP.JPG", 100, 3);
}

}  // namespace

TEST_CASE("exit code 0: good, damage that was mended, and a time that was used up") {
  ProgramShelf shelf({"A", "B"});
  expect(shelf, 0, shelf.seal_command({"A", "B"}));
  expect(shelf, 0, {"scrub", "A", "--for", "1s"});
  shelf.damage("A");
  expect(shelf, 0, {"restore", "harbour", "--to", shelf.path("back").string(), "--from", "A"});
  expect(shelf, 0, {"repair", "A"});
  expect(shelf, 0, {"scrub", "A"});
}

TEST_CASE("exit code 1: nothing found, and one of several drives failed") {
  ProgramShelf shelf({"A", "B"});
  make_file(shelf.path("B") / "darkshelf" / ".incoming", 10, 1);  // a file where the half-made volumes go
  const Outcome seal = expect(shelf, 1, shelf.seal_command({"A", "B"}));
  CHECK(has(seal.err, "B: "));
  CHECK(has(seal.err, "→"));
  CHECK(shelf.volumes("A").size() == ProgramShelf::kVolumes);
  CHECK(shelf.volumes("B").empty());
  expect(shelf, 1, {"find", "nothing like it"});
  io::posix().remove_file(shelf.path("B") / "darkshelf" / ".incoming");
  expect(shelf, 0, shelf.seal_command({"A", "B"}));
  CHECK(shelf.volumes("B").size() == ProgramShelf::kVolumes);
}

TEST_CASE("exit code 1: a drive of a newer format, named by its path and by its label") {
  ProgramShelf shelf({"A"});
  expect(shelf, 0, shelf.seal_command({"A"}));
  const io::Path identity = shelf.path("A") / "darkshelf" / "drive.json";
  std::string text = io::read_text(io::posix(), identity, 1 << 16);
  text.replace(text.find("\"format\": 1"), 11, "\"format\": 9");
  io::posix().remove_file(identity);
  io::posix().create(identity)->write_at(0, core::as_bytes(text));
  const Outcome by_path = expect(shelf, 1, {"scrub", shelf.path("A").string()});
  const Outcome by_label = expect(shelf, 1, {"scrub", "A"});
  CHECK(has(by_path.err, "later darkshelf"));
  CHECK(by_path.err == by_label.err);
}

TEST_CASE("exit code 2: wrong usage, and no catalog") {
  ProgramShelf shelf({"A"});
  expect(shelf, 2, {"scrub"});
  shelf.lose_catalog();
  const Outcome none = expect(shelf, 2, {});
  CHECK(has(none.err, "darkshelf catalog recover PATH"));
}

TEST_CASE("exit code 3: finished, but not all could be read, and what is new was not sealed") {
  ProgramShelf shelf({"A"});
  make_too_deep(shelf.shoots() / "2026-09-01_harbour");
  const Outcome seal = expect(shelf, 3, shelf.seal_command({"A"}));
  CHECK(has(seal.out, "sealed and read back"));
  CHECK(has(seal.err, "deep"));
  make_file(shelf.shoots() / "2026-09-01_harbour" / "NEW.JPG", 100, 9);
  const Outcome again = expect(shelf, 3, shelf.seal_command({"A"}));
  CHECK(has(again.out, "--update"));
}

TEST_CASE("exit codes 4 and 5: damage that can be repaired here, and damage that cannot") {
  ProgramShelf shelf({"A"});
  expect(shelf, 0, shelf.seal_command({"A"}));
  shelf.keep();
  rot(payload_of(shelf.volumes("A").front()), 5'000, 50);
  CHECK(has(expect(shelf, 4, {"scrub", "A"}).out, "Next: darkshelf repair A"));
  // It is told under the name it has now.
  expect(shelf, 0, {"shoot", "rename", "wedding", "Anna and Paul"});
  CHECK(has(expect(shelf, 4, {"scrub", "A"}).out, "photos in Anna and Paul; repairable"));
  // Both kinds at once: the worse one is told.
  cut(payload_of(shelf.volumes("A").back()), 5'000);
  expect(shelf, 5, {"scrub", "A"});
  expect(shelf, 5, {"repair", "A"});
  // Damaged recovery data alone counts too.
  shelf.back();
  for (const io::Entry& entry : io::posix().list(shelf.volumes("A").front())) {
    if (entry.name.find(".vol") != std::string::npos) rot(shelf.volumes("A").front() / entry.name, 3'000, 10);
  }
  expect(shelf, 4, {"scrub", "A"});
  expect(shelf, 0, {"repair", "A"});
}

TEST_CASE("exit code 6: the policy is not met") {
  ProgramShelf shelf({"A"});
  expect(shelf, 0, {"status"});  // nothing is sealed, so nothing lacks
  expect(shelf, 0, shelf.seal_command({"A"}));
  expect(shelf, 6, {"status"});
}

TEST_CASE("exit code 7: not plugged in, and not the drive it claims to be") {
  ProgramShelf shelf({"A"});
  expect(shelf, 0, shelf.seal_command({"A"}));
  io::posix().rename(shelf.path("A"), shelf.path("away"));
  expect(shelf, 7, {"scrub", "A"});
  expect(shelf, 7, {"restore", "harbour", "--to", shelf.path("back").string()});
  expect(shelf, 7, {"scrub", shelf.path("shoots").string()});
}

TEST_CASE("exit code 8: the catalog or the drive is in use, and says by whom") {
  ProgramShelf shelf({"A"});
  expect(shelf, 0, shelf.seal_command({"A"}));
  const auto hold = [&](const io::Path& lock, const std::vector<std::string>& arguments) {
    std::vector<std::string> command = {"flock", lock.string(), DARKSHELF_EXECUTABLE, "--catalog",
                                        shelf.path("catalog.db").string()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const ProcessResult result = run_process(command);
    INFO(fmt::format("{}", fmt::join(arguments, " ")) << "\n" << result.out << result.err);
    CHECK(result.exit_code == 8);
    CHECK(has(result.err, "is in use by"));
    CHECK(has(result.err, "→"));
  };
  hold(shelf.path("catalog.db.lock"), {"scrub", "A"});
  hold(shelf.path("catalog.db.lock"), {"scrub", "no such drive"});  // in use stands before all that was not looked at
  hold(shelf.path("A") / "darkshelf" / ".lock", {"scrub", "A"});
}

TEST_CASE("exit code 130: Ctrl-C stops cleanly, and the same command goes on") {
  ProgramShelf shelf({"A", "B"});
  const std::map<std::string, std::string> ctrl_c = {{"DARKSHELF_STOP_SIGNAL", std::to_string(SIGINT)}};
  const auto at = [&](const char* step) {
    auto environment = ctrl_c;
    environment["DARKSHELF_STOP_AT"] = step;
    return environment;
  };
  for (const char* step : {"seal.planned", "seal.recorded"}) {
    CAPTURE(step);
    const auto command = shelf.seal_command({"A", "B"});
    const Outcome stopped = expect(shelf, 130, command, at(step));
    CHECK(has(stopped.err, "to go on, type the same command again: darkshelf"));
    CHECK(has(stopped.err, "2026-09-01_harbour"));
    shelf.require_whole_seals();
    CHECK(shelf.leftovers("A").empty());
  }
  CHECK(has(expect(shelf, 0, {}).out, "Interrupted: sealing"));
  expect(shelf, 0, shelf.seal_command({"A", "B"}));
  CHECK(shelf.volumes("A").size() == ProgramShelf::kVolumes);
  CHECK(shelf.seals("A") == shelf.seals("B"));

  // Damage that was seen already does not count against being interrupted.
  shelf.damage("A");
  expect(shelf, 130, {"scrub", "A"}, at("scrub.volume-read"));
  const Outcome full = expect(shelf, 130, {"check", "A", "--full", "--memory", "1GiB"}, at("scrub.volume-read"));
  CHECK(has(full.err, "to go on, type this: darkshelf"));
  CHECK(has(full.err, "check A --memory 1GiB"));  // --full would begin anew
  expect(shelf, 4, {"scrub", "A"});
}

TEST_CASE("exit codes: of several at once the first of 130, 8, 7, 2, 1, 5, 4, 3, 6") {
  ProgramShelf shelf({"A", "B"});
  make_too_deep(shelf.shoots() / "2026-09-01_harbour");
  make_file(shelf.path("B") / "darkshelf" / ".incoming", 10, 1);
  expect(shelf, 1, shelf.seal_command({"A", "B"}));  // 1 and 3
  io::posix().remove_file(shelf.path("B") / "darkshelf" / ".incoming");
  expect(shelf, 0, {"copy", "harbour", "--to", "B"});

  // 1 and 5: something else stands where a photo belongs, and other photos are lost.
  const io::Path back = shelf.path("back");
  shelf.keep();
  for (const char* drive : {"A", "B"}) {
    for (const io::Path& volume : shelf.volumes(drive)) {
      if (has(volume.string(), "harbour")) zero(payload_of(volume), 30'000, 100'000);
    }
  }
  const Outcome lost = expect(shelf, 5, {"restore", "harbour", "--to", back.string()});
  CHECK(has(lost.out, "Lost"));
  io::remove_tree(io::posix(), back);
  make_file(back / "2026-09-01_harbour" / "DSC00006.JPG", 10, 1);
  const Outcome both = expect(shelf, 1, {"restore", "harbour", "--to", back.string()});
  CHECK(has(both.out, "Lost"));
  CHECK(has(both.out, "Not overwritten"));

  // 7 and 5: one volume cannot be read, the other's drive is away.
  shelf.back();
  for (const io::Path& volume : shelf.volumes("B")) cut(payload_of(volume), 3'000);
  io::posix().make_dir(shelf.path("C"));
  expect(shelf, 0, {"drive", "add", shelf.path("C").string(), "--label", "C"});
  io::posix().rename(shelf.path("A"), shelf.path("away"));
  const Outcome copy = expect(shelf, 7, {"copy", "harbour", "wedding", "--to", "C"});
  CHECK(has(copy.err, "no drive that holds it is plugged in"));
  CHECK(has(copy.err, "recovery slices are sound"));
}

}  // namespace darkshelf::testing
