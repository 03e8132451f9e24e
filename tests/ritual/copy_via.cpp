// One place to plug a drive in: volumes go through a folder of the machine from one drive to the other.

#include <boost/filesystem.hpp>
#include <catch2/catch.hpp>

#include "rituals/copy.hpp"
#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace fs = boost::filesystem;
namespace {

/// Only one of the drives is plugged in at a time.
class OnePort {
 public:
  explicit OnePort(ProgramShelf& shelf) : shelf_(shelf) {}
  void plug(const std::string& wanted, const std::string& other) {
    if (fs::exists(away(wanted))) fs::rename(away(wanted), shelf_.path(wanted));
    if (fs::exists(shelf_.path(other))) fs::rename(shelf_.path(other), away(other));
  }

 private:
  io::Path away(const std::string& drive) const { return shelf_.path("on-the-shelf-" + drive); }
  ProgramShelf& shelf_;
};

std::size_t entries_of(const io::Path& folder) {
  if (!fs::exists(folder)) return 0;
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

}  // namespace

TEST_CASE("copy: --via takes volumes through a folder when source and target cannot be plugged in together") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A"}));
  const auto tree = shelf.volume_tree("A");
  const bool damaged = GENERATE(false, true);
  CAPTURE(damaged);
  if (damaged) shelf.damage("A");
  OnePort port(shelf);
  const std::string via = shelf.path("between").string();
  const std::vector<std::string> command = {"--json", "copy", "A", "--to", "B", "--via", via};

  port.plug("A", "B");
  const Outcome staged = shelf.run(command);
  INFO(staged.out << staged.err);
  CHECK(staged.exit_code == 7);  // B has nothing yet
  CHECK(object(staged.out, "copy_report").at("staged") == ProgramShelf::kVolumes);
  CHECK(object(staged.out, "copy_report").at("copied") == 0);
  CHECK(shelf.run(command).exit_code == 7);  // again: what waits is not copied again
  CHECK(object(shelf.run(command).out, "copy_report").at("bytes") == 0);
  const Outcome status = shelf.run({"--json", "show", "B"});
  CHECK(object(status.out, "drive_details").at("volumes").empty());

  port.plug("B", "A");
  if (damaged) {  // what waits may be hit as well: it is mended from its own parity
    for (const auto& waiting : fs::directory_iterator(io::Path(via) / "darkshelf-via")) {
      if (fs::is_directory(waiting.path())) rot(fs::directory_iterator(waiting.path() / "data")->path(), 2000, 10);
    }
  }
  const Outcome copied = shelf.run(command);
  INFO(copied.out << copied.err);
  CHECK(copied.exit_code == 0);
  CHECK(object(copied.out, "copy_report").at("copied") == ProgramShelf::kVolumes);
  CHECK(shelf.volume_tree("B") == tree);
  CHECK(entries_of(via) == 0);
  CHECK(shelf.run({"scrub", "B"}).exit_code == 0);
  const Outcome again = shelf.run(command);  // the source is on its shelf, and not needed
  CHECK(again.exit_code == 0);
  CHECK(object(again.out, "copy_report").at("copied") == 0);
}

TEST_CASE("copy: --via with both drives plugged in copies at once, and a killed staging is begun anew") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A"}));
  const auto tree = shelf.volume_tree("A");
  OnePort port(shelf);
  const std::string via = shelf.path("between").string();
  const std::vector<std::string> command = {"copy", "A", "--to", "B", "--via", via};
  SECTION("both") {
    shelf.must(command);
    CHECK(entries_of(via) == 0);
  }
  SECTION("killed") {
    port.plug("A", "B");
    for (const char* step : {"copy.written:2", "copy.synced:1", "copy.staged:2"}) {
      CAPTURE(step);
      CHECK(shelf.run(command, {{"DARKSHELF_STOP_AT", step}}).signal == 9);
    }
    CHECK(shelf.run(command).exit_code == 7);
    port.plug("B", "A");
    for (const char* step : {"copy.written:1", "copy.recorded:2"})
      CHECK(shelf.run(command, {{"DARKSHELF_STOP_AT", step}}).signal == 9);
    shelf.must(command);
    CHECK(entries_of(via) == 0);
  }
  CHECK(shelf.volume_tree("B") == tree);
}

TEST_CASE("copy: --via goes in rounds where its folder is small, and never into an archive") {
  ProgramShelf shelf({"A", "B"});
  shelf.must({"seal", (shelf.shoots() / "2026-06-14_müller-wedding").string(), "--to", "A", "--volume-size", "1MiB"});
  CHECK(shelf.run({"copy", "A", "--to", "B", "--via", (shelf.path("A") / "darkshelf").string()}).exit_code == 2);
  const auto tree = shelf.volume_tree("A");
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  LoopDrive small(shelf.path("."), "small", 64 << 20);
  // Room for one volume and what a folder must keep free, not for two.
  const std::uint64_t wanted = (16 << 20) + (1 << 20) * 3 / 2;
  make_file(small.mount_point() / "filler", io::posix().space(small.mount_point()).free - wanted, 1);
  OnePort port(shelf);
  const std::vector<std::string> command = {"--json", "copy", "A", "--to", "B", "--via", small.mount_point().string()};
  std::size_t rounds = 0, copied = 0;
  for (; rounds < 10 && copied < tree.size(); ++rounds) {
    port.plug("A", "B");
    const Outcome staged = shelf.run(command);
    INFO(staged.out << staged.err);
    REQUIRE(staged.exit_code == 7);
    REQUIRE(object(staged.out, "copy_report").at("staged") > 0);
    port.plug("B", "A");
    const Outcome brought = shelf.run(command);
    INFO(brought.out << brought.err);
    REQUIRE(object(brought.out, "copy_report").at("copied") > 0);
    if (brought.exit_code == 0) break;
    CHECK(brought.exit_code == 7);
  }
  CHECK(rounds > 0);
  CHECK(shelf.volume_tree("B") == tree);
}

