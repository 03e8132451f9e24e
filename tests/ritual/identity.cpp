// Drives that are not what or where they are taken to be: swapped, copied, of somebody else, half made, of a later
// darkshelf, or back although they were away.

#include <catch2/catch.hpp>
#include <fstream>

#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
const std::string kHarbour = "2026-09-01_harbour";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Refused with this exit code, these words, and a way on.
void refused(const Outcome& outcome, int exit_code, const std::vector<std::string>& words) {
  INFO(outcome.out << outcome.err);
  CHECK(outcome.exit_code == exit_code);
  CHECK(has(outcome.err, "    → "));
  for (const std::string& word : words) {
    INFO(word);
    CHECK(has(outcome.err, word));
  }
}

void replace_in(const io::Path& file, const std::string& from, const std::string& to) {
  std::string text = io::read_text(io::posix(), file, 1 << 20);
  REQUIRE(text.find(from) != std::string::npos);
  text.replace(text.find(from), from.size(), to);
  std::ofstream(file.string()) << text;
}

std::string state_of(ProgramShelf& shelf, const std::string& label) {
  return object(shelf.run({"--json", "show", label}).out, "drive_details").at("state");
}

int counting(ProgramShelf& shelf) { return object(shelf.run({"--json", "status"}).out, "shoot_status").at("copies"); }

/// Byte by byte, as `dd` copies a disk: the file system's id is the same. Both are plugged in afterwards.
struct Twins {
  ProgramShelf shelf{{}};
  LoopDrive a{shelf.shoots().parent_path(), "A", 64 * kMiB}, b{shelf.shoots().parent_path(), "B", 64 * kMiB};

  Twins() {
    shelf.must({"drive", "add", a.mount_point().string(), "--label", "A"});
    shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
    a.unplug();
    b.unplug();
    REQUIRE(run_process({"cp", "--sparse=always", a.image().string(), b.image().string()}).exit_code == 0);
  }
};

}  // namespace

TEST_CASE("identity: two drives that changed places are themselves, and whoever names a path is told") {
  const bool mounted = GENERATE(false, true);
  if (mounted) {
    if (const auto why = LoopDrive::unavailable()) return skip(*why);
    ProgramShelf shelf({});
    LoopDrive a(shelf.shoots().parent_path(), "A", 64 * kMiB), b(shelf.shoots().parent_path(), "B", 64 * kMiB);
    for (const char* label : {"A", "B"}) shelf.must({"drive", "add", shelf.path(label).string(), "--label", label});
    shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
    const std::string pa = a.mount_point().string(), pb = b.mount_point().string(),
                      aside = shelf.path("aside").string();
    io::posix().make_dir(aside);
    for (const auto& [from, to] : {std::pair(pa, aside), std::pair(pb, pa), std::pair(aside, pb)})
      REQUIRE(run_process({"mount", "--move", from, to}).exit_code == 0);
    const Outcome path = shelf.run({"scrub", pa});
    INFO(path.out << path.err);
    CHECK(path.exit_code == 0);
    CHECK(has(path.err, pa + " is B now; at the last visit A was there."));
    CHECK(has(shelf.run({"scrub", "A"}).out, "on A"));
    CHECK_FALSE(has(shelf.run({"scrub", pa}).err, "at the last visit"));
    for (const auto& [from, to] : {std::pair(pa, aside), std::pair(pb, pa), std::pair(aside, pb)})
      REQUIRE(run_process({"mount", "--move", from, to}).exit_code == 0);
  } else {
    ProgramShelf shelf({"A", "B"});
    shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
    io::posix().rename(shelf.path("A"), shelf.path("aside"));
    io::posix().rename(shelf.path("B"), shelf.path("A"));
    // A is nowhere; where it was lies another.
    refused(shelf.run({"scrub", "A"}), 7, {"A is not plugged in.", " lies B now."});
    io::posix().rename(shelf.path("aside"), shelf.path("B"));
    CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
    CHECK(shelf.run({"scrub", "B"}).exit_code == 0);
  }
}

