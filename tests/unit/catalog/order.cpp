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

namespace {

/// What another machine can merge.
io::Path copy_of(Machine& machine, const io::Path& to) {
  machine.catalog.export_to(io::posix(), to, "full", {});
  return to;
}

}  // namespace

TEST_CASE("catalog: what is recorded comes after all that is known, though another machine's clock was ahead") {
  TempDir temp;
  Machine ahead(temp / "1.db", 1), behind(temp / "2.db", 2);
  behind.world.set_now(*core::parse_time("2026-12-31T08:00:00Z"));
  const core::Uuid drive = ahead.add_drive("A");
  const catalog::Volume volume = ahead.add_volume("wedding", ahead.catalog.writer());
  const core::Uuid id = volume.info.volume, shoot = volume.info.shoot;
  ahead.catalog.record_copy(id, drive, ahead.world.now(), false);
  ahead.catalog.record_shoot_renamed(shoot, "one");
  ahead.catalog.record_policy({{"copies", "2"}});
  behind.catalog.merge(copy_of(ahead, temp / "1-copy.db"));

  behind.catalog.record_drive_renamed(drive, "B");
  behind.catalog.record_shoot_renamed(shoot, "two");
  behind.catalog.record_policy({{"copies", "4"}});
  catalog::Scrub scrub;
  scrub.id = behind.world.new_id();
  scrub.drive = drive;
  scrub.started = scrub.ended = behind.world.now();
  scrub.volumes = {{id, 0, 100, true, catalog::CopyHealth::kDamaged}};
  behind.catalog.record_scrub(scrub);
  CHECK(behind.catalog.copies_of(id).at(0).health == catalog::CopyHealth::kDamaged);
  behind.catalog.record_copy_gone(id, drive, "x");
  behind.catalog.record_shoot_discarded(shoot, "x");

  ahead.catalog.merge(copy_of(behind, temp / "2-copy.db"));
  for (Catalog* catalog : {&behind.catalog, &ahead.catalog}) {
    CHECK(catalog->drives().at(0).label == "B");
    CHECK(catalog->shoots().at(0).name == "two");
    CHECK(catalog->shoots().at(0).discarded);
    CHECK(catalog->policy().at("copies") == "4");
    CHECK(catalog->copies().empty());
  }
}

TEST_CASE("catalog: a volume that was found is older than what is recorded of it, and than the next sealing") {
  TempDir temp;
  Machine ahead(temp / "1.db", 1), behind(temp / "2.db", 2);
  const catalog::Volume volume = ahead.add_volume("wedding", ahead.catalog.writer());
  behind.world.set_now(*core::parse_time("2026-12-31T08:00:00Z"));
  behind.catalog.record_volume(volume, {});
  CHECK(behind.catalog.next_time() > volume.info.sealed);
  behind.catalog.record_shoot_discarded(volume.info.shoot, "x");
  CHECK(behind.catalog.shoots().at(0).discarded);
}

TEST_CASE("catalog: no fact is later than any catalog takes") {
  TempDir temp;
  Machine one(temp / "1.db", 1), two(temp / "2.db", 2);
  one.add_drive("A");
  const io::Path last = copy_of(one, temp / "1-copy.db");
  change(last, "DROP TRIGGER facts_stay; UPDATE facts SET time = 7258118400000000000");
  REQUIRE(merge_code(two.catalog, last) == Code::kCancelled);
  two.add_drive("B");
  two.add_drive("C");
  Machine three(temp / "3.db", 3);
  CHECK(merge_code(three.catalog, copy_of(two, temp / "2-copy.db")) == Code::kCancelled);
}

}  // namespace darkshelf::testing
