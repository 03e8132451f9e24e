// What photographers' folders hold besides photos: each kept exactly, in both layouts, or left out by a rule of
// formats/volume/SPEC.md.

#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/process.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

/// Names, types, sizes, modes, times and link targets, as find tells them.
std::string listing(const io::Path& folder, bool link_counts) {
  const std::string format = link_counts ? "%P %y %s %m %T@ %n\\n" : "%P %y %s %m %T@\\n";
  const ProcessResult all = run_process({"bash", "-c",
                                         "cd \"$1\" && { find . -type f -printf '" + format +
                                             "'; find . ! -type f -printf '%P %y %m %T@ %l\\n'; } | LC_ALL=C sort",
                                         "bash", folder.string()});
  REQUIRE(all.exit_code == 0);
  return all.out;
}

void make_odd_shoot(const io::Path& shoot) {
  io::FileSystem& fs = io::posix();
  make_file(shoot / "IMG_0001.CR3", 300'001, 1);
  make_file(shoot / "IMG_0001.xmp", 0, 2);
  make_file(shoot / "sub" / "Größe – 大.JPG", 4096, 3);
  make_file(shoot / "sub" / std::string(251, 'n').append(".JPG"), 5, 4);
  make_file(shoot / "latin1-\xE9t\xE9.JPG", 77, 5);
  make_file(shoot / "new\nline.JPG", 78, 6);
  make_file(shoot / "back\\slash.JPG", 79, 7);
  make_file(shoot / "  blanks and -dash ", 80, 8);
  make_file(shoot / "-rf", 81, 9);
  fs.make_dirs(shoot / "empty folder");
  fs.make_symlink("IMG_0001.CR3", shoot / "link");
  fs.make_symlink("/etc/passwd", shoot / "link outside");
  fs.make_symlink(std::string(200, 'x') + "/nowhere", shoot / "link to nowhere");
  fs.make_hard_link(shoot / "IMG_0001.CR3", shoot / "sub" / "hard.CR3");
  fs.set_xattr(shoot / "IMG_0001.CR3", "user.comment", std::string("with\0zero", 9));
  fs.set_mode(shoot / "-rf", 0600);
  fs.set_mtime(shoot / "IMG_0001.xmp", 1'234'567'890'987'654'321);
  fs.set_mtime(shoot / "-rf", -5'000'000'001);  // before 1970
  fs.set_mtime(shoot / "link", 1'500'000'000'000'000'007);
  fs.set_mtime(shoot / "sub", 1'500'000'000'000'000'009);
}

}  // namespace

TEST_CASE("odd files: names, links, times, modes and attributes come back as they were") {
  const std::string layout = GENERATE(as<std::string>{}, "tar", "files");
  CAPTURE(layout);
  ProgramShelf shelf({"A"});
  const io::Path shoot = shelf.path("odd") / "2026-03-03_odd";
  make_odd_shoot(shoot);
  REQUIRE(run_process({"mkfifo", (shoot / "pipe").string()}).exit_code == 0);
  const std::vector<std::string> command = {"seal", shoot.string(), "--to", "A", "--layout", layout};
  if (layout == "files") {
    // Names that exFAT, NTFS or a Windows reader could not hold are refused there, one after the other.
    for (const char* name : {"  blanks and -dash ", "back\\slash.JPG", "latin1-\xE9t\xE9.JPG", "new\nline.JPG"}) {
      const Outcome refused = shelf.run(command);
      INFO(refused.err);
      REQUIRE(refused.exit_code == 2);
      REQUIRE(refused.err.find("layout files cannot hold") != std::string::npos);
      io::posix().remove_file(shoot / name);
    }
  }
  const Outcome seal = shelf.run(command);
  INFO(seal.out << seal.err);
  REQUIRE(seal.exit_code == 0);
  CHECK(seal.err.find("pipe") != std::string::npos);  // told that it is left out
  io::posix().remove_file(shoot / "pipe");
  const Outcome restore = shelf.run({"restore", "2026-03-03_odd", "--to", shelf.path("back").string()});
  INFO(restore.out << restore.err);
  REQUIRE(restore.exit_code == 0);
  // The folder that lost the pipe has a newer time than the sealed one.
  io::posix().set_mtime(shoot, 1'600'000'000'000'000'000);
  io::posix().set_mtime(shelf.path("back") / "2026-03-03_odd", 1'600'000'000'000'000'000);
  // Layout files has no links among plain folders: every name of a file gets its bytes.
  const bool hard_links = layout == "tar";
  CHECK(listing(shelf.path("back") / "2026-03-03_odd", hard_links) == listing(shoot, hard_links));
  const ProcessResult diff =
      run_process({"diff", "-r", "--no-dereference", shoot.string(), (shelf.path("back") / "2026-03-03_odd").string()});
  INFO(diff.out);
  CHECK(diff.exit_code == 0);
  CHECK(io::posix().xattrs(shelf.path("back") / "2026-03-03_odd" / "IMG_0001.CR3") ==
        io::posix().xattrs(shoot / "IMG_0001.CR3"));
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);

  // Once more into the same place: nothing to do, nothing overwritten.
  const Outcome again = shelf.run({"restore", "2026-03-03_odd", "--to", shelf.path("back").string()});
  CHECK(again.exit_code == 0);
  rot(shelf.path("back") / "2026-03-03_odd" / "IMG_0001.CR3", 5, 1);
  const core::Bytes kept = io::read_file(io::posix(), shelf.path("back") / "2026-03-03_odd" / "IMG_0001.CR3", 1 << 20);
  const Outcome conflict = shelf.run({"restore", "2026-03-03_odd", "--to", shelf.path("back").string()});
  CHECK(conflict.exit_code == 1);
  CHECK(io::read_file(io::posix(), shelf.path("back") / "2026-03-03_odd" / "IMG_0001.CR3", 1 << 20) == kept);
}

