// The drive comes back: everything on it is read, told, and left as it was.

#include "rituals/scrub.hpp"

#include <fmt/format.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "digest/digest.hpp"
#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"
#include "support/skip.hpp"
#include "support/stops.hpp"

namespace darkshelf::testing {
namespace {

const std::string kHarbour = "2026-09-01_harbour";

/// Every name below a folder with its size, mode and times of content and of inode: any write at all shows.
std::string traces(const io::Path& folder) {
  const ProcessResult found = run_process(
      {"bash", "-c", "cd \"$1\" && find . -printf '%p %s %m %T@ %C@ %n\\n' | LC_ALL=C sort", "bash", folder.string()});
  REQUIRE(found.exit_code == 0);
  return found.out;
}

/// Kinds and paths below the volume of what a scrub found in volumes.
std::set<std::string> found_in(const Outcome& scrub) {
  std::set<std::string> found;
  for (const Json& volume : objects(scrub.out, "scrubbed_volume")) {
    for (const Json& finding : volume.at("findings"))
      found.insert(finding.at("kind").get<std::string>() + " " + finding.at("path").get<std::string>());
  }
  return found;
}

/// Makes the first read of a payload slow, once after every rewind(): a scrub's time is used up by one volume.
class Slow final : public Watcher {
 public:
  void before(const Call& call) override {
    if (call.call != "open_read" || !call.path.string().ends_with(".tar") || done_.exchange(true)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  }
  void rewind() { done_ = false; }

 private:
  std::atomic<bool> done_ = true;
};

}  // namespace

TEST_CASE("scrub: --for goes on where the last visit stopped, the longest unchecked first, until all is read") {
  Slow slow;
  Shelf shelf({"A"}, &slow);
  std::vector<std::string> sealed;
  for (const char* name : {"2026-01-01_a", "2026-02-02_b", "2026-03-03_c"})
    sealed.push_back(shelf.seal(shelf.add_shoot(name, 1, 5000), {"A"}).volumes.at(0).info.shoot_name);
  rituals::Context context = shelf.context();
  const rituals::ScrubRequest request{"A", false, false, std::chrono::seconds(1)};
  const core::Uuid drive = shelf.catalog().find_drive("A")->id;
  const auto sealed_at = shelf.world().now();
  // Each visit reads the payload of one volume; the next one begins with the recovery data of that.
  for (std::size_t visit = 0; visit < 4; ++visit) {
    CAPTURE(visit);
    slow.rewind();
    const rituals::ScrubReport report = rituals::scrub(context, request);
    CHECK(report.since.has_value() == (visit > 0));
    CHECK(report.not_read.size() == 3 - visit);
    if (visit < 3) CHECK(report.not_read.front().info.shoot_name == sealed[visit]);
    CHECK(report.volumes.size() == (visit > 0 ? 1 : 0));
    if (visit > 0) CHECK(report.volumes.front().volume.info.shoot_name == sealed[visit - 1]);
    CHECK_FALSE(report.damage());
    CHECK(shelf.catalog().scrubs(drive).front().complete == (visit == 3));
  }
  // Each was read since it was sealed, one after the other.
  std::vector<core::Time> checks;
  for (const std::string& name : sealed) {
    const auto shoot = shelf.catalog().find_shoots(name).at(0);
    const auto volume = shelf.catalog().volumes_of(shoot.id).at(0);
    checks.push_back(*shelf.catalog().copies_of(volume.info.volume).at(0).checked);
  }
  CHECK(sealed_at < checks[0]);
  CHECK(checks[0] < checks[1]);
  CHECK(checks[1] < checks[2]);
  const rituals::ScrubReport all = rituals::scrub(context, {"A", false, false, {}});
  CHECK(all.volumes.size() == 3);
  CHECK_FALSE(all.since);
  CHECK(shelf.catalog().scrubs(drive).front().complete);
}

TEST_CASE("scrub: a check that is stopped keeps what it read, the next goes on there, and --full begins anew") {
  StopsAtRead stops;
  Shelf shelf({"A"}, &stops);
  shelf.seal(shelf.add_shoot("2026-01-01_a", 4, 150000), {"A"});
  rituals::Context context = shelf.context();
  context.work.memory = 1 << 20;  // buffers of 128 KiB
  const rituals::ScrubRequest request{"A", false, false, {}};
  const catalog::Volume volume = shelf.catalog().volumes_on(shelf.catalog().find_drive("A")->id).at(0);
  const io::Path tar =
      shelf.path("A") / "darkshelf" / volume.folder / "data" / (formats::volume::base_name(volume.info) + ".tar");
  const auto checked = [&] { return *shelf.catalog().copies_of(volume.info.volume).at(0).checked; };
  const auto first_checked = checked();
  const bool damaged = GENERATE(false, true);
  CAPTURE(damaged);
  if (damaged) rot(tar, 1000, 1);

  context.work.cancel = stops.after(3);
  CHECK_THROWS_AS(rituals::scrub(context, request), core::Error);
  CHECK(checked() == first_checked);  // the rest of it is as old as before
  context.work.cancel = stops.after(0);
  const rituals::ScrubReport rest = rituals::scrub(context, request);
  REQUIRE(rest.volumes.size() == 1);
  CHECK(rest.since);
  CHECK(rest.damage() == damaged);
  const auto& ranges = rest.volumes[0].examination.read;
  REQUIRE(ranges.size() == 1);
  // A volume that is known as bad is read whole, so that no visit can say it was good.
  if (damaged) {
    CHECK(ranges[0].first == 0);
    CHECK(rest.photos_hit == 1);
  } else {
    CHECK(ranges[0].first >= 64);  // two buffers at least
    CHECK(checked() > first_checked);
  }
  CHECK(ranges[0].first + ranges[0].count == volume.info.slices);

  context.work.cancel = stops.after(3);
  CHECK_THROWS_AS(rituals::scrub(context, request), core::Error);
  context.work.cancel = stops.after(0);
  const rituals::ScrubReport full = rituals::scrub(context, {"A", false, true, {}});
  REQUIRE(full.volumes.size() == 1);
  CHECK_FALSE(full.since);
  CHECK(full.volumes[0].examination.read[0].first == 0);
}

TEST_CASE("scrub: --repair mends at once what is found, and ends as well as the repair does") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  CHECK(shelf.run({"scrub", "A", "--repair", "--read-only"}).exit_code == 2);
  const Outcome nothing = shelf.run({"scrub", "A", "--repair", "--json"});
  CHECK(nothing.exit_code == 0);
  CHECK(objects(nothing.out, "repair_report").empty());
  shelf.damage("A");
  const Outcome mended = shelf.run({"scrub", "A", "--repair", "--json"});
  CHECK(mended.exit_code == 0);
  CHECK(objects(mended.out, "scrub_report").at(0).at("damage") == true);
  CHECK(objects(mended.out, "repair_report").at(0).at("complete") == true);
  const auto volumes = objects(mended.out, "scrubbed_volume");
  const auto hit = std::count_if(volumes.begin(), volumes.end(), [](const Json& v) { return v.at("intact") == false; });
  CHECK(objects(mended.out, "repair_report").at(0).at("checked") == hit);  // the others are not read again
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("scrub: writes nothing inside a volume, and with --read-only nothing at all") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const bool damaged = GENERATE(false, true);
  CAPTURE(damaged);
  if (damaged) shelf.damage("A");
  const std::string whole = traces(shelf.path("A")), volumes = traces(shelf.path("A") / "darkshelf" / "2026");
  CHECK(shelf.run({"scrub", "A", "--read-only"}).exit_code == (damaged ? 4 : 0));
  CHECK(traces(shelf.path("A")) == whole);
  CHECK(shelf.run({"check", "A"}).exit_code == (damaged ? 4 : 0));
  CHECK(traces(shelf.path("A") / "darkshelf" / "2026") == volumes);
  // A drive that is intact gets the news of the catalog; one that is not is left alone.
  const auto refreshed = [&] {
    const std::string before = traces(shelf.path("A") / "darkshelf" / "catalog");
    shelf.run({"scrub", "A"});
    return traces(shelf.path("A") / "darkshelf" / "catalog") != before;
  };
  CHECK(refreshed() == !damaged);
}

TEST_CASE("scrub: litter and foreign files are told and harmless") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path volume = shelf.volumes("A").front();
  for (const char* name : {".DS_Store", "data/._x.tar", "data/Thumbs.db", "notes.txt", "data/more/y.jpg"})
    make_file(volume / name, 10, 1);
  const Outcome scrub = shelf.run({"--json", "scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 0);
  CHECK(found_in(scrub) == std::set<std::string>{"foreign data/more/y.jpg", "foreign notes.txt", "litter .DS_Store",
                                                 "litter data/._x.tar", "litter data/Thumbs.db"});
  CHECK(object(scrub.out, "scrub_report").at("damage") == false);
  CHECK(shelf.run({"repair", "A"}).exit_code == 0);
  CHECK(io::posix().stat(volume / "notes.txt"));  // nothing is deleted because it was not understood
  CHECK(io::posix().stat(volume / ".DS_Store"));
}

TEST_CASE("scrub: every kind of loss is told for what it is, and what hits no photo is said to hit none") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path volume = shelf.volumes("A").back();
  std::string recovery;
  for (const io::Entry& entry : io::posix().list(volume)) {
    if (entry.name.find(".vol") != std::string::npos && entry.name.find(".tags.") == std::string::npos)
      recovery = entry.name;
  }
  REQUIRE_FALSE(recovery.empty());
  rot(volume / recovery, 3000, 5);
  io::posix().remove_file(volume / "bagit.txt");
  rot(volume / "members.jsonl", 10, 1);
  const Outcome scrub = shelf.run({"--json", "scrub", "A"});
  CHECK(scrub.exit_code == 4);
  CHECK(found_in(scrub) == std::set<std::string>{"damaged " + recovery, "missing bagit.txt", "damaged members.jsonl"});
  CHECK(object(scrub.out, "scrub_report").at("photos_hit") == 0);
  CHECK(shelf.run({"scrub", "A"}).out.find("All 12 photos on A are intact; lists or recovery data") !=
        std::string::npos);
  shelf.must({"repair", "A"});
  io::remove_tree(io::posix(), volume);
  const Outcome gone = shelf.run({"--json", "scrub", "A"});
  CHECK(gone.exit_code == 5);
  CHECK(found_in(gone) == std::set<std::string>{"missing "});
  CHECK(object(gone.out, "scrub_report").at("photos_hit") == 7);
}

TEST_CASE("scrub: a volume whose lists were changed to fit contradicts the seal, and is no rot to repair") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const io::Path volume = shelf.volumes("A").back();
  std::string info = io::read_text(io::posix(), volume / "bag-info.txt", 1 << 20);
  const std::size_t at = info.find("harbour");
  REQUIRE(at != std::string::npos);
  const std::string old_hash = core::to_hex(digest::sha256(core::as_bytes(info)));
  info.replace(at, 7, "fortune");
  io::posix().open_write(volume / "bag-info.txt")->write_at(0, core::as_bytes(info));
  std::string seal = io::read_text(io::posix(), volume / "tagmanifest-sha256.txt", 1 << 20);
  REQUIRE(seal.find(old_hash) != std::string::npos);
  seal.replace(seal.find(old_hash), 64, core::to_hex(digest::sha256(core::as_bytes(info))));
  io::posix().open_write(volume / "tagmanifest-sha256.txt")->write_at(0, core::as_bytes(seal));
  const auto tampered = shelf.volume_tree("A");

