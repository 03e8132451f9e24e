// Drives that really fail: sectors the kernel cannot read, a disk that hangs, one that dies in mid-work, bytes that
// change underneath.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <set>

#include "rituals/scrub.hpp"
#include "support/damage.hpp"
#include "support/failing_drive.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

/// The smallest that mkfs makes.
std::uint64_t bytes_for(const std::string& file_system) { return file_system == "ext4" ? 64 * kMiB : 320 * kMiB; }

io::Path payload_of(const io::Path& volume) {
  for (const auto& [path, stat] : files_below(volume / "data")) return path;
  throw std::runtime_error("no payload in " + volume.string());
}

io::Path recovery_of(const io::Path& volume) {
  io::Path largest;
  std::uint64_t bytes = 0;
  for (const auto& [path, stat] : files_below(volume)) {
    const std::string name = path.filename().string();
    if (name.find(".vol") == std::string::npos || name.find(".tags.") != std::string::npos || stat.bytes < bytes)
      continue;
    largest = path;
    bytes = stat.bytes;
  }
  return largest;
}

/// A failing drive F with the two shoots, and a folder drive B.
struct Setting {
  explicit Setting(const std::string& file_system = "ext4")
      : drive(shelf.path("."), "F", bytes_for(file_system), file_system) {
    shelf.must({"drive", "add", drive.mount_point().string(), "--label", "F"});
  }
  void seal() { shelf.must(shelf.seal_command({"F"})); }
  Outcome run(const std::vector<std::string>& command, const std::map<std::string, std::string>& environment = {}) {
    Outcome outcome = shelf.run(command, environment);
    UNSCOPED_INFO(fmt::format("darkshelf {}\n{}{}", fmt::join(command, " "), outcome.out, outcome.err));
    return outcome;
  }
  /// Everything is well again, as after another cable.
  void plug_in_again() {
    drive.clear_away();
    drive.sound();
    drive.plug();
  }
  std::uint64_t place(const io::Path& file, std::uint64_t offset) { return drive.place_of(file, offset); }

  ProgramShelf shelf{{"B"}};
  FailingDrive drive;
};

/// As sha256sum judges.
bool is_whole(const io::Path& volume) {
  ProcessOptions options;
  options.folder = volume;
  return run_process({"sha256sum", "--quiet", "-c", "tagmanifest-sha256.txt"}, options).exit_code == 0;
}

std::set<std::string> findings_in(const Outcome& scrub) {
  std::set<std::string> found;
  for (const Json& volume : objects(scrub.out, "scrubbed_volume")) {
    for (const Json& finding : volume.at("findings"))
      found.insert(fmt::format("{} {} {}", finding.at("kind").get<std::string>(),
                               io::Path(finding.at("path").get<std::string>()).extension().string(),
                               finding.at("sectors").get<int>()));
  }
  return found;
}

}  // namespace

