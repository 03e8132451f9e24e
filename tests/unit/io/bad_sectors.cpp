// Reading past sectors that cannot be read: what else is there is read, nothing is asked for in vain for ever.

#include <catch2/catch.hpp>
#include <cerrno>

#include "io/drive_guard.hpp"
#include "support/damage.hpp"
#include "support/faults.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {

namespace {

constexpr std::uint64_t kMiB = 1 << 20, kSector = io::kSector;

/// Counts the reads that failed, and may fail some places only the first so many times.
struct Counting : Watcher {
  Faults faults;
  unsigned reads = 0, errors = 0, passing = 0;  // of sector 7 so many reads fail
  void before(const Call& call) override {
    if (call.call != "read_at" || !call.path.string().ends_with("/big")) return faults.before(call);
    ++reads;
    try {
      faults.before(call);
      const bool hit = call.offset < 8 * kSector && 7 * kSector < call.offset + call.bytes;
      if (hit && passing > 0) {
        --passing;
        throw core::Error::from_os(ENODATA, "read", call.path, call.offset);
      }
    } catch (const core::Error&) {
      ++errors;
      throw;
    }
  }
};

struct Drive {
  explicit Drive(std::size_t bytes) : content(seeded_bytes(bytes, 2)) {
    make_file(root / "inner" / "identity", 5'000, 1);
    make_file(root / "inner" / "big", bytes, 2);
    guard.confine(root, "A", root / "inner");
    core::Bytes into(4096);
    guard.open_read(root / "inner" / "identity", io::ReadMode::kDirect)->read_at(0, into);
    file = guard.open_read(root / "inner" / "big", io::ReadMode::kDirect);
  }
  /// What could not be read; the rest has to be what is in the file.
  std::vector<io::BadStretch> read(std::uint64_t offset, std::uint64_t bytes) {
    core::AlignedBuffer into(core::round_up(bytes, kSector));
    std::vector<io::BadStretch> bad;
    const std::size_t got = std::min<std::uint64_t>(bytes, content.size() - offset);
    try {
      const std::size_t read = file->read_at(offset, into.span().first(bytes));
      REQUIRE(read == got);
    } catch (const io::UnreadableSectors& error) {
      CHECK(error.os_error() == EIO);
      CHECK(*error.offset() == error.stretches().front().offset);
      bad = error.stretches();
    }
    std::uint64_t at = offset;
    const auto same_until = [&](std::uint64_t end) {
      for (; at < std::min<std::uint64_t>(end, offset + got); ++at) {
        if (into.data()[at - offset] != content[at]) FAIL("byte " << at << " is another");
      }
    };
    for (const io::BadStretch& one : bad) {
      same_until(one.offset);
      at = one.offset + one.bytes;
    }
    same_until(offset + got);
    return bad;
  }

  TempDir temp;
  io::Path root = temp / "drive";
  core::Bytes content;
  Counting counting;
  WatchedFileSystem watched{io::posix(), counting};
  io::DriveGuard guard{watched};
  std::unique_ptr<io::File> file;
};

}  // namespace

TEST_CASE("bad sectors: of a large read only they are lost, and they are not asked for again") {
  Drive drive(4 * kMiB + 100);
  drive.counting.faults.unreadable("/big", 700'000, 10);
  drive.counting.faults.unreadable("/big", 700'000 + kSector, 10);
  drive.counting.faults.unreadable("/big", 3 * kMiB, 512);
  const auto bad = drive.read(0, 4 * kMiB + 100);
  REQUIRE(bad.size() == 2);
  CHECK(bad[0].offset == 700'000 / kSector * kSector);
  CHECK(bad[0].bytes == 2 * kSector);
  CHECK(bad[1].offset == 3 * kMiB);
  CHECK(bad[1].bytes == kSector);
  CHECK(drive.counting.errors <= 3 * 2 + 3 * 3);  // each by itself, and once more; and reads that come upon it
  const unsigned errors = drive.counting.errors;
  CHECK(drive.read(0, 4 * kMiB + 100).size() == 2);
  CHECK(drive.read(3 * kMiB + 10, 20).size() == 1);
  CHECK(drive.counting.errors == errors);
  const auto places = drive.guard.unreadable_below(drive.root / "inner");
  REQUIRE(places.size() == 1);
  CHECK(places[0].sectors() == 3);
  CHECK(places[0].second_try == 0);
  CHECK(places[0].cost.count() > 0);
  // Written anew they may be sound.
  drive.counting.faults.nothing();
  drive.guard.open_write(drive.root / "inner" / "big")
      ->write_at(3 * kMiB, core::ByteSpan(drive.content).subspan(3 * kMiB, kSector));
  CHECK(drive.read(3 * kMiB, 4096).empty());
}

TEST_CASE("bad sectors: one that can be read at the second try is not lost, and is told") {
  Drive drive(kMiB);
  drive.counting.passing = 2;  // the large read, and the sector by itself
  CHECK(drive.read(0, kMiB).empty());
  const auto places = drive.guard.unreadable_below(drive.root);
  REQUIRE(places.size() == 1);
  CHECK(places[0].sectors() == 0);
  CHECK(places[0].second_try == 1);
}

TEST_CASE("bad sectors: a crashed head is stepped over with few errors, back to where the disk can be read again") {
  constexpr std::uint64_t kHole = 40 * kMiB, kFile = 64 * kMiB, kBatch = 8 * kMiB;
  Drive drive(kFile);
  drive.counting.faults.unreadable("/big", 6 * kMiB + 12'288, kHole);
  std::uint64_t lost = 0, asked = 0;
  for (std::uint64_t at = 0; at < kFile; at += kBatch) {
    for (const io::BadStretch& one : drive.read(at, kBatch)) {
      lost += one.bytes;
      asked += one.asked ? one.bytes : 0;
    }
  }
  CHECK(lost >= kHole);
  CHECK(lost <= 2 * kHole);  // no step is longer than all those before it
  CHECK(asked <= 32 * kSector);
  CHECK(drive.counting.errors < 64);
  CHECK(drive.counting.reads < 600);
  CHECK(drive.read(kFile - kBatch, kBatch).empty());  // what was stepped over can be asked for
}

TEST_CASE("bad sectors: Ctrl-C ends the reads around them") {
  TempDir temp;
  make_file(temp / "drive" / "inner" / "big", kMiB, 2);
  core::Cancel cancel;
  Faults faults;
  WatchedFileSystem watched(io::posix(), faults);
  io::DriveGuard guard(watched, {&cancel, {}, {}});
  guard.confine(temp / "drive", "A", temp / "drive" / "inner");
  const auto file = guard.open_read(temp / "drive" / "inner" / "big", io::ReadMode::kDirect);
  core::AlignedBuffer into(kMiB);
  file->read_at(0, into.span().first(4096));
  faults.unreadable("/big", 500'000, 10);
  cancel.request();
  try {
    file->read_at(0, into.span());
    FAIL("it should have stopped");
  } catch (const core::Error& error) {
    CHECK(error.code() == core::Code::kCancelled);
  }
}

TEST_CASE("bad sectors: reads with a time limit give the bytes that others give") {
  TempDir temp;
  make_file(temp / "drive" / "inner" / "big", 9 * kMiB + 77, 5);
  const core::Bytes content = seeded_bytes(9 * kMiB + 77, 5);
  io::DriveGuard guard(io::posix(), {nullptr, std::chrono::seconds(20), {}});
  guard.confine(temp / "drive", "A", temp / "drive" / "inner");
  for (const io::ReadMode mode : {io::ReadMode::kDirect, io::ReadMode::kCached}) {
    const auto file = guard.open_read(temp / "drive" / "inner" / "big", mode);
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{4096}, std::uint64_t{1234567}, 9 * kMiB}) {
      core::AlignedBuffer into(9 * kMiB + kSector);
      const std::size_t got = file->read_at(offset, into.span());
      REQUIRE(got == content.size() - offset);
      CHECK(std::equal(into.data(), into.data() + got, content.begin() + static_cast<std::ptrdiff_t>(offset)));
    }
    core::Bytes past(10);
    CHECK(file->read_at(content.size() + 5000, past) == 0);
  }
}

}  // namespace darkshelf::testing
