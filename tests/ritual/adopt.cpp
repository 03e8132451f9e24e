// Drives that are full already: taken in as they are, through the program.

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
const std::string kWedding = "2026-06-14_müller-wedding", kHarbour = "2026-09-01_harbour";

/// The two shoots in a folder of their year, a loose file, an empty one, and what macOS leaves.
void fill(const ProgramShelf& shelf, const io::Path& root) {
  io::posix().make_dirs(root / "2026");
  for (const std::string& shoot : {kWedding, kHarbour}) {
    const ProcessResult copied =
        run_process({"cp", "-r", "--preserve=timestamps", (shelf.shoots() / shoot).string(), (root / "2026").string()});
    REQUIRE(copied.exit_code == 0);
  }
  make_file(root / "notes.txt", 300, 77);
  make_file(root / "empty.txt", 0, 1);
  make_file(root / ".DS_Store", 100, 5);
}

void replace(const io::Path& path, std::size_t bytes, std::uint64_t seed) {
  io::posix().remove_file(path);
  make_file(path, bytes, seed);
}

std::map<std::string, std::string> tree_of(const io::Path& root) {
  std::map<std::string, std::string> tree;
  for (const auto& [path, stat] : files_below(root))
    tree[path.string()] = std::to_string(stat.bytes) + " " + std::to_string(stat.mtime_ns);
  return tree;
}

std::vector<std::string> adopt_command(const io::Path& root, const std::string& label) {
  return {"--json", "adopt", root.string(), "--label", label};
}

}  // namespace

TEST_CASE("adopt: drives of every file system, mounted read-only, are taken in and nothing is written to them") {
  const std::string name = GENERATE(as<std::string>{}, "ext4", "exfat", "ntfs");
  CAPTURE(name);
  if (const auto why = LoopDrive::unavailable(name)) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.shoots().parent_path(), name, 64 * kMiB, name);
  fill(shelf, drive.mount_point());
  run_process({"mount", "-o", "remount,ro", drive.mount_point().string()});
  const auto before = tree_of(drive.mount_point());
  const Outcome adopted = shelf.run(adopt_command(drive.mount_point(), "old"));
  INFO(adopted.out << adopted.err);
  REQUIRE(adopted.exit_code == 0);
  const Json plan = object(adopted.out, "adopt_plan"), report = object(adopted.out, "adopt_report");
  CHECK(plan.at("shoots") == 2);
  CHECK(plan.at("loose_files") == 2);
  CHECK(plan.at("to_read_files") == 14);
  CHECK(report.at("photos") == 12);
  CHECK(report.at("files") == 14);
  CHECK(report.at("left_out").size() >= 1);
  CHECK(tree_of(drive.mount_point()) == before);

  drive.unplug();
  const Outcome found = shelf.run({"--json", "drive", "list"});
  CHECK(object(found.out, "drive").at("label") == "old");
  CHECK(shelf.run({"scrub", "old"}).exit_code == 7);
  drive.plug();
  const Outcome checked = shelf.run({"--json", "scrub", "old"});
  INFO(checked.out << checked.err);
  CHECK(checked.exit_code == 0);
  CHECK(object(checked.out, "adopted_check").at("files") == 14);
  const Outcome again = shelf.run(adopt_command(drive.mount_point(), "old"));
  CHECK(again.exit_code == 0);
  CHECK(object(again.out, "adopt_report").at("files_read") == 0);
  CHECK(io::posix().stat(drive.mount_point() / "darkshelf") == std::nullopt);
}

TEST_CASE("adopt: a run that is killed goes on where it was, and comes to the same") {
  ProgramShelf whole({}), cut({});
  fill(whole, whole.path("drive"));
  fill(cut, cut.path("drive"));
  const std::string step = GENERATE(as<std::string>{}, "adopt.drive-recorded", "adopt.part-read:2",
                                    "adopt.volume-recorded:2", "adopt.part-recorded:1", "adopt.part-recorded:3");
  CAPTURE(step);
  const Outcome killed = cut.run(adopt_command(cut.path("drive"), "old"), {{"DARKSHELF_STOP_AT", step}});
  REQUIRE(killed.signal == 9);
  const Outcome resumed = cut.run(adopt_command(cut.path("drive"), "old"));
  INFO(resumed.out << resumed.err);
  REQUIRE(resumed.exit_code == 0);
  const Outcome once = whole.run(adopt_command(whole.path("drive"), "old"));
  REQUIRE(once.exit_code == 0);
  for (const char* field : {"photos", "files", "shoots"})
    CHECK(object(resumed.out, "adopt_report").at(field) == object(once.out, "adopt_report").at(field));
  if (step == "adopt.part-recorded:3") CHECK(object(resumed.out, "adopt_report").at("files_read") == 0);
  CHECK(cut.run({"catalog", "verify"}).exit_code == 0);
  const Json drive = object(cut.run({"--json", "drive", "list"}).out, "drive");
  CHECK(drive.at("volumes") == object(whole.run({"--json", "drive", "list"}).out, "drive").at("volumes"));
}