TEST_CASE("bad sectors: told by the sector, the photo and the time, not written to, copied whole, mended on the way") {
  const std::string file_system = GENERATE(as<std::string>{}, "ext4", "xfs");
  CAPTURE(file_system);
  if (const auto why = FailingDrive::unavailable(file_system)) return skip(*why);
  Setting setting(file_system);
  setting.seal();
  const auto sealed = setting.shelf.volume_tree("F");
  const io::Path first = setting.shelf.volumes("F").front();
  const std::uint64_t in_payload = setting.place(payload_of(first), 40 * 4096),
                      more = setting.place(payload_of(first), 90 * 4096),
                      in_parity = setting.place(recovery_of(first), 5 * 4096),
                      in_list = setting.place(first / "slices.sha256", 4096);
  for (const std::uint64_t place : {in_payload, in_parity, in_list}) setting.drive.trouble("eio", place, 4096, 200);
  setting.drive.trouble("eio", more, 3 * 4096, 20);

  const Outcome scrub = setting.run({"--json", "scrub", "F"});
  CHECK(scrub.exit_code == 4);
  CHECK(findings_in(scrub) == std::set<std::string>{"unreadable .tar 4", "unreadable .par2 1", "unreadable .sha256 1"});
  const Json report = object(scrub.out, "scrub_report");
  CHECK(report.at("unreadable_sectors") == 6);
  CHECK(report.at("failing") == true);
  CHECK(report.at("bytes_stepped_over") == 0);
  CHECK(report.at("seconds_lost").get<double>() > 3 * 2 * 0.2);
  CHECK(report.at("seconds_lost").get<double>() < 20);
  CHECK(report.at("photos_hit").get<int>() >= 1);
  for (const Json& volume : objects(scrub.out, "scrubbed_volume")) {
    if (volume.at("slices_lost") == 0) continue;
    CHECK(volume.at("slices_lost") == 4);
    // Of the packets in the file with a bad sector at most two touch it; of those around it every one counts.
    CHECK(volume.at("recovery_slices_sound").get<int>() >= 16);
  }
  const Outcome text = setting.run({"scrub", "F"});
  CHECK(text.out.find("6 unreadable sectors cost ") != std::string::npos);
  CHECK(text.out.find("do not write to it. Next: darkshelf copy F --to") != std::string::npos);
  const Json shown = object(setting.run({"--json", "drive", "show", "F"}).out, "drive_details");
  CHECK(std::count_if(shown.at("open_findings").begin(), shown.at("open_findings").end(),
                      [](const Json& finding) { return finding.at("kind") == "unreadable"; }) >= 3);

  CHECK(setting.run({}).out.find("darkshelf copy F --to ANOTHER-DRIVE") != std::string::npos);
  CHECK(setting.run({"status"}).out.find("a copy of F to another drive (it is failing)") != std::string::npos);
  CHECK(setting.run({"drive", "show", "F"}).out.find("darkshelf copy F --to ANOTHER-DRIVE") != std::string::npos);

  const Outcome repair = setting.run({"repair", "F"});
  CHECK(repair.exit_code == 4);
  CHECK(repair.out.find("nothing was written to it") != std::string::npos);
  CHECK(repair.out.find("Next: darkshelf copy F --to") != std::string::npos);
  CHECK(setting.shelf.leftovers("F").empty());

  const Outcome copy = setting.run({"copy", "F", "--to", "B"});
  CHECK(copy.exit_code == 0);
  CHECK(copy.out.find("4 slices mended on the way") != std::string::npos);
  CHECK(setting.shelf.volume_tree("B") == sealed);
  setting.shelf.require_whole_seals();
  CHECK(setting.run({"scrub", "B"}).exit_code == 0);
}

TEST_CASE("bad sectors: of a disk with a crashed head no slice is given up that can be read, and it is no dead drive") {
  Faults faults;
  Shelf shelf({"A"}, &faults);
  rituals::Context context = shelf.context();
  rituals::SealRequest request = shelf.request(shelf.add_shoot("2026-06-14_wedding", 8, 1'000'000), {"A"});
  request.volume_bytes = 64 << 20;
  rituals::seal(context, rituals::plan_seal(context, request));
  constexpr std::uint64_t kFrom = 1'000'000, kBytes = 3'000'000;
  faults.unreadable("_1of1.tar", kFrom, kBytes);
  context.work.memory = 1 << 20;  // buffers of 128 KiB
  const rituals::ScrubReport report = rituals::scrub(context, {"A", false, false, {}});
  REQUIRE(report.volumes.size() == 1);
  const rituals::Examination& found = report.volumes.front().examination;
  const std::uint64_t slice = found.loaded->info.slice_bytes;
  CHECK(found.lost.front() == kFrom / slice);
  CHECK(found.lost.back() == (kFrom + kBytes - 1) / slice);
  CHECK(found.lost.size() == found.lost.back() - found.lost.front() + 1);
  CHECK(report.failing());
  REQUIRE(report.unreadable.size() == 1);
  CHECK(report.unreadable.front().sectors() < 100);
  CHECK(report.unreadable.front().stepped_over() > 2'000'000);
}

TEST_CASE("bad sectors: where some cannot be read, what changed elsewhere on the disk is not written to either") {
  if (const auto why = FailingDrive::unavailable()) return skip(*why);
  Setting setting;
  setting.seal();
  const auto volumes = setting.shelf.volumes("F");
  const std::uint64_t bad = setting.place(payload_of(volumes.back()), 8 * 4096),
                      changed = setting.place(payload_of(volumes.front()), 8 * 4096);
  setting.drive.unplug();
  setting.drive.flip(changed, 100);
  setting.drive.plug();
  setting.drive.trouble("eio", bad, 4096);
  CHECK(setting.run({"scrub", "F"}).exit_code == 4);
  const auto before = files_below(volumes.front());
  CHECK(setting.run({"repair", "F"}).exit_code == 4);
  for (const auto& [path, stat] : files_below(volumes.front())) CHECK(before.at(path).ctime_ns == stat.ctime_ns);
  CHECK(setting.shelf.leftovers("F").empty());
  CHECK(setting.run({"copy", "F", "--to", "B"}).exit_code == 0);
  setting.shelf.require_whole_seals();
}