TEST_CASE("identity: a byte-exact copy beside its original is refused by every name, until it is a drive of its own") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  Twins twins;
  ProgramShelf& shelf = twins.shelf;
  twins.a.plug();
  twins.b.plug();
  const std::string pa = twins.a.mount_point().string(), pb = twins.b.mount_point().string();
  for (const std::string& name : {std::string("A"), pa, pb}) {
    refused(shelf.run({"scrub", name}), 7, {"two media claim to be A", pa, pb, "--as copy --label NEW"});
    refused(shelf.run({"drive", "eject", name}), 7, {"two media claim to be A"});
  }
  refused(shelf.run({"catalog", "recover", pa, pb}, {}, shelf.path("new.db")), 7, {"two media claim to be one drive"});
  refused(shelf.run({"drive", "add", pb, "--label", "B"}), 7, {"another medium", "--clone-of A"});
  refused(shelf.run({"drive", "accept", pb, "--as", "moved"}), 7, {"two media claim to be A", "unplug "});
  refused(shelf.run({"drive", "accept", pb, "--as", "moved", "--label", "B"}), 2, {"keeps its label"});
  refused(shelf.run({"drive", "accept", pb, "--as", "copy", "--label", "A"}), 2, {"a drive is called"});
  SECTION("by accepting it") { shelf.must({"drive", "accept", pb, "--as", "copy", "--label", "B"}); }
  SECTION("by adding it") {
    shelf.must({"place", "add", "bank", "--offsite"});
    const Outcome added =
        shelf.run({"--json", "drive", "add", pb, "--label", "B", "--clone-of", "A", "--place", "bank", "--note", "dd"});
    INFO(added.out << added.err);
    CHECK(added.exit_code == 0);
    CHECK(object(added.out, "drive_added").at("place") == "bank");
    CHECK(object(added.out, "drive_added").at("note") == "dd");
  }
  CHECK(counting(shelf) == 1);  // nobody has read it yet
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
  CHECK(shelf.run({"scrub", "B"}).exit_code == 0);
}

TEST_CASE("identity: a byte-exact copy that is seen alone passes for the drive, and is found out beside it") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  Twins twins;
  twins.b.plug();
  // Nothing on it or below it tells; a disk with a serial number would.
  CHECK(twins.shelf.run({"scrub", "A"}).exit_code == 0);
  refused(twins.shelf.run({"drive", "accept", twins.b.mount_point().string(), "--as", "copy", "--label", "B"}), 7,
          {"looks like A itself", "plug in both"});
  twins.a.plug();
  refused(twins.shelf.run({"scrub", "A"}), 7, {"two media claim to be A"});
}

TEST_CASE("identity: the drive itself is not taken for its copy where the two differ") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive a(shelf.shoots().parent_path(), "A", 64 * kMiB), b(shelf.shoots().parent_path(), "B", 96 * kMiB);
  const std::string pa = a.mount_point().string(), pb = b.mount_point().string();
  shelf.must({"drive", "add", pa, "--label", "A"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
  REQUIRE(run_process({"cp", "-a", pa + "/.", pb}).exit_code == 0);
  refused(shelf.run({"drive", "accept", pa, "--as", "copy", "--label", "X"}), 7,
          {pa + " is A itself; the copy of it is at " + pb, "darkshelf drive accept " + pb + " --as copy"});
  REQUIRE(run_process({"mount", "-o", "remount,ro", pb}).exit_code == 0);
  refused(shelf.run({"drive", "accept", pb, "--as", "copy", "--label", "X"}), 7,
          {"read-only: nothing can be accepted"});
  REQUIRE(run_process({"mount", "-o", "remount,rw", pb}).exit_code == 0);
  // Killed between the identity and the catalog, it is a drive that recover takes in.
  CHECK(shelf
            .run({"drive", "accept", pb, "--as", "copy", "--label", "X"},
                 {{"DARKSHELF_STOP_AT", "accept.identity-written"}})
            .signal == 9);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
  refused(shelf.run({"scrub", pb}), 7, {"never seen", "catalog recover " + pb});
  refused(shelf.run({"drive", "accept", pb, "--as", "copy", "--label", "X"}), 7, {"catalog recover " + pb});
  shelf.must({"catalog", "recover", pb});
  CHECK(shelf.run({"scrub", "X"}).exit_code == 4);  // its texts are still those of A
  shelf.must({"repair", "X"});
  shelf.must({"scrub", "X"});
  CHECK(counting(shelf) == 2);
}

TEST_CASE("identity: a drive of somebody else's catalog is refused everywhere, with the way in") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path mine = shelf.path("mine.db");
  REQUIRE(shelf.run({"init"}, {}, mine).exit_code == 0);
  const std::string root = shelf.path("A").string();
  for (const std::vector<std::string>& command : {std::vector<std::string>{"scrub", root},
                                                  {"repair", root},
                                                  {"drive", "eject", root},
                                                  {"drive", "show", root},
                                                  {"seal", (shelf.shoots() / kHarbour).string(), "--to", root},
                                                  {"copy", "--missing", "--to", root},
                                                  {"drive", "add", root, "--label", "X"},
                                                  {"drive", "accept", root, "--as", "moved"}}) {
    INFO(command.front() << " " << command.back());
    refused(shelf.run(command, {}, mine), 7, {"A", "darkshelf catalog recover " + root});
  }
  refused(shelf.run({"scrub", "A"}, {}, mine), 1, {"no drive is called"});
  REQUIRE(shelf.run({"catalog", "recover", root}, {}, mine).exit_code == 0);
  CHECK(shelf.run({"scrub", "A"}, {}, mine).exit_code == 0);
}

