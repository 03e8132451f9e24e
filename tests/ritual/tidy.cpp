// What macOS and Windows leave on a drive: told once as harmless, removed on demand, and nothing else with it.

#include <catch2/catch.hpp>
#include <fstream>
#include <set>

#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void write(const io::Path& path, const std::string& text) {
  io::posix().make_dirs(path.parent_path());
  std::ofstream(path.string()) << text;
}

const std::string kApple("\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ", 24);

/// What a Mac and a Windows machine leave within an hour; 8 entries.
void leave_litter(ProgramShelf& shelf, const std::string& drive) {
  const io::Path root = shelf.path(drive) / "darkshelf", volume = shelf.volumes(drive).front();
  write(root / ".DS_Store", "Bud1");
  write(root / "._START-HERE.txt", kApple);
  write(root / "catalog" / "._CURRENT", kApple);
  write(root / "seals" / "Thumbs.db", "x");
  write(volume / "desktop.ini", "[.ShellClassInfo]");
  write(volume / "data" / "._x.tar", kApple);
  write(root / "System Volume Information" / "WPSettings.dat", "12345678");
  write(volume.parent_path() / "$RECYCLE.BIN" / "S-1-5" / "$I1.CR3", "x");
}

std::set<std::string> removed_paths(const std::string& out) {
  std::set<std::string> paths;
  for (const Json& one : objects(out, "tidied")) {
    if (one.at("removed") == true) paths.insert(one.at("path").get<std::string>());
  }
  return paths;
}

}  // namespace

TEST_CASE("tidy: litter is told once with a count, and only what is new later") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  leave_litter(shelf, "A");
  io::posix().make_dir(shelf.path("A") / "darkshelf" / "lost+found");  // the file system's own
  const Outcome first = shelf.run({"scrub", "A"});
  INFO(first.out << first.err);
  CHECK(first.exit_code == 0);
  CHECK(has(first.err,
            "8 files left by macOS or Windows in darkshelf/ on A: harmless. To remove them: darkshelf repair A "
            "--tidy"));
  CHECK_FALSE(has(first.out + first.err, ".DS_Store"));
  CHECK_FALSE(has(first.out + first.err, "lost+found"));
  const Outcome second = shelf.run({"scrub", "A"});
  CHECK_FALSE(has(second.out + second.err, "macOS"));
  write(shelf.path("A") / "darkshelf" / "keys" / ".DS_Store", "Bud1");
  CHECK(has(shelf.run({"scrub", "A"}).err, "1 new file left by macOS"));
  const Json report = object(shelf.run({"--json", "scrub", "A"}).out, "scrub_report");
  CHECK(report.at("litter") == 9);
  CHECK(report.at("new_litter") == 0);
  CHECK(report.at("catalog_refreshed") == true);
  CHECK(report.at("damage") == false);
}

TEST_CASE("tidy: litter goes, and all else stays as it is") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const auto sealed = shelf.volume_tree("A");
  const auto all = files_below(shelf.path("A"));
  leave_litter(shelf, "A");
  const io::Path root = shelf.path("A") / "darkshelf";
  // Of people, or of programs nobody knows; some of it under names of litter.
  write(root / "notes.txt", "mine");
  write(root / "._notes", "my own file");
  write(root / "Thumbs.db.bak", "x");
  io::posix().make_dir(root / "desktop.ini");
  write(shelf.path("A") / ".DS_Store", "above the archive");
  write(shelf.path("A") / ".Trashes" / "501" / "deleted.CR3", "above the archive");
  write(root / "quarantine" / "2026-01-01_abcde" / ".DS_Store", "kept by a repair");
  // A link is removed and not followed.
  write(shelf.path("precious") / "photo.CR3", "precious");
  io::posix().make_symlink((shelf.path("precious") / "photo.CR3").string(), root / "Desktop.ini");
  io::posix().make_symlink(shelf.path("precious").string(), root / ".Trashes");
  const Outcome tidy = shelf.run({"--json", "repair", "A", "--tidy"});
  INFO(tidy.out << tidy.err);
  CHECK(tidy.exit_code == 0);
  const std::string volume = shelf.volumes("A").front().lexically_relative(shelf.path("A")).string(),
                    year = shelf.volumes("A").front().parent_path().lexically_relative(shelf.path("A")).string();
  CHECK(removed_paths(tidy.out) == std::set<std::string>{"darkshelf/.DS_Store", "darkshelf/._START-HERE.txt",
                                                         "darkshelf/catalog/._CURRENT", "darkshelf/seals/Thumbs.db",
                                                         volume + "/desktop.ini", volume + "/data/._x.tar",
                                                         "darkshelf/System Volume Information", year + "/$RECYCLE.BIN",
                                                         "darkshelf/Desktop.ini", "darkshelf/.Trashes"});
  CHECK(shelf.volume_tree("A") == sealed);
  for (const auto& [path, stat] : all) CHECK(io::posix().stat(path));
  for (const char* kept :
       {"darkshelf/notes.txt", "darkshelf/._notes", "darkshelf/Thumbs.db.bak", "darkshelf/desktop.ini", ".DS_Store",
        ".Trashes/501/deleted.CR3", "darkshelf/quarantine/2026-01-01_abcde/.DS_Store"}) {
    INFO(kept);
    CHECK(io::posix().stat(shelf.path("A") / kept));
  }
  CHECK(io::posix().stat(shelf.path("precious") / "photo.CR3"));
  const Outcome again = shelf.run({"repair", "A", "--tidy"});
  CHECK(again.exit_code == 0);
  CHECK(has(again.out, "Nothing that macOS or Windows left"));
  CHECK(has(again.err, "left darkshelf/._notes: it only has such a name"));
  const Outcome text = [&] {
    write(root / ".DS_Store", "Bud1");
    return shelf.run({"repair", "A", "--tidy"});
  }();
  CHECK(has(text.out, "removed darkshelf/.DS_Store\n"));
  CHECK(has(text.out, "1 entry that macOS or Windows left removed from A"));
}

