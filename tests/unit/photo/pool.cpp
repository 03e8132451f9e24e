// The pool: whatever a decoder does, the rest goes on.

#include "photo/pool.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "core/error.hpp"
#include "support/damage.hpp"
#include "support/photo/pictures.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

using photo::Failure;

}  // namespace

TEST_CASE("pool: a decoder that crashes, hangs or lies costs that file, and the next one is served") {
  photo::Pool pool(rogue_pool());
  const auto failure = [&](const std::string& name) { return pool.extract({name, {}, {}, {}}).failure; };
  CHECK(failure("good.jpg") == Failure::kNone);
  for (int round = 0; round < 2; ++round) {
    CHECK(failure("abort.jpg") == Failure::kCrashed);
    CHECK(failure("good.jpg") == Failure::kNone);
    CHECK(failure("hang.jpg") == Failure::kTooLong);
    CHECK(failure("good.jpg") == Failure::kNone);
    CHECK(failure("leave.jpg") == Failure::kCrashed);
    CHECK(failure("garbage.jpg") == Failure::kCrashed);
    CHECK(failure("good.jpg") == Failure::kNone);
  }
  for (const Failure one :
       {Failure::kCrashed, Failure::kTooLong, Failure::kOutOfMemory, Failure::kTooLarge, Failure::kNoWorker}) {
    CHECK_FALSE(photo::failure_text(one).empty());
  }
}

TEST_CASE("pool: a file that fails because of what earlier ones left behind is tried again with a fresh worker") {
  photo::Pool pool(rogue_pool());
  CHECK(pool.extract({"good.jpg", {}, {}, {}}).failure == Failure::kNone);
  CHECK(pool.extract({"once.jpg", {}, {}, {}}).failure == Failure::kNone);
}

TEST_CASE("pool: no program, a file beyond its limit: told, not thrown") {
  photo::PoolOptions options = rogue_pool();
  options.program = "/nowhere/darkshelf-photo";
  const photo::Extract none = photo::Pool(options).extract({"a.jpg", {}, {}, {}});
  CHECK(none.failure == Failure::kNoWorker);
  REQUIRE(none.problems.size() == 1);
  CHECK(none.problems[0].find("cannot run /nowhere/darkshelf-photo") == 0);
  options = {};
  options.most_bytes = 100;
  CHECK(photo::Pool(options).extract({"a.jpg", core::Bytes(101), {}, {}}).failure == Failure::kTooLarge);
}

TEST_CASE("pool: many threads ask at once") {
  photo::PoolOptions options;
  options.workers = 2;
  photo::Pool pool(options);
  CHECK(pool.size() == 2);
  const core::Bytes jpeg = noisy_jpeg(700, 500, 1), dng = small_dng(1);
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 6; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 10; ++i) {
          const bool raw = (t + i) % 2 == 0;
          const photo::Extract out = pool.extract({raw ? "a.dng" : "a.jpg", raw ? dng : jpeg, {}, {}});
          good += out.failure == Failure::kNone && out.metadata && out.digest && !out.not_as_named &&
                  out.thumbnail.empty() == raw && out.metadata->width == (raw ? 128U : 700U);
        }
      });
    }
  }
  CHECK(good == 60);
}

TEST_CASE("pool: a photo of several files is read with the sidecars that speak of each") {
  TempDir temp;
  write(temp / "X.dng", small_dng(1));
  write(temp / "X.jpg", noisy_jpeg(100, 80, 1));
  write(temp / "X.xmp", core::to_bytes(xmp_packet("xmp:Rating=\"3\"")));
  write(temp / "X.dng.xmp", core::to_bytes(xmp_packet("xmp:Rating=\"5\" xmp:Label=\"Blue\"")));
  const auto grouping = photo::group_photos({"X.dng", "X.dng.xmp", "X.jpg", "X.xmp"});
  photo::Pool pool;
  const auto raw = pool.extract_file(io::posix(), temp.path(), grouping.photos.at(0), 0);
  REQUIRE(raw.metadata);
  CHECK(raw.metadata->rating == 5);
  CHECK(raw.metadata->camera() == "PENTAX K-3");
  const auto jpeg = pool.extract_file(io::posix(), temp.path(), grouping.photos.at(0), 1);
  REQUIRE(jpeg.metadata);
  CHECK(jpeg.metadata->rating == 3);
  CHECK(jpeg.metadata->label == "Blue");
  CHECK_FALSE(jpeg.thumbnail.empty());
  io::posix().remove_file(temp / "X.xmp");
  const auto without = pool.extract_file(io::posix(), temp.path(), grouping.photos.at(0), 1);
  CHECK(without.metadata->rating == 5);
  CHECK(without.problems.size() == 1);
  io::posix().remove_file(temp / "X.jpg");
  CHECK_THROWS_AS(pool.extract_file(io::posix(), temp.path(), grouping.photos.at(0), 1), core::Error);
}

}  // namespace darkshelf::testing