TEST_CASE("bad sectors: a drive that hangs does not answer, and no command hangs with it") {
  const std::string command = GENERATE(as<std::string>{}, "scrub", "repair", "copy", "restore");
  CAPTURE(command);
  if (const auto why = FailingDrive::unavailable()) return skip(*why);
  Setting setting;
  setting.seal();
  const std::uint64_t place = setting.place(payload_of(setting.shelf.volumes("F").front()), 30 * 4096);
  setting.drive.trouble("hang", place, 4096);
  std::vector<std::string> typed = {command, "F"};
  if (command == "copy") typed = {"copy", "F", "--to", "B"};
  if (command == "restore") typed = {"restore", "wedding", "--to", setting.shelf.path("back").string()};
  const auto began = std::chrono::steady_clock::now();
  const Outcome hung = setting.run(typed, {{"DARKSHELF_ANSWER_WITHIN", "1.5"}});
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(hung.exit_code == 7);
  CHECK(took < std::chrono::seconds(20));
  CHECK(hung.err.find("F does not answer: a read of ") != std::string::npos);
  CHECK(hung.err.find("was not answered in 1.5 seconds") != std::string::npos);
  setting.plug_in_again();
  const Json shown = object(setting.run({"--json", "drive", "show", "F"}).out, "drive_details");
  CHECK(shown.at("open_findings").empty());
  CHECK(setting.run(typed).exit_code == 0);
}

TEST_CASE("bad sectors: in a large read, of which several parts are asked for at a time, each part fails for itself") {
  if (const auto why = FailingDrive::unavailable()) return skip(*why);
  Setting setting;
  const io::Path shoot = setting.shelf.shoots() / "2026-09-01_large";
  for (unsigned i = 0; i < 8; ++i) make_file(shoot / fmt::format("IMG_{:04}.CR3", i), 1'500'000, 900 + i);
  setting.shelf.must({"seal", shoot.string(), "--to", "F"});
  REQUIRE(setting.shelf.volumes("F").size() == 1);
  const io::Path payload = payload_of(setting.shelf.volumes("F").front());
  REQUIRE(io::posix().stat(payload)->bytes > 12'000'000);
  const auto sealed = setting.shelf.volume_tree("F");
  const std::uint64_t place = setting.place(payload, 5 * kMiB + kMiB / 2);
  SECTION("a sector that cannot be read") {
    setting.drive.trouble("eio", place, 4096, 100);
    const Outcome scrub = setting.run({"--json", "scrub", "F"});
    CHECK(scrub.exit_code == 4);
    CHECK(findings_in(scrub) == std::set<std::string>{"unreadable .tar 1"});
    const auto volumes = objects(scrub.out, "scrubbed_volume");
    REQUIRE(volumes.size() == 1);
    CHECK(volumes.front().at("slices_lost") == 1);
    CHECK(setting.run({"copy", "F", "--to", "B"}).exit_code == 0);
    CHECK(setting.shelf.volume_tree("B") == sealed);
  }
  SECTION("one that is never answered") {
    setting.drive.trouble("hang", place, 4096);
    const Outcome hung = setting.run({"scrub", "F"}, {{"DARKSHELF_ANSWER_WITHIN", "1.5"}});
    CHECK(hung.exit_code == 7);
    CHECK(hung.err.find("F does not answer: a read of ") != std::string::npos);
    setting.plug_in_again();
    CHECK(object(setting.run({"--json", "drive", "show", "F"}).out, "drive_details").at("open_findings").empty());
    CHECK(setting.run({"scrub", "F"}).exit_code == 0);
  }
  SECTION("two that take their time one after the other, neither of them too long") {
    const std::uint64_t before = setting.place(payload, 4 * kMiB + kMiB / 2);
    for (const std::uint64_t slow : {before, place}) setting.drive.trouble("slow", slow, 4096, 2000);
    const auto began = std::chrono::steady_clock::now();
    CHECK(setting.run({"scrub", "F"}, {{"DARKSHELF_ANSWER_WITHIN", "3"}}).exit_code == 0);
    CHECK(std::chrono::steady_clock::now() - began > std::chrono::seconds(4));
  }
}

