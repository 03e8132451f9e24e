// The rescue table: what comes back from drives of every file system that lost its beginning, was formatted, partly
// overwritten, or fragmented before. The real program on real file systems.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <set>

#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/raw_image.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

struct Kind {
  const char *name, *file_system;
  std::uint64_t bytes;
  std::vector<std::string> options, again;  // for mkfs; when it formats without discarding
};
const Kind kKinds[] = {
    {"ext4, 1 KiB", "ext4", 224 * kMiB, {"-b", "1024"}, {"-q", "-F", "-E", "nodiscard", "-b", "1024"}},
    {"ext4, 4 KiB", "ext4", 224 * kMiB, {"-b", "4096"}, {"-q", "-F", "-E", "nodiscard", "-b", "4096"}},
    {"xfs", "xfs", 320 * kMiB, {"-q"}, {"-q", "-f", "-K"}},
    {"btrfs", "btrfs", 320 * kMiB, {"-q"}, {"-q", "-f", "-K"}},
    {"exfat", "exfat", 224 * kMiB, {}, {}},
};

enum class Damage { kBeginning, kFormatted, kWithin, kBeyond, kFragmented };
constexpr const char* kDamages[] = {"first 2 MiB wiped", "formatted", "6 % of one overwritten",
                                    "40 % of one overwritten", "fragmented, formatted"};
constexpr std::size_t kVolumes = 6;

/// Three shoots as tar (one of them in three parts), one as plain files. The one that is written first, and so may lie
/// where the beginning is wiped, is large enough that its parity is more than what is wiped.
void make_shoots(const ProgramShelf& shelf) {
  for (unsigned i = 0; i < 20; ++i)
    make_file(shelf.shoots() / "2026-03-01 first" / fmt::format("IMG_{:03}.CR3", i), 1'500'000 + 999 * i, 500 + i);
  for (unsigned i = 0; i < 12; ++i)
    make_file(shelf.shoots() / "2026-03-01 parts" / fmt::format("IMG_{:03}.CR3", i), 1'500'000 + 1000 * i, 100 + i);
  for (unsigned i = 0; i < 30; ++i)
    make_file(shelf.shoots() / "2026-03-02 small" / fmt::format("DSC_{:03}.JPG", i), 60'000 + 7'001 * i, 200 + i);
  for (unsigned i = 0; i < 60; ++i) {
    make_file(shelf.shoots() / "2026-03-03 plain" / fmt::format("P{:03}.RW2", i), 90'000 + 1'003 * i, 300 + i);
    make_file(shelf.shoots() / "2026-03-03 plain" / fmt::format("P{:03}.xmp", i), 1'000 + 17 * i, 400 + i);
  }
}

void seal_all(ProgramShelf& shelf, const std::string& drive) {
  shelf.must({"seal", (shelf.shoots() / "2026-03-01 first").string(), "--yes", "--to", drive});
  for (const char* shoot : {"2026-03-01 parts", "2026-03-02 small"})
    shelf.must({"seal", (shelf.shoots() / shoot).string(), "--yes", "--to", drive, "--volume-size", "7MiB"});
  shelf.must({"seal", (shelf.shoots() / "2026-03-03 plain").string(), "--yes", "--to", drive, "--layout", "files"});
}

/// Leaves free space in pieces of some hundred KiB.
void fragment(const io::Path& mount_point) {
  std::vector<io::Path> files;
  io::posix().make_dirs(mount_point / "old");
  try {
    for (unsigned i = 0;; ++i) {
      const io::Path file = mount_point / "old" / fmt::format("{:05}", i);
      make_file(file, 300'000, i);
      files.push_back(file);
    }
  } catch (const core::Error&) {  // full
  }
  run_process({"sync"});
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i % 4 != 3) io::posix().remove_file(files[i]);
  }
  run_process({"sync"});
}

/// Overwrites a part of a volume's payload where it lies in the image, piece by piece.
void overwrite(const io::Path& image, const io::Path& tar, double part) {
  core::Bytes all = io::read_file(io::posix(), image, std::uint64_t{1} << 30);
  const core::Bytes content = io::read_file(io::posix(), tar, std::uint64_t{1} << 30);
  const std::string_view text = core::as_text(all);
  const auto file = io::posix().open_write(image);
  const std::uint64_t piece = 4096,
                      count = static_cast<std::uint64_t>(part * static_cast<double>(content.size()) / piece);
  std::uint64_t overwritten = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t offset = (20 + i) * piece;
    const std::size_t at = text.find(core::as_text(core::ByteSpan(content).subspan(offset, 64)));
    if (at == std::string_view::npos) continue;
    file->write_at(at, seeded_bytes(piece, i));
    ++overwritten;
  }
  REQUIRE(count > 50);
  REQUIRE(overwritten == count);
}