TEST_CASE("odd files: a volume whose files are all empty is sealed, scrubbed, mended and restored") {
  const std::string layout = GENERATE(as<std::string>{}, "tar", "files");
  CAPTURE(layout);
  ProgramShelf shelf({"A", "B"});
  const io::Path shoot = shelf.path("odd") / "2026-03-03_empty";
  make_file(shoot / "IMG_0001.xmp", 0, 1);
  make_file(shoot / "sub" / "IMG_0002.xmp", 0, 2);
  shelf.must({"seal", shoot.string(), "--to", "A", "--layout", layout});
  shelf.must({"scrub", "A"});
  shelf.must({"copy", "2026-03-03_empty", "--to", "B"});
  const auto sealed = shelf.volume_tree("A");
  CHECK(shelf.volume_tree("B") == sealed);
  const auto volumes = shelf.volumes("A");
  REQUIRE(volumes.size() == 1);
  io::posix().remove_file(volumes.front() / "slices.sha256");
  io::posix().remove_file(volumes.front() / "2026-03-03_empty_1of1.tags.par2");
  if (layout == "files") io::posix().remove_file(volumes.front() / "data" / "2026-03-03_empty" / "IMG_0001.xmp");
  CHECK(shelf.run({"scrub", "A"}).exit_code == 4);
  shelf.must({"repair", "A"});
  CHECK(shelf.volume_tree("A") == sealed);
  shelf.must({"restore", "2026-03-03_empty", "--to", shelf.path("back").string()});
  CHECK(listing(shelf.path("back") / "2026-03-03_empty", true) == listing(shoot, true));
}

