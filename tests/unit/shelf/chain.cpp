// Rows of seals: what is missing in them, stands in them twice, or is not what it says.

#include "shelf/chain.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

namespace darkshelf::testing {
namespace {

using shelf::ChainBreak;
using shelf::Link;

class Row {
 public:
  explicit Row(std::uint64_t seed) : world_({}, seed), writer_(world_.new_id()) {}

  Link link(std::uint64_t number, const std::string& seal, const std::string& previous) {
    return {world_.new_id(), writer_, number, seal, previous, fmt::format("2026/volume-{}", number)};
  }
  std::vector<Link> of(const std::vector<std::uint64_t>& numbers) {
    std::vector<Link> links;
    for (const std::uint64_t n : numbers)
      links.push_back(link(n, fmt::format("seal{}", n), n == 1 ? "" : fmt::format("seal{}", n - 1)));
    return links;
  }
  core::Uuid writer() const { return writer_; }

 private:
  core::SteadyWorld world_;
  core::Uuid writer_;
};

std::vector<ChainBreak> kinds(const std::vector<shelf::ChainFinding>& found) {
  std::vector<ChainBreak> kinds;
  for (const shelf::ChainFinding& one : found) {
    CHECK_FALSE(one.sentence.empty());
    kinds.push_back(one.kind);
  }
  return kinds;
}

using Kinds = std::vector<ChainBreak>;

}  // namespace

TEST_CASE("chain: a whole row, and rows of several catalogs, say nothing") {
  Row one(1), two(2);
  CHECK(shelf::check_chains({}, {}).empty());
  std::vector<Link> links = one.of({3, 1, 2, 4});
  for (const Link& link : two.of({1, 2})) links.push_back(link);
  CHECK(shelf::check_chains(links, {}).empty());
}

TEST_CASE("chain: numbers of which no volume is known are told as runs, and contradict nothing") {
  Row row(1);
  const auto found = shelf::check_chains(row.of({1, 3, 7, 8}), {});
  REQUIRE(kinds(found) == Kinds{ChainBreak::kGap});
  CHECK(found[0].numbers == std::vector<std::uint64_t>{2, 4, 5, 6});
  CHECK(found[0].count == 4);
  CHECK(found[0].sentence.find("numbers 2 and 4 to 6 are not known here") != std::string::npos);
  CHECK_FALSE(shelf::contradicts(found[0]));
  const auto first = shelf::check_chains(row.of({2}), {});
  REQUIRE(kinds(first) == Kinds{ChainBreak::kGap});
  CHECK(first[0].sentence.find("number 1 is not known here: the volume lies") != std::string::npos);
}

TEST_CASE("chain: a number that was given to a volume which was never finished is no gap") {
  Row row(1);
  core::SteadyWorld world({}, 9);
  const core::Uuid never = world.new_id(), of_another = world.new_id();
  const auto links = [&] {
    std::vector<Link> out = row.of({1});
    out.push_back(row.link(3, "seal3", "seal1"));
    return out;
  }();
  CHECK(kinds(shelf::check_chains(links, {})) == Kinds{ChainBreak::kGap});
  CHECK(shelf::check_chains(links, {{row.writer(), 2, never}}).empty());
  CHECK(kinds(shelf::check_chains(links, {{of_another, 2, never}})) == Kinds{ChainBreak::kGap});
}

TEST_CASE("chain: what was begun earlier and finished later is in order") {
  Row row(1);
  // 2 was begun, then 3 was begun and finished, then 2.
  CHECK(shelf::check_chains({row.link(1, "a", ""), row.link(2, "b", "a"), row.link(3, "c", "a"), row.link(4, "d", "b")},
                            {})
            .empty());
  // The same with nothing finished before.
  CHECK(shelf::check_chains({row.link(1, "a", ""), row.link(2, "b", ""), row.link(3, "c", "b")}, {}).empty());
}

TEST_CASE("chain: one number on two volumes") {
  Row row(1);
  std::vector<Link> links = row.of({1, 2, 3});
  links.push_back(row.link(2, "other", "seal1"));
  const auto found = shelf::check_chains(links, {});
  REQUIRE(kinds(found) == Kinds{ChainBreak::kTwice});
  CHECK(found[0].volumes.size() == 2);
  CHECK(shelf::contradicts(found[0]));
}

TEST_CASE("chain: a seal before it that no earlier volume has") {
  Row row(1);
  // 2 was replaced: 3 names the seal it had.
  auto found = shelf::check_chains({row.link(1, "a", ""), row.link(2, "forged", "a"), row.link(3, "c", "b")}, {});
  REQUIRE(kinds(found) == Kinds{ChainBreak::kPrevious});
  CHECK(found[0].numbers == std::vector<std::uint64_t>{3});
  // It names a later one.
  found = shelf::check_chains({row.link(1, "a", ""), row.link(2, "b", "c"), row.link(3, "c", "b")}, {});
  CHECK(kinds(found) == Kinds{ChainBreak::kPrevious});
  // The first one has none before it.
  found = shelf::check_chains({row.link(1, "a", "x")}, {});
  CHECK(kinds(found) == Kinds{ChainBreak::kPrevious});
  // One that says it was the first, and is not.
  found = shelf::check_chains({row.link(1, "a", ""), row.link(2, "b", "a"), row.link(3, "c", "")}, {});
  CHECK(kinds(found) == Kinds{ChainBreak::kPrevious});
  // Where the one before is not known, nothing is said but that.
  found = shelf::check_chains({row.link(1, "a", ""), row.link(3, "c", "b")}, {});
  CHECK(kinds(found) == Kinds{ChainBreak::kGap});
}

TEST_CASE("chain: a huge number takes no time and no memory") {
  Row row(1);
  const auto found = shelf::check_chains({row.link(1, "a", ""), row.link(~std::uint64_t{0}, "z", "y")}, {});
  REQUIRE(kinds(found) == Kinds{ChainBreak::kGap});
  CHECK(found[0].count == ~std::uint64_t{0} - 2);
  CHECK(found[0].numbers.size() == shelf::kToldNumbers);
}

}  // namespace darkshelf::testing