TEST_CASE("adopt: run again it tells what is new, changed and gone since") {
  ProgramShelf shelf({});
  const io::Path root = shelf.path("drive");
  fill(shelf, root);
  REQUIRE(shelf.run(adopt_command(root, "old")).exit_code == 0);
  make_file(root / "2026" / kHarbour / "NEW.JPG", 5000, 900);
  io::posix().remove_file(root / "2026" / kHarbour / "DSC00001.JPG");
  replace(root / "2026" / kHarbour / "DSC00002.JPG", 22'222, 901);
  io::posix().set_mtime(root / "2026" / kHarbour / "DSC00003.JPG", 1'500'000'000'000'000'000);
  const Outcome again = shelf.run(adopt_command(root, "old"));
  INFO(again.out << again.err);
  REQUIRE(again.exit_code == 0);
  for (const Json& shoot : objects(again.out, "adopted_shoot")) {
    if (shoot.at("title") != "harbour") {
      CHECK(shoot.at("changed").empty());
      CHECK(shoot.at("new_files") == 0);
      continue;
    }
    CHECK(shoot.at("new_files") == 1);
    CHECK(shoot.at("gone") == Json::array({"2026/" + kHarbour + "/DSC00001.JPG"}));
    REQUIRE(shoot.at("changed").size() == 2);
    CHECK(shoot.at("changed")[0].at("how") == "changed");
    CHECK(shoot.at("changed")[1].at("how") == "touched");
    CHECK(shoot.at("files") == 7);
  }
  const Outcome third = shelf.run(adopt_command(root, "old"));
  CHECK(object(third.out, "adopt_report").at("files_read") == 0);
  CHECK(shelf.run({"scrub", "old"}).exit_code == 0);
}

TEST_CASE("adopt: names alone count as nothing until they are read") {
  ProgramShelf shelf({});
  const io::Path root = shelf.path("drive");
  fill(shelf, root);
  const Outcome names = shelf.run({"--json", "adopt", root.string(), "--label", "old", "--names-only"});
  INFO(names.out << names.err);
  REQUIRE(names.exit_code == 0);
  CHECK(object(names.out, "adopt_report").at("files") == 14);
  CHECK(object(names.out, "adopt_report").at("bytes_read") == 0);
  CHECK(object(shelf.run({"--json", "scrub", "old"}).out, "adopted_check").at("names_only") == 3);
  const Outcome read = shelf.run(adopt_command(root, "old"));
  REQUIRE(read.exit_code == 0);
  CHECK(object(read.out, "adopt_report").at("files_read") == 14);
  const Json check = object(shelf.run({"--json", "scrub", "old"}).out, "adopted_check");
  CHECK(check.at("names_only") == 0);
  CHECK(check.at("files") == 14);
}

TEST_CASE("adopt: a drive under another label, a label of another drive, and a folder in a drive are refused") {
  ProgramShelf shelf({"A"});
  const io::Path root = shelf.path("drive");
  fill(shelf, root);
  REQUIRE(shelf.run(adopt_command(root, "old")).exit_code == 0);
  const Outcome other = shelf.run(adopt_command(root, "new"));
  CHECK(other.exit_code == 2);
  CHECK(other.err.find("is known as old") != std::string::npos);
  io::posix().make_dir(shelf.path("more"));
  CHECK(shelf.run(adopt_command(shelf.path("more"), "old")).exit_code == 2);
  CHECK(shelf.run(adopt_command(shelf.path("more"), "A")).exit_code == 2);
  CHECK(shelf.run(adopt_command(root / "2026", "year")).exit_code == 7);
  CHECK(shelf.run(adopt_command(shelf.path("nothing"), "x")).exit_code == 1);
  const Outcome empty = shelf.run(adopt_command(shelf.path("more"), "empty"));
  CHECK(empty.exit_code == 0);
  CHECK(object(empty.out, "adopt_report").at("files") == 0);
}

TEST_CASE(
    "adopt: an archive drive's other folders are taken in, its archive is not, and an adopted one becomes an archive") {
  ProgramShelf shelf({"A"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
  fill(shelf, shelf.path("A"));
  const Outcome both = shelf.run(adopt_command(shelf.path("A"), "A"));
  INFO(both.out << both.err);
  REQUIRE(both.exit_code == 0);
  CHECK(object(both.out, "adopt_report").at("files").get<int>() >= 14);
  for (const Json& shoot : objects(both.out, "adopted_shoot")) {
    if (shoot.at("title") == "harbour") CHECK(shoot.at("known") == true);
  }
  const Outcome scrub = shelf.run({"--json", "scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 0);
  CHECK(object(scrub.out, "adopted_check").at("volumes") == 3);
  CHECK(object(scrub.out, "scrub_report").at("volumes") == 1);

  const io::Path root = shelf.path("drive");
  fill(shelf, root);
  REQUIRE(shelf.run(adopt_command(root, "old")).exit_code == 0);
  const Outcome refused = shelf.run({"seal", (shelf.shoots() / kWedding).string(), "--to", "old"});
  CHECK(refused.exit_code == 7);
  CHECK(refused.err.find("drive add") != std::string::npos);
  shelf.must({"drive", "add", root.string(), "--label", "old"});
  shelf.must({"seal", (shelf.shoots() / kWedding).string(), "--to", "old"});
  CHECK(shelf.run({"scrub", "old"}).exit_code == 0);
}

TEST_CASE("adopt: what is elsewhere, what is not, what differs, and two equal folders") {
  ProgramShelf shelf({"A"});
  const io::Path one = shelf.path("one"), two = shelf.path("two");
  fill(shelf, one);
  fill(shelf, two);
  const Outcome first = shelf.run(adopt_command(one, "one"));
  REQUIRE(first.exit_code == 0);
  CHECK(object(first.out, "standing").at("only_files") == 13);  // an empty file is nobody's loss
  replace(two / "2026" / kHarbour / "DSC00002.JPG", 20'000 + 777 * 2, 55);
  io::posix().remove_file(two / "2026" / kWedding / "raw" / "IMG_0000.CR3");
  const Outcome second = shelf.run(adopt_command(two, "two"));
  INFO(second.out << second.err);
  REQUIRE(second.exit_code == 0);
  const Json standing = object(second.out, "standing");
  CHECK(standing.at("only_files") == 1);
  CHECK(standing.at("missing_here") == 1);
  CHECK(standing.at("differs") == 1);
  const Json differing = object(second.out, "differing_file");
  CHECK(differing.at("here").at("drive") == "two");
  CHECK(differing.at("there").at("drive") == "one");
  CHECK(differing.at("here").at("path") == "2026/" + kHarbour + "/DSC00002.JPG");
  for (const Json& shoot : objects(second.out, "adopted_shoot")) CHECK(shoot.at("known") == true);

  const io::Path three = shelf.path("three");
  fill(shelf, three);
  run_process({"cp", "-a", (three / "2026").string(), (three / "backup").string()});
  const Outcome third = shelf.run(adopt_command(three, "three"));
  REQUIRE(third.exit_code == 0);
  CHECK(object(third.out, "standing").at("only_files") == 0);
  CHECK(object(third.out, "adopt_report").at("shoots") == 5);
  CHECK(object(shelf.run({"--json", "scrub", "three"}).out, "adopted_check").at("files") == 26);
}

TEST_CASE("adopt: a shoot that is sealed later keeps who it is, and comes back from an adopted drive") {
  ProgramShelf shelf({"A"});
  const io::Path root = shelf.path("drive");
  fill(shelf, root);
  const Outcome adopted = shelf.run(adopt_command(root, "old"));
  REQUIRE(adopted.exit_code == 0);
  const io::Path back = shelf.path("back");
  shelf.must({"restore", "harbour", "--to", back.string()});
  for (const auto& [path, stat] : files_below(shelf.shoots() / kHarbour)) {
    const io::Path there = back / path.lexically_relative(shelf.shoots());
    CHECK(run_process({"cmp", path.string(), there.string()}).exit_code == 0);
    CHECK(io::posix().stat(there)->mtime_ns == stat.mtime_ns);
  }
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", "A"});
  const auto found = objects(shelf.run({"--json", "find", "harbour"}).out, "shoot");
  REQUIRE(found.size() == 1);
  for (const Json& shoot : objects(adopted.out, "adopted_shoot")) {
    if (shoot.at("title") == "harbour") CHECK(found.front().at("id") == shoot.at("shoot"));
  }
  rot(root / "2026" / kHarbour / "DSC00004.JPG", 100, 5);
  const Outcome mixed = shelf.run({"restore", "harbour", "--to", shelf.path("back2").string(), "--from", "old"});
  INFO(mixed.out << mixed.err);
  CHECK(mixed.exit_code == 5);
  CHECK(files_below(shelf.path("back2")).size() == 6);
}

TEST_CASE("adopt: a folder is known by where it lies and what it holds, and asked for in doubt") {
  ProgramShelf shelf({});
  const io::Path root = shelf.path("drive"), moved = shelf.path("moved");
  fill(shelf, root);
  REQUIRE(shelf.run(adopt_command(root, "old")).exit_code == 0);
  run_process({"mv", root.string(), moved.string()});
  CHECK(shelf.run({"scrub", "old"}).exit_code == 7);
  io::posix().make_dir(root);
  make_file(root / "other.txt", 100, 3);
  const Outcome doubt = shelf.run({"scrub", "old"});
  CHECK(doubt.exit_code == 7);
  const Outcome by_path = shelf.run({"scrub", root.string()});
  CHECK(by_path.exit_code == 7);
  CHECK(by_path.err.find("drive accept") != std::string::npos);
  io::posix().remove_file(root / "other.txt");
  io::posix().remove_dir(root);
  run_process({"mv", moved.string(), root.string()});
  CHECK(shelf.run({"scrub", "old"}).exit_code == 0);
}

TEST_CASE("adopt: a shoot that was sealed since is no less safe when the adopted drive is gone") {
  const auto red_after = [](bool adopted) {
    ProgramShelf shelf({"A"});
    fill(shelf, shelf.path("drive"));
    if (adopted) REQUIRE(shelf.run(adopt_command(shelf.path("drive") / "2026", "old")).exit_code == 0);
    shelf.must({"policy", "set", "copies=1", "places=1", "offsite=0", "kinds=1"});
    shelf.must({"seal", (shelf.shoots() / kWedding).string(), (shelf.shoots() / kHarbour).string(), "--to", "A"});
    if (adopted) shelf.must({"drive", "mark", "old", "destroyed"});
    const Outcome status = shelf.run({"status"});
    INFO(status.out << status.err);
    return status.exit_code;
  };
  CHECK(red_after(true) == red_after(false));
}

TEST_CASE("adopt: PAR2 data lie beside a shoot when they are asked for, and mend it") {
  ProgramShelf shelf({});
  const io::Path root = shelf.path("drive"), photo = root / "2026" / kHarbour / "DSC00004.JPG";
  fill(shelf, root);
  const auto before = tree_of(root);
  const Outcome made = shelf.run({"--json", "adopt", root.string(), "--label", "old", "--protect"});
  INFO(made.out << made.err);
  REQUIRE(made.exit_code == 0);
  CHECK(objects(made.out, "protected").size() == 3);
  const io::Path set = root / "2026" / (kHarbour + ".darkshelf.par2");
  REQUIRE(io::posix().stat(set));
  const auto after = tree_of(root);
  for (const auto& [path, what] : before) CHECK(after.at(path) == what);
  const Outcome again = shelf.run({"--json", "adopt", root.string(), "--label", "old", "--protect"});
  CHECK(object(again.out, "adopt_report").at("files_read") == 0);
  for (const Json& one : objects(again.out, "protected")) CHECK(one.at("there") == true);
  CHECK(object(shelf.run({"--json", "scrub", "old"}).out, "adopted_check").at("added") == 0);

  rot(photo, 1000, 20);
  const Outcome bad = shelf.run({"scrub", "old"});
  CHECK(bad.exit_code == 5);
  CHECK(bad.out.find("darkshelf par2 repair") != std::string::npos);
  if (has_program("par2"))
    CHECK(run_process({"par2", "repair", "-q", set.string()}).exit_code == 0);
  else
    shelf.must({"par2", "repair", set.string()});
  io::posix().set_mtime(photo, 1'780'000'000'000'000'000);
  for (const auto& [path, stat] : files_below(shelf.shoots() / kHarbour))
    CHECK(run_process({"cmp", path.string(), (root / "2026" / path.lexically_relative(shelf.shoots())).string()})
              .exit_code == 0);
}

}  // namespace darkshelf::testing
