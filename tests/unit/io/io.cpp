// The seam to the operating system, on the real one.

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "core/work.hpp"
#include "io/fan_out.hpp"
#include "io/mounts.hpp"
#include "support/damage.hpp"
#include "support/faults.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {

using core::Code;

namespace {

Code code_of(const std::function<void()>& what) {
  try {
    what();
  } catch (const core::Error& error) {
    return error.code();
  }
  return Code::kCancelled;  // nothing was thrown
}

}  // namespace

TEST_CASE("files: a pipe or a device is no file, and nobody waits for it") {
  TempDir temp;
  REQUIRE(::mkfifo((temp / "pipe").c_str(), 0644) == 0);
  for (const io::ReadMode mode : {io::ReadMode::kCached, io::ReadMode::kDirect}) {
    CHECK(code_of([&] { io::posix().open_read(temp / "pipe", mode); }) == Code::kCorrupt);
    CHECK(code_of([&] { io::posix().open_read("/dev/zero", mode); }) == Code::kCorrupt);
  }
  CHECK(code_of([&] { io::posix().open_write(temp / "pipe"); }) == Code::kCorrupt);
}

TEST_CASE("files: offsets, lengths and addresses are free, with and without the page cache") {
  TempDir temp;
  make_file(temp / "f", 1'000'003, 1);
  const core::Bytes whole = seeded_bytes(1'000'003, 1);
  Dice dice(3);
  for (const io::ReadMode mode : {io::ReadMode::kCached, io::ReadMode::kDirect}) {
    const auto file = io::posix().open_read(temp / "f", mode);
    for (int round = 0; round < 300; ++round) {
      const std::uint64_t offset = dice.below(3) == 0 ? dice.below(240) * 4096 : dice.below(whole.size() + 10);
      core::Bytes into(dice.below(4) == 0 ? 4096 * (1 + dice.below(4)) : dice.below(70'000));
      const std::size_t got = file->read_at(offset, into);
      const std::size_t wanted = offset >= whole.size() ? 0 : std::min<std::size_t>(into.size(), whole.size() - offset);
      REQUIRE(got == wanted);
      REQUIRE(std::equal(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(got),
                         whole.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(offset, whole.size()))));
    }
  }
}

TEST_CASE("files: creating never replaces and never follows a link") {
  TempDir temp;
  io::FileSystem& fs = io::posix();
  make_file(temp / "there", 10, 1);
  fs.make_symlink((temp / "outside").string(), temp / "link");
  CHECK(code_of([&] { fs.create(temp / "there"); }) == Code::kIo);
  CHECK(code_of([&] { fs.create(temp / "link"); }) == Code::kIo);
  CHECK(code_of([&] { fs.open_write(temp / "link"); }) == Code::kIo);
  CHECK_FALSE(fs.stat(temp / "outside"));
  CHECK(code_of([&] { fs.open_read(temp / "missing"); }) == Code::kIo);
}

TEST_CASE("files: a durable write is there whole, or not at all") {
  TempDir temp;
  Faults faults;
  WatchedFileSystem fs(io::posix(), faults);
  io::write_file_durably(fs, temp / "f", core::as_bytes("old"));
  for (const char* call : {"create", "write_at", "sync", "rename"}) {
    faults.nothing();
    faults.fail(call, "", 1, ENOSPC);
    CHECK(code_of([&] { io::write_file_durably(fs, temp / "f", core::as_bytes("new and longer")); }) == Code::kNoSpace);
    faults.nothing();
    CHECK(io::read_text(fs, temp / "f", 100) == "old");
    CHECK(fs.list(temp.path()).size() == 1);
  }
  io::write_file_durably(fs, temp / "f", core::as_bytes("new"));
  CHECK(io::read_text(fs, temp / "f", 100) == "new");
  CHECK(code_of([&] { io::read_text(fs, temp / "f", 2); }) == Code::kCorrupt);
}

TEST_CASE("files: removing a tree stays inside it") {
  TempDir temp;
  make_file(temp.path() / "outside" / "keep", 10, 1);
  make_file(temp.path() / "tree" / "a" / "b", 10, 1);
  io::posix().make_symlink((temp / "outside").string(), temp.path() / "tree" / "a" / "link");
  io::remove_tree(io::posix(), temp / "tree");
  CHECK_FALSE(io::posix().stat(temp / "tree"));
  CHECK(io::posix().stat(temp.path() / "outside" / "keep"));
  io::remove_tree(io::posix(), temp / "never was");
}

TEST_CASE("locks: one holder, who is named, gone with it") {
  TempDir temp;
  auto held = io::posix().lock(temp / ".lock", "the catalog X", "darkshelf seal");
  try {
    io::posix().lock(temp / ".lock", "the catalog X", "darkshelf scrub");
    FAIL("it is held");
  } catch (const core::Error& error) {
    CHECK(error.code() == Code::kInUse);
    CHECK(std::string(error.what()).find("darkshelf seal") != std::string::npos);
    CHECK(std::string(error.what()).find("pid ") != std::string::npos);
  }
  held.reset();
  CHECK(io::posix().lock(temp / ".lock", "the catalog X", "darkshelf scrub"));
}

TEST_CASE("fan-out: every target gets the same, and one that fails drops out") {
  TempDir temp;
  Faults faults;
  WatchedFileSystem fs(io::posix(), faults);
  for (const char* drive : {"A", "B", "C"}) fs.make_dir(temp / drive);
  io::FanOut out(fs, {temp / "A", temp / "B", temp / "C"});
  faults.fail("write_at", "/B/", 3, EIO, true);
  const core::Bytes bytes = seeded_bytes(500'000, 1);
  {
    const auto file = out.create("sub/f");
    for (std::size_t at = 0; at < bytes.size(); at += 50'000)
      file->write_at(at, core::ByteSpan(bytes).subspan(at, 50'000));
    file->sync();
  }
  CHECK(out.alive(0));
  CHECK_FALSE(out.alive(1));
  CHECK(out.error(1) != nullptr);
  CHECK(out.alive(2));
  for (const char* drive : {"A", "C"}) CHECK(io::read_file(fs, temp.path() / drive / "sub/f", 1 << 20) == bytes);
  faults.fail("write_at", "", 1, EIO, true);
  const auto file = out.create("g");
  CHECK_THROWS_AS(file->write_at(0, bytes), core::Error);
}

TEST_CASE("fan-out: threads may write to one file at once") {
  TempDir temp;
  for (const char* drive : {"A", "B"}) io::posix().make_dir(temp / drive);
  io::FanOut out(io::posix(), {temp / "A", temp / "B"});
  constexpr std::size_t kPiece = 10'000, kPieces = 400;
  const core::Bytes bytes = seeded_bytes(kPiece * kPieces, 2);
  const auto file = out.create("f");
  core::parallel_for(4, kPieces, [&](std::size_t i) {
    file->write_at(i * kPiece, core::ByteSpan(bytes).subspan(i * kPiece, kPiece));
  });
  for (const char* drive : {"A", "B"})
    CHECK(io::read_file(io::posix(), temp.path() / drive / "f", bytes.size()) == bytes);
}

TEST_CASE("posix: large writes past the cache and small ones through it make one file") {
  TempDir temp;
  constexpr std::size_t kMiB = 1 << 20;
  const core::Bytes bytes = seeded_bytes(8 * kMiB + 123, 3);
  core::AlignedBuffer aligned(core::round_up(bytes.size(), core::AlignedBuffer::kAlignment));
  std::copy(bytes.begin(), bytes.end(), aligned.data());
  const core::ByteSpan all = std::as_const(aligned).span();
  const auto file = io::posix().create(temp / "f");
  core::Bytes back(3 * kMiB);
  file->write_at(0, all.first(3 * kMiB));
  CHECK(file->read_at(0, back) == back.size());  // into the cache, which later writes must not leave stale
  CHECK(std::equal(back.begin(), back.end(), bytes.begin()));
  file->write_at(kMiB, all.subspan(5 * kMiB, kMiB));
  CHECK(file->read_at(kMiB, std::span(back).first(kMiB)) == kMiB);
  CHECK(std::equal(back.begin(), back.begin() + kMiB, bytes.begin() + 5 * kMiB));
  file->write_at(kMiB, all.subspan(kMiB, 100));
  file->write_at(kMiB + 100, all.subspan(kMiB + 100, 3 * kMiB));             // large, but not in whole blocks
  file->write_at(2 * kMiB, all.subspan(2 * kMiB, bytes.size() - 2 * kMiB));  // with a tail
  file->sync();
  CHECK(io::read_file(io::posix(), temp / "f", bytes.size()) == bytes);
  const auto direct = io::posix().open_read(temp / "f", io::ReadMode::kDirect);
  core::Bytes past_cache(bytes.size());
  CHECK(direct->read_at(0, past_cache) == bytes.size());
  CHECK(past_cache == bytes);
}

TEST_CASE("posix: what root made can be given away, a link itself, and nobody else's") {
  if (::geteuid() != 0) return skip("only root gives files away");
  TempDir temp;
  make_file(temp / "f", 3, 1);
  make_file(temp / "behind", 3, 1);
  io::posix().make_symlink("behind", temp / "link");
  const auto owner = [&](const char* name) {
    struct stat now {};
    REQUIRE(::lstat((temp / name).c_str(), &now) == 0);
    return now.st_uid;
  };
  io::give_to(temp / "f", 4711, 4712);
  io::give_to(temp / "link", 4711, 4712);
  io::give_to(temp / "missing", 4711, 4712);
  CHECK(owner("f") == 4711);
  CHECK(owner("link") == 4711);
  CHECK(owner("behind") == 0);
  io::give_to(temp / "f", 815, 815);
  CHECK(owner("f") == 4711);
}

TEST_CASE("mounts: the medium of a path is told") {
  TempDir temp;
  const io::Medium medium = io::medium_of(io::posix(), temp.path());
  CHECK_FALSE(medium.mount_point.empty());
  CHECK_FALSE(medium.fs_type.empty());
  CHECK(medium.bytes > 0);
  CHECK(io::medium_of(io::posix(), temp.path()).disk == medium.disk);
  CHECK(io::medium_of(io::posix(), "/proc").mount_point == "/proc");
  const auto points = io::mount_points();
  CHECK(std::find(points.begin(), points.end(), io::Path("/proc")) == points.end());
  CHECK_THROWS_AS(io::medium_of(io::posix(), temp / "missing"), core::Error);
}

}  // namespace darkshelf::testing
