// What machines and drives know of each other: two machines that seal in turn, the copies of the catalog that drives
// carry, and a catalog recovered from whatever is left.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <set>

#include "digest/digest.hpp"
#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

const std::string kWedding = "2026-06-14_müller-wedding", kHarbour = "2026-09-01_harbour";

std::string sqlite(const io::Path& file, const std::string& sql) {
  const ProcessResult result = run_process({"sqlite3", file.string(), sql});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  return result.out;
}

std::string facts_of(const io::Path& file) {
  return sqlite(file, "SELECT id, writer, sequence, time, kind, subject, object, body FROM facts ORDER BY id");
}

std::string volumes_of(const io::Path& file) {
  return sqlite(file,
                "SELECT v.uuid, v.seal, v.folder, m.number, hex(m.path), m.bytes, hex(m.sha256), m.offset "
                "FROM volumes v JOIN members m ON m.volume = v.id ORDER BY v.uuid, m.number");
}

std::vector<std::string> catalog_files(const io::Path& drive) {
  std::vector<std::string> names;
  for (const io::Entry& entry : io::posix().list(drive / "darkshelf" / "catalog")) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  return names;
}

std::string current_of(const io::Path& drive) {
  const std::string text = io::read_text(io::posix(), drive / "darkshelf" / "catalog" / "CURRENT", 4096);
  const std::size_t at = text.find("catalog-");
  REQUIRE(at != std::string::npos);
  return text.substr(at, text.find(".db", at) + 3 - at);
}

std::vector<std::string> seal(const ProgramShelf& shelf, const std::string& shoot, std::vector<std::string> drives) {
  std::vector<std::string> command = {"seal", (shelf.shoots() / shoot).string(), "--volume-size", "1MiB"};
  for (std::string& drive : drives) command.insert(command.end(), {"--to", std::move(drive)});
  return command;
}

/// Another digit in the hash of this file: a list that still reads well.
void rot_hash(const io::Path& list, const std::string& file) {
  std::string text = io::read_text(io::posix(), list, 1 << 20);
  char& digit = text[text.find("  " + file + "\n") - 1];
  digit = digit == '0' ? '1' : '0';
  io::posix().open_write(list)->write_at(0, core::as_bytes(text));
}

/// Shoots and their files as `find` tells them, without what a catalog knows of copies.
std::string known_files(ProgramShelf& shelf, const io::Path& catalog = {}) {
  const Outcome found = shelf.run({"--json", "find", "--files"}, {}, catalog);
  INFO(found.out << found.err);
  REQUIRE(found.exit_code == 0);
  std::string text;
  for (const Json& shoot : objects(found.out, "shoot"))
    text += fmt::format("{} {} {}\n", shoot.at("name").dump(), shoot.at("date").dump(), shoot.at("matches").dump());
  return text;
}

}  // namespace

