// What verify says of files and recovery data, whatever the size of slices, the memory and the number of threads.

#include <catch2/catch.hpp>

#include "parity/par2_files.hpp"
#include "parity/set_reader.hpp"
#include "support/damage.hpp"
#include "support/faults.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::size_t kBytes = 1'000'003;

void make_set(const io::Path& folder, std::uint64_t slice_bytes, std::uint32_t recovery_slices = 40) {
  parity::CreateRequest request;
  request.set = folder / "set.par2";
  request.files = {folder / "photo.raw"};
  request.slice_bytes = slice_bytes;
  request.recovery_slices = recovery_slices;
  parity::create_set(io::posix(), request, {});
}

core::Work work_with(unsigned threads, std::uint64_t memory = std::uint64_t{2} << 30) {
  core::Work work;
  work.threads = threads;
  work.memory = memory;
  return work;
}

io::Path volume_of(const io::Path& folder, const char* count) {
  return folder / (std::string("set.vol00000+") + count + ".par2");
}

}  // namespace

TEST_CASE("verify: exactly the slices that changed are lost") {
  const std::uint64_t slice_bytes = GENERATE(32u, 1000u, 4096u, 70'000u, 600'000u, 4'000'000u);
  TempDir temp;
  make_file(temp / "photo.raw", kBytes, 1);
  make_set(temp.path(), slice_bytes, 5);
  const std::vector<std::uint64_t> places = {0, 4096, 65'536, 500'000, kBytes - 1};
  std::vector<std::uint32_t> lost;
  for (const unsigned threads : {1u, 3u}) {
    CAPTURE(slice_bytes, threads);
    CHECK(parity::verify_set(io::posix(), temp / "set.par2", {}, work_with(threads)).intact());
  }
  for (const std::uint64_t place : places) {
    rot(temp / "photo.raw", place, 1);
    const auto slice = static_cast<std::uint32_t>(place / slice_bytes);
    if (lost.empty() || lost.back() != slice) lost.push_back(slice);
  }
  for (const unsigned threads : {1u, 3u}) {
    for (const std::uint64_t memory : {std::uint64_t{1} << 30, std::uint64_t{1} << 20}) {
      CAPTURE(slice_bytes, threads, memory);
      const auto report = parity::verify_set(io::posix(), temp / "set.par2", {}, work_with(threads, memory));
      CHECK(report.files.at(0).state == parity::FileState::kDamaged);
      CHECK(report.files.at(0).lost == lost);
    }
  }
}

TEST_CASE("verify: a file that is longer or shorter is damaged, though its slices are there") {
  TempDir temp;
  make_file(temp / "photo.raw", 10'000, 1);
  make_set(temp.path(), 1000, 2);
  const core::Bytes bytes = io::read_file(io::posix(), temp / "photo.raw", kBytes);
  core::Bytes longer = bytes;
  longer.push_back(std::byte{0});
  io::write_file_durably(io::posix(), temp / "photo.raw", longer);
  auto report = parity::verify_set(io::posix(), temp / "set.par2", {}, {});
  CHECK(report.files.at(0).state == parity::FileState::kDamaged);
  CHECK(report.lost == 0);
  cut(temp / "photo.raw", 9500);
  report = parity::verify_set(io::posix(), temp / "set.par2", {}, {});
  CHECK(report.files.at(0).lost == std::vector<std::uint32_t>{9});
}

TEST_CASE("verify: a sector that cannot be read takes its own slices, and no others") {
  TempDir temp;
  make_file(temp / "photo.raw", kBytes, 1);
  make_set(temp.path(), 1024);
  Faults faults;
  WatchedFileSystem watched(io::posix(), faults);
  faults.unreadable("photo.raw", 512'000, 4096);
  const auto report = parity::verify_set(watched, temp / "set.par2", {}, work_with(2));
  CHECK(report.files.at(0).lost == std::vector<std::uint32_t>{500, 501, 502, 503});
}

TEST_CASE("verify: packets of two versions of a file do not make either of them intact") {
  TempDir old_one, new_one;
  make_file(old_one / "photo.raw", 100'000, 1);
  make_set(old_one.path(), 1000);
  core::Bytes edited = io::read_file(io::posix(), old_one / "photo.raw", kBytes);
  edited[60'000] ^= std::byte{1};  // behind the head: id of the file and of the set stay the same
  io::write_file_durably(io::posix(), new_one / "photo.raw", edited);
  make_set(new_one.path(), 1000);
  // The old index without its checksums of slices, beside the new volume: description and slices disagree.
  core::Bytes index = io::read_file(io::posix(), old_one / "set.par2", kBytes);
  const std::string_view type{"PAR 2.0\0IFSC", 12};
  index[core::as_text(index).find(type) + 40] ^= std::byte{1};
  io::write_file_durably(io::posix(), new_one / "set.par2", index);
  const auto report = parity::verify_set(io::posix(), new_one / "set.par2", {}, {});
  CHECK(report.files.at(0).state == parity::FileState::kDamaged);
}

TEST_CASE("verify: damaged packets among many are told one by one") {
  TempDir temp;
  make_file(temp / "photo.raw", kBytes, 1);
  make_set(temp.path(), 2000, 120);
  const io::Path volume = volume_of(temp.path(), "00120");
  const std::vector<std::uint64_t> packets = {0, 1, 20, 21, 60, 119};
  const auto scan = [&](unsigned threads) {
    return parity::scan_packets(io::posix(), {temp / "set.par2", volume}, io::ReadMode::kCached, work_with(threads));
  };
  const parity::PacketScan good = scan(2);
  REQUIRE(good.recovery.size() == 120);
  REQUIRE(good.bad.empty());
  for (const std::uint64_t packet : packets) rot(volume, good.recovery[packet].data_offset + 1999, 1);
  for (const unsigned threads : {1u, 2u}) {
    const parity::PacketScan bad = scan(threads);
    CHECK(bad.recovery.size() == 120 - packets.size());
    std::uint64_t bytes = 0;
    for (const parity::BadRange& range : bad.bad) bytes += range.bytes;
    CHECK(bytes == packets.size() * 2068);
    for (const parity::RecoveryLocation& at : bad.recovery) {
      CHECK(at.data_offset == good.recovery[at.exponent].data_offset);
      CHECK(std::find(packets.begin(), packets.end(), at.exponent) == packets.end());
    }
  }
}

}  // namespace darkshelf::testing
