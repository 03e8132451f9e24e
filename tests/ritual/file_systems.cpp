// Drives of every file system photographers use, each an image of its own: sealed, unplugged, found, damaged, repaired
// and restored.

#include <algorithm>
#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

struct Kind {
  const char* name;
  std::uint64_t bytes;
};
// The smallest that mkfs makes, or what the two shoots need.
constexpr Kind kKinds[] = {
    {"ext4", 64 * kMiB}, {"xfs", 320 * kMiB}, {"btrfs", 256 * kMiB}, {"exfat", 64 * kMiB}, {"ntfs", 64 * kMiB}};

const std::string kWedding = "2026-06-14_müller-wedding", kHarbour = "2026-09-01_harbour";

void damage_payloads(const ProgramShelf& shelf, const std::string& drive) {
  for (const io::Path& volume : shelf.volumes(drive)) {
    for (const auto& [path, stat] : files_below(volume / "data")) rot(path, stat.bytes / 2, 50);
  }
}

/// As sha256sum judges.
bool is_whole(const io::Path& volume) {
  ProcessOptions options;
  options.folder = volume;
  return run_process({"sha256sum", "--quiet", "-c", "tagmanifest-sha256.txt"}, options).exit_code == 0;
}

}  // namespace

TEST_CASE("file systems: both layouts are sealed, found unplugged, damaged, repaired and restored") {
  const Kind kind = GENERATE(from_range(std::begin(kKinds), std::end(kKinds)));
  const std::string name = kind.name;
  CAPTURE(name);
  if (const auto why = LoopDrive::unavailable(name)) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.shoots().parent_path(), name, kind.bytes, name);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", name});
  shelf.must({"seal", (shelf.shoots() / kWedding).string(), "--to", name, "--volume-size", "1MiB"});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", name, "--layout", "files"});

  drive.unplug();
  const Outcome found = shelf.run({"--json", "find", "harbour"});
  REQUIRE(found.exit_code == 0);
  const Json copies = object(found.out, "shoot").at("drives");
  REQUIRE(copies.size() == 1);
  CHECK(copies[0].at("drive") == name);
  CHECK(copies[0].at("plugged_in") == false);
  CHECK(shelf.run({"scrub", name}).exit_code == 7);

  drive.plug();
  const auto sealed = shelf.volume_tree(name);
  CHECK(shelf.volumes(name).size() == ProgramShelf::kVolumes);
  for (const io::Path& volume :
       shelf.volumes(name)) {  // layout files: the photos' own times, as fine as these keep them
    for (const auto& [path, stat] : files_below(volume / "data")) {
      const auto source = io::posix().stat(shelf.shoots() / path.lexically_relative(volume / "data"));
      if (source) CHECK(std::abs(stat.mtime_ns - source->mtime_ns) < 2'000'000'000);
    }
  }
  const Outcome clean = shelf.run({"scrub", name});
  INFO(clean.out << clean.err);
  REQUIRE(clean.exit_code == 0);

  damage_payloads(shelf, name);
  REQUIRE(shelf.volume_tree(name) != sealed);
  drive.unplug();
  drive.plug();
  const Outcome scrub = shelf.run({"--json", "scrub", name});
  INFO(scrub.out << scrub.err);
  REQUIRE(scrub.exit_code == 4);
  CHECK(object(scrub.out, "scrub_report").at("photos_hit").get<int>() >= 9);  // one a tar, and all seven plain files
  shelf.must({"repair", name});
  for (const auto& [path, what] : shelf.volume_tree(name)) CHECK(path + ": " + what == path + ": " + sealed.at(path));
  CHECK(shelf.volume_tree(name).size() == sealed.size());
  CHECK(shelf.leftovers(name).empty());
  drive.unplug();
  drive.plug();
  CHECK(shelf.run({"scrub", name}).exit_code == 0);

  const io::Path back = shelf.path("back");
  shelf.must({"restore", kWedding, kHarbour, "--to", back.string()});
  for (const std::string& shoot : {kWedding, kHarbour}) {
    const ProcessResult diff = run_process({"diff", "-r", (shelf.shoots() / shoot).string(), (back / shoot).string()});
    INFO(diff.out << diff.err);
    CHECK(diff.exit_code == 0);
    for (const auto& [path, stat] : files_below(shelf.shoots() / shoot)) {
      CHECK(io::posix().stat(back / path.lexically_relative(shelf.shoots()))->mtime_ns == stat.mtime_ns);
    }
  }
  shelf.must({"drive", "eject", name});
  CHECK(run_process({"mountpoint", "-q", drive.mount_point().string()}).exit_code != 0);
}