TEST_CASE("identity: a drive add or a recover that was killed is finished by the same command") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  io::posix().make_dir(shelf.path("B"));
  const std::string b = shelf.path("B").string();
  CHECK(shelf.run({"drive", "add", b, "--label", "B"}, {{"DARKSHELF_STOP_AT", "drive.identity-written"}}).signal == 9);
  const std::string identity = io::read_text(io::posix(), shelf.path("B") / "darkshelf" / "drive.json", 4096);
  refused(shelf.run({"scrub", b}), 7, {"which this catalog has never seen", "catalog recover " + b});
  refused(shelf.run({"drive", "add", b, "--label", "C"}), 7, {"or adding it was interrupted", "catalog recover " + b});
  SECTION("or by recover") {
    shelf.must({"catalog", "recover", b});
    CHECK(shelf.run({"scrub", "B"}).exit_code == 4);  // it has no texts and no catalog copy yet
    shelf.must({"repair", "B"});
  }
  SECTION("by itself") {
    shelf.must({"place", "add", "home"});
    shelf.must({"drive", "add", b, "--label", "B", "--place", "home"});
    CHECK(object(shelf.run({"--json", "show", "B"}).out, "drive_details").at("place") == "home");
    const std::string now = io::read_text(io::posix(), shelf.path("B") / "darkshelf" / "drive.json", 4096);
    CHECK(now.substr(0, now.find("created")) == identity.substr(0, identity.find("created")));  // the same id
  }
  shelf.must({"scrub", "B"});
  for (const char* step : {"recover.merged", "recover.drive-recorded", "recover.volume-recorded", "recover.ended"}) {
    INFO(step);
    const io::Path catalog = shelf.path(std::string("of-") + step + ".db");
    const std::string a = shelf.path("A").string();
    if (std::string(step) == "recover.volume-recorded") shelf.lose_catalog_copies("A");
    CHECK(shelf.run({"catalog", "recover", a}, {{"DARKSHELF_STOP_AT", step}}, catalog).signal == 9);
    CHECK_FALSE(io::posix().stat(catalog.string() + ".import"));
    CHECK(shelf.run({"catalog", "recover", a}, {}, catalog).exit_code == 0);
    CHECK(shelf.run({"catalog", "verify"}, {}, catalog).exit_code == 0);
    if (shelf.run({"scrub", "A"}, {}, catalog).exit_code == 4)  // its copies of the catalog were lost on the way
      CHECK(shelf.run({"repair", "A"}, {}, catalog).exit_code == 0);
    CHECK(shelf.run({"scrub", "A"}, {}, catalog).exit_code == 0);
  }
}

TEST_CASE("identity: a drive add that was killed at any step is finished by the same command") {
  ProgramShelf shelf({"A"});
  shelf.must({"place", "add", "home"});
  const std::string step =
      GENERATE("drive.identity-written", "drive.recorded", "refresh.copy-written", "refresh.current-written");
  CAPTURE(step);
  io::posix().make_dir(shelf.path("B"));
  const std::vector<std::string> add = {"drive", "add", shelf.path("B").string(), "--label", "B", "--place", "home"};
  REQUIRE(shelf.run(add, {{"DARKSHELF_STOP_AT", step}}).signal == 9);
  const Outcome again = shelf.run(add);
  INFO(again.out << again.err);
  CHECK(again.exit_code == 0);
  CHECK(shelf.run({"scrub", "B"}).exit_code == 0);
  CHECK(object(shelf.run({"--json", "show", "B"}).out, "drive_details").at("place") == "home");
  CHECK(shelf.run(add).exit_code == 2);  // it is there now
}

