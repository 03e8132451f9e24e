// Bad input gets a sentence, the right exit code, a way on, and loses nothing.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/loop_drive.hpp"
#include "support/process.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

void write_text(const io::Path& path, const std::string& text) {
  io::posix().make_dirs(path.parent_path());
  if (io::posix().stat(path)) io::posix().remove_file(path);
  io::posix().create(path)->write_at(0, core::as_bytes(text));
}

/// The command fails with this exit code and says this; what it says are sentences that name no internals.
void refused(ProgramShelf& shelf, const std::vector<std::string>& command, int exit_code, const std::string& words,
             const std::string& catalog = {}) {
  const Outcome outcome = shelf.run(command, {}, catalog);
  INFO(fmt::format("darkshelf {}", fmt::join(command, " ")));
  INFO(outcome.out << outcome.err);
  CHECK(outcome.exit_code == exit_code);
  CHECK(outcome.err.find(words) != std::string::npos);
  for (const char* internal : {"terminate", "std::", "exception", "SQLITE", "what()"})
    CHECK(outcome.err.find(internal) == std::string::npos);
}

}  // namespace

TEST_CASE("bad input: drives and places") {
  ProgramShelf shelf({"A"});
  io::posix().make_dir(shelf.path("plain"));
  refused(shelf, {"scrub", "nowhere"}, 1, "no drive is called");
  refused(shelf, {"scrub", shelf.path("plain").string()}, 7, "is no archive drive");
  refused(shelf, {"drive", "add", shelf.path("plain").string(), "--label", "A"}, 2, "called \"A\" already");
  refused(shelf, {"drive", "add", shelf.path("A").string(), "--label", "B"}, 7, "is A already");
  refused(shelf, {"drive", "add", shelf.path("missing").string(), "--label", "B"}, 1, "there is no folder");
  refused(shelf, {"drive", "add", (shelf.path("A") / "darkshelf").string(), "--label", "B"}, 7, "lies inside");
  refused(shelf, {"drive", "add", shelf.path("plain").string(), "--label", "B", "--place", "moon"}, 2,
          "no place is called");
  refused(shelf, {"drive", "add", shelf.path("plain").string(), "--label", "B", "--kind", "floppy"}, 2,
          "hdd, ssd, flash or nas");
  refused(shelf, {"drive", "add", shelf.path("plain").string(), "--label", "a/b"}, 2, "no good label");
  refused(shelf, {"drive", "add", shelf.path("plain").string(), "--label", ".."}, 2, "no good label");
  refused(shelf, {"drive", "rename", "A", "."}, 2, "a label has 1 to 60 characters");
  refused(shelf, {"drive", "move", "A", "--place", "moon"}, 2, "no place is called");
  refused(shelf, {"drive", "mark", "A", "tired"}, 2, "tired");
  refused(shelf, {"seal", shelf.shoots().string(), "--to", "B"}, 1, "no drive is called");
  CHECK(io::posix().list(shelf.path("plain")).empty());

  // Unplugged: told where it should be.
  shelf.must({"place", "add", "home/shelf 2"});
  shelf.must({"drive", "move", "A", "--place", "home/shelf 2"});
  io::posix().rename(shelf.path("A"), shelf.path("away"));
  refused(shelf, {"scrub", "A"}, 7, "home/shelf 2");
}

TEST_CASE("bad input: two drives with one id, and a drive that is not what it claims to be") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  REQUIRE(run_process({"cp", "-a", shelf.path("A").string(), shelf.path("clone").string()}).exit_code == 0);
  refused(shelf, {"scrub", shelf.path("clone").string()}, 7, "two media claim to be A");
  shelf.must({"drive", "accept", shelf.path("clone").string(), "--as", "copy", "--label", "A2"});
  shelf.must({"scrub", "A2"});
  shelf.must({"scrub", "A"});
  CHECK(shelf.run({"status"}).exit_code == 6);

  const io::Path identity = shelf.path("A") / "darkshelf" / "drive.json";
  const std::string good = io::read_text(io::posix(), identity, 1 << 16);
  for (const std::string& bad :
       {std::string("{"), std::string(), std::string("{\"format\":1}"), std::string(70'000, 'x'),
        std::string("{\"format\":99,\"id\":\"x\",\"label\":\"A\"}"), std::string("[[[[[[[[[[")}) {
    write_text(identity, bad);
    const Outcome outcome = shelf.run({"scrub", "A"});
    INFO(bad.substr(0, 40) << "\n" << outcome.out << outcome.err);
    CHECK((outcome.exit_code == 7 || outcome.exit_code == 1));
    CHECK(outcome.err.find("darkshelf") != std::string::npos);
  }
  // Missing: told by path and by label, never added as another drive; what the hint says brings it back.
  io::posix().remove_file(identity);
  const std::string a = shelf.path("A").string();
  refused(shelf, {"scrub", a}, 7, "darkshelf drive accept");
  refused(shelf, {"scrub", "A"}, 7, "darkshelf drive accept");
  refused(shelf, {"drive", "add", a, "--label", "B"}, 7, "it was a drive already");
  shelf.must({"drive", "accept", a, "--as", "moved"});
  shelf.must({"scrub", "A"});
  write_text(identity, good);
  shelf.must({"scrub", "A"});
}

