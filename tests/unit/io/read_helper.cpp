// Reads by helpers: the right bytes, each part of a large read with an answer of its own, and nobody waits for ever.

#include "io/read_helper.hpp"

#include <fcntl.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>

#include "io/bad_sectors.hpp"
#include "io/posix_file.hpp"
#include "support/damage.hpp"
#include "support/failing_image.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMiB = 1 << 20;
constexpr std::size_t kPart = 2 * kMiB;  // that one helper is asked for at a time
constexpr std::size_t kBytes = 9 * kMiB + 77;

/// A file of known bytes, served by a program that fails as it is told.
struct Served {
  Served() {
    make_file(temp / "sound", kBytes, 5);
    image.serve();
    file = std::make_unique<io::Descriptor>(::open(image.file().c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(file->number() >= 0);
  }
  ~Served() { image.stop(); }  // before the file is closed: what hangs is let go

  /// All of it; what was got is right.
  io::HelpedRead read(milliseconds within) {
    core::Bytes into(kBytes);
    const auto began = std::chrono::steady_clock::now();
    const io::HelpedRead out = io::read_with_helper(file->number(), 0, into, within);
    took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
    CHECK_FALSE(out.impossible);
    REQUIRE(out.got <= kBytes);
    CHECK(std::equal(into.data(), into.data() + out.got, content.data()));
    return out;
  }

  TempDir temp;
  core::Bytes content = seeded_bytes(kBytes, 5);
  FailingImage image{temp.path(), "F", temp / "sound"};
  std::unique_ptr<io::Descriptor> file;
  milliseconds took{};
};

}  // namespace

TEST_CASE("read helper: helpers can be had, and any part of a file is read by them") {
  TempDir temp;
  make_file(temp / "big", kBytes, 5);
  const core::Bytes content = seeded_bytes(kBytes, 5);
  const io::Descriptor file(::open((temp / "big").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(file.number() >= 0);
  for (const std::size_t room : {std::size_t{1}, kMiB, kPart, kPart + 1, 9 * kMiB, 20 * kMiB}) {
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{1234567}, 9 * kMiB, 10 * kMiB}) {
      CAPTURE(room, offset);
      core::Bytes into(room);
      const io::HelpedRead read = io::read_with_helper(file.number(), offset, into, std::chrono::seconds(20));
      CHECK_FALSE(read.impossible);
      CHECK(read.answered);
      CHECK(read.error == 0);
      const std::size_t there = offset < kBytes ? std::min<std::size_t>(room, kBytes - offset) : 0;
      REQUIRE(read.got == there);
      CHECK(std::equal(into.data(), into.data() + there, content.data() + std::min<std::uint64_t>(offset, kBytes)));
    }
  }
  // What the kernel says reaches who asked.
  const io::Descriptor only_written(::open((temp / "big").c_str(), O_WRONLY | O_CLOEXEC));
  core::Bytes into(5 * kMiB);
  const io::HelpedRead refused = io::read_with_helper(only_written.number(), 0, into, std::chrono::seconds(20));
  CHECK_FALSE(refused.impossible);
  CHECK(refused.answered);
  CHECK(refused.got == 0);
  CHECK(refused.error == EBADF);
}

TEST_CASE("read helper: an error is told where it is, in whichever part of a large read, and ends it") {
  if (const auto why = FailingImage::unavailable()) return skip(*why);
  const std::size_t place = GENERATE(0, kMiB / 2, kPart - 1, kPart, 3 * kPart - 4096, 3 * kPart + kMiB + 5);
  CAPTURE(place);
  Served served;
  served.image.trouble("eio", place, 1);
  const io::HelpedRead read = served.read(std::chrono::seconds(20));
  CHECK(read.answered);
  CHECK(read.error == EIO);
  CHECK(read.got <= place);
  CHECK(read.got == place / io::kReadPiece * io::kReadPiece);  // pieces in front of it were read
  served.image.sound();
  const io::HelpedRead again = served.read(std::chrono::seconds(20));
  CHECK(again.error == 0);
  CHECK(again.got == kBytes);
}

TEST_CASE("read helper: what was asked for behind an error is waited for, since it stands before the next read") {
  if (const auto why = FailingImage::unavailable()) return skip(*why);
  Served served;
  served.image.trouble("eio", kMiB, 1);
  served.image.trouble("slow", kPart + kMiB, 1, 700);
  const io::HelpedRead read = served.read(std::chrono::seconds(20));
  CHECK(read.error == EIO);
  CHECK(read.got == kMiB);
  CHECK(served.took >= milliseconds(600));
}

TEST_CASE("read helper: a read that hangs is told in time, whichever part it is of, and the next has other helpers") {
  if (const auto why = FailingImage::unavailable()) return skip(*why);
  const std::size_t place = GENERATE(kMiB / 2, 3 * kPart + 5);
  CAPTURE(place);
  Served served;
  served.image.trouble("hang", place, 1);
  for (int i = 0; i < 2; ++i) {
    const io::HelpedRead read = served.read(milliseconds(700));
    CHECK_FALSE(read.answered);
    CHECK(read.error == 0);
    CHECK(read.got == place / kPart * kPart);
    CHECK(served.took >= milliseconds(700));
    CHECK(served.took < std::chrono::seconds(6));
  }
  served.image.sound();  // those two hang still
  const io::HelpedRead read = served.read(std::chrono::seconds(20));
  CHECK(read.answered);
  CHECK(read.got == kBytes);
}

TEST_CASE("read helper: slow is not hung, wherever in a large read, as long as every piece is answered in time") {
  if (const auto why = FailingImage::unavailable()) return skip(*why);
  const std::size_t first = GENERATE(std::size_t{0}, kPart, 3 * kPart);
  CAPTURE(first);
  Served served;
  for (const std::size_t place : {first, first + kMiB}) served.image.trouble("slow", place + 5, 1, 700);
  const io::HelpedRead read = served.read(milliseconds(1000));
  CHECK(read.answered);
  CHECK(read.error == 0);
  CHECK(read.got == kBytes);
  CHECK(served.took >= milliseconds(1400));
}

}  // namespace darkshelf::testing