TEST_CASE("bad sectors: a disk that dies in mid-scrub is gone, and the same command finishes when it is back") {
  const bool pulled = GENERATE(false, true);
  CAPTURE(pulled);
  if (const auto why = FailingDrive::unavailable()) return skip(*why);
  Setting setting;
  setting.seal();
  const std::uint64_t place = setting.place(payload_of(setting.shelf.volumes("F").back()), 8 * 4096);
  setting.drive.trouble("die", place, 4096);
  if (pulled) setting.drive.pulled_when_it_dies();
  CHECK(setting.run({"scrub", "F"}).exit_code == 7);
  setting.plug_in_again();
  const Json shown = object(setting.run({"--json", "drive", "show", "F"}).out, "drive_details");
  CHECK(shown.at("open_findings").empty());
  CHECK(setting.run({"scrub", "F"}).exit_code == 0);
}

TEST_CASE("bad sectors: a disk that dies while it is written to leaves nothing that looks sealed") {
  const bool pulled = GENERATE(false, true);
  const int writes = GENERATE(2, 12, 30);
  CAPTURE(pulled, writes);
  if (const auto why = FailingDrive::unavailable()) return skip(*why);
  Setting setting;
  setting.shelf.must(setting.shelf.seal_command({"B"}));
  setting.drive.trouble("fall", 0, 64 * kMiB, static_cast<unsigned>(writes));
  if (pulled) setting.drive.pulled_when_it_dies();
  const std::vector<std::string> copy = {"copy", "B", "--to", "F"};
  CHECK(setting.run(copy).exit_code == 7);
  setting.plug_in_again();
  for (const std::string& drive : {std::string("B"), std::string("F")}) {
    for (const io::Path& folder : setting.shelf.volumes(drive)) CHECK(is_whole(folder));
  }
  CHECK(setting.run(copy).exit_code == 0);
  CHECK(setting.shelf.volume_tree("F") == setting.shelf.volume_tree("B"));
  CHECK(setting.shelf.leftovers("F").empty());
  CHECK(setting.run({"scrub", "F"}).exit_code == 0);
}

TEST_CASE("bad sectors: bytes that were right when they were read again are no damage, but told, with what to do") {
  if (const auto why = FailingDrive::unavailable()) return skip(*why);
  Setting setting;
  setting.seal();
  const std::uint64_t place = setting.place(payload_of(setting.shelf.volumes("F").front()), 20 * 4096);
  setting.drive.trouble("wrong", place, 1, 1);
  const Outcome scrub = setting.run({"--json", "scrub", "F"});
  CHECK(scrub.exit_code == 0);
  CHECK(findings_in(scrub) == std::set<std::string>{"healed .tar 0"});
  const Json report = object(scrub.out, "scrub_report");
  CHECK(report.at("healed") == 1);
  CHECK(report.at("damage") == false);
  const Json shown = object(setting.run({"--json", "drive", "show", "F"}).out, "drive_details");
  REQUIRE(shown.at("open_findings").size() == 1);
  CHECK(shown.at("open_findings").front().at("kind") == "healed");
  CHECK(setting.run({"drive", "show", "F"}).out.find("Damage") == std::string::npos);
  setting.plug_in_again();  // its program counts anew
  setting.drive.trouble("wrong", place, 1, 1);
  const Outcome text = setting.run({"scrub", "F"});
  CHECK(text.exit_code == 0);
  CHECK(text.out.find("1 place was read wrong at first") != std::string::npos);
  CHECK(text.out.find("another cable") != std::string::npos);
}

TEST_CASE("bad sectors: bytes that change underneath are damage to repair, and the repair reaches the medium") {
  const std::string file_system = GENERATE(as<std::string>{}, "ext4", "xfs");
  CAPTURE(file_system);
  if (const auto why = FailingDrive::unavailable(file_system)) return skip(*why);
  Setting setting(file_system);
  setting.seal();
  const auto sealed = setting.shelf.volume_tree("F");
  const std::uint64_t place = setting.place(payload_of(setting.shelf.volumes("F").front()), 20 * 4096);
  setting.drive.flip(place, 5000);  // while it is mounted
  const Outcome scrub = setting.run({"--json", "scrub", "F"});
  CHECK(scrub.exit_code == 4);
  CHECK(object(scrub.out, "scrub_report").at("failing") == false);
  CHECK(setting.run({"repair", "F"}).exit_code == 0);
  setting.drive.unplug();
  setting.drive.plug();
  CHECK(setting.run({"scrub", "F"}).exit_code == 0);
  CHECK(setting.shelf.volume_tree("F") == sealed);
}

}  // namespace darkshelf::testing