TEST_CASE("bad input: shoots") {
  ProgramShelf shelf({"A"});
  io::posix().make_dirs(shelf.path("empty"));
  refused(shelf, {"seal", shelf.path("nothing").string(), "--to", "A"}, 1, "there is no shoot");
  refused(shelf, {"seal", shelf.path("empty").string(), "--to", "A"}, 2, "empty");
  make_file(shelf.shoots() / "2026-10-03_third" / "X.JPG", 1000, 9);
  refused(shelf, {"seal", shelf.shoots().string(), "--to", "A"}, 2, "--each");
  refused(shelf, {"seal", (shelf.shoots() / "2026-10-03_third" / "X.JPG").string(), "--to", "A"}, 2, "X.JPG");
  refused(shelf, {"seal", (shelf.shoots() / "2026-10-03_third").string()}, 2, "--to");
  refused(shelf, {"seal", (shelf.shoots() / "2026-10-03_third").string(), "--to", "A", "--to", "A"}, 2, "A");
  refused(shelf, {"seal", (shelf.shoots() / "2026-10-03_third").string(), "--to", "A", "--date", "yesterday"}, 2,
          "is no date");
  refused(shelf, {"seal", (shelf.shoots() / "2026-10-03_third").string(), "--to", "A", "--parity", "200%"}, 2, "200%");
  refused(shelf, {"seal", (shelf.shoots() / "2026-10-03_third").string(), "--to", "A", "--volume-size", "7"}, 2,
          "--volume-size");
  refused(shelf, {"seal", shelf.path("A").string(), "--to", "A"}, 2, "A");  // a target inside a source
  refused(shelf, {"seal", shelf.path(".").string(), "--to", "A"}, 2, "");   // the same, further up
  refused(shelf, {"show", "nothing like it"}, 1, "no shoot is called");
  refused(shelf, {"restore", "nothing like it", "--to", shelf.path("back").string()}, 1, "no shoot");
  refused(shelf, {"find", "nothing", "like", "it"}, 1, "nothing found");
  refused(shelf, {"find", "--year", "soon"}, 2, "is no date");
  refused(shelf, {"where", "NOPE.JPG"}, 1, "no sealed shoot");
  refused(shelf, {"discard", "nothing", "--reason", "x"}, 1, "no shoot");
  refused(shelf, {"shoot", "keep", "nothing", "--copies", "2"}, 1, "no shoot");
  refused(shelf, {"copy", "--to", "A"}, 2, "copy what");
  CHECK(shelf.volumes("A").empty());

  shelf.must(shelf.seal_command({"A"}));
  refused(shelf, {"show", "2026"}, 2, "could be any of these");
  refused(shelf, {"discard", "harbour", "--reason", "blurred"}, 2, "--confirm");
  CHECK(shelf.volumes("A").size() == ProgramShelf::kVolumes);
}

TEST_CASE("bad input: commands and options") {
  ProgramShelf shelf({"A"});
  refused(shelf, {"seel"}, 2, "seel");
  refused(shelf, {"seal", "x", "--to", "A", "--frobnicate"}, 2, "--frobnicate");
  refused(shelf, {"policy", "set", "copies=many"}, 2, "copies takes a number");
  refused(shelf, {"policy", "set", "colour=blue"}, 2, "the policy has no");
  refused(shelf, {"policy", "set", "copies"}, 2, "KEY=VALUE");
  refused(shelf, {"par2", "verify", shelf.path("none.par2").string()}, 1, "there is no");
  refused(shelf, {"inspect", shelf.path("none").string()}, 1, "there is no");
}

