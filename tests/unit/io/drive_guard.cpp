// What keeps the work on a drive on that drive, and tells a drive that left from a bad sector.

#include "io/drive_guard.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

#include "core/error.hpp"
#include "support/damage.hpp"
#include "support/faults.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {

using core::Code;

namespace {

struct Guarded {
  Guarded() {
    io::posix().make_dirs(root / "inner");
    make_file(root / "inner" / "identity", 5'000, 1);
    make_file(root / "inner" / "big", 1'000'000, 2);
    guard.confine(root, "A", root / "inner");
  }
  /// 0: it worked.
  int error_of(const io::Path& file, std::uint64_t offset) {
    core::Bytes into(4096);
    try {
      guard.open_read(file, io::ReadMode::kDirect)->read_at(offset, into);
      return 0;
    } catch (const core::Error& error) {
      return error.code() == Code::kDriveGone ? -1 : error.os_error();
    }
  }

  TempDir temp;
  io::Path root = temp / "drive";
  Faults faults;
  WatchedFileSystem watched{io::posix(), faults};
  io::DriveGuard guard{watched};
};

}  // namespace

TEST_CASE("drive guard: a sector that cannot be read is an error of its own while others can be") {
  Guarded drive;
  CHECK(drive.error_of(drive.root / "inner" / "identity", 0) == 0);
  drive.faults.unreadable("/big", 8192, 4096);
  for (int i = 0; i < 200; ++i) {
    CHECK(drive.error_of(drive.root / "inner" / "big", 8192) == EIO);
    CHECK(drive.error_of(drive.root / "inner" / "big", 0) == 0);
  }
}

TEST_CASE("drive guard: what was good cannot be read any more: the drive is gone, and stays gone") {
  Guarded drive;
  CHECK(drive.error_of(drive.root / "inner" / "big", 0) == 0);
  drive.faults.fail("read_at", "/drive/", 1, EIO, true);
  CHECK(drive.error_of(drive.root / "inner" / "big", 8192) == -1);
  drive.faults.nothing();
  CHECK(drive.error_of(drive.root / "inner" / "big", 0) == -1);
  CHECK_THROWS_AS(drive.guard.make_dirs(drive.root / "inner" / "new"), core::Error);
  CHECK_FALSE(io::posix().stat(drive.root / "inner" / "new"));
  drive.guard.confine(drive.root, "A", drive.root / "inner");
  CHECK(drive.error_of(drive.root / "inner" / "big", 0) == 0);
}

TEST_CASE("drive guard: a long run of errors is the medium's as long as other files can be read") {
  Guarded drive;
  make_file(drive.root / "inner" / "deeper" / "one", 100'000, 3);
  CHECK(drive.error_of(drive.root / "inner" / "identity", 0) == 0);
  drive.faults.unreadable("/big", 0, 1'000'000);
  for (unsigned i = 0; i < 240; ++i) REQUIRE(drive.error_of(drive.root / "inner" / "big", 4096 * i) == EIO);
}

TEST_CASE("drive guard: what is read first and fails is the medium's where anything else can be read") {
  Guarded drive;
  drive.faults.unreadable("/identity", 0, 5'000);
  CHECK(drive.error_of(drive.root / "inner" / "identity", 0) == EIO);
  CHECK(drive.error_of(drive.root / "inner" / "big", 0) == 0);
  drive.faults.unreadable("/big", 0, 1'000'000);
  CHECK(drive.error_of(drive.root / "inner" / "big", 8192) == -1);
}

TEST_CASE("drive guard: 64 errors are the drive's end when nothing but a witness answers") {
  Guarded drive;
  CHECK(drive.error_of(drive.root / "inner" / "identity", 0) == 0);
  drive.faults.unreadable("/big", 0, 1'000'000);
  drive.faults.unreadable("/identity", 4096, 4096);
  for (unsigned i = 0; i < 63; ++i) REQUIRE(drive.error_of(drive.root / "inner" / "big", 4096 * i) == EIO);
  CHECK(drive.error_of(drive.root / "inner" / "big", 4096 * 63) == -1);
}

TEST_CASE("drive guard: a witness that was removed since gives way to the first good place") {
  Guarded drive;
  CHECK(drive.error_of(drive.root / "inner" / "identity", 0) == 0);
  make_file(drive.root / "inner" / "passing", 5'000, 3);
  CHECK(drive.error_of(drive.root / "inner" / "passing", 0) == 0);
  drive.guard.remove_file(drive.root / "inner" / "passing");
  drive.faults.unreadable("/big", 0, 8192);
  CHECK(drive.error_of(drive.root / "inner" / "big", 0) == EIO);
  drive.faults.unreadable("/identity", 0, 4096);
  CHECK(drive.error_of(drive.root / "inner" / "big", 4096) == -1);
}

TEST_CASE("drive guard: writing and syncing tell of a drive that left, too") {
  const std::string call = GENERATE(as<std::string>{}, "write_at", "sync", "truncate");
  Guarded drive;
  CHECK(drive.error_of(drive.root / "inner" / "identity", 0) == 0);
  const auto file = drive.guard.create(drive.root / "inner" / "new");
  const auto code = [&] {
    try {
      call == "write_at" ? file->write_at(0, seeded_bytes(10, 1)) : call == "sync" ? file->sync() : file->truncate(5);
    } catch (const core::Error& error) {
      return error.code();
    }
    return Code::kCancelled;
  };
  drive.faults.fail(call, "/new", 1, EIO, true);
  CHECK(code() == Code::kIo);
  drive.faults.fail("read_at", "/drive/", 1, EIO, true);
  CHECK(code() == Code::kDriveGone);
}

TEST_CASE("drive guard: another root or another folder in it is another drive") {
  const bool inner = GENERATE(false, true);
  Guarded drive;
  const io::Path changed = inner ? drive.root / "inner" : drive.root;
  io::posix().rename(changed, drive.temp / "away");
  io::posix().make_dirs(drive.root / "inner");
  make_file(drive.root / "inner" / "big", 5'000, 2);
  CHECK(drive.error_of(drive.root / "inner" / "big", 0) == -1);
  CHECK_THROWS_AS(drive.guard.create(drive.root / "inner" / "new"), core::Error);
  CHECK_FALSE(io::posix().stat(drive.root / "inner" / "new"));
}

TEST_CASE("drive guard: where folders get new numbers by themselves, the device alone tells") {
  struct Exfat : Watcher {
    void space(io::Space& space) override { space.lasting_inodes = false; }
  };
  Guarded drive;
  Exfat exfat;
  WatchedFileSystem fs(io::posix(), exfat);
  io::DriveGuard guard(fs);
  guard.confine(drive.root, "A", drive.root / "inner");
  io::posix().rename(drive.root / "inner", drive.temp / "away");
  io::posix().make_dirs(drive.root / "inner");
  CHECK(guard.list(drive.root / "inner").empty());
}

}  // namespace darkshelf::testing