TEST_CASE("catalogs: two machines seal in turn onto the same drives, and merge to the same both ways round") {
  if (!has_program("sqlite3")) return skip("there is no program sqlite3");
  ProgramShelf shelf({"A", "B"});
  const io::Path one = shelf.path("catalog.db"), two = shelf.path("two.db");
  const auto on_two = [&](const std::vector<std::string>& command) {
    const Outcome outcome = shelf.run(command, {}, two);
    INFO(outcome.out << outcome.err);
    REQUIRE(outcome.exit_code == 0);
  };
  shelf.must(seal(shelf, kWedding, {"A", "B"}));
  on_two({"catalog", "recover", shelf.path("A").string(), shelf.path("B").string()});
  on_two(seal(shelf, kHarbour, {"A", "B"}));
  make_file(shelf.shoots() / "2026-10-10_third" / "a.JPG", 5000, 77);
  shelf.must(seal(shelf, "2026-10-10_third", {"B"}));
  shelf.must({"shoot", "note", kWedding, "the bride's sister paid"});
  on_two({"scrub", "A"});
  on_two({"shoot", "rename", "harbour", "port"});

  // The first machine never heard of the other's volumes: they are foreign to it, and no damage.
  const Outcome scrub = shelf.run({"--json", "scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 0);
  const auto strangers = objects(scrub.out, "drive_finding");
  REQUIRE(strangers.size() == 1);
  CHECK(strangers[0].at("kind") == "foreign");
  CHECK(strangers[0].at("path").get<std::string>().find("harbour") != std::string::npos);

  REQUIRE(run_process({"cp", one.string(), shelf.path("one.copy").string()}).exit_code == 0);
  shelf.must({"catalog", "merge", two.string()});
  on_two({"catalog", "merge", shelf.path("one.copy").string()});
  CHECK(facts_of(one) == facts_of(two));
  CHECK(volumes_of(one) == volumes_of(two));
  for (const std::vector<std::string>& question :
       {std::vector<std::string>{"--json", "find", "--files"}, {"--json", "status"}, {"--json", "show", "port"}}) {
    const Outcome here = shelf.run(question), there = shelf.run(question, {}, two);
    CHECK(here.exit_code == there.exit_code);
    CHECK(here.out == there.out);
    CHECK(here.out.find("port") != std::string::npos);
  }
  CHECK(shelf.run({"find", "sister"}, {}, two).out.find("third") == std::string::npos);
  CHECK(shelf.run({"find", "sister"}, {}, two).exit_code == 0);
  shelf.must({"catalog", "verify"});
  on_two({"catalog", "verify"});
  // Nothing is new the second time, and each goes on with its own numbers.
  CHECK(object(shelf.run({"--json", "catalog", "merge", two.string()}).out, "catalog_merged").at("facts") == 0);
  shelf.must({"scrub", "A"});
  CHECK(objects(shelf.run({"--json", "scrub", "A"}).out, "drive_finding").empty());
  make_file(shelf.shoots() / "2026-11-11_fourth" / "a.JPG", 5000, 78);
  on_two(seal(shelf, "2026-11-11_fourth", {"A"}));
  on_two({"catalog", "verify"});
}

TEST_CASE("catalogs: a drive keeps two copies, CURRENT tells the newer, and the older serves when that is damaged") {
  ProgramShelf shelf({"A"});
  const io::Path drive = shelf.path("A"), folder = drive / "darkshelf" / "catalog";
  shelf.must(seal(shelf, kWedding, {"A"}));
  const std::string older = current_of(drive);
  shelf.must(seal(shelf, kHarbour, {"A"}));
  const std::string newer = current_of(drive);
  CHECK(newer != older);
  CHECK(catalog_files(drive) == std::vector<std::string>{"CURRENT", older, newer});
  const std::string current = io::read_text(io::posix(), folder / "CURRENT", 4096);
  const core::Bytes bytes = io::read_file(io::posix(), folder / newer, 1 << 26);
  CHECK(current.find(core::to_hex(digest::sha256(bytes))) != std::string::npos);
  CHECK(current.find(std::to_string(bytes.size())) != std::string::npos);
  const std::string before = known_files(shelf);

  const bool current_too = GENERATE(false, true);
  CAPTURE(current_too);
  // Without CURRENT only what SQLite notices tells: its first page, say.
  rot(folder / newer, current_too ? 100 : bytes.size() / 2, 100);
  if (current_too) rot(folder / "CURRENT", 3, 20);
  shelf.lose_catalog();
  const Outcome recover = shelf.run({"--json", "catalog", "recover", drive.string()});
  INFO(recover.out << recover.err);
  REQUIRE(recover.exit_code == 0);
  const Json told = object(recover.out, "recovered_drive");
  CHECK_FALSE(told.at("problems").empty());
  CHECK(told.at("catalog_as_of") != "");
  CHECK(told.at("volumes_read") == 1);  // the harbour, sealed after the older copy
  CHECK(known_files(shelf) == before);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 4);  // the damaged copy is a finding, and written anew
  shelf.must({"repair", "A"});
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("catalogs: volumes tell a catalog everything, damaged or not") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string before = known_files(shelf);
  const auto sealed = shelf.volume_tree("A");
  shelf.lose_catalog();
  shelf.lose_catalog_copies("A");
  const bool damaged = GENERATE(false, true);
  CAPTURE(damaged);
  if (damaged) {
    shelf.damage("A");
    rot_hash(shelf.volumes("A")[1] / "tagmanifest-sha256.txt", "photos.sha256");
    rot_hash(shelf.volumes("A")[2] / "tagmanifest-sha256.txt", "photos.sha256");  // which is missing there
  }
  const Outcome recover = shelf.run({"--json", "catalog", "recover", shelf.path("A").string()});
  INFO(recover.out << recover.err);
  REQUIRE(recover.exit_code == 0);
  CHECK(object(recover.out, "recovered").at("volumes") == 3);
  CHECK(known_files(shelf) == before);
  // Found is not proven: nothing counts before it was read.
  const Outcome status = shelf.run({"--json", "status"});
  CHECK(status.exit_code == 6);
  CHECK(object(status.out, "status").at("red") == 2);
  CHECK(status.out.find("never checked") != std::string::npos);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 4);  // without damage the catalog copy is missing all the same
  shelf.must({"repair", "A"});
  CHECK(shelf.volume_tree("A") == sealed);
  for (const Json& shoot : objects(shelf.run({"--json", "status"}).out, "shoot_status")) CHECK(shoot.at("copies") == 1);
}

