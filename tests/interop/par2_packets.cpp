// Recovery packets beside those of Debian's par2, from one slice to as many as PAR2 has, and from the first exponent to
// the last that it takes for the first (32,768).

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "parity/par2_files.hpp"
#include "parity/set_reader.hpp"
#include "support/damage.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

struct Shape {
  std::uint32_t slices;
  std::uint64_t slice_bytes;
  std::uint32_t first, count;
};

/// Whole recovery packets by exponent, header and all, and how many slices the set protects.
struct Packets {
  std::map<std::uint16_t, core::Bytes> recovery;
  std::uint32_t slices = 0;
};

Packets packets_of(const io::Path& folder) {
  const auto files = parity::files_of_set(io::posix(), folder / "set.par2");
  const parity::PacketScan scan = parity::scan_packets(io::posix(), files, io::ReadMode::kCached, {});
  REQUIRE(scan.main);
  REQUIRE(scan.bad.empty());
  Packets packets;
  for (const parity::NumberedFile& file : parity::numbered_files(scan)) packets.slices += file.slice_count;
  for (const parity::RecoveryLocation& at : scan.recovery) {
    core::Bytes packet(68 + scan.main->slice_bytes);
    const auto file = io::posix().open_read(scan.files[at.file]);
    REQUIRE(file->read_at(at.data_offset - 68, packet) == packet.size());
    packets.recovery.emplace(at.exponent, std::move(packet));
  }
  return packets;
}

int par2(const io::Path& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "par2");
  ProcessOptions options;
  options.folder = folder;
  return run_process(arguments, options).exit_code;
}

/// Two files, the second of an odd length, so that slices are numbered through files and padded.
void make_data(const io::Path& folder, const Shape& shape) {
  const std::uint32_t in_first = shape.slices / 3;
  if (in_first > 0) make_file(folder / "first.bin", in_first * shape.slice_bytes, shape.slices);
  make_file(folder / "second.bin", (shape.slices - in_first) * shape.slice_bytes - 1, shape.slices + 1);
}

std::vector<std::string> names_of(const Shape& shape) {
  return shape.slices / 3 > 0 ? std::vector<std::string>{"first.bin", "second.bin"}
                              : std::vector<std::string>{"second.bin"};
}

void make_set(const io::Path& folder, const Shape& shape) {
  parity::CreateRequest request;
  request.set = folder / "set.par2";
  for (const std::string& name : names_of(shape)) request.files.push_back(folder / name);
  request.slice_bytes = shape.slice_bytes;
  request.first_exponent = shape.first;
  request.recovery_slices = shape.count;
  REQUIRE(parity::create_set(io::posix(), request, {}).slices == shape.slices);
}

}  // namespace

TEST_CASE("par2 packets: recovery packets are those of Debian's par2, byte for byte") {
  if (!has_program("par2")) return skip("there is no program par2");
  const Shape shape = GENERATE(Shape{1, 4, 0, 3}, Shape{2, 64, 32'768, 5}, Shape{100, 4096, 0, 100},
                               Shape{100, 260, 32'767, 7}, Shape{2000, 256, 0, 200}, Shape{2000, 4, 1, 1},
                               Shape{8191, 64, 255, 5}, Shape{8191, 1028, 256, 3}, Shape{32'000, 4, 12'345, 4},
                               Shape{32'000, 64, 0, 6}, Shape{32'768, 4, 32'766, 3}, Shape{32'768, 64, 0, 4});
  CAPTURE(shape.slices, shape.slice_bytes, shape.first, shape.count);
  TempDir ours, theirs;
  make_data(ours.path(), shape);
  make_data(theirs.path(), shape);
  make_set(ours.path(), shape);
  std::vector<std::string> command = {"create",
                                      "-q",
                                      "-q",
                                      fmt::format("-s{}", shape.slice_bytes),
                                      fmt::format("-f{}", shape.first),
                                      fmt::format("-c{}", shape.count),
                                      "-n1",
                                      "set.par2"};
  for (const std::string& name : names_of(shape)) command.push_back(name);
  REQUIRE(par2(theirs.path(), command) == 0);
  const Packets here = packets_of(ours.path()), there = packets_of(theirs.path());
  CHECK(here.slices == shape.slices);
  CHECK(there.slices == shape.slices);
  CHECK(here.recovery.size() == shape.count);
  CHECK((here.recovery == there.recovery));
}

TEST_CASE("par2 packets: Debian's par2 verifies and repairs a set of 32,768 slices") {
  if (!has_program("par2")) return skip("there is no program par2");
  const Shape shape{32'768, 64, 0, 40};
  TempDir temp;
  make_data(temp.path(), shape);
  const auto content = [&] {
    std::vector<core::Bytes> all;
    for (const std::string& name : names_of(shape)) all.push_back(io::read_file(io::posix(), temp / name, 4 << 20));
    return all;
  };
  const auto before = content();
  make_set(temp.path(), shape);
  REQUIRE(par2(temp.path(), {"verify", "-q", "-q", "set.par2"}) == 0);
  Dice dice(5);
  for (int i = 0; i < 30; ++i) rot(temp / (i % 3 == 0 ? "first.bin" : "second.bin"), dice.below(600'000), 5);
  REQUIRE(par2(temp.path(), {"verify", "-q", "-q", "set.par2"}) == 1);
  REQUIRE(par2(temp.path(), {"repair", "-q", "-q", "set.par2"}) == 0);
  CHECK((content() == before));
}

}  // namespace darkshelf::testing