TEST_CASE("copy: --via without room for a single volume says so, and one folder is used by one program at a time") {
  ProgramShelf shelf({"A", "B"});
  shelf.must({"seal", (shelf.shoots() / "2026-09-01_harbour").string(), "--to", "A"});
  OnePort(shelf).plug("A", "B");
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  LoopDrive small(shelf.path("."), "small", 32 << 20);
  const std::vector<std::string> command = {"copy", "A", "--to", "B", "--via", small.mount_point().string()};
  {
    io::posix().make_dirs(small.mount_point() / "darkshelf-via");
    const auto held = io::posix().lock(small.mount_point() / "darkshelf-via" / ".lock", "the folder", "another");
    CHECK(shelf.run(command).exit_code == 8);
  }
  make_file(small.mount_point() / "filler", io::posix().space(small.mount_point()).free - (10 << 20), 1);
  const Outcome full = shelf.run(command);
  INFO(full.out << full.err);
  CHECK(full.exit_code == 1);
  CHECK(full.out.find("give a --via folder with more") != std::string::npos);
  CHECK_FALSE(io::posix().stat(small.mount_point() / "darkshelf-via"));
}

TEST_CASE("copy: --via keeps what waits when only the target failed, and says what to do with it") {
  ProgramShelf shelf({"A", "B", "C"});
  shelf.must({"seal", (shelf.shoots() / "2026-09-01_harbour").string(), "--to", "A"});
  const auto tree = shelf.volume_tree("A");
  const io::Path sealed = shelf.volumes("A").front(), below = sealed.parent_path().filename() / sealed.filename();
  OnePort port(shelf);
  const std::string via = shelf.path("between").string();
  const std::vector<std::string> command = {"--json", "copy", "A", "--to", "B", "--via", via};
  port.plug("A", "B");
  REQUIRE(shelf.run(command).exit_code == 7);
  port.plug("B", "A");
  // What stands in the place of the volume there, and is damaged, gives way to nothing.
  const io::Path waiting = io::Path(via) / "darkshelf-via";
  io::Path staged;
  for (const auto& entry : fs::directory_iterator(waiting)) {
    if (fs::is_directory(entry.path())) staged = entry.path();
  }
  const io::Path place = shelf.path("B") / "darkshelf" / below;
  fs::create_directories(place.parent_path());
  REQUIRE(run_process({"cp", "-a", staged.string(), place.string()}).exit_code == 0);
  rot(fs::directory_iterator(place / "data")->path(), 2000, 100);
  const Outcome failed = shelf.run(command);
  INFO(failed.out << failed.err);
  CHECK(failed.exit_code != 0);
  CHECK(object(failed.out, "copy_failed").at("kept") == true);
  CHECK(failed.err.find("1 volume is kept in " + via) != std::string::npos);
  CHECK(failed.err.find("darkshelf check B") != std::string::npos);
  CHECK(failed.err.find("darkshelf copy A --to ANOTHER-DRIVE --via " + via) != std::string::npos);
  CHECK(fs::is_directory(staged));

  SECTION("the same drive, once it is well") {
    fs::remove_all(place);
    CHECK(shelf.run(command).exit_code == 0);
    CHECK(shelf.volume_tree("B") == tree);
  }
  SECTION("another drive") {
    CHECK(shelf.run({"copy", "A", "--to", "C", "--via", via}).exit_code == 0);
    CHECK(shelf.volume_tree("C") == tree);
  }
  CHECK(entries_of(via) == 0);
}

TEST_CASE("copy: --via keeps what waits when the target does not give back what was written to it") {
  Faults faults;
  Shelf shelf({"A", "B"}, &faults);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 300'000), {"A"});
  const io::Path away = shelf.path("away"), via = shelf.path("between");
  rituals::CopyRequest request;
  request.what = {"A"};
  request.to = "B";
  request.via = via;
  const auto copy = [&] {
    rituals::Context context = shelf.context();
    return rituals::copy(context, request);
  };
  fs::rename(shelf.path("B"), away);
  CHECK(copy().staged.size() == 1);
  fs::rename(away, shelf.path("B"));
  fs::rename(shelf.path("A"), away);
  const core::Uuid volume = shelf.catalog().volumes().at(0).info.volume;
  const io::Path staged = via / "darkshelf-via" / volume.text();
  REQUIRE(fs::is_directory(staged));

  SECTION("it reads back wrong") {
    faults.flip("B/darkshelf/.incoming*.tar", 5000, 0x10);
    const rituals::CopyReport report = copy();
    REQUIRE(report.failed.size() == 1);
    INFO(report.failed.front().second);
    CHECK(report.failed.front().second.find("B does not give back what was written to it") != std::string::npos);
    CHECK(report.kept == std::set<core::Uuid>{volume});
    CHECK(fs::is_directory(staged));
    faults.nothing();
    CHECK(copy().volumes.size() == 1);
  }
  SECTION("what waits is damaged beyond repair: it is to blame, and goes") {
    const io::Path payload = fs::directory_iterator(staged / "data")->path();
    zero(payload, 0, fs::file_size(payload) / 2);
    const rituals::CopyReport report = copy();
    REQUIRE(report.failed.size() == 1);
    CHECK(report.kept.empty());
    fs::rename(away, shelf.path("A"));
    CHECK(copy().volumes.size() == 1);
  }
  CHECK(entries_of(via) == 0);
  CHECK(shelf.catalog().copies_of(volume).size() == 2);
}

}  // namespace darkshelf::testing
