// A medium with bad sectors, read as plain bytes.

#include "io/raw_medium.hpp"

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/faults.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::uint64_t kBytes = 8 << 20;

struct Bad {
  TempDir temp;
  Faults faults;
  WatchedFileSystem fs{io::posix(), faults};
  core::Bytes content = seeded_bytes(kBytes, 1);
  io::Path image = temp / "image";
  Bad() { io::posix().create(image)->write_at(0, content); }

  std::uint64_t wrong(core::ByteSpan got) const {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < got.size(); ++i) count += got[i] != content[i] ? 1 : 0;
    return count;
  }
};

std::uint64_t total(const std::vector<io::BadRegion>& regions) {
  std::uint64_t bytes = 0;
  for (const io::BadRegion& region : regions) bytes += region.end - region.begin;
  return bytes;
}

}  // namespace

TEST_CASE("raw medium: bad sectors are passed over, and split to the sector later") {
  Bad bad;
  bad.faults.unreadable("image", 1'000'000, 1);
  bad.faults.unreadable("image", 3 << 20, 300'000);
  bad.faults.unreadable("image", kBytes - 1, 1);
  io::RawMedium medium(bad.fs, bad.image);
  CHECK(medium.bytes() == kBytes);
  core::Bytes got(kBytes + 1000);
  CHECK(medium.read(0, got) == kBytes);
  got.resize(kBytes);
  CHECK(bad.wrong(got) < 1 << 20);
  const auto passed = medium.bad();
  REQUIRE(passed.size() >= 3);
  CHECK_FALSE(medium.read_exactly(1'000'000, core::MutableByteSpan(got).first(10)));
  CHECK(medium.read_exactly(2 << 20, core::MutableByteSpan(got).first(4096)));

  std::uint64_t readable = 0;
  medium.split({}, [&](std::uint64_t begin, std::uint64_t end) { readable += end - begin; });
  const auto left = medium.bad();
  CHECK(total(left) + readable == total(passed));
  CHECK(total(left) <= 4096 + 303'104 + 4096 + 2 * 4096);
  for (const io::BadRegion& region : left) CHECK(region.tried);
  CHECK(medium.read(0, got) == kBytes);
  CHECK(bad.wrong(got) <= total(left));
  medium.split({}, [&](std::uint64_t, std::uint64_t) { CHECK(false); });
}

TEST_CASE("raw medium: regions that are known are not read again") {
  Bad bad;
  std::vector<io::BadRegion> known = {{4096, 8192, true}, {1 << 20, 2 << 20, false}};
  io::RawMedium medium(bad.fs, bad.image, known);
  core::Bytes got(kBytes);
  CHECK(medium.read(0, got) == kBytes);
  CHECK(medium.bad() == known);
  CHECK(bad.wrong(got) > 1'000'000);
  medium.split({}, [](std::uint64_t, std::uint64_t) {});
  CHECK(medium.bad() == std::vector<io::BadRegion>{{4096, 8192, true}});
  CHECK(medium.read(0, got) == kBytes);
  CHECK(bad.wrong(got) <= 4096);
}

TEST_CASE("raw medium: one that answers no more is gone, not ruined") {
  Bad bad;
  io::RawMedium medium(bad.fs, bad.image);
  core::Bytes got(1 << 20);
  CHECK(medium.read(0, got) == got.size());
  bad.faults.unreadable("image", 0, kBytes);
  const auto read_on = [&] {
    for (std::uint64_t at = got.size(); at < kBytes; at += got.size()) medium.read(at, got);
    medium.split({}, [](std::uint64_t, std::uint64_t) {});
  };
  try {
    read_on();
    FAIL("it was read");
  } catch (const core::Error& error) {
    CHECK(error.code() == core::Code::kDriveGone);
  }
}

TEST_CASE("raw medium: an empty image is read to its end") {
  TempDir temp;
  io::posix().create(temp / "empty");
  io::RawMedium medium(io::posix(), temp / "empty");
  core::Bytes got(4096);
  CHECK(medium.bytes() == 0);
  CHECK(medium.read(0, got) == 0);
}

}  // namespace darkshelf::testing
