// Random damage, as much of it as parity can take, in many seeded runs; and more than it can take. Both layouts, whole
// program. DARKSHELF_CAMPAIGN_RUNS says how many runs (200).

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/slices.hpp"

namespace darkshelf::testing {
namespace {

namespace fv = formats::volume;

template <typename T>
void shuffle(std::vector<T>& list, Dice& dice) {
  for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[dice.below(i)]);
}

void spoil(const Piece& piece, Dice& dice) {
  const std::uint64_t at = dice.below(piece.bytes), most = piece.bytes - at;
  const std::uint64_t count = dice.below(2) == 0 ? 1 : 1 + dice.below(most);
  rot(piece.file, piece.offset + at, count);
}

/// Loses `lost` slices in all: some of the payload, the others by spoiling recovery packets beyond `spare`.
void damage_payload(const io::Path& volume, const fv::BagInfo& info, Dice& dice, bool beyond) {
  std::vector<Piece> slices = slices_of(volume, info), recovery = recovery_of(volume, false);
  REQUIRE(slices.size() == info.slices);
  REQUIRE(recovery.size() == info.recovery_slices);
  shuffle(slices, dice);
  shuffle(recovery, dice);
  const std::size_t spoilt = dice.below(recovery.size() / 2);
  const std::size_t sound = recovery.size() - spoilt;
  const std::size_t lost = beyond ? sound + 1 + dice.below(5) : 1 + dice.below(sound);
  REQUIRE(lost <= slices.size());
  for (std::size_t i = 0; i < spoilt; ++i) spoil(recovery[i], dice);
  for (std::size_t i = 0; i < lost; ++i) spoil(slices[i], dice);
}

/// One of what happens to small files: rot, a cut, a loss.
void damage_tags(const io::Path& volume, Dice& dice) {
  constexpr const char* kFiles[] = {"members.jsonl", "photos.sha256", "slices.sha256",         "manifest-sha256.txt",
                                    "bagit.txt",     "bag-info.txt",  "tagmanifest-sha256.txt"};
  const io::Path file = volume / kFiles[dice.below(std::size(kFiles))];
  const std::uint64_t bytes = io::posix().stat(file)->bytes;
  switch (dice.below(3)) {
    case 0:
      return rot(file, dice.below(bytes), 1);
    case 1:
      return cut(file, dice.below(bytes));
    default:
      return io::posix().remove_file(file);
  }
}

std::size_t runs() {
  const char* told = std::getenv("DARKSHELF_CAMPAIGN_RUNS");
  return told != nullptr ? std::strtoul(told, nullptr, 10) : 200;
}

}  // namespace

TEST_CASE("campaign: damage up to the parity limit is found, and repaired byte for byte with times kept") {
  const std::string layout = GENERATE(as<std::string>{}, "tar", "files");
  ProgramShelf shelf({"A"});
  auto command = shelf.seal_command({"A"});
  command.insert(command.end(), {"--layout", layout, "--parity", "30%"});
  shelf.must(command);
  const auto sealed = shelf.volume_tree("A");
  shelf.keep();
  for (std::uint64_t seed = 1; seed <= runs() / 2; ++seed) {
    CAPTURE(layout, seed);
    shelf.back();
    Dice dice(seed);
    for (const io::Path& volume : shelf.volumes("A")) {
      if (dice.below(4) == 0) continue;
      damage_payload(volume, info_of(volume), dice, false);
      if (dice.below(2) == 0) damage_tags(volume, dice);
    }
    const Outcome scrub = shelf.run({"scrub", "A"});
    CAPTURE(scrub.out, scrub.err);
    const bool untouched = shelf.volume_tree("A") == sealed;
    REQUIRE(scrub.exit_code == (untouched ? 0 : 4));
    const Outcome repair = shelf.run({"repair", "A"});
    CAPTURE(repair.out, repair.err);
    REQUIRE(repair.exit_code == 0);
    REQUIRE(shelf.volume_tree("A") == sealed);
    REQUIRE(shelf.leftovers("A").empty());
    REQUIRE(shelf.run({"scrub", "A"}).exit_code == 0);
  }
}

