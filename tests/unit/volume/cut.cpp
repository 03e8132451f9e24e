#include "volume/cut.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <numeric>
#include <set>

#include "core/error.hpp"
#include "support/damage.hpp"
#include "volume/tar_writer.hpp"

namespace darkshelf::testing {
namespace {

using formats::volume::Layout;
using formats::volume::MemberType;
using volume::CutVolume;
using volume::SourceShoot;

constexpr std::uint64_t kGiB = 1 << 30, kMiB = 1 << 20;

void add(SourceShoot& shoot, const std::string& path, std::uint64_t bytes, MemberType type = MemberType::kFile,
         const std::string& link = {}) {
  volume::SourceEntry entry;
  entry.member.type = type;
  entry.member.path = path;
  entry.member.bytes = bytes;
  entry.member.link = link;
  shoot.entries.push_back(entry);
}

SourceShoot shoot_of(const std::vector<std::uint64_t>& sizes) {
  SourceShoot shoot;
  shoot.name = "s";
  add(shoot, "s", 0, MemberType::kDirectory);
  for (std::size_t i = 0; i < sizes.size(); ++i) add(shoot, fmt::format("s/{:06}.CR3", i), sizes[i]);
  return shoot;
}

std::vector<std::string> paths_in(const SourceShoot& shoot, const CutVolume& volume) {
  std::vector<std::string> paths;
  for (const std::size_t entry : volume.entries) paths.push_back(shoot.entries[entry].member.path);
  return paths;
}

std::string why_not(const std::string& path) {
  SourceShoot shoot = shoot_of({});
  add(shoot, path, 5);
  try {
    volume::cut_into_volumes(shoot, {.layout = Layout::kFiles});
  } catch (const core::Error& error) {
    CHECK(error.code() == core::Code::kUsage);
    CHECK(error.hint().find("--layout tar") != std::string::npos);
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("cut: every file once, in order, no volume above its size but for a file that is larger alone") {
  const Layout layout = GENERATE(Layout::kTar, Layout::kFiles);
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Dice dice(seed);
    std::vector<std::uint64_t> sizes(1 + dice.below(60));
    for (std::uint64_t& size : sizes) size = dice.below(10) == 0 ? dice.below(40 * kMiB) : dice.below(4 * kMiB);
    SourceShoot shoot = shoot_of(sizes);
    const auto volumes = volume::cut_into_volumes(shoot, {layout, 10 * kMiB, 10});
    std::vector<std::size_t> files;
    for (const CutVolume& volume : volumes) {
      REQUIRE(volume.entries.size() > 1);
      CHECK(volume.entries.front() == 0);  // the shoot's folder stands in every part
      CHECK(std::is_sorted(volume.entries.begin(), volume.entries.end()));
      std::uint64_t bytes = 0;
      for (std::size_t i = 1; i < volume.entries.size(); ++i) {
        bytes += shoot.entries[volume.entries[i]].member.bytes;
        files.push_back(volume.entries[i]);
      }
      CHECK((bytes <= 10 * kMiB || volume.entries.size() == 2));
    }
    std::sort(files.begin(), files.end());
    std::vector<std::size_t> all(sizes.size());
    std::iota(all.begin(), all.end(), 1);
    CHECK(files == all);
  }
}

TEST_CASE("cut: slices are as small as PAR2 allows, parity is its share of them and sixteen at least") {
  struct Case {
    std::uint64_t bytes;
    std::uint64_t slice_bytes;
  };
  const Case one = GENERATE(Case{1, 4096}, Case{100 * kMiB, 4096}, Case{127 * kMiB, 4096}, Case{200 * kMiB, 8192},
                            Case{8 * kGiB - kMiB, 262'144}, Case{100 * kGiB, 3'280'896});
  CAPTURE(one.bytes);
  SourceShoot shoot = shoot_of({one.bytes});
  const auto volumes = volume::cut_into_volumes(shoot, {Layout::kTar, 200 * kGiB, 10});
  REQUIRE(volumes.size() == 1);
  const volume::Sizes& sizes = volumes[0].sizes;
  CHECK(sizes.slice_bytes == one.slice_bytes);
  CHECK(sizes.slices == (sizes.payload_bytes + one.slice_bytes - 1) / one.slice_bytes);
  CHECK(sizes.slices <= 32'768);
  CHECK(sizes.recovery_slices == std::max(16u, (sizes.slices + 9) / 10));
  CHECK(sizes.payload_bytes >= one.bytes + 1024);
  CHECK(sizes.bytes_on_drive > sizes.payload_bytes + sizes.recovery_slices * sizes.slice_bytes);
  CHECK(sizes.largest_file >= sizes.payload_bytes);
}

TEST_CASE("cut: layout files gives a small file a slice of its own, and enlarges slices until all fit") {
  SourceShoot few = shoot_of({1, 5000, 0, 4096});
  const auto small = volume::cut_into_volumes(few, {.layout = Layout::kFiles}).at(0).sizes;
  CHECK(small.slice_bytes == 4096);
  CHECK(small.slices == 1 + 2 + 0 + 1);
  SourceShoot many = shoot_of(std::vector<std::uint64_t>(30'000, 6000));
  const auto sizes = volume::cut_into_volumes(many, {.layout = Layout::kFiles}).at(0).sizes;
  CHECK(sizes.slice_bytes == 8192);  // two slices each would be 60,000
  CHECK(sizes.slices == 30'000);
  SourceShoot too_many = shoot_of(std::vector<std::uint64_t>(32'769, 1));
  CHECK_THROWS_WITH(volume::cut_into_volumes(too_many, {.layout = Layout::kFiles}), Catch::Contains("32,768"));
  SourceShoot empty = shoot_of({0, 0});
  const auto nothing = volume::cut_into_volumes(empty, {.layout = Layout::kFiles}).at(0).sizes;
  CHECK(nothing.slices == 0);
  CHECK(nothing.recovery_slices == 0);
}

TEST_CASE("cut: a hard link stays with its file, or becomes one where a border falls between") {
  SourceShoot shoot = shoot_of({});
  add(shoot, "s/a.CR3", 6 * kMiB);
  add(shoot, "s/b.CR3", 0, MemberType::kHardLink, "s/a.CR3");
  add(shoot, "s/c.CR3", 6 * kMiB);
  add(shoot, "s/d.CR3", 0, MemberType::kHardLink, "s/a.CR3");
  const auto volumes = volume::cut_into_volumes(shoot, {Layout::kTar, 10 * kMiB, 10});
  REQUIRE(volumes.size() == 3);
  CHECK(paths_in(shoot, volumes[0]) == std::vector<std::string>{"s", "s/a.CR3", "s/b.CR3"});
  CHECK(paths_in(shoot, volumes[1]) == std::vector<std::string>{"s", "s/c.CR3"});
  CHECK(paths_in(shoot, volumes[2]) == std::vector<std::string>{"s", "s/d.CR3"});
  CHECK(shoot.entries[2].member.type == MemberType::kHardLink);
  CHECK(shoot.entries[4].member.type == MemberType::kFile);
  CHECK(shoot.entries[4].member.bytes == 6 * kMiB);
}

TEST_CASE("cut: folders stand in every part that has something of theirs, empty ones in the last") {
  SourceShoot shoot = shoot_of({});
  add(shoot, "s/deep", 0, MemberType::kDirectory);
  add(shoot, "s/deep/a.CR3", 6 * kMiB);
  add(shoot, "s/deep/er", 0, MemberType::kDirectory);
  add(shoot, "s/deep/er/b.CR3", 6 * kMiB);
  add(shoot, "s/empty", 0, MemberType::kDirectory);
  const auto volumes = volume::cut_into_volumes(shoot, {Layout::kTar, 10 * kMiB, 10});
  REQUIRE(volumes.size() == 2);
  CHECK(paths_in(shoot, volumes[0]) == std::vector<std::string>{"s", "s/deep", "s/deep/a.CR3"});
  CHECK(paths_in(shoot, volumes[1]) ==
        std::vector<std::string>{"s", "s/deep", "s/deep/er", "s/deep/er/b.CR3", "s/empty"});
}

TEST_CASE("cut: layout files refuses names that another system could not hold, and says which and why") {
  CHECK(why_not("s/plain name (1), Größe & more.JPG").empty());
  for (const char* path : {"s/a%b.JPG", "s/a\\b.JPG", "s/what?.JPG", "s/a:b.JPG", "s/tab\t.JPG", "s/q\"q.JPG"})
    CHECK(why_not(path).find("has a character not every system takes") != std::string::npos);
  CHECK(why_not("s/\xE9t\xE9.JPG").find("not UTF-8") != std::string::npos);
  for (const char* path : {"s/dot.", "s/blank ", "s/folder./x.JPG"})
    CHECK(why_not(path).find("ends in a blank or a dot") != std::string::npos);
  for (const char* path : {"s/CON", "s/con.JPG", "s/Lpt1.x.JPG", "s/nul/x.JPG"})
    CHECK(why_not(path).find("device on Windows") != std::string::npos);
  SourceShoot shoot = shoot_of({});
  add(shoot, "s/A.JPG", 1);
  add(shoot, "s/a.jpg", 1);
  CHECK_THROWS_WITH(volume::cut_into_volumes(shoot, {.layout = Layout::kFiles}),
                    Catch::Contains("upper and lower case"));
  CHECK(volume::cut_into_volumes(shoot, {.layout = Layout::kTar}).size() == 1);
}

}  // namespace darkshelf::testing