  const Outcome scrub = shelf.run({"--json", "scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 5);
  CHECK(object(scrub.out, "scrub_report").at("contradicts_seal") == true);
  CHECK(found_in(scrub).contains("changed tagmanifest-sha256.txt"));
  const Outcome repair = shelf.run({"repair", "A"});
  CHECK(repair.exit_code == 5);
  CHECK(repair.out.find("contradict") != std::string::npos);
  CHECK(shelf.volume_tree("A") == tampered);
  CHECK(shelf.run({"scrub", "B"}).exit_code == 0);
}

TEST_CASE("scrub: a drive that is mounted read-only is read, restored from, and refused where it would be written") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.shoots().parent_path(), "A", std::uint64_t{64} << 20);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", "A"});
  shelf.must(shelf.seal_command({"A"}));
  REQUIRE(run_process({"mount", "-o", "remount,ro", drive.mount_point().string()}).exit_code == 0);
  const Outcome scrub = shelf.run({"--json", "scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 0);
  CHECK(object(scrub.out, "scrub_report").at("catalog_refreshed") == false);
  shelf.must({"restore", "harbour", "--to", shelf.path("back").string()});
  CHECK(files_below(shelf.path("back")).size() == 7);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"repair", "A"}, {"seal", shelf.path("back").string(), "--to", "A", "--yes"}}) {
    const Outcome refused = shelf.run(command);
    CHECK(refused.exit_code == 7);
    CHECK(refused.err.find("read-only") != std::string::npos);
  }
  shelf.must({"drive", "eject", "A"});
}

}  // namespace darkshelf::testing