TEST_CASE("file systems: a seal and a repair that are killed, and the drive pulled, are finished by the same command") {
  const std::string name = GENERATE(as<std::string>{}, "exfat", "ntfs");
  CAPTURE(name);
  if (const auto why = LoopDrive::unavailable(name)) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.shoots().parent_path(), name, 64 * kMiB, name);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", name});
  const auto run = [&](const std::vector<std::string>& command, const std::string& killed_at, int exit_code) {
    const std::map<std::string, std::string> environment =
        killed_at.empty() ? std::map<std::string, std::string>{}
                          : std::map<std::string, std::string>{{"DARKSHELF_STOP_AT", killed_at}};
    const Outcome outcome = shelf.run(command, environment);
    INFO(command.front() << " " << killed_at << "\n" << outcome.out << outcome.err);
    REQUIRE(outcome.signal == (killed_at.empty() ? 0 : 9));
    if (killed_at.empty()) REQUIRE(outcome.exit_code == exit_code);
    drive.unplug();  // and what the kernel had not written yet is, as far as this file system does that
    drive.plug();
  };
  const std::vector<std::string> seal = shelf.seal_command({name});
  for (const char* step : {"seal.payload-written", "seal.tags-written", "seal.renamed", "seal.recorded:2"}) {
    run(seal, step, 0);
    for (const io::Path& folder : shelf.volumes(name)) CHECK(is_whole(folder));
  }
  run(seal, "", 0);
  CHECK(shelf.volumes(name).size() == ProgramShelf::kVolumes);
  CHECK(shelf.leftovers(name).empty());
  run({"scrub", name}, "", 0);

  const auto sealed = shelf.volume_tree(name);
  shelf.damage(name);
  run({"scrub", name}, "scrub.volume-read:2", 0);
  run({"scrub", name}, "", 4);
  for (const char* step : {"repair.journal-written", "repair.committed", "repair.half-applied", "repair.read-back"})
    run({"repair", name}, step, 0);
  run({"repair", name}, "", 0);
  CHECK(shelf.volume_tree(name) == sealed);
  CHECK(shelf.leftovers(name).empty());
  run({"scrub", name}, "", 0);
}

TEST_CASE("file systems: what a program serves from a disk is read from the disk, not from the cache in between") {
  const std::string name = GENERATE(as<std::string>{}, "exfat", "ntfs");
  CAPTURE(name);
  if (const auto why = LoopDrive::unavailable(name)) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.shoots().parent_path(), name, 64 * kMiB, name);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", name});
  shelf.must({"seal", (shelf.shoots() / kHarbour).string(), "--to", name});
  CHECK(shelf.run({"scrub", name}).exit_code == 0);  // now it is in there
  // Underneath: the disk is another, and nobody tells the kernel.
  core::Bytes block(4096), image = io::read_file(io::posix(), drive.image(), 64 * kMiB);
  const auto data = files_below(shelf.volumes(name).front() / "data");
  REQUIRE(io::posix().open_read(data.begin()->first)->read_at(20 * 4096, block) == block.size());
  const auto found = std::search(image.begin(), image.end(), block.begin(), block.end());
  REQUIRE(found != image.end());
  rot(drive.image(), static_cast<std::uint64_t>(found - image.begin()), 50);
  CHECK(shelf.run({"scrub", name}).exit_code == 4);
  shelf.must({"repair", name});
  CHECK(shelf.run({"scrub", name}).exit_code == 0);
}

}  // namespace darkshelf::testing
