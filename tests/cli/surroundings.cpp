// Where the catalog is looked for, the bare command in every state, and what the system refuses.

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/loop_drive.hpp"
#include "support/process.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

ProcessResult typed(const std::vector<std::string>& arguments, std::map<std::string, std::string> environment) {
  std::vector<std::string> command = {DARKSHELF_EXECUTABLE};
  command.insert(command.end(), arguments.begin(), arguments.end());
  for (const char* name : {"DARKSHELF_CATALOG", "XDG_DATA_HOME", "SUDO_USER", "HOME"})
    environment.try_emplace(name, "");
  ProcessOptions options;
  options.environment = std::move(environment);
  return run_process(command, options);
}

/// Refused with this exit code, a sentence with these words, and a way on.
void refused(const Outcome& outcome, int exit_code, const std::vector<std::string>& words) {
  INFO(outcome.out << outcome.err);
  CHECK(outcome.exit_code == exit_code);
  CHECK(outcome.err.starts_with("darkshelf: "));
  CHECK(has(outcome.err, "    → "));
  for (const std::string& word : words) {
    INFO(word);
    CHECK(has(outcome.err, word));
  }
}

}  // namespace

TEST_CASE("surroundings: the catalog is the one that was told, the person's own, and under sudo the calling user's") {
  TempDir temp;
  const auto made = [&](const std::string& name) { return io::posix().stat(temp / name).has_value(); };
  CHECK(typed({"init"}, {{"HOME", temp.path().string()}}).exit_code == 0);
  CHECK(made(".local/share/darkshelf/catalog.db"));
  CHECK(typed({"init"}, {{"HOME", temp.path().string()}, {"XDG_DATA_HOME", (temp / "xdg").string()}}).exit_code == 0);
  CHECK(made("xdg/darkshelf/catalog.db"));
  const std::map<std::string, std::string> told = {{"XDG_DATA_HOME", (temp / "xdg").string()},
                                                   {"DARKSHELF_CATALOG", (temp / "told.db").string()}};
  CHECK(typed({"init"}, told).exit_code == 0);
  CHECK(made("told.db"));
  CHECK(typed({"--catalog", (temp / "option.db").string(), "init"}, told).exit_code == 0);
  CHECK(made("option.db"));

  // A relative XDG_DATA_HOME is none.
  CHECK(typed({"init"}, {{"HOME", (temp / "home").string()}, {"XDG_DATA_HOME", "relative/xdg"}}).exit_code == 0);
  CHECK(made("home/.local/share/darkshelf/catalog.db"));
  const ProcessResult nowhere = typed({"init"}, {{"HOME", "/proc"}});
  INFO(nowhere.err);
  CHECK(nowhere.exit_code == 1);
  CHECK(has(nowhere.err, "--catalog FILE"));

  if (::geteuid() != 0) return skip("only root can be under sudo");
  const passwd* nobody = ::getpwnam("nobody");
  if (nobody == nullptr) return skip("there is no user nobody");
  std::map<std::string, std::string> sudo = {{"SUDO_USER", "nobody"}, {"XDG_DATA_HOME", (temp / "xdg").string()}};
  CHECK(has(typed({"find"}, sudo).err, std::string(nobody->pw_dir) + "/.local/share/darkshelf/catalog.db"));
  sudo["DARKSHELF_CATALOG"] = (temp / "none.db").string();
  CHECK(has(typed({"find"}, sudo).err, (temp / "none.db").string()));
}

