// Copies of a catalog that drives carry: those of another machine are told and kept until they are taken in, damaged
// ones are found, and a drive that does not answer is gone.

#include <catch2/catch.hpp>
#include <cerrno>

#include "rituals/scrub.hpp"
#include "rituals/upkeep.hpp"
#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Names of the copies on a drive.
std::vector<std::string> copies_on(ProgramShelf& shelf, const std::string& drive) {
  std::vector<std::string> names;
  for (const io::Entry& entry : io::posix().list(shelf.path(drive) / "darkshelf" / "catalog")) {
    if (entry.name.ends_with(".db")) names.push_back(entry.name);
  }
  return names;
}

/// Another machine learns from drive A, adds a place and seals to it.
struct TwoMachines {
  ProgramShelf shelf{{"A"}};
  io::Path other = shelf.path("other.db");
  std::string merge;  // the command that is told

  TwoMachines() {
    shelf.must(shelf.seal_command({"A"}));
    must_there({"catalog", "recover", shelf.path("A").string()});
    must_there({"place", "add", "studio"});
    make_file(shelf.shoots() / "2026-11-11_studio" / "S.JPG", 40'000, 9);
    must_there({"seal", (shelf.shoots() / "2026-11-11_studio").string(), "--to", "A"});
  }
  Outcome there(const std::vector<std::string>& command) { return shelf.run(command, {}, other); }
  void must_there(const std::vector<std::string>& command) {
    const Outcome outcome = there(command);
    INFO(outcome.out << outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
};

}  // namespace

TEST_CASE("catalog copies: what another machine wrote is told at each visit, and not lost until it is taken in") {
  TwoMachines two;
  ProgramShelf& shelf = two.shelf;
  const std::vector<std::string> theirs = copies_on(shelf, "A");
  const Outcome scrub = shelf.run({"scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(has(scrub.err, "A carries a catalog of another machine, or of another day, that knows "));
  CHECK(has(scrub.err, " facts and 1 volume yours does not."));
  const std::string copy = (shelf.path("A") / "darkshelf" / "catalog" / theirs.back()).string();
  CHECK(has(scrub.err, "→ darkshelf catalog merge " + copy));
  CHECK(scrub.err.find("carries a catalog") == scrub.err.rfind("carries a catalog"));
  // Nothing was taken in unasked, and however often this machine writes its own copy, theirs stays.
  CHECK(shelf.run({"find", "studio"}).exit_code == 1);
  for (int i = 0; i < 3; ++i) {
    make_file(shelf.shoots() / ("2026-12-1" + std::to_string(i) + "_more") / "M.JPG", 9'000,
              20u + static_cast<unsigned>(i));
    const Outcome seal =
        shelf.run({"seal", (shelf.shoots() / ("2026-12-1" + std::to_string(i) + "_more")).string(), "--to", "A"});
    INFO(seal.out << seal.err);
    CHECK(seal.exit_code == 0);
    CHECK(io::posix().stat(copy));
  }
  CHECK(copies_on(shelf, "A").size() == 3);
  CHECK(has(shelf.run({"scrub", "A", "--read-only"}).err, copy));
  // A new machine learns both ways at once.
  const io::Path fresh = shelf.path("fresh.db");
  CHECK(shelf.run({"catalog", "recover", shelf.path("A").string()}, {}, fresh).exit_code == 0);
  CHECK(shelf.run({"find", "studio"}, {}, fresh).exit_code == 0);
  CHECK(shelf.run({"find", "more"}, {}, fresh).exit_code == 0);

  shelf.must({"catalog", "merge", copy});
  CHECK(shelf.run({"find", "studio"}).exit_code == 0);
  const Outcome after = shelf.run({"scrub", "A"});
  INFO(after.out << after.err);
  CHECK(after.exit_code == 0);
  CHECK_FALSE(has(after.err, "carries a catalog"));
  CHECK_FALSE(io::posix().stat(copy));
  CHECK(copies_on(shelf, "A").size() == 2);
}

TEST_CASE("catalog copies: of what this machine wrote itself nothing is told, and nothing is read for it") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  for (int i = 0; i < 3; ++i) {
    const Outcome scrub = shelf.run({"scrub", "A"});
    CHECK_FALSE(has(scrub.err, "carries a catalog"));
  }
  // A catalog that was brought back from a backup knows less than its own copies.
  REQUIRE(run_process({"cp", shelf.path("catalog.db").string(), shelf.path("backup.db").string()}).exit_code == 0);
  shelf.must({"place", "add", "home"});
  shelf.must({"scrub", "A"});
  shelf.lose_catalog();
  REQUIRE(run_process({"cp", shelf.path("backup.db").string(), shelf.path("catalog.db").string()}).exit_code == 0);
  CHECK(has(shelf.run({"scrub", "A"}).err, "or of another day, that knows "));
}

TEST_CASE("catalog copies: the older one is checked too, and mended by writing a new one") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  shelf.must({"scrub", "A"});
  REQUIRE(copies_on(shelf, "A").size() == 2);
  const std::string older = "darkshelf/catalog/" + copies_on(shelf, "A").front();
  SECTION("one whose hash is remembered") { rot(shelf.path("A") / older, 20'000, 3); }
  SECTION("one that is no catalog any more") { rot(shelf.path("A") / older, 0, 100); }
  SECTION("one that was cut short, on a machine that never saw it") {
    cut(shelf.path("A") / older, 30'000);
    shelf.lose_catalog();
    shelf.must({"catalog", "recover", shelf.path("A").string()});
  }
  const Outcome scrub = shelf.run({"--json", "scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 4);
  const Json finding = object(scrub.out, "drive_finding");
  CHECK(finding.at("kind") == "damaged");
  CHECK(finding.at("path") == older);
  const Outcome repair = shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("catalog copies: recovering reads each of them once") {
  struct CountsReads : Watcher {
    std::map<io::Path, std::uint64_t> bytes;
    void read(const Call& call, core::MutableByteSpan got) override {
      if (has(call.path.string(), "darkshelf/catalog/catalog-")) bytes[call.path] += got.size();
    }
  } reads;
  Shelf shelf({"A"}, &reads);
  for (const char* shoot : {"2026-06-14_wedding", "2026-09-01_harbour"})
    shelf.seal(shelf.add_shoot(shoot, 3, 50'000), {"A"});
  rituals::Context context = shelf.context();
  reads.bytes.clear();
  const auto report = rituals::recover_catalog(context, {shelf.path("A")});
  CHECK(report.drives.at(0).problems.empty());
  CHECK_FALSE(report.drives.at(0).catalog_as_of.empty());
  REQUIRE(reads.bytes.size() == 2);
  for (const auto& [path, bytes] : reads.bytes) {
    CAPTURE(path);
    CHECK(bytes == io::posix().stat(path)->bytes);
  }
}

TEST_CASE("catalog copies: a drive that answers nothing while its copy is read is gone, not damaged") {
  Faults faults;
  Shelf shelf({"A"}, &faults);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 50'000), {"A"});
  const auto code_of = [](const auto& what) {
    try {
      what();
    } catch (const core::Error& error) {
      return error.code();
    }
    return core::Code::kFailed;  // nothing was thrown
  };
  SECTION("while recovering") {
    rituals::Context context = shelf.context();
    faults.fail("read_at", "darkshelf/catalog/catalog-", 2, EIO, true);
    CHECK(code_of([&] { rituals::recover_catalog(context, {shelf.path("A")}); }) == core::Code::kDriveGone);
  }
  SECTION("while it is asked which medium it is") {
    rituals::Context context = shelf.context();
    faults.fail("space", shelf.path("A").string(), 2, EIO, true);
    faults.fail("open_read", shelf.path("A").string() + "/darkshelf/drive.json", 3, EIO,
                true);  // it had told who it is, and is asked again
    CHECK(code_of([&] { rituals::scrub(context, {"A", true, false, {}}); }) == core::Code::kDriveGone);
  }
}

}  // namespace darkshelf::testing