TEST_CASE("odd files: a time beyond what nanoseconds can tell is kept as the latest one, and gives no date") {
  ProgramShelf shelf({"A"});
  const io::Path picture = shelf.path("odd") / "future" / "IMG_0001.JPG";
  make_file(picture, 100, 1);
  REQUIRE(run_process({"touch", "-d", "2400-01-01", picture.string()}).exit_code == 0);
  if (run_process({"stat", "-c", "%Y", picture.string()}).out != "13569465600\n")
    return skip("this file system has no year 2400");
  CHECK(io::posix().stat(picture)->mtime_ns == INT64_MAX);
  shelf.must({"seal", picture.parent_path().string(), "--to", "A"});
  const io::Path undated = shelf.path("A") / "darkshelf" / "undated";
  const auto volumes = io::posix().list(undated);
  REQUIRE(volumes.size() == 1);
  const std::string members = io::read_text(io::posix(), undated / volumes.front().name / "members.jsonl", 1 << 20);
  CHECK(members.find("\"mtime_ns\":9223372036854775807") != std::string::npos);
  shelf.must({"restore", "future", "--to", shelf.path("back").string()});
  CHECK(io::posix().stat(shelf.path("back") / "future" / "IMG_0001.JPG")->mtime_ns == INT64_MAX);
}

TEST_CASE("odd files: restore never writes through a link that leads outside") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path outside = shelf.path("outside"), back = shelf.path("back");
  io::posix().make_dir(outside);
  io::posix().make_dir(back);
  io::posix().make_symlink(outside.string(), back / "2026-09-01_harbour");
  const Outcome restore = shelf.run({"restore", "harbour", "--to", back.string()});
  CHECK(restore.exit_code == 1);
  CHECK(io::posix().list(outside).empty());
}

TEST_CASE("odd files: the same input, clock and ids give the same bytes") {
  const std::string layout = GENERATE(as<std::string>{}, "tar", "files");
  std::map<std::string, std::string> trees[2];
  for (auto& tree : trees) {
    ProgramShelf shelf({});
    // A world of its own for each command: ids of facts are unique.
    const auto world = [](const char* seed) {
      return std::map<std::string, std::string>{{"DARKSHELF_TEST_WORLD", seed}};
    };
    io::posix().make_dir(shelf.path("A"));
    REQUIRE(shelf.run({"drive", "add", shelf.path("A").string(), "--label", "A"}, world("42")).exit_code == 0);
    auto command = shelf.seal_command({"A"});
    command.insert(command.end(), {"--layout", layout});
    REQUIRE(shelf.run(command, world("43")).exit_code == 0);
    tree = shelf.volume_tree("A");
  }
  CHECK(trees[0].size() > 20);
  CHECK(trees[0] == trees[1]);
}

TEST_CASE("odd files: a file above 8 GiB", "[large]") {
  if (std::getenv("DARKSHELF_TEST_LARGE") == nullptr)
    return skip("takes 20 GB and minutes; DARKSHELF_TEST_LARGE=1 runs it");
  ProgramShelf shelf({"A"});
  const io::Path film = shelf.path("large") / "2026-04-04_film" / "film.MOV";
  make_file(film, 100'000, 1);
  const std::uint64_t bytes = (std::uint64_t{8} << 30) + 12'345;
  io::posix().open_write(film)->truncate(bytes);
  io::posix().open_write(film)->write_at(bytes - 5, core::as_bytes("final"));
  const Outcome seal = shelf.run({"seal", film.parent_path().string(), "--to", "A", "--parity", "0.1%"});
  INFO(seal.out << seal.err);
  REQUIRE(seal.exit_code == 0);
  const auto volumes = shelf.volumes("A");
  REQUIRE(volumes.size() == 1);
  const ProcessResult tar = run_process({"bash", "-c", "tar -tvf \"$1\"/data/*.tar", "bash", volumes.front().string()});
  CHECK(tar.out.find(std::to_string(bytes)) != std::string::npos);
  shelf.must({"restore", "film.MOV", "--to", shelf.path("back").string()});
  CHECK(run_process({"cmp", film.string(), (shelf.path("back") / "2026-04-04_film" / "film.MOV").string()}).exit_code ==
        0);
}

}  // namespace darkshelf::testing