struct Cell {
  std::size_t back = 0, there = 0;
};

class Trial {
 public:
  explicit Trial(const Kind& kind) : kind_(kind) { make_shoots(shelf_); }

  Cell run(Damage damage) {
    if (!drive_ || damage == Damage::kFragmented) prepare(damage == Damage::kFragmented);
    const io::Path image = shelf_.path("damaged.img"), to = shelf_.path("rescued");
    io::remove_tree(io::posix(), to);
    if (io::posix().stat(image)) io::posix().remove_file(image);
    REQUIRE(run_process({"cp", "--sparse=always", drive_->image().string(), image.string()}).exit_code == 0);
    do_damage(damage, image);
    const Outcome outcome = shelf_.run({"--json", "rescue", image.string(), "--to", to.string()});
    INFO(kind_.name << ", " << kDamages[static_cast<int>(damage)] << "\n" << outcome.out << outcome.err);
    Cell cell{0, sealed_.size()};
    for (const auto& [folder, content] : sealed_) {
      const io::Path rescued = to / "darkshelf" / folder;
      if (!io::posix().stat(rescued)) continue;
      CHECK(contents_below(rescued) == content);
      ++cell.back;
    }
    CHECK(cell.there == kVolumes);
    CHECK(cell.back == (damage == Damage::kBeyond ? kVolumes - 1 : kVolumes));
    std::map<std::string, std::size_t> states;
    for (const Json& volume : objects(outcome.out, "rescue_volume")) ++states[volume.at("state").get<std::string>()];
    std::map<std::string, std::size_t> expected = {{"rescued", cell.back}};
    if (damage == Damage::kBeyond) expected["beyond"] = 1;
    CHECK(states == expected);
    CHECK(outcome.exit_code == (cell.back == kVolumes ? 0 : 5));
    return cell;
  }

 private:
  void prepare(bool fragmented) {
    ++drives_;
    if (drive_) {
      first_ = std::move(drive_);
      first_->plug();
    }
    const std::string name = fmt::format("D{}", drives_);
    drive_ =
        std::make_unique<LoopDrive>(shelf_.shoots().parent_path(), name, kind_.bytes, kind_.file_system, kind_.options);
    if (fragmented) fragment(drive_->mount_point());
    shelf_.must({"drive", "add", drive_->mount_point().string(), "--label", name});
    if (drives_ == 1) {
      seal_all(shelf_, name);
    } else {  // the same volumes
      shelf_.must({"copy", "D1", "--to", name, "--from", "D1"});
    }
    sealed_.clear();
    const io::Path root = drive_->mount_point() / "darkshelf";
    for (const io::Path& volume : shelf_.volumes(name))
      sealed_[volume.lexically_relative(root).string()] = contents_below(volume);
    tar_ = shelf_.path("one.tar");
    for (const io::Path& volume : shelf_.volumes(name)) {
      if (volume.filename().string().find("small") == std::string::npos || io::posix().stat(tar_)) continue;
      const io::Path data = volume / "data";
      run_process({"cp", (data / io::posix().list(data).front().name).string(), tar_.string()});
    }
    drive_->unplug();
  }

  void do_damage(Damage damage, const io::Path& image) {
    if (damage == Damage::kBeginning) zero(image, 0, 2 * kMiB);
    if (damage == Damage::kFormatted || damage == Damage::kFragmented) {
      std::vector<std::string> format = {std::string("mkfs.") + kind_.file_system};
      format.insert(format.end(), kind_.again.begin(), kind_.again.end());
      format.push_back(image.string());
      const ProcessResult done = run_process(format);
      INFO(done.out << done.err);
      REQUIRE(done.exit_code == 0);
    }
    if (damage == Damage::kWithin) overwrite(image, tar_, 0.06);
    if (damage == Damage::kBeyond) overwrite(image, tar_, 0.40);
  }

  const Kind& kind_;
  ProgramShelf shelf_{{}};
  std::unique_ptr<LoopDrive> first_, drive_;
  int drives_ = 0;
  std::map<std::string, std::map<std::string, std::string>> sealed_;  // folder below darkshelf/ to its files
  io::Path tar_;
};

}  // namespace

