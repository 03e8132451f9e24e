// Mending a drive from a twin on another, and from both together when neither suffices.

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "rituals/copy.hpp"
#include "rituals/repair.hpp"
#include "rituals/restore.hpp"
#include "rituals/scrub.hpp"
#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"
#include "support/shelf/signed_shelf.hpp"
#include "support/shelf/slices.hpp"

namespace darkshelf::testing {
namespace {

std::string told(const Outcome& outcome) {
  // As one line: sentences are broken at 80 columns.
  std::string text = outcome.out + outcome.err, joined;
  for (const char c : text) {
    if (c == '\n') {
      joined += ' ';
    } else if (c != ' ' || joined.empty() || joined.back() != ' ') {
      joined += c;
    }
  }
  return joined;
}

bool tells(const Outcome& outcome, const std::string& words) { return told(outcome).find(words) != std::string::npos; }

/// Two drives with the same volumes, sealed in one of the layouts.
struct TwoDrives {
  explicit TwoDrives(const std::string& layout = "tar") : shelf({"A", "B"}) {
    auto command = shelf.seal_command({"A", "B"});
    command.insert(command.end(), {"--layout", layout});
    shelf.must(command);
    sealed = shelf.volume_tree("A");
  }
  io::Path volume(const std::string& drive) const { return shelf.volumes(drive).front(); }
  Outcome repair(const std::string& drive, const std::string& with) {
    return shelf.run({"--json", "repair", drive, "--with", with});
  }
  ProgramShelf shelf;
  std::map<std::string, std::string> sealed;
};

}  // namespace

TEST_CASE("repair --with: what parity cannot mend comes from the twin, which is not touched") {
  TwoDrives drives(GENERATE(as<std::string>{}, "tar", "files"));
  ProgramShelf& shelf = drives.shelf;
  spoil(slices_of(drives.volume("A")), 5, 90);
  for (const Piece& packet : recovery_of(drives.volume("A"), false)) rot(packet.file, packet.offset + 100, 1);
  io::posix().remove_file(drives.volume("A") / "photos.sha256");
  const Outcome alone = shelf.run({"repair", "A"});
  CAPTURE(alone.out, alone.err);
  CHECK(alone.exit_code == 5);
  CHECK(tells(alone, "B holds a good copy. Type: darkshelf repair A --with B"));
  const Outcome scrub = shelf.run({"scrub", "A"});
  CHECK(scrub.exit_code == 5);
  CHECK(tells(scrub, "Next: darkshelf repair A --with B"));

  const auto whole_twin = files_below(shelf.path("B"));
  const Outcome repair = drives.repair("A", "B");
  CAPTURE(repair.out, repair.err);
  CHECK(repair.exit_code == 0);
  const Json volume = object(repair.out, "repaired_volume");
  CHECK(volume.at("repaired") == true);
  CHECK(volume.at("slices_from_twin") == 85);
  CHECK(shelf.volume_tree("A") == drives.sealed);
  CHECK(shelf.leftovers("A").empty());
  const auto twin_now = files_below(shelf.path("B"));
  REQUIRE(twin_now.size() == whole_twin.size());
  for (const auto& [path, stat] : whole_twin) {
    INFO(path.string());
    CHECK(twin_now.at(path).mtime_ns == stat.mtime_ns);
    CHECK(twin_now.at(path).ctime_ns == stat.ctime_ns);
  }
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
  const Outcome again = drives.repair("A", "B");
  CHECK(again.exit_code == 0);
  CHECK(objects(again.out, "repaired_volume").empty());
}

TEST_CASE("repair --with: over a long unreadable run of the twin it steps, and takes all else from there") {
  Faults faults;
  Shelf shelf({"A", "B"}, &faults);
  rituals::Context sealing = shelf.context();
  rituals::SealRequest request = shelf.request(shelf.add_shoot("2026-06-14_wedding", 8, 1'000'000), {"A", "B"});
  request.volume_bytes = 64 << 20;
  rituals::seal(sealing, rituals::plan_seal(sealing, request));
  const auto tar_on = [&](const std::string& drive) {
    return files_below(volume::volume_folders(io::posix(), shelf.path(drive)).front() / "data").begin()->first;
  };
  rot(tar_on("A"), 900'000, 3'000'000);
  faults.unreadable("/B/darkshelf/*_1of1.tar", 1'000'000, 600'000);
  rituals::Context context = shelf.context();
  rituals::RepairRequest repair;
  repair.drive = "A";
  repair.with = "B";
  const rituals::RepairReport report = rituals::repair(context, repair);
  REQUIRE(report.volumes.size() == 1);
  CAPTURE(report.volumes.front().failure);
  REQUIRE(report.volumes.front().repaired);
  CHECK(report.volumes.front().origin.from_twin() > 2'300'000 / 4096);
  CHECK(report.volumes.front().origin.rebuilt < 650'000 / 4096);
  std::uint64_t asked = 0;
  for (const io::UnreadablePlaces& file : context.fs.unreadable_below(shelf.path("B"))) asked += file.sectors();
  CHECK(asked < 60);
  faults.nothing();
  CHECK(io::read_file(io::posix(), tar_on("A"), 1 << 30) == io::read_file(io::posix(), tar_on("B"), 1 << 30));
}

TEST_CASE("repair --with: two drives damaged in different places mend each other in turn") {
  TwoDrives drives(GENERATE(as<std::string>{}, "tar", "files"));
  ProgramShelf& shelf = drives.shelf;
  spoil(slices_of(drives.volume("A")), 0, 60);
  spoil(slices_of(drives.volume("B")), 60, 130);
  io::posix().remove_file(drives.volume("A") / "members.jsonl");
  io::posix().remove_file(drives.volume("B") / "slices.sha256");
  for (const char* drive : {"A", "B"}) REQUIRE(shelf.run({"repair", drive}).exit_code == 5);
  const Outcome a = drives.repair("A", "B");
  CAPTURE(a.out, a.err);
  REQUIRE(a.exit_code == 0);
  CHECK(shelf.volume_tree("A") == drives.sealed);
  const Outcome b = drives.repair("B", "A");
  CAPTURE(b.out, b.err);
  REQUIRE(b.exit_code == 0);
  CHECK(shelf.volume_tree("B") == drives.sealed);
}

TEST_CASE("repair --with: what is lost on both comes out of the sound recovery slices of both") {
  TwoDrives drives;
  ProgramShelf& shelf = drives.shelf;
  const auto recovery_a = recovery_of(drives.volume("A"), false), recovery_b = recovery_of(drives.volume("B"), false);
  const std::size_t count = recovery_a.size(), half = count / 2;
  REQUIRE(count >= 16);
  // Lost on both: as many as all recovery slices, of which each drive has but one half.
  spoil(slices_of(drives.volume("A")), 0, count + 10);
  spoil(slices_of(drives.volume("B")), 10, count + 30);
  spoil(recovery_a, 0, half);
  spoil(recovery_b, half, count);
  const Outcome repair = drives.repair("A", "B");
  CAPTURE(repair.out, repair.err);
  REQUIRE(repair.exit_code == 0);
  CHECK(object(repair.out, "repaired_volume").at("slices_from_twin") == 10);
  CHECK(shelf.volume_tree("A") == drives.sealed);
  REQUIRE(drives.repair("B", "A").exit_code == 0);
  CHECK(shelf.volume_tree("B") == drives.sealed);

  // One slice more, and it is told; nothing is written.
  spoil(slices_of(drives.volume("A")), 0, count + 1);
  spoil(slices_of(drives.volume("B")), 0, count + 1);
  const auto damaged = shelf.volume_tree("A");
  const Outcome hopeless = shelf.run({"repair", "A", "--with", "B"});
  CAPTURE(hopeless.out, hopeless.err);
  CHECK(hopeless.exit_code == 5);
  CHECK(tells(hopeless, "slices are lost, they cannot be had on B either, and"));
  CHECK(shelf.volume_tree("A") == damaged);
  CHECK(shelf.leftovers("A").empty());
}

TEST_CASE("repair --with: lists that neither drive can mend alone come out of both") {
  TwoDrives drives;
  ProgramShelf& shelf = drives.shelf;
  const io::Path a = drives.volume("A"), b = drives.volume("B");
  const auto packets = recovery_of(b, true);
  const std::size_t parity = (io::posix().stat(b / "slices.sha256")->bytes + 4095) / 4096;
  // A lacks one list and all of the lists' parity. B lacks that one too, and another, and has parity for one of them.
  io::posix().remove_file(a / "slices.sha256");
  spoil(recovery_of(a, true), 0, packets.size());
  for (const char* list : {"slices.sha256", "photos.sha256"}) io::posix().remove_file(b / list);
  spoil(packets, 0, packets.size() - parity);
  for (const char* drive : {"A", "B"}) REQUIRE(shelf.run({"repair", drive}).exit_code == 5);
  const Outcome repair = drives.repair("A", "B");
  CAPTURE(repair.out, repair.err);
  REQUIRE(repair.exit_code == 0);
  CHECK(shelf.volume_tree("A") == drives.sealed);
  REQUIRE(drives.repair("B", "A").exit_code == 0);
  CHECK(shelf.volume_tree("B") == drives.sealed);
}

TEST_CASE("repair --with: recovery files alone are read from the twin, or made again where it has none") {
  TwoDrives drives;
  ProgramShelf& shelf = drives.shelf;
  const bool twin_lacks_them = GENERATE(false, true);
  for (const char* drive : {"A", "B"}) {
    if (drive == std::string("B") && !twin_lacks_them) continue;
    for (const bool tags : {false, true}) io::posix().remove_file(recovery_of(drives.volume(drive), tags).front().file);
  }
  const Outcome repair = drives.repair("A", "B");
  CAPTURE(repair.out, repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(shelf.volume_tree("A") == drives.sealed);
}

TEST_CASE("repair --with: a signature that is missing comes from the twin, one that is there stays") {
  TwoDrives drives;
  const auto signature = [&](const char* drive) { return drives.volume(drive) / "tagmanifest-sha256.txt.minisig"; };
  anna_signs(drives.shelf);
  drives.shelf.must({"key", "sign", "B"});
  const std::string text = io::read_text(io::posix(), signature("B"), 1 << 20);
  REQUIRE_FALSE(io::posix().stat(signature("A")));
  const Outcome repair = drives.repair("A", "B");
  CAPTURE(repair.out, repair.err);
  CHECK(repair.exit_code == 0);
  CHECK(io::read_text(io::posix(), signature("A"), 1 << 20) == text);
  rot(signature("B"), 20, 3);
  CHECK(drives.repair("A", "B").exit_code == 0);
  CHECK(io::read_text(io::posix(), signature("A"), 1 << 20) == text);
}

TEST_CASE("repair --with: a drive that cannot help is told why") {
  ProgramShelf shelf({"A", "B", "C", "D"});
  shelf.must(shelf.seal_command({"A", "B"}));
  shelf.must({"copy", "harbour", "--to", "C", "--from", "A"});
  spoil(slices_of(shelf.volumes("A").front()), 0, 60);
  const auto damaged = shelf.volume_tree("A");
  const Outcome itself = shelf.run({"repair", "A", "--with", "A"});
  CHECK(itself.exit_code == 2);
  CHECK(tells(itself, "A cannot be mended from itself"));
  const Outcome unknown = shelf.run({"repair", "A", "--with", "X"});
  CHECK(unknown.exit_code == 1);
  const Outcome empty = shelf.run({"repair", "A", "--with", "D"});
  CHECK(empty.exit_code == 2);
  CHECK(tells(empty, "D has no copy of anything on A"));
  const Outcome other = shelf.run({"repair", "A", "--with", "C"});
  CAPTURE(other.out, other.err);
  CHECK(other.exit_code == 5);
  CHECK(tells(other, "C has no copy of it; B holds a good copy. Type: darkshelf repair A --with B"));
  // Not plugged in: where it is.
  shelf.must({"place", "add", "bank box"});
  shelf.must({"drive", "move", "B", "--place", "bank box"});
  io::posix().rename(shelf.path("B"), shelf.path("away"));
  const Outcome absent = shelf.run({"repair", "A", "--with", "B"});
  CHECK(absent.exit_code == 7);
  const Outcome alone = shelf.run({"repair", "A"});
  CHECK(tells(alone, "B (at bank box) holds a good copy. Plug it in and type: darkshelf repair A --with B"));
  CHECK(shelf.volume_tree("A") == damaged);
}

TEST_CASE("repair --with: a great many files are lost at once, and few are open at a time") {
  Shelf shelf({"A", "B"});
  rituals::Context context = shelf.context();
  const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 150, 2'000);
  rituals::SealRequest request = shelf.request(shoot, {"A", "B"});
  request.layout = formats::volume::Layout::kFiles;
  rituals::seal(context, rituals::plan_seal(context, request));
  const io::Path volume = volume::volume_folders(io::posix(), shelf.path("A")).front();
  io::remove_tree(io::posix(), volume / "data");
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit few{120, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  rituals::RepairRequest repair{"A", {}, {}, false};
  repair.with = "B";
  const rituals::RepairReport report = rituals::repair(context, repair);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(report.volumes.size() == 1);
  INFO(report.volumes.front().failure);
  CHECK(report.complete());
}

TEST_CASE("repair --with: nothing is written to a medium that is failing, now or by an earlier check") {
  Faults faults;
  Shelf shelf({"A", "B", "C"}, &faults);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 200'000), {"A", "B"});
  const io::Path a = volume::volume_folders(io::posix(), shelf.path("A")).front();
  const io::Path b = volume::volume_folders(io::posix(), shelf.path("B")).front();
  const auto repair = [&](const std::string& with, bool asking = false) {
    rituals::Context context = shelf.context();
    rituals::RepairRequest request{"A", {}, {}, false};
    request.with = with;
    if (asking) request.request = shelf.path("a.request");
    return rituals::repair(context, request);
  };
  const auto content = [&] {
    std::map<std::string, core::Bytes> all;
    for (const auto& [path, stat] : files_below(a)) all[path.string()] = io::read_file(io::posix(), path, 1 << 30);
    return all;
  };
  spoil(slices_of(a), 0, 60);
  const auto damaged = content();
  faults.unreadable("/A/darkshelf/*_1of1.tar", 4096 * 70, 4096);
  const rituals::RepairReport now = repair("B", true);
  REQUIRE(now.volumes.size() == 1);
  CHECK(now.volumes.front().failing_medium);
  CHECK(now.volumes.front().failure.find("the medium itself is failing (unreadable places)") != std::string::npos);
  CHECK(now.volumes.front().failure.find("from both copies") != std::string::npos);
  CHECK_FALSE(now.request);  // a parcel would not be written to it either
  CHECK(content() == damaged);

  // The check remembers what the drive can read again today.
  {
    rituals::Context context = shelf.context();
    rituals::scrub(context, {"A", false, false, {}});
  }
  faults.nothing();
  const rituals::RepairReport later = repair("B");
  REQUIRE(later.volumes.size() == 1);
  CHECK(later.volumes.front().failing_medium);
  CHECK_THROWS_WITH(repair("B", true), Catch::Contains("a parcel would not help"));
  CHECK(content() == damaged);

  // A copy to a new drive mends from both, even where both are damaged beyond their parity.
  spoil(slices_of(b), 60, 120);
  {
    rituals::Context context = shelf.context();
    rituals::CopyRequest copy;
    copy.what = {"A"};
    copy.to = "C";
    const rituals::CopyReport report = rituals::copy(context, copy);
    CHECK(report.failed.empty());
    REQUIRE(report.volumes.size() == 1);
    CHECK(report.volumes.front().mended);
    CHECK(report.volumes.front().helpers.size() == 1);
  }
  {
    rituals::Context context = shelf.context();
    CHECK_FALSE(rituals::scrub(context, {"C", false, false, {}}).damage());
  }
  CHECK(content() == damaged);

  // A check that reads all of it again takes it back.
  {
    rituals::Context context = shelf.context();
    rituals::ScrubRequest full{"A", false, false, {}};
    full.full = true;
    rituals::scrub(context, full);
  }
  CHECK(repair("B").complete());
}

TEST_CASE("copy and restore: two copies damaged beyond their parity give what is whole together") {
  TwoDrives drives(GENERATE(as<std::string>{}, "tar", "files"));
  ProgramShelf& shelf = drives.shelf;
  spoil(slices_of(drives.volume("A")), 0, 60);
  spoil(slices_of(drives.volume("B")), 55, 120);  // five slices are lost on both
  io::posix().remove_file(drives.volume("A") / "photos.sha256");
  io::posix().make_dir(shelf.path("C"));
  shelf.must({"drive", "add", shelf.path("C").string(), "--label", "C"});

  const io::Path back = shelf.path("back");
  const Outcome restore = shelf.run({"--json", "restore", "2026-06-14_müller-wedding", "--to", back.string()});
  CAPTURE(restore.out, restore.err);
  CHECK(restore.exit_code == 0);
  for (const auto& [path, stat] : files_below(shelf.shoots() / "2026-06-14_müller-wedding")) {
    CHECK(io::read_file(io::posix(), back / path.lexically_relative(shelf.shoots()), 1 << 30) ==
          io::read_file(io::posix(), path, 1 << 30));
  }

  const Outcome one_alone = shelf.run({"copy", "A", "--from", "A", "--to", "C"});
  CHECK(one_alone.exit_code == 5);
  const Outcome copy = shelf.run({"--json", "copy", "A", "--to", "C"});
  CAPTURE(copy.out, copy.err);
  CHECK(copy.exit_code == 0);
  CHECK(shelf.volume_tree("C") == drives.sealed);
  CHECK(copy.out.find("\"helped_by\":[\"") != std::string::npos);

  // The bad copy that is to be replaced helps, too.
  io::posix().rename(shelf.path("C"), shelf.path("away"));
  for (const char* drive : {"A", "B"}) shelf.run({"scrub", drive});
  const Outcome renewed = shelf.run({"copy", "A", "--to", "B"});
  CAPTURE(renewed.out, renewed.err);
  CHECK(renewed.exit_code == 0);
  CHECK(shelf.volume_tree("B") == drives.sealed);
}

}  // namespace darkshelf::testing
