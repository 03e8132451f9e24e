// Which sealing came after which, whatever a clock said.

#include <catch2/catch.hpp>

#include "support/temp_dir.hpp"
#include "unit/catalog/machine.hpp"

namespace darkshelf::testing {

TEST_CASE("catalog: volumes of one writer are in the order of their numbers, those of several by time") {
  TempDir temp;
  Machine one(temp / "1.db", 1);
  const core::Uuid x = one.catalog.writer(), y = one.world.new_id();
  const core::Time start = *core::parse_time("2026-12-31T12:00:00Z");
  std::map<core::Uuid, std::string> names;
  const auto add = [&](const std::string& name, const core::Uuid& writer, std::uint64_t sequence, int hours) {
    one.world.set_now(start + std::chrono::hours(hours));
    names[one.add_volume("wedding", writer, sequence).info.volume] = name;
  };
  add("x1", x, 1, 10);
  add("x3", x, 3, 11);
  add("y2", y, 2, 12);
  add("x2", x, 2, 5);  // the clock was set back
  add("y1", y, 1, 7);
  add("x10", x, 10, 6);
  std::vector<std::string> order;
  for (const catalog::Volume& volume : one.catalog.volumes()) order.push_back(names.at(volume.info.volume));
  CHECK(order == std::vector<std::string>{"y1", "x1", "x2", "x3", "x10", "y2"});
  order.clear();
  for (const catalog::FoundFile& file : one.catalog.where("IMG_0001.CR3")) order.push_back(names.at(file.volume));
  CHECK(order == std::vector<std::string>{"y1", "x1", "x2", "x3", "x10", "y2"});
}

}  // namespace darkshelf::testing