TEST_CASE("identity: what a later darkshelf wrote is left alone, with what was found and what is known") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const std::string root = shelf.path("A").string();
  SECTION("drive.json") {
    replace_in(shelf.path("A") / "darkshelf" / "drive.json", "\"format\": 1",
               "\"format\": 2,\n  \"written_by\": \"darkshelf 3.1\"");
    const auto all = shelf.volume_tree("A");
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"scrub", "A"},
          {"scrub", root},
          {"repair", "A"},
          {"drive", "eject", "A"},
          {"seal", (shelf.shoots() / kHarbour).string(), "--to", "A", "--again"},
          {"catalog", "recover", root},
          {"drive", "add", root, "--label", "X"},
          {"drive", "accept", root, "--as", "moved"}}) {
      INFO(command.front() << " " << command.back());
      refused(shelf.run(command), 1,
              {"format 2 (written by darkshelf 3.1)", "knows up to 1", "install a later darkshelf"});
    }
    CHECK(shelf.volume_tree("A") == all);
    // The others go on without it.
    CHECK(shelf.run({"scrub", "B"}).exit_code == 0);
    CHECK(shelf.run({"restore", "harbour", "--to", shelf.path("back").string()}).exit_code == 0);
  }
  SECTION("a volume") {
    const io::Path volume = shelf.path("A") / "darkshelf" / "2026" / "2026-10-10_new_abcde_1of1";
    REQUIRE(run_process({"cp", "-a", shelf.volumes("A").front().string(), volume.string()}).exit_code == 0);
    REQUIRE(run_process({"sh", "-ec",
                         "cd \"$1\"; sed -i -e 's/^Darkshelf-Format: 1/Darkshelf-Format: 2/' -e "
                         "'s/^Darkshelf-Creator: .*/Darkshelf-Creator: darkshelf 3.1/' bag-info.txt\n"
                         "h=$(sha256sum < bag-info.txt | cut -c1-64); sed -i \"s/^[0-9a-f]*  bag-info.txt\\$/$h  "
                         "bag-info.txt/\" tagmanifest-sha256.txt",
                         "sh", volume.string()})
                .exit_code == 0);
    const Outcome scrub = shelf.run({"scrub", "A"});
    INFO(scrub.out << scrub.err);
    CHECK(scrub.exit_code == 0);
    CHECK(has(scrub.out, "1 volume here is unknown to this catalog and not checked"));
    const Outcome recover = shelf.run({"catalog", "recover", root});
    INFO(recover.out << recover.err);
    CHECK(recover.exit_code == 1);
    CHECK(has(recover.err, "a volume of format 2 (written by darkshelf 3.1); this darkshelf reads up to 1"));
    CHECK(shelf.run({"inspect", (volume / "bag-info.txt").string()}).exit_code == 1);
  }
}

