// Damage as media do it, not slice by slice: single bits, sectors, bursts, stripes, cuts, zeroed runs, swapped and lost
// files, in whatever lies on the drive. Whatever it is: what scrub calls intact is what was sealed, what repair calls
// mended is what was sealed byte for byte, and what it cannot mend it says. DARKSHELF_PATTERN_RUNS says how many runs
// (60).

#include <fmt/format.h>

#include <array>
#include <catch2/catch.hpp>
#include <map>

#include "support/campaign.hpp"
#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {
namespace {

enum class Pattern { kBit, kSector, kBurst, kStripes, kCut, kZeros, kSwap, kLoss };
constexpr std::array<const char*, 8> kPatterns = {"single bits", "sectors",     "bursts",        "stripes",
                                                  "cut short",   "zeroed runs", "swapped files", "lost files"};
enum class Target { kPayload, kTagFiles, kRecovery, kDriveFiles };
constexpr std::array<const char*, 4> kTargets = {"payload", "tag files", "recovery data", "drive's own files"};

bool is_recovery(const std::string& name) { return name.ends_with(".par2"); }

std::vector<io::Path> files_of(const ProgramShelf& shelf, Target target) {
  std::vector<io::Path> found;
  if (target == Target::kDriveFiles) {
    const io::Path folder = shelf.path("A") / "darkshelf";
    for (const io::Path& part : {folder / "catalog", folder / "seals"}) {
      for (const auto& [path, stat] : files_below(part)) found.push_back(path);
    }
    for (const char* name : {"drive.json", "START-HERE.txt"}) {
      if (io::posix().stat(folder / name)) found.push_back(folder / name);
    }
    return found;
  }
  for (const io::Path& volume : shelf.volumes("A")) {
    for (const auto& [path, stat] : files_below(volume)) {
      const bool payload = path.string().starts_with((volume / "data").string());
      const Target is = payload                                 ? Target::kPayload
                        : is_recovery(path.filename().string()) ? Target::kRecovery
                                                                : Target::kTagFiles;
      if (is == target) found.push_back(path);
    }
  }
  return found;
}

void turn_bit(const io::Path& path, std::uint64_t offset, unsigned bit) {
  const auto file = io::posix().open_write(path);
  const io::Stat stat = file->stat();
  std::byte byte{};
  file->read_at(offset, {&byte, 1});
  byte ^= static_cast<std::byte>(1u << bit);
  file->write_at(offset, {&byte, 1});
  file->set_mtime(stat.mtime_ns);
}

/// `strength`: 0 to 3, from what parity surely takes to what it surely does not.
void damage(const std::vector<io::Path>& files, Pattern pattern, unsigned strength, Dice& dice) {
  const io::Path file = files[dice.below(files.size())];
  const std::uint64_t bytes = io::posix().stat(file)->bytes;
  if (bytes == 0) return;
  const std::uint64_t part = std::max<std::uint64_t>(1, bytes * (strength * strength + 1) / 40);  // 2 to 25 %
  const auto somewhere = [&](std::uint64_t count) { return bytes > count ? dice.below(bytes - count) : 0; };
  switch (pattern) {
    case Pattern::kBit:
      for (std::uint64_t i = 0; i < 1 + dice.below(1 + 5 * strength); ++i)
        turn_bit(file, dice.below(bytes), static_cast<unsigned>(dice.below(8)));
      return;
    case Pattern::kSector:
      for (std::uint64_t i = 0; i < 1 + dice.below(1 + 4 * strength); ++i) {
        const std::uint64_t at = dice.below(bytes) / 512 * 512;
        rot(file, at, std::min<std::uint64_t>(512, bytes - at));
      }
      return;
    case Pattern::kBurst:
      return rot(file, somewhere(part), std::min(part, bytes));
    case Pattern::kStripes:
      for (std::uint64_t at = dice.below(4096), i = 0; at < bytes && i < part / 64 + 1; at += 65'536, ++i)
        rot(file, at, std::min<std::uint64_t>(64, bytes - at));
      return;
    case Pattern::kCut:
      return cut(file, strength == 3 ? 0 : bytes - std::min(bytes, part));
    case Pattern::kZeros:
      return zero(file, somewhere(part), std::min(part, bytes));
    case Pattern::kSwap: {
      const io::Path other = files[dice.below(files.size())];
      if (other == file) return;
      const io::Path aside = file.parent_path() / "aside";
      io::posix().rename(file, aside);
      io::posix().rename(other, file);
      io::posix().rename(aside, other);
      return;
    }
    case Pattern::kLoss:
      return io::posix().remove_file(file);
  }
}

struct Tally {
  std::size_t runs = 0, harmless = 0, mended = 0, told = 0;
};

}  // namespace

TEST_CASE("campaign: whatever pattern of damage, nothing is silently wrong") {
  const std::size_t runs = campaign_size("DARKSHELF_PATTERN_RUNS", 60);
  const std::string layout = GENERATE(as<std::string>{}, "tar", "files");
  ProgramShelf shelf({"A"});
  auto command = shelf.seal_command({"A"});
  command.insert(command.end(), {"--layout", layout});
  shelf.must(command);
  const auto sealed = shelf.volume_tree("A");
  shelf.keep();
  std::map<std::string, Tally> tallies;
  for (std::uint64_t seed = 1; seed <= runs / 2; ++seed) {
    Dice dice(seed * 7919);
    const std::size_t pattern = seed % kPatterns.size(), target = seed / kPatterns.size() % kTargets.size();
    const unsigned strength = static_cast<unsigned>(dice.below(4)), times = 1 + static_cast<unsigned>(dice.below(3));
    CAPTURE(layout, seed, kPatterns[pattern], kTargets[target], strength, times);
    shelf.back();
    for (unsigned i = 0; i < times; ++i) {
      const std::vector<io::Path> files = files_of(shelf, static_cast<Target>(target));
      if (!files.empty()) damage(files, static_cast<Pattern>(pattern), strength, dice);
    }
    Tally& tally = tallies[fmt::format("{} in {}", kPatterns[pattern], kTargets[target])];
    ++tally.runs;
    const std::string drive = shelf.path("A").string();
    const Outcome scrub = shelf.run({"scrub", drive});
    CAPTURE(scrub.exit_code, scrub.out, scrub.err);
    REQUIRE(scrub.signal == 0);
    const bool volumes_as_sealed = shelf.volume_tree("A") == sealed;
    if (scrub.exit_code == 0) {  // said to be intact
      REQUIRE(volumes_as_sealed);
      ++tally.harmless;
      continue;
    }
    if (!volumes_as_sealed) {
      const bool found = scrub.exit_code == 4 || scrub.exit_code == 5 || scrub.exit_code == 7;
      REQUIRE(found);
    }
    const Outcome repair = shelf.run({"repair", drive});
    CAPTURE(repair.exit_code, repair.out, repair.err);
    REQUIRE(repair.signal == 0);
    if (scrub.exit_code == 4) REQUIRE(repair.exit_code == 0);  // it said so
    if (repair.exit_code == 0) {
      REQUIRE(shelf.volume_tree("A") == sealed);
      const Outcome again = shelf.run({"scrub", drive});
      CAPTURE(again.out, again.err);
      REQUIRE(again.exit_code == 0);
      ++tally.mended;
    } else {
      // 7: drive.json itself is gone, and `drive accept` or `catalog recover` is told.
      const bool says_so = repair.exit_code == 5 || repair.exit_code == 7;
      REQUIRE(says_so);
      const std::string said = repair.out + repair.err;
      const bool tells_what_next = said.find("Next: ") != std::string::npos || said.find("→") != std::string::npos;
      REQUIRE(tells_what_next);
      ++tally.told;
    }
  }
  Tally all;
  for (const auto& [what, tally] : tallies) {
    all.runs += tally.runs;
    all.harmless += tally.harmless;
    all.mended += tally.mended;
    all.told += tally.told;
    WARN(fmt::format("layout {}, {}: {} runs, {} without effect, {} mended, {} told as beyond repair, 0 silently wrong",
                     layout, what, tally.runs, tally.harmless, tally.mended, tally.told));
  }
  CAPTURE(layout, all.runs, all.harmless, all.mended, all.told);
  if (all.runs < kPatterns.size() * 3) return;  // too few to say more of them than that none was silently wrong
  CHECK(all.mended * 2 >= all.runs);
  CHECK(all.told > 0);
  CHECK(all.harmless > 0);
}

}  // namespace darkshelf::testing