TEST_CASE("bad input: catalogs that are missing, not ours, damaged, newer or in use") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string file = shelf.path("catalog.db").string();

  // Newer.
  const std::string version = run_process({"sqlite3", file, "PRAGMA user_version"}).out;
  REQUIRE(run_process({"sqlite3", file, "PRAGMA user_version = 99"}).exit_code == 0);
  refused(shelf, {"find"}, 1, "a later darkshelf");
  refused(shelf, {"seal", shelf.shoots().string(), "--each", "--to", "A"}, 1, "a later darkshelf");
  REQUIRE(run_process({"sqlite3", file, "PRAGMA user_version = " + version}).exit_code == 0);
  shelf.must({"find"});

  // Not ours.
  const std::string other = shelf.path("other.db").string();
  REQUIRE(run_process({"sqlite3", other, "CREATE TABLE x (y)"}).exit_code == 0);
  refused(shelf, {"find"}, 1, "is not a catalog of darkshelf", other);
  refused(shelf, {"catalog", "merge", other}, 1, "is not a catalog of darkshelf");
  write_text(shelf.path("text.db"), std::string(5000, 'z'));
  refused(shelf, {"find"}, 1, "catalog", shelf.path("text.db").string());
  refused(shelf, {"catalog", "merge", shelf.path("text.db").string()}, 1, "catalog");
  refused(shelf, {"catalog", "merge", shelf.path("none.db").string()}, 1, "there is no");

  // Damaged: every page of it in turn; never a crash, and drives are not touched.
  const auto drive = shelf.volume_tree("A");
  shelf.keep();
  const std::uint64_t bytes = io::posix().stat(file)->bytes;
  for (std::uint64_t at = 0; at < bytes; at += 4096) {
    shelf.back();
    rot(file, at + 100, std::min<std::uint64_t>(300, bytes - at - 100));
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"find", "harbour"}, {"status"}, {"catalog", "verify"}, {"scrub", "A"}}) {
      const Outcome outcome = shelf.run(command);
      INFO(fmt::format("page {}: {}", at / 4096, fmt::join(command, " ")) << "\n" << outcome.out << outcome.err);
      CHECK(outcome.signal == 0);
      CHECK(outcome.exit_code >= 0);
      CHECK(outcome.exit_code <= 8);
    }
  }
  shelf.back();
  CHECK(shelf.volume_tree("A") == drive);

  // Missing.
  shelf.lose_catalog();
  refused(shelf, {"find"}, 2, "catalog recover");
  refused(shelf, {"seal", shelf.shoots().string(), "--each", "--to", "A"}, 2, "catalog recover");
}

TEST_CASE("bad input: a file system with a 4 GiB limit") {
  if (const auto why = LoopDrive::unavailable("vfat")) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive fat(shelf.path("."), "fat", 64 << 20, "vfat");
  const Outcome add = shelf.run({"drive", "add", fat.mount_point().string(), "--label", "fat"});
  INFO(add.out << add.err);
  REQUIRE(add.exit_code == 0);
  CHECK(add.err.find("takes no file above") != std::string::npos);
  const io::Path film = shelf.path("large") / "2026-04-04_film" / "film.MOV";
  make_file(film, 100, 1);
  io::posix().open_write(film)->truncate(std::uint64_t{5} << 30);
  const Outcome seal = shelf.run({"seal", film.parent_path().string(), "--to", "fat"});
  INFO(seal.out << seal.err);
  CHECK(seal.exit_code != 0);
  CHECK((seal.err.find("4.3 GB") != std::string::npos || seal.err.find("free") != std::string::npos));
}

TEST_CASE("bad input: a volume's files replaced by hostile ones") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  shelf.keep();
  const std::string deep = std::string(200'000, '[');
  const std::string outside = "{\"path\":\"../../../../etc/evil\",\"bytes\":1}\n";
  for (const char* name :
       {"members.jsonl", "bag-info.txt", "manifest-sha256.txt", "slices.sha256", "tagmanifest-sha256.txt"}) {
    for (const std::string& text :
         {deep, outside, std::string(), std::string("\0\xFF\0", 3), std::string(3'000'000, '9')}) {
      shelf.back();
      write_text(shelf.volumes("A").front() / name, text);
      const Outcome scrub = shelf.run({"scrub", "A"});
      INFO(name << ": " << text.substr(0, 20) << "\n" << scrub.out << scrub.err);
      CHECK((scrub.exit_code == 4 || scrub.exit_code == 5));
      const Outcome repair = shelf.run({"repair", "A"});
      INFO(repair.out << repair.err);
      CHECK(repair.exit_code == 0);
      CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
    }
    // A stranger's drive: the catalog knows nothing, so the text itself is all there is.
    shelf.back();
    write_text(shelf.volumes("A").front() / name, outside);
    shelf.lose_catalog();
    shelf.lose_catalog_copies("A");
    const Outcome recover = shelf.run({"catalog", "recover", shelf.path("A").string()});
    INFO(name << "\n" << recover.out << recover.err);
    CHECK(recover.signal == 0);
    CHECK(recover.exit_code <= 5);
    CHECK_FALSE(io::posix().stat("/etc/evil"));
  }
}

}  // namespace darkshelf::testing