TEST_CASE("tidy: what a seal lists is out of bounds, and a volume whose lists cannot be had is not touched") {
  ProgramShelf shelf({"A"});
  make_file(shelf.shoots() / "2026-05-05_odd" / "P.JPG", 5000, 3);
  make_file(shelf.shoots() / "2026-05-05_odd" / "Q.JPG", 5000, 4);
  shelf.must({"seal", (shelf.shoots() / "2026-05-05_odd").string(), "--to", "A", "--layout", "files"});
  const io::Path volume = shelf.volumes("A").front();
  write(volume / ".DS_Store", "Bud1");
  write(volume / "data" / "2026-05-05_odd" / "Thumbs.db", "x");
  SECTION("what another darkshelf has sealed stays, whatever it is called") {
    REQUIRE(run_process({"sh", "-ec",
                         "cd \"$1\"; mv data/*/P.JPG data/2026-05-05_odd/._P.JPG\n"
                         "for f in manifest-sha256.txt members.jsonl photos.sha256; do\n"
                         "  sed -i 's/P\\.JPG/._P.JPG/' $f; h=$(sha256sum < $f | cut -c1-64)\n"
                         "  sed -i \"s/^[0-9a-f]*  $f\\$/$h  $f/\" tagmanifest-sha256.txt\n"
                         "done",
                         "sh", volume.string()})
                .exit_code == 0);
    io::remove_tree(io::posix(), shelf.path("A") / "darkshelf" / "seals");
    shelf.lose_catalog_copies("A");
    shelf.lose_catalog();
    shelf.run({"catalog", "recover", shelf.path("A").string()});
    REQUIRE(has(shelf.run({"where", "._P.JPG"}).out, "._P.JPG"));
    const Outcome tidy = shelf.run({"--json", "repair", "A", "--tidy"});
    INFO(tidy.out << tidy.err);
    CHECK(removed_paths(tidy.out).size() == 2);
    CHECK(has(tidy.err, "._P.JPG: the seal lists it"));
    CHECK(io::posix().stat(volume / "data" / "2026-05-05_odd" / "._P.JPG"));
  }
  SECTION("both go where the lists do not name them") {
    CHECK(removed_paths(shelf.run({"--json", "repair", "A", "--tidy"}).out).size() == 2);
  }
  SECTION("nothing goes where the lists are lost") {
    for (const auto& [path, stat] : files_below(volume)) {
      const std::string name = path.filename().string();
      if (name == "bag-info.txt" || name.find(".tags.") != std::string::npos) io::posix().remove_file(path);
    }
    const Outcome tidy = shelf.run({"repair", "A", "--tidy"});
    INFO(tidy.out << tidy.err);
    CHECK(tidy.exit_code == 0);
    CHECK(has(tidy.err, "its lists cannot be had"));
    CHECK(io::posix().stat(volume / ".DS_Store"));
  }
}

TEST_CASE("tidy: what is mounted inside of a drive is never entered, of the same file system either") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path root = shelf.path("A") / "darkshelf";
  const std::string below = GENERATE(".TemporaryItems", ".Trashes/sub", "2026/mine", "quarantine/2026-01-01_abcde");
  CAPTURE(below);
  write(shelf.shoots() / "2026-09-01_harbour" / ".DS_Store", "Bud1");  // litter, but not of this drive
  const auto photos = files_below(shelf.shoots());
  io::posix().make_dirs(root / below);
  const std::string there = (root / below).string();
  if (run_process({"mount", "--bind", shelf.shoots().string(), there}).exit_code != 0)
    return skip("no bind mounts here");
  const bool discards = below.starts_with("quarantine");
  const Outcome outcome = shelf.run({"repair", "A", discards ? "--discard" : "--tidy"});
  const auto left = files_below(shelf.shoots());
  REQUIRE(run_process({"umount", there}).exit_code == 0);
  INFO(outcome.out << outcome.err);
  CHECK(left.size() == photos.size());
  CHECK(outcome.exit_code == (discards ? 1 : 0));
  if (below != "2026/mine") CHECK(has(outcome.err, "something else is mounted"));
}

TEST_CASE("tidy: a read-only drive is refused") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.shoots().parent_path(), "A", std::uint64_t{64} << 20);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", "A"});
  shelf.must({"seal", (shelf.shoots() / "2026-09-01_harbour").string(), "--to", "A"});
  write(drive.mount_point() / "darkshelf" / ".DS_Store", "Bud1");
  REQUIRE(run_process({"mount", "-o", "remount,ro", drive.mount_point().string()}).exit_code == 0);
  const Outcome tidy = shelf.run({"repair", "A", "--tidy"});
  CHECK(tidy.exit_code == 7);
  CHECK(has(tidy.err, "read-only"));
  CHECK(io::posix().stat(drive.mount_point() / "darkshelf" / ".DS_Store"));
  const Outcome scrub = shelf.run({"scrub", "A"});
  CHECK(has(scrub.err, "harmless."));
  CHECK_FALSE(has(scrub.err, "--tidy"));  // it could not be done
}

}  // namespace darkshelf::testing