TEST_CASE("surroundings: the bare command says in ten lines how things stand, in every state") {
  ProgramShelf shelf({});
  const auto told = [&](const std::vector<std::string>& words, int exit_code = 0) {
    const Outcome outcome = shelf.run({}, {{"COLUMNS", "80"}});
    INFO(outcome.out << outcome.err);
    CHECK(outcome.exit_code == exit_code);
    const std::string all = outcome.out + outcome.err;
    CHECK(std::count(all.begin(), all.end(), '\n') <= 10);
    for (const std::string& word : words) {
      INFO(word);
      CHECK(has(all, word));
    }
  };
  told({"darkshelf catalog recover PATH", "darkshelf init"}, 2);
  shelf.must({"init"});
  told({"0 shoots", "Next: darkshelf drive add PATH --label LABEL"});
  for (const char* drive : {"A", "B", "C", "D", "E"}) {
    io::posix().make_dir(shelf.path(drive));
    shelf.must({"drive", "add", shelf.path(drive).string(), "--label", drive});
  }
  told({"5 drives", "Next: darkshelf seal SHOOT --to DRIVE --to DRIVE"});
  CHECK(shelf.run(shelf.seal_command({"A"}), {{"DARKSHELF_STOP_AT", "seal.recorded"}}).signal == 9);
  told({"Interrupted: sealing", "The same seal command goes on"});
  shelf.must(shelf.seal_command({"A", "B", "C", "D", "E"}));
  told({"2 shoots, 12 photos, 5 drives.", "with one good copy or none", "Next: darkshelf copy --missing --to DRIVE"});

  // Everything at once: overdue, damaged, interrupted, below the policy.
  shelf.damage("A");
  CHECK(shelf.run({"scrub", "A"}).exit_code == 4);
  told({"Damage was found: darkshelf repair A", "Next: darkshelf repair A"});
  shelf.must({"policy", "set", "scrub-every=1s", "grace=1y"});
  make_file(shelf.shoots() / "2026-12-12_new" / "X.JPG", 9'000, 1);
  CHECK(shelf
            .run({"seal", (shelf.shoots() / "2026-12-12_new").string(), "--to", "B"},
                 {{"DARKSHELF_STOP_AT", "seal.planned"}})
            .signal == 9);
  ::sleep(2);
  shelf.must({"work", "add", shelf.shoots().string()});
  told({"Check due: ", " and 1 more: darkshelf due", "Interrupted", "Damage was found",
        "Not on the shelf yet: 1 shoot, ", "Next: "});
  // Litter is no damage.
  shelf.must({"repair", "A"});
  make_file(shelf.path("A") / "darkshelf" / ".DS_Store", 10, 1);
  shelf.must({"scrub", "A"});
  CHECK_FALSE(has(shelf.run({}).out, "Damage"));
  CHECK_FALSE(has(shelf.run({"drive", "show", "A"}).out, "Damage"));
  // Unplugged.
  for (const char* drive : {"A", "B", "C", "D", "E"})
    io::posix().rename(shelf.path(drive), shelf.path(drive + std::string("-away")));
  told({"5 drives", "Next: darkshelf check"});
}

TEST_CASE("surroundings: a lock that cannot be taken says why and what helps") {
  ProgramShelf shelf({"A"});
  const io::Path lock = shelf.path("catalog.db.lock");
  io::posix().remove_file(lock);
  io::posix().make_symlink("elsewhere", lock);
  refused(shelf.run({"place", "add", "home"}), 1, {"catalog.db.lock", "a link stands"});
  io::posix().remove_file(lock);
  io::posix().make_dir(lock);
  refused(shelf.run({"place", "add", "home"}), 1, {"catalog.db.lock", "a folder stands"});
  io::posix().remove_dir(lock);
  shelf.must({"place", "add", "home"});

  if (::geteuid() != 0 || !has_program("setpriv")) return skip("only root can become somebody else");
  const auto as_nobody = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> command = {"setpriv",
                                        "--reuid=65534",
                                        "--regid=65534",
                                        "--clear-groups",
                                        DARKSHELF_EXECUTABLE,
                                        "--catalog",
                                        shelf.path("catalog.db").string()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const ProcessResult result = run_process(command);
    return Outcome{result.exit_code, result.signal, result.out, result.err};
  };
  io::posix().set_mode(shelf.shoots().parent_path().parent_path(), 0755);
  if (as_nobody({"--version"}).exit_code != 0) return skip("nobody may not run the program here");
  refused(as_nobody({"place", "add", "studio"}), 1, {"catalog.db.lock", "Permission denied", "sudo"});
  io::posix().set_mode(shelf.path("catalog.db"), 0600);
  refused(as_nobody({"find"}), 1, {"cannot be read or written", "see whose it is"});
}

TEST_CASE("surroundings: room and read-only media are told before anything is written") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  LoopDrive small(shelf.path("."), "small", 20 << 20), other(shelf.path("."), "other", 64 << 20);
  const std::string root = small.mount_point().string();
  shelf.must({"drive", "add", root, "--label", "small"});
  refused(shelf.run({"copy", "A", "--to", "small"}), 1, {"no room for 3 volumes on small", "needed", "free"});
  CHECK_FALSE(io::posix().stat(small.mount_point() / "darkshelf" / "2026"));
  CHECK_FALSE(io::posix().stat(small.mount_point() / "darkshelf" / ".incoming"));
  refused(shelf.run(shelf.seal_command({"small"})), 1, {"no room", "needed", "free"});

  REQUIRE(run_process({"mount", "-o", "remount,ro", root}).exit_code == 0);
  refused(shelf.run({"copy", "A", "--to", "small"}), 7, {"small", "is read-only", "mount it for writing"});
  refused(shelf.run({"seal", (shelf.shoots() / "2026-09-01_harbour").string(), "--to", "small"}), 7,
          {"is read-only", "mount it for writing"});
  refused(shelf.run({"restore", "harbour", "--to", (small.mount_point() / "back").string()}), 1,
          {"Read-only file system", "mount it for writing"});

  const io::Path catalog = other.mount_point() / "catalog.db";
  REQUIRE(shelf.run({"init"}, {}, catalog).exit_code == 0);
  REQUIRE(run_process({"mount", "-o", "remount,ro", other.mount_point().string()}).exit_code == 0);
  refused(shelf.run({"place", "add", "home"}, {}, catalog), 1, {"Read-only file system", "mount it for writing"});
  refused(shelf.run({"drive", "add", other.mount_point().string(), "--label", "other"}), 7,
          {"is read-only", "mount it for writing"});
}

