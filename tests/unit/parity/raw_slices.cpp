// Slices in the raw bytes of a medium: at every multiple of 512, in fragments, padded, equal, constant and hostile.

#include "parity/raw_slices.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <chrono>

#include "support/damage.hpp"

namespace darkshelf::testing {
namespace {

using parity::RawSlice;

constexpr std::uint64_t kSlice = 4096;

/// A set over files of these contents.
class MadeSet {
 public:
  MadeSet(std::vector<core::Bytes> contents, std::uint64_t slice_bytes = kSlice) : contents_(std::move(contents)) {
    std::uint32_t next = 0;
    sums_.resize(contents_.size());
    for (std::size_t i = 0; i < contents_.size(); ++i) {
      parity::NumberedFile file;
      file.description.name = fmt::format("data/{:03}", i);
      file.description.bytes = contents_[i].size();
      file.first_slice = next;
      file.slice_count = static_cast<std::uint32_t>(core::divide_up(contents_[i].size(), slice_bytes));
      std::vector<digest::SliceDigests> digests(file.slice_count);
      digest::slice_digests(contents_[i], slice_bytes, digest::Hashes::kPar2, digests);
      for (const auto& one : digests) sums_[i].slices.push_back({one.md5, one.crc32});
      file.checksums = &sums_[i];
      next += file.slice_count;
      files_.push_back(file);
    }
  }
  MadeSet(const MadeSet&) = delete;
  MadeSet& operator=(const MadeSet&) = delete;
  const std::vector<parity::NumberedFile>& files() const { return files_; }
  const core::Bytes& content(std::size_t i = 0) const { return contents_[i]; }
  formats::par2::SliceChecksum& sum(std::size_t slice) { return sums_[0].slices[slice]; }

