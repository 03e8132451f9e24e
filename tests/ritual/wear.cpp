// SMART at every visit. No disk with SMART can be counted on here: a program called smartctl stands in for the real
// one, in a folder in front of PATH, and prints texts of its documented schema (support/smart_texts.hpp). The drives
// are folders on the disk of this machine, which is the disk that is asked. What the real program says of it is
// understood by tests/unit/shelf/smart.cpp.

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "io/mounts.hpp"
#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"
#include "support/smart_texts.hpp"

namespace darkshelf::testing {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A shelf with one sealed drive, and the program that is asked how its disk is.
struct WithSmart {
  ProgramShelf shelf{{"A"}};
  io::Path tools = shelf.path("tools");

  WithSmart() {
    io::posix().make_dir(tools);
    shelf.must(shelf.seal_command({"A"}));
  }
  /// Nothing if a disk lies below the folder.
  std::optional<std::string> unavailable() const {
    if (!io::medium_of(io::posix(), shelf.path("A")).disk_device.empty()) return {};
    return "no single disk is known below the folder for tests";
  }
  void program(const std::string& script) const {
    const io::Path file = tools / "smartctl";
    std::ofstream(file.string()) << "#!/bin/sh\n" << script;
    REQUIRE(::chmod(file.c_str(), 0755) == 0);
  }
  void says(const std::string& text, int exit_code = 0) const {
    std::ofstream((tools / "answer").string()) << text;
    program("cat '" + (tools / "answer").string() + "'; exit " + std::to_string(exit_code) + "\n");
  }
  Outcome run(const std::vector<std::string>& arguments) {
    return shelf.run(arguments, {{"PATH", tools.string() + ":" + std::getenv("PATH")}});
  }
  Json wear(const std::vector<std::string>& arguments) {
    std::vector<std::string> command = {"--json"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return object(run(command).out, "drive_wear");
  }
};

}  // namespace

TEST_CASE("wear: what changed on the disk since the last visit is told, and a failing medium is not written to") {
  WithSmart with;
  if (const auto why = with.unavailable()) return skip(*why);
  AtaDisk disk;
  with.says(ata_text(disk));
  const Outcome good = with.run({"scrub", "A"});
  INFO(good.out << good.err);
  CHECK(good.exit_code == 0);
  CHECK_FALSE(has(good.out + good.err, "medium"));
  const Outcome shown = with.run({"drive", "show", "A"});
  CHECK(has(shown.out, "34,120 hours, 34 °C, its own verdict: good"));

  disk.reallocated = 12;
  disk.crc = 3;
  with.says(ata_text(disk), 64);
  const Outcome news = with.run({"scrub", "A"});
  INFO(news.out << news.err);
  CHECK(news.exit_code == 0);  // all photos are intact, after all
  CHECK(has(news.out, "12 reallocated sectors, 0 at the last check on "));
  CHECK(has(news.out, ": the medium of A is failing, copy it to a new drive."));
  CHECK(has(news.out, "3 transfer errors (CRC), 0 at the last check on "));
  CHECK(has(news.out, "Next: darkshelf copy A --to ANOTHER-DRIVE"));
  const Json wear = with.wear({"scrub", "A"});
  CHECK(wear.at("failing") == true);
  CHECK(wear.at("reallocated") == 12);
  CHECK(wear.at("serial") == disk.serial);
  CHECK(wear.at("news").empty());  // the cable's errors have not grown since
  const Json report = object(with.run({"--json", "scrub", "A"}).out, "scrub_report");
  CHECK(report.at("medium_failing") == true);
  CHECK(report.at("catalog_refreshed") == false);

  // Damage that could be mended is left alone, and the copy is advised; nothing more is written to it.
  const auto before = with.shelf.volume_tree("A");
  rot(files_below(with.shelf.volumes("A").front() / "data").begin()->first, 5000, 100);
  const auto damaged = with.shelf.volume_tree("A");
  const Outcome scrub = with.run({"scrub", "A", "--repair"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 4);
  CHECK(has(scrub.out, "the medium itself is failing (12 reallocated sectors"));
  CHECK_FALSE(has(scrub.out, "darkshelf repair"));
  const Outcome repair = with.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code == 4);
  CHECK(has(repair.out, "Next: darkshelf copy A --to ANOTHER-DRIVE"));
  CHECK(with.shelf.volume_tree("A") == damaged);
  CHECK(with.shelf.leftovers("A").empty());
  CHECK(with.run({"repair", "A", "--tidy"}).exit_code == 7);
  const auto service_files = files_below(with.shelf.path("A") / "darkshelf" / "catalog");
  CHECK(with.run({"drive", "eject", "A"}).exit_code == 0);
  CHECK(files_below(with.shelf.path("A") / "darkshelf" / "catalog").size() == service_files.size());
  for (const auto& [path, stat] : service_files) CHECK(io::posix().stat(path)->mtime_ns == stat.mtime_ns);
  make_file(with.shelf.shoots() / "2026-12-12_new" / "X.JPG", 9'000, 1);
  const Outcome seal = with.run({"seal", (with.shelf.shoots() / "2026-12-12_new").string(), "--to", "A"});
  CHECK(seal.exit_code == 7);
  CHECK(has(seal.err, "nothing is written to it"));
  // The summary and the status know, too.
  CHECK(has(with.run({}).out, "Next: darkshelf copy A --to ANOTHER-DRIVE"));
  CHECK(has(with.run({"status"}).out, "The medium of A is failing"));
  CHECK(has(with.run({"drive", "show", "A"}).out, "Damage in 1 place: darkshelf copy A"));

  // A copy of it is mended on the way; once the drive is out of use nobody is reminded.
  io::posix().make_dir(with.shelf.path("B"));
  with.shelf.must({"drive", "add", with.shelf.path("B").string(), "--label", "B"});
  CHECK(with.run({"copy", "A", "--to", "B"}).exit_code == 0);
  CHECK(with.shelf.volume_tree("B") == before);
  const auto on_a = with.shelf.volume_tree("A");
  const Outcome discard = with.run({"discard", "harbour", "--from", "A", "--reason", "x"});
  INFO(discard.out << discard.err);
  CHECK(discard.exit_code == 7);
  CHECK(has(discard.err, "nothing is written to it, nor removed from it"));
  CHECK(has(discard.err, "darkshelf drive mark A failed"));
  CHECK(with.shelf.volume_tree("A") == on_a);
  with.shelf.must({"drive", "mark", "A", "failed"});
  CHECK_FALSE(has(with.run({}).out, "The medium of"));
}

TEST_CASE("wear: a new medium is not blamed for the one before") {
  WithSmart with;
  if (const auto why = with.unavailable()) return skip(*why);
  AtaDisk disk;
  disk.pending = 1;
  with.says(ata_text(disk));
  CHECK(with.wear({"scrub", "A"}).at("failing") == true);
  with.shelf.must({"drive", "accept", with.shelf.path("A").string(), "--as", "moved"});
  with.says(smart_usb_bridge(), 1);
  CHECK(with.wear({"scrub", "A"}).at("failing") == false);
  CHECK(with.wear({"drive", "show", "A"}).at("told") == false);
}

TEST_CASE("wear: an NVMe disk is told in its own terms") {
  WithSmart with;
  if (const auto why = with.unavailable()) return skip(*why);
  NvmeDisk disk;
  with.says(nvme_text(disk));
  CHECK(with.wear({"scrub", "A"}).at("failing") == false);
  disk.media_errors = 2;
  with.says(nvme_text(disk));
  CHECK(has(with.run({"scrub", "A"}).out, "2 media errors, 0 at the last check on "));
  disk.media_errors = 0;
  disk.serial = "another";
  disk.critical_warning = 4;
  with.says(nvme_text(disk), 8);
  CHECK(has(with.run({"scrub", "A"}).out, "the disk itself says that it is failing"));
}

TEST_CASE("wear: why a disk does not tell is said once, and again only when the reason is another") {
  WithSmart with;
  if (const auto why = with.unavailable()) return skip(*why);
  const auto why_not = [&] { return with.wear({"scrub", "A"}).at("why_not").get<std::string>(); };
  with.says(smart_usb_bridge(), 1);
  CHECK(has(why_not(), "a USB case that does not pass it on (smartctl: /dev/sdb: Unknown USB bridge"));
  CHECK(why_not().empty());
  CHECK(with.wear({"drive", "show", "A"}).at("why_not") == "");
  with.says(smart_denied(), 2);
  const Outcome denied = with.run({"scrub", "A"});
  CHECK(denied.exit_code == 0);
  CHECK(has(denied.err, "only root may ask /dev/"));
  CHECK(has(denied.err, "sudo darkshelf scrub A"));
  CHECK(why_not().empty());
  with.says("Segmentation fault", 139);
  CHECK(has(why_not(), "no answer that makes sense"));
  with.program("yes '{\"smartctl\":{},'\n");
  CHECK(why_not().empty());  // as little sense as before
  with.says(ata_text({}));
  CHECK(with.wear({"scrub", "A"}).at("told") == true);
  with.says("", 1);
  CHECK(has(why_not(), "no answer that makes sense"));  // it had told in between
}

TEST_CASE("wear: a smartctl that hangs is waited for some seconds, and the check goes on without it") {
  WithSmart with;
  if (const auto why = with.unavailable()) return skip(*why);
  with.program("sleep 300\n");
  const Outcome scrub = with.run({"scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 0);
  CHECK(has(scrub.err, "smartctl took longer than 10 seconds"));
  CHECK(has(scrub.out, "are intact"));
}

TEST_CASE("wear: an image has no disk, which is said once") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  WithSmart with;
  with.says(ata_text({}));
  LoopDrive drive(with.shelf.shoots().parent_path(), "L", std::uint64_t{64} << 20);
  with.shelf.must({"drive", "add", drive.mount_point().string(), "--label", "L"});
  const Outcome first = with.run({"scrub", "L"});
  CHECK(has(first.err, "it is an image in a file, and no disk"));
  CHECK_FALSE(has(with.run({"scrub", "L"}).err, "image in a file"));
}

TEST_CASE("wear: what the check itself brought to light is recorded by it") {
  WithSmart with;
  if (const auto why = with.unavailable()) return skip(*why);
  with.says(ata_text({}));
  with.shelf.must({"catalog", "verify"});
  CHECK(with.wear({"scrub", "A"}).at("failing") == false);
  AtaDisk disk;
  disk.pending = 2;
  std::ofstream((with.tools / "later").string()) << ata_text(disk);
  // Well when it is asked first, and no more when it is asked again.
  with.program("cd '" + with.tools.string() + "'; if [ -e asked ]; then cat later; else touch asked; cat answer; fi\n");
  const auto told = objects(with.run({"--json", "scrub", "A"}).out, "drive_wear");
  REQUIRE(told.size() == 2);
  CHECK(told.at(0).at("pending") == 0);
  CHECK(told.at(0).at("failing") == false);
  CHECK(told.at(1).at("pending") == 2);
  CHECK(told.at(1).at("failing") == true);
  CHECK(has(with.run({"status"}).out, "The medium of A is failing"));
}

TEST_CASE("wear: what is news once is told by a visit that is cut short, too") {
  WithSmart with;
  if (const auto why = with.unavailable()) return skip(*why);
  AtaDisk disk;
  with.says(ata_text(disk));
  CHECK(with.wear({"scrub", "A"}).at("news").empty());
  disk.crc = 3;
  with.says(ata_text(disk));
  const std::string environment = with.tools.string() + ":" + std::getenv("PATH");
  const std::string news = "3 transfer errors (CRC), 0 at the last check on ";
  SECTION("a check, by Ctrl-C") {
    const Outcome stopped = with.shelf.run({"scrub", "A"}, {{"PATH", environment},
                                                            {"DARKSHELF_STOP_AT", "scrub.volume-read"},
                                                            {"DARKSHELF_STOP_SIGNAL", std::to_string(SIGINT)}});
    INFO(stopped.out << stopped.err);
    CHECK(stopped.exit_code == 130);
    CHECK(has(stopped.out, news));
  }
  SECTION("a check, because it is killed") {
    const Outcome killed =
        with.shelf.run({"scrub", "A"}, {{"PATH", environment}, {"DARKSHELF_STOP_AT", "scrub.volume-read"}});
    INFO(killed.out << killed.err);
    CHECK(killed.signal == 9);
    CHECK(has(killed.out, news));
  }
  const Json again = with.wear({"scrub", "A"});
  CHECK(again.at("told") == true);
  CHECK(again.at("news").empty());
  CHECK(again.at("crc_errors") == 3);
}

}  // namespace darkshelf::testing