TEST_CASE("catalogs: recovering twice teaches nothing new, and forgets nothing") {
  if (!has_program("sqlite3")) return skip("there is no program sqlite3");
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  shelf.must({"drive", "lend", "B", "--to", "Anna"});
  shelf.must({"scrub", "A"});  // takes the news to the drive
  const bool from_copies = GENERATE(true, false);
  CAPTURE(from_copies);
  if (!from_copies) {
    shelf.lose_catalog_copies("A");
    shelf.lose_catalog_copies("B");
  }
  shelf.lose_catalog();
  const std::vector<std::string> recover = {"catalog", "recover", shelf.path("A").string(), shelf.path("B").string()};
  shelf.must(recover);
  const io::Path file = shelf.path("catalog.db");
  const auto counts = [&] {
    return sqlite(file, "SELECT kind, count(*) FROM facts WHERE kind <> 'drive-seen' GROUP BY kind") +
           sqlite(file, "SELECT count(*) FROM volumes; SELECT count(*) FROM members");
  };
  const std::string once = counts();
  const std::string status = shelf.run({"--json", "status"}).out;
  shelf.must(recover);
  CHECK(counts() == once);
  CHECK(shelf.run({"--json", "status"}).out == status);
  CHECK((shelf.run({"drive", "list"}).out.find("lent to Anna") != std::string::npos) == from_copies);
  shelf.must({"catalog", "verify"});
}

TEST_CASE("catalogs: a drive carries all, its own part, or none of the catalog") {
  ProgramShelf shelf({"full"});
  for (const char* mode : {"own", "none"}) {
    io::posix().make_dir(shelf.path(mode));
    shelf.must({"drive", "add", shelf.path(mode).string(), "--label", mode, "--catalog", mode});
  }
  shelf.must(seal(shelf, kWedding, {"full", "own", "none"}));
  shelf.must(seal(shelf, kHarbour, {"full"}));
  shelf.must({"shoot", "note", "harbour", "secretclient"});
  for (const char* drive : {"full", "own", "none"}) shelf.must({"scrub", drive});

  const auto carried = [&](const std::string& drive) {
    return io::read_text(io::posix(), shelf.path(drive) / "darkshelf" / "catalog" / current_of(shelf.path(drive)),
                         1 << 26);
  };
  CHECK(carried("full").find("secretclient") != std::string::npos);
  const std::string own = carried("own");
  CHECK(own.find("wedding") != std::string::npos);
  for (const char* secret : {"secretclient", "harbour", "DSC0"}) CHECK(own.find(secret) == std::string::npos);
  CHECK_FALSE(io::posix().stat(shelf.path("none") / "darkshelf" / "catalog"));

  shelf.lose_catalog();
  for (const char* drive : {"own", "none"}) {
    const io::Path fresh = shelf.path(std::string(drive) + ".db");
    const Outcome recover = shelf.run({"--json", "catalog", "recover", shelf.path(drive).string()}, {}, fresh);
    INFO(recover.out << recover.err);
    REQUIRE(recover.exit_code == 0);
    CHECK(object(recover.out, "recovered_drive").at("problems").empty());
    const Outcome found = shelf.run({"--json", "find"}, {}, fresh);
    CHECK(object(found.out, "shoot").at("name") == "müller-wedding");
    CHECK(shelf.run({"catalog", "verify"}, {}, fresh).exit_code == 0);
    CHECK(shelf.run({"scrub", drive}, {}, fresh).exit_code == 0);
  }
}

