#include "core/line.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <stdexcept>

namespace darkshelf::testing {

using core::Line;

TEST_CASE("line: no more waits than may, a job that is too heavy goes alone, and all are done") {
  std::atomic<std::int64_t> in_line = 0, most = 0;
  std::atomic<int> done = 0;
  Line<std::uint64_t> line(3, 100, [&](const std::uint64_t& weight) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    in_line -= static_cast<std::int64_t>(weight);
    ++done;
  });
  for (const std::uint64_t weight : {40, 40, 30, 500, 10, 90, 90, 1, 1, 1}) {
    line.put(weight, weight);
    // Counted behind the door, where others may have left already: never more than there were.
    const std::int64_t now = in_line += static_cast<std::int64_t>(weight);
    if (weight <= 100) most = std::max(most.load(), now);
  }
  line.finish();
  CHECK(done == 10);
  CHECK(in_line == 0);
  CHECK(most <= 100);
}

TEST_CASE("line: what a job throws comes out where the next one is put, or at the end") {
  Line<int> line(2, 10, [](const int& number) {
    if (number == 3) throw std::runtime_error("three");
  });
  CHECK_THROWS_AS(
      [&] {
        for (int i = 0; i < 1000; ++i) {
          line.put(i, 10);
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      }(),
      std::runtime_error);
  CHECK_THROWS_AS(line.finish(), std::runtime_error);
}

TEST_CASE("line: one that is given up drops what waits and waits for what is at work") {
  std::atomic<int> done = 0;
  {
    Line<int> line(1, 1000, [&](const int&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      ++done;
    });
    for (int i = 0; i < 100; ++i) line.put(i, 1);
  }
  CHECK(done < 50);
}

}  // namespace darkshelf::testing