TEST_CASE("campaign: beyond the parity limit nothing is written, and every intact photo is restored") {
  const std::string layout = GENERATE(as<std::string>{}, "tar", "files");
  ProgramShelf shelf({"A"});
  auto command = shelf.seal_command({"A"});
  command.insert(command.end(), {"--layout", layout});
  shelf.must(command);
  shelf.keep();
  for (std::uint64_t seed = 1; seed <= runs() / 20; ++seed) {
    CAPTURE(layout, seed);
    shelf.back();
    Dice dice(1000 + seed);
    const io::Path volume = shelf.volumes("A").front();
    damage_payload(volume, info_of(volume), dice, true);
    const auto damaged = shelf.volume_tree("A");
    const Outcome scrub = shelf.run({"scrub", "A"});
    CAPTURE(scrub.out, scrub.err);
    REQUIRE(scrub.exit_code == 5);
    REQUIRE(shelf.run({"repair", "A"}).exit_code == 5);
    REQUIRE(shelf.volume_tree("A") == damaged);

    const io::Path back = shelf.path("back");
    const Outcome restore = shelf.run({"--json", "restore", "2026-06-14_müller-wedding", "--to", back.string()});
    CAPTURE(restore.out, restore.err);
    REQUIRE(restore.exit_code == 5);
    std::size_t restored = 0, lost = 0;
    for (const auto& [path, stat] : files_below(shelf.shoots() / "2026-06-14_müller-wedding")) {
      const io::Path copy = back / path.lexically_relative(shelf.shoots());
      if (!io::posix().stat(copy)) {
        ++lost;
        CHECK(restore.out.find(path.filename().string()) != std::string::npos);
        continue;
      }
      ++restored;
      CHECK(io::read_file(io::posix(), copy, 1 << 30) == io::read_file(io::posix(), path, 1 << 30));
    }
    CHECK(lost > 0);
    CHECK(restored > 0);
  }
}

TEST_CASE(
    "campaign: two copies damaged beyond what either can mend are repaired with each other, or nothing is written") {
  const std::string layout = GENERATE(as<std::string>{}, "tar", "files");
  ProgramShelf shelf({"A", "B"});
  auto command = shelf.seal_command({"A", "B"});
  command.insert(command.end(), {"--layout", layout});
  shelf.must(command);
  const auto sealed = shelf.volume_tree("A");
  shelf.keep();
  std::size_t mended = 0, refused = 0;
  for (std::uint64_t seed = 1; seed <= runs() / 10; ++seed) {
    CAPTURE(layout, seed);
    shelf.back();
    Dice dice(2000 + seed);
    // Sometimes so much that both together do not suffice either.
    const bool hopeless = seed % 4 == 0;
    const std::size_t volume = dice.below(ProgramShelf::kVolumes);
    for (const char* drive : {"A", "B"}) {
      const io::Path folder = shelf.volumes(drive)[volume];
      damage_payload(folder, info_of(folder), dice, true);
      if (hopeless) spoil(slices_of(folder), 0, info_of(folder).slices * 9 / 10);
      if (dice.below(2) == 0) damage_tags(folder, dice);
    }
    const auto damaged_a = shelf.volume_tree("A"), damaged_b = shelf.volume_tree("B");
    REQUIRE(shelf.run({"repair", "A"}).exit_code == 5);
    const Outcome first = shelf.run({"repair", "A", "--with", "B"});
    CAPTURE(first.out, first.err);
    REQUIRE(shelf.volume_tree("B") == damaged_b);
    if (first.exit_code == 5) {
      REQUIRE(hopeless);
      REQUIRE(shelf.volume_tree("A") == damaged_a);
      ++refused;
      continue;
    }
    REQUIRE(first.exit_code == 0);
    REQUIRE(shelf.volume_tree("A") == sealed);
    const Outcome second = shelf.run({"repair", "B", "--with", "A"});
    CAPTURE(second.out, second.err);
    REQUIRE(second.exit_code == 0);
    REQUIRE(shelf.volume_tree("B") == sealed);
    REQUIRE(shelf.leftovers("A").empty());
    REQUIRE(shelf.leftovers("B").empty());
    REQUIRE(shelf.run({"scrub", "A"}).exit_code == 0);
    REQUIRE(shelf.run({"scrub", "B"}).exit_code == 0);
    ++mended;
  }
  CHECK(mended > refused);
  WARN(mended << " pairs mended, " << refused << " told to be beyond repair");
}

}  // namespace darkshelf::testing