TEST_CASE("surroundings: what the environment says and nobody understands is told with its name") {
  ProgramShelf shelf({"A"});
  for (const char* nonsense : {"soon", "-1", "5 minutes"})
    refused(shelf.run({"scrub", "A"}, {{"DARKSHELF_ANSWER_WITHIN", nonsense}}), 2,
            {"DARKSHELF_ANSWER_WITHIN", "is no number of seconds", "unset DARKSHELF_ANSWER_WITHIN"});
  refused(shelf.run({"scrub", "A"}, {{"DARKSHELF_LOOK_FIRST_ABOVE", "much"}}), 2,
          {"DARKSHELF_LOOK_FIRST_ABOVE", "much", "unset DARKSHELF_LOOK_FIRST_ABOVE"});
}

TEST_CASE("surroundings: recover and merge say what the thing they were given is") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string root = shelf.path("A").string();
  refused(shelf.run({"catalog", "merge", "/etc/passwd"}), 1,
          {"/etc/passwd is not a catalog of darkshelf", "name another machine's catalog"});
  refused(shelf.run({"catalog", "merge", "/etc"}), 1, {"/etc is no file", "name another machine's catalog"});
  refused(shelf.run({"catalog", "merge", "/nowhere"}), 1, {"there is no /nowhere", "name another machine's catalog"});
  const io::Path half = shelf.path("half.db");
  REQUIRE(run_process({"cp", shelf.path("catalog.db").string(), half.string()}).exit_code == 0);
  cut(half, 9'000);
  const Outcome damaged = shelf.run({"catalog", "merge", half.string()});
  refused(damaged, 1, {"half.db", "name another machine's catalog"});
  CHECK_FALSE(has(damaged.err, "move it away"));

  refused(shelf.run({"catalog", "recover", "/nowhere"}), 1, {"there is no folder /nowhere", "plug the drive in"});
  refused(shelf.run({"catalog", "recover", "/etc"}), 7, {"/etc is no archive drive", "where the drive is mounted"});
  refused(shelf.run({"catalog", "recover", (shelf.path("A") / "darkshelf" / "2026").string()}), 7,
          {"is no archive drive", "→ darkshelf catalog recover " + root});
  refused(shelf.run({"catalog", "recover", shelf.path("catalog.db").string()}), 7,
          {"is a file, and no archive drive", "→ darkshelf catalog merge"});
  io::posix().remove_file(shelf.path("A") / "darkshelf" / "drive.json");
  shelf.lose_catalog_copies("A");  // with one it is taken in
  refused(shelf.run({"catalog", "recover", root}), 7, {"an archive lies in", "→ darkshelf drive accept"});
}

}  // namespace darkshelf::testing