TEST_CASE("rescue table: volumes back of volumes there, by file system and damage") {
  const Kind kind = GENERATE(from_range(std::begin(kKinds), std::end(kKinds)));
  CAPTURE(kind.name);
  if (const auto why = LoopDrive::unavailable(kind.file_system)) return skip(*why);
  Trial trial(kind);
  std::string row = fmt::format("{:<12}", kind.name);
  for (const Damage damage :
       {Damage::kBeginning, Damage::kFormatted, Damage::kWithin, Damage::kBeyond, Damage::kFragmented}) {
    const Cell cell = trial.run(damage);
    row += fmt::format(" | {}: {} of {}", kDamages[static_cast<int>(damage)], cell.back, cell.there);
  }
  WARN(row);
}

TEST_CASE("rescue: a device that is mounted for writing is refused, and so is a folder on it") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({});
  LoopDrive drive(shelf.shoots().parent_path(), "D", 96 * kMiB);
  shelf.must({"drive", "add", drive.mount_point().string(), "--label", "D"});
  shelf.must(shelf.seal_command({"D"}));
  const std::string device = drive.device(), to = shelf.path("rescued").string();
  for (const std::string& source : {device, drive.image().string()}) {
    CHECK(shelf.run({"rescue", source}).exit_code == 8);
    CHECK(shelf.run({"rescue", source, "--to", to}).exit_code == 8);
    CHECK(shelf.run({"rescue", source, "--to", (drive.mount_point() / "x").string()}).exit_code == 2);
  }
  CHECK(shelf.run({"rescue", drive.mount_point().string()}).exit_code == 2);
  REQUIRE(run_process({"mount", "-o", "remount,ro", drive.mount_point().string()}).exit_code == 0);
  const auto sealed = shelf.volumes("D");
  const Outcome look = shelf.run({"rescue", device});
  INFO(look.out << look.err);
  CHECK(look.exit_code == 0);
  const Outcome outcome = shelf.run({"rescue", device, "--to", to});
  INFO(outcome.out << outcome.err);
  CHECK(outcome.exit_code == 0);
  for (const io::Path& volume : sealed) {
    const io::Path rescued = shelf.path("rescued") / volume.lexically_relative(drive.mount_point());
    CHECK(contents_below(rescued) == contents_below(volume));
  }
  const Outcome list = shelf.run({"--json", "rescue"});
  CHECK(list.out.find(device) != std::string::npos);
}

TEST_CASE("rescue: killed anywhere, the same command finishes, and what it rescued can be recovered and restored") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  RawImage image(48 * kMiB, 5);
  std::uint64_t at = 20 * kMiB;
  for (const io::Path& volume : shelf.volumes("A")) at = image.put_files(at, volume);
  image.put(20 * kMiB + 100'000, seeded_bytes(20'000, 1));
  const std::vector<std::string> command = {"rescue", image.write().string(), "--to", shelf.path("rescued").string()};
  shelf.keep();
  const std::vector<std::string> steps = shelf.steps_of(command);
  std::map<std::string, int> times;
  for (const std::string& step : steps) {
    if (step.starts_with("rescue.")) ++times[step];
  }
  for (const char* step : {"rescue.carved", "rescue.found", "rescue.rebuilt", "rescue.placed"})
    CHECK(times.contains(step));
  for (const auto& [step, count] : times) {
    for (const int nth : std::set<int>{1, count}) {
      shelf.back();
      INFO(step << ":" << nth);
      REQUIRE(shelf.run(command, {{"DARKSHELF_STOP_AT", fmt::format("{}:{}", step, nth)}}).signal == 9);
      const Outcome again = shelf.run(command);
      INFO(again.out << again.err);
      REQUIRE(again.exit_code == 0);
      for (const io::Path& volume : shelf.volumes("A")) {
        const io::Path rescued = shelf.path("rescued") / volume.lexically_relative(shelf.path("A"));
        CHECK(contents_below(rescued) == contents_below(volume));
      }
    }
  }
  const Outcome last = shelf.run({"--json", "rescue", command[1], "--to", command[3]});
  const Json report = object(last.out, "rescue_report");
  const std::string label = report.at("label");
  shelf.must({"catalog", "recover", command[3]});
  shelf.must({"restore", "müller-wedding", "--from", label, "--to", shelf.path("back").string()});
  CHECK(shelf.run({"scrub", label}).exit_code == 0);
  io::posix().make_dir(shelf.path("B"));
  shelf.must({"drive", "add", shelf.path("B").string(), "--label", "B"});
  shelf.must({"copy", label, "--to", "B"});
  CHECK(shelf.volumes("B").size() == ProgramShelf::kVolumes);
}

}  // namespace darkshelf::testing