TEST_CASE("catalogs: one of an older darkshelf is taken in, one of a later is left alone") {
  if (!has_program("sqlite3")) return skip("there is no program sqlite3");
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path other = shelf.path("other.db"), fresh = shelf.path("fresh.db");
  REQUIRE(run_process({"cp", shelf.path("catalog.db").string(), other.string()}).exit_code == 0);
  sqlite(other,
         "DROP TABLE file_words; DROP TABLE volume_terms; DROP TABLE shoot_terms; DROP TABLE names; "
         "DROP INDEX volumes_at_a_glance; DROP INDEX volumes_by_weight; DROP VIEW volumes_in_order; ALTER TABLE "
         "members DROP COLUMN photo; "
         "ALTER TABLE volumes DROP COLUMN adopted; PRAGMA user_version = 1;");  // as the first version was
  const core::Bytes old_bytes = io::read_file(io::posix(), other, 1 << 26);
  REQUIRE(shelf.run({"init"}, {}, fresh).exit_code == 0);
  const Outcome merge = shelf.run({"--json", "catalog", "merge", other.string()}, {}, fresh);
  INFO(merge.err);
  REQUIRE(merge.exit_code == 0);
  CHECK(object(merge.out, "catalog_merged").at("volumes") == 3);
  CHECK(shelf.run({"find", "DSC00003"}, {}, fresh).exit_code == 0);
  CHECK(io::read_file(io::posix(), other, 1 << 26) == old_bytes);

  // Used as this machine's own it is migrated, and kept beside as it was.
  CHECK(shelf.run({"shoot", "note", "harbour", "boats"}, {}, other).exit_code == 0);
  CHECK(shelf.run({"find", "DSC00003"}, {}, other).exit_code == 0);
  CHECK(sqlite(shelf.path("other.db.schema-1"), "PRAGMA user_version").starts_with("1"));

  sqlite(other, "PRAGMA user_version = 77");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"find"}, {"status"}, {"shoot", "note", "harbour", "x"}, {"catalog", "verify"}}) {
    const Outcome refused = shelf.run(command, {}, other);
    CHECK(refused.exit_code == 1);
    CHECK(refused.err.find("later darkshelf") != std::string::npos);
  }
  CHECK(shelf.run({"catalog", "merge", other.string()}, {}, fresh).exit_code == 1);
}

TEST_CASE("catalogs: two shoots of one date and name are told apart by their ids, by every command") {
  ProgramShelf shelf({"A"});
  const io::Path other = shelf.path("other.db");
  io::posix().make_dir(shelf.path("X"));
  REQUIRE(shelf.run({"drive", "add", shelf.path("X").string(), "--label", "X"}, {}, other).exit_code == 0);
  REQUIRE(shelf.run(seal(shelf, kHarbour, {"X"}), {}, other).exit_code == 0);
  shelf.must(seal(shelf, kHarbour, {"A"}));
  shelf.must({"catalog", "recover", shelf.path("X").string()});

  std::vector<std::string> ids;
  for (const Json& shoot : objects(shelf.run({"--json", "find", "harbour"}).out, "shoot"))
    ids.push_back(shoot.at("id").get<std::string>().substr(0, 8));
  REQUIRE(ids.size() == 2);
  const auto with = [&](const std::string& shoot) {
    return std::vector<std::vector<std::string>>{{"show", shoot},
                                                 {"shoot", "note", shoot, "album ordered"},
                                                 {"copy", shoot, "--to", "A"},
                                                 {"restore", shoot, "--to", shelf.path("back").string()},
                                                 {"discard", shoot, "--reason", "x", "--confirm", "harbour"}};
  };
  for (const auto& command : with("2026-09-01 harbour")) {
    CAPTURE(command.front());
    const Outcome refused = shelf.run(command);
    INFO(refused.err);
    CHECK(refused.exit_code == 2);
    for (const std::string& id : ids)
      CHECK(refused.err.find("    " + id + "  2026-09-01 harbour") != std::string::npos);
    CHECK(refused.err.find("give the id in front instead of the name") != std::string::npos);
  }
  for (const auto& command : with(ids[0])) shelf.must(command);
  CHECK(objects(shelf.run({"--json", "find", "harbour"}).out, "shoot").size() == 2);
}

TEST_CASE("catalogs: a number that is too large is no copy of ours, and no number is given twice") {
  ProgramShelf shelf({"A"});
  const std::string largest = GENERATE("catalog-18446744073709551615.db", "catalog-999999999999999.db");
  CAPTURE(largest);
  const io::Path folder = shelf.path("A") / "darkshelf" / "catalog";
  make_file(folder / largest, 10, 1);
  make_file(folder / "catalog-007.db", 10, 1);
  std::string before = current_of(shelf.path("A"));
  for (int visit = 0; visit < 4; ++visit) {
    shelf.must({"drive", "eject", "A"});  // writes a copy, whatever lies there
    const std::string now = current_of(shelf.path("A"));
    CHECK(now != before);
    CHECK(io::posix().stat(folder / now));
    before = now;
  }
  CHECK(io::posix().stat(folder / "catalog-007.db"));
  const io::Path fresh = shelf.path("fresh.db");
  CHECK(shelf.run({"catalog", "recover", shelf.path("A").string()}, {}, fresh).exit_code == 0);
}

}  // namespace darkshelf::testing