TEST_CASE("identity: a drive that was away and is here is told, and counts only when somebody says so") {
  ProgramShelf shelf({"A"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
  struct Case {
    std::vector<std::string> away;
    std::string state, told, back;
  };
  const std::vector<Case> cases = {
      {{"drive", "lend", "A", "--to", "Paul"},
       "lent",
       "A is lent to Paul, as far as the catalog knows",
       "darkshelf drive return A"},
      {{"drive", "mark", "A", "lost"},
       "lost",
       "A is marked lost, as far as the catalog knows, and plugged in here",
       "darkshelf drive mark A found"},
      {{"drive", "mark", "A", "retired"}, "retired", "A is marked retired", "darkshelf drive mark A found"},
      {{"drive", "mark", "A", "failed"}, "failed", "A is marked failed", "darkshelf drive mark A found"},
      {{"drive", "mark", "A", "destroyed"}, "destroyed", "A is marked destroyed", "darkshelf drive mark A found"}};
  for (const Case& one : cases) {
    INFO(one.state);
    shelf.must(one.away);
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"scrub", "A"},
          {"drive", "show", "A"},
          {"repair", "A"},
          {"restore", "harbour", "--to", shelf.path("back-" + one.state).string()}}) {
      const Outcome outcome = shelf.run(command);
      INFO(command.front() << "\n" << outcome.out << outcome.err);
      CHECK(outcome.exit_code == 0);
      CHECK(has(outcome.err, one.told));
      CHECK(has(outcome.err, "→ " + one.back));
      CHECK(outcome.err.find(one.told) == outcome.err.rfind(one.told));  // once
    }
    CHECK(has(shelf.run({"drive", "list"}).out, ", but plugged in"));
    CHECK(state_of(shelf, "A") == one.state);
    CHECK(counting(shelf) == 0);  // although it was just read from end to end
    const std::vector<std::string> back = one.state == "lent" ? std::vector<std::string>{"drive", "return", "A"}
                                                              : std::vector<std::string>{"drive", "mark", "A", "found"};
    shelf.must(back);
    CHECK(counting(shelf) == 1);
    CHECK_FALSE(has(shelf.run({"scrub", "A"}).err, "A is "));
  }
  const std::vector<Json> notes = [&] {
    shelf.must({"drive", "mark", "A", "lost"});
    return objects(shelf.run({"--json", "scrub", "A"}).out, "note");
  }();
  REQUIRE(notes.size() == 1);
  CHECK(notes.front().at("next") == "darkshelf drive mark A found");
}

TEST_CASE("identity: a read-only drive is never sent to a repair") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.shoots().parent_path(), "A", 96 * kMiB);
  const std::string root = drive.mount_point().string();
  shelf.must({"drive", "add", root, "--label", "A"});
  shelf.must(shelf.seal_command({"A"}));
  rot(files_below(shelf.volumes("A").front() / "data").begin()->first, 5000, 100);
  CHECK(shelf.run({"repair", "A"}, {{"DARKSHELF_STOP_AT", "repair.committed"}}).signal == 9);
  REQUIRE(run_process({"mount", "-o", "remount,ro", root}).exit_code == 0);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"scrub", "A"}, {"scrub", "A", "--repair"}, {"scrub", "A", "--for", "1s"}}) {
    const Outcome scrub = shelf.run(command);
    INFO(scrub.out << scrub.err);
    CHECK(scrub.exit_code == 4);
    CHECK(has(scrub.out, "An interrupted repair waits: darkshelf copy A --to ANOTHER-DRIVE"));
    CHECK(has(scrub.out, "read-only"));
    for (std::size_t at = scrub.out.find("darkshelf repair"); at != std::string::npos;
         at = scrub.out.find("darkshelf repair", at + 1)) {
      CHECK(has(scrub.out.substr(at < 60 ? 0 : at - 60, 60), "mount it for writing"));
    }
  }
}

TEST_CASE("identity: who keeps a drive busy is told when it shall be ejected") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.shoots().parent_path(), "A", 64 * kMiB);
  const io::Path root = drive.mount_point();
  shelf.must({"drive", "add", root.string(), "--label", "A"});
  const auto eject_while = [&](const std::string& script) {
    ProcessOptions options;
    options.folder = root;
    const ProcessResult result = run_process(
        {"sh", "-c", script + " & sleep 1; cd /; \"$0\" --catalog \"$1\" drive eject A; c=$?; kill $!; exit $c",
         DARKSHELF_EXECUTABLE, (shelf.path("catalog.db")).string()},
        options);
    INFO(script << "\n" << result.out << result.err);
    CHECK(result.exit_code == 8);
    return result.err;
  };
  CHECK(has(eject_while("exec sleep 30"), "sleep (pid "));
  CHECK(has(eject_while("exec sleep 30"), ") stands in it"));
  CHECK(has(eject_while("cd /; exec sleep 30 <" + (root / "darkshelf" / "drive.json").string()),
            "has darkshelf/drive.json open"));
  io::posix().make_dir(root / "inner");
  REQUIRE(run_process({"mount", "-t", "tmpfs", "none", (root / "inner").string()}).exit_code == 0);
  const Outcome inner = shelf.run({"drive", "eject", "A"});
  CHECK(inner.exit_code == 8);
  CHECK(has(inner.err, "inner is mounted inside it"));
  REQUIRE(run_process({"umount", (root / "inner").string()}).exit_code == 0);
  shelf.must({"drive", "eject", "A"});
}

}  // namespace darkshelf::testing