 private:
  std::vector<core::Bytes> contents_;
  std::vector<formats::par2::FileSlices> sums_;
  std::vector<parity::NumberedFile> files_;
};

struct Found {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> places;
  std::size_t times = 0;
};

/// Searches an image in windows of `step` bytes.
Found search(parity::RawSliceTable& table, const core::Bytes& image, std::uint64_t step) {
  table.settle();
  Found found;
  parity::RawSliceSearch search(table, {}, [&](const RawSlice& slice, std::uint64_t offset, core::ByteSpan bytes) {
    found.places[{slice.set, slice.slice}] = offset;
    ++found.times;
    CHECK(bytes.size() == table.length_of(slice));
    CHECK(std::equal(bytes.begin(), bytes.end(), image.begin() + static_cast<std::ptrdiff_t>(offset)));
  });
  std::uint64_t from = 0;
  for (std::uint64_t base = 0; base < image.size(); base += step) {
    const std::uint64_t to = std::min<std::uint64_t>(image.size(), base + step);
    const std::uint64_t end = std::min<std::uint64_t>(image.size(), to + table.longest());
    from = search.search(core::ByteSpan(image).subspan(base, end - base), base, from, to);
  }
  return found;
}

void put(core::Bytes& image, std::uint64_t offset, core::ByteSpan bytes) {
  REQUIRE(offset + bytes.size() <= image.size());
  std::copy(bytes.begin(), bytes.end(), image.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace

TEST_CASE("raw slices: shifting a CRC is appending zeros, or taking them away") {
  const core::Bytes bytes = seeded_bytes(1000, 1);
  const auto plain = [](core::ByteSpan of) { return digest::crc32(of) ^ digest::crc32_zeros(0, of.size()); };
  for (const std::size_t zeros : {1, 511, 512, 4096, 100'000}) {
    core::Bytes longer = bytes;
    longer.resize(bytes.size() + zeros);
    CHECK(parity::CrcShift(static_cast<std::int64_t>(zeros))(plain(bytes)) == plain(longer));
    CHECK(parity::CrcShift(-static_cast<std::int64_t>(zeros))(plain(longer)) == plain(bytes));
  }
  CHECK(parity::CrcShift(0)(0x12345678) == 0x12345678);
}

TEST_CASE("raw slices: a file is found at every multiple of 512, whole and in fragments") {
  const MadeSet set({seeded_bytes(50 * kSlice + 700, 3)});
  const std::uint64_t step = GENERATE(std::uint64_t{8192}, std::uint64_t{64 << 10}, std::uint64_t{1} << 20);
  core::Bytes image = seeded_bytes(1 << 20, 4);
  const std::uint64_t phase = GENERATE(0, 512, 1024, 3584);
  const core::ByteSpan content = set.content();
  put(image, 40960 + phase, content.first(20 * kSlice));
  put(image, 500 * 1024 + phase, content.subspan(20 * kSlice, 512 * 11));  // a fragment that ends within a slice
  put(image, 600 * 1024 + phase, content.subspan(20 * kSlice + 512 * 11));
  parity::RawSliceTable table;
  table.add_set(set.files(), kSlice);
  const Found found = search(table, image, step);
  CHECK(found.places.size() == 50);  // but for the one that is cut in two
  CHECK_FALSE(table.is_found({0, 21}));
  CHECK(found.places.at({0, 0}) == 40960 + phase);
  CHECK(found.places.at({0, 50}) == 600 * 1024 + phase + 30 * kSlice - 512 * 11);
  CHECK(found.times == 50);
}

TEST_CASE("raw slices: what is not at a multiple of 512 is not found, nor what is cut off at the end") {
  const MadeSet set({seeded_bytes(10 * kSlice, 5)});
  core::Bytes image = seeded_bytes(60'000, 6);
  put(image, 3, core::ByteSpan(set.content()).first(3 * kSlice));
  put(image, 60'000 / 512 * 512 - 3 * kSlice - 1024, core::ByteSpan(set.content()).subspan(4 * kSlice, 3 * kSlice));
  image.resize(image.size() - 2048);
  parity::RawSliceTable table;
  table.add_set(set.files(), kSlice);
  CHECK(search(table, image, 8192).places.size() == 2);
}

TEST_CASE("raw slices: plain files are found by their tails, zeros behind them or what was there before") {
  std::vector<core::Bytes> contents;
  for (std::size_t i = 0; i < 20; ++i) contents.push_back(seeded_bytes(700 + 531 * i, 100 + i));
  const MadeSet set(contents);
  for (const bool zeros : {true, false}) {
    core::Bytes image = zeros ? core::Bytes(400'000) : seeded_bytes(400'000, 9);
    std::uint64_t at = 8192;
    for (std::size_t i = 0; i < 20; ++i) {
      put(image, at, set.content(i));
      at = core::round_up(at + set.content(i).size(), 4096);
    }
    parity::RawSliceTable table;
    table.add_set(set.files(), kSlice);
    std::uint32_t slices = 0;
    for (const auto& file : set.files()) slices += file.slice_count;
    search(table, image, 64 << 10);
    // With something else behind them the first are found by a whole slice only, and the next by what precedes them.
    CHECK(table.found_in(0) >= (zeros ? slices : slices - 8));
  }
}

TEST_CASE("raw slices: equal content of several sets is found for all of them at once") {
  const core::Bytes content = seeded_bytes(12 * kSlice + 100, 7);
  const MadeSet one({content}), other({content});
  core::Bytes image(200'000);
  put(image, 512, content);
  parity::RawSliceTable table;
  table.add_set(one.files(), kSlice);
  table.add_set(other.files(), kSlice);
  const Found found = search(table, image, 8192);
  CHECK(found.places.size() == 26);
  CHECK(table.found_in(0) == 13);
  CHECK(table.found_in(1) == 13);
}

TEST_CASE("raw slices: different sizes of slices are looked for in one pass") {
  const MadeSet small({seeded_bytes(9 * 4096, 11)}), large({seeded_bytes(7 * 20480 + 5000, 12)}, 20480);
  core::Bytes image = seeded_bytes(400'000, 13);
  put(image, 512 * 7, small.content());
  put(image, 512 * 201, large.content());
  parity::RawSliceTable table;
  table.add_set(small.files(), 4096);
  table.add_set(large.files(), 20480);
  CHECK(search(table, image, 32768).places.size() == 9 + 8);
}

TEST_CASE("raw slices: zeros and constant slices are found once, and do not slow the search down") {
  core::Bytes content(64 * kSlice);
  std::fill(content.begin() + 20 * kSlice, content.begin() + 60 * kSlice, std::byte{0xFF});
  const core::Bytes end = seeded_bytes(4 * kSlice, 14);
  std::copy(end.begin(), end.end(), content.begin() + 60 * kSlice);
  const MadeSet set({content});
  core::Bytes image(64 << 20);
  std::fill(image.begin() + (32 << 20), image.end(), std::byte{0xFF});
  put(image, 1 << 20, content);
  parity::RawSliceTable table;
  table.add_set(set.files(), kSlice);
  const auto began = std::chrono::steady_clock::now();
  const Found found = search(table, image, 8 << 20);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(20));
  CHECK(table.found_in(0) == 64);
  CHECK(found.times == 44);  // zeros are nowhere in particular
}

TEST_CASE("raw slices: checksums that claim the CRC of what is everywhere do not slow the search down") {
  MadeSet set({seeded_bytes(40 * kSlice, 15)});
  const core::Bytes all_ones(kSlice, std::byte{0xFF});
  for (std::size_t i = 0; i < 20; ++i) set.sum(i).crc32 = digest::crc32(i % 2 == 0 ? core::Bytes(kSlice) : all_ones);
  core::Bytes image(64 << 20);
  std::fill(image.begin() + (32 << 20), image.end(), std::byte{0xFF});
  put(image, (60 << 20) + 512, set.content());
  parity::RawSliceTable table;
  table.add_set(set.files(), kSlice);
  const auto began = std::chrono::steady_clock::now();
  search(table, image, 8 << 20);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(20));
  CHECK(table.found_in(0) >= 20);
}

TEST_CASE("raw slices: sets that cannot be looked for are passed over") {
  const MadeSet odd({seeded_bytes(10'000, 16)}, 1004), empty(std::vector<core::Bytes>{});
  parity::RawSliceTable table;
  CHECK(table.add_set(odd.files(), 1004) == 0);
  CHECK(table.add_set(empty.files(), kSlice) == 1);
  const core::Bytes image = seeded_bytes(20'000, 17);
  CHECK(search(table, image, 8192).places.empty());
  parity::RawSliceTable nothing;
  CHECK(search(nothing, {}, 8192).places.empty());
}

}  // namespace darkshelf::testing
