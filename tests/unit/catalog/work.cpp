// Folders being worked on, lengths of visits, and tombstones.

#include <catch2/catch.hpp>

#include "unit/catalog/machine.hpp"

namespace darkshelf::testing {
namespace {

std::vector<std::string> paths_of(Catalog& catalog) {
  std::vector<std::string> paths;
  for (const catalog::WorkFolder& folder : catalog.work_folders()) paths.push_back(folder.path);
  return paths;
}

}  // namespace

TEST_CASE("catalog: work folders are this machine's own, whatever bytes their names have, and stay off lent drives") {
  TempDir temp;
  Machine one(temp / "1.db", 1), two(temp / "2.db", 2);
  const std::string odd = "/photos/Gr\xFC\xDF";
  one.catalog.record_work_added("/photos/2026");
  one.catalog.record_work_added(odd);
  one.catalog.record_work_added(odd);
  CHECK(paths_of(one.catalog) == std::vector<std::string>{"/photos/2026", odd});
  one.catalog.record_work_removed(one.catalog.work_folders()[0].id);
  CHECK(paths_of(one.catalog) == std::vector<std::string>{odd});
  one.catalog.record_work_added("/photos/2026");
  CHECK(paths_of(one.catalog).size() == 2);

  const core::Uuid drive = one.add_drive("A");
  one.catalog.export_to(io::posix(), temp / "full.db", "full", drive);
  one.catalog.export_to(io::posix(), temp / "own.db", "own", drive);
  const auto told = [&](const char* file) {
    unsigned count = 0;
    for (const std::string& fact : fact_ids(temp / file)) count += fact.find("work-") != std::string::npos ? 1 : 0;
    return count;
  };
  CHECK(told("full.db") == 4);
  CHECK(told("own.db") == 0);
  CHECK(merge_code(two.catalog, temp / "full.db") == Code::kCancelled);
  CHECK(paths_of(two.catalog).empty());
  two.catalog.record_work_added(odd);
  CHECK(paths_of(two.catalog) == std::vector<std::string>{odd});
  // What another machine says of one of its own folders changes nothing here.
  two.catalog.export_to(io::posix(), temp / "two.db", "full", drive);
  CHECK(merge_code(one.catalog, temp / "two.db") == Code::kCancelled);
  CHECK(paths_of(one.catalog).size() == 2);
}

TEST_CASE("catalog: what a visit read, by the slices it read of each volume") {
  TempDir temp;
  Machine one(temp / "1.db", 1);
  const core::Uuid drive = one.add_drive("A"), other = one.add_drive("B");
  const auto first = one.add_volume("wedding", one.catalog.writer(), 1),
             second = one.add_volume("alps", one.catalog.writer(), 2);
  for (const auto& volume : {first, second}) one.catalog.record_copy(volume.info.volume, drive, one.world.now(), false);
  const auto visit = [&](const core::Uuid& on, std::uint32_t slices, bool check, bool complete) {
    catalog::Scrub scrub;
    scrub.id = one.world.new_id();
    if (check) scrub.check = scrub.id;
    scrub.drive = on;
    scrub.started = one.world.now();
    scrub.ended = scrub.started + std::chrono::seconds(100);
    scrub.complete = complete;
    scrub.volumes = {{first.info.volume, 0, 100, true, catalog::CopyHealth::kGood},
                     {second.info.volume, 0, slices, true, catalog::CopyHealth::kGood}};
    one.catalog.record_scrub(scrub);
  };
  visit(drive, 100, true, true);
  visit(drive, 25, true, false);
  visit(other, 100, false, false);
  const auto visits = one.catalog.visits();
  REQUIRE(visits.at(drive).size() == 2);
  CHECK(visits.at(drive)[0].bytes == 2500);  // the newest first; each volume takes 2,000
  CHECK_FALSE(visits.at(drive)[0].complete);
  CHECK(visits.at(drive)[0].of_check);
  CHECK(visits.at(drive)[1].bytes == 4000);
  CHECK(visits.at(drive)[1].complete);
  CHECK((visits.at(drive)[1].ended - visits.at(drive)[1].started) == std::chrono::seconds(100));
  REQUIRE(visits.at(other).size() == 1);
  CHECK_FALSE(visits.at(other)[0].of_check);
}

TEST_CASE("catalog: lengths of files, tombstones, and since when a drive is lent") {
  TempDir temp;
  Machine one(temp / "1.db", 1);
  const core::Uuid drive = one.add_drive("A");
  const auto volume = one.add_volume("wedding", one.catalog.writer(), 1);
  one.add_volume("alps", one.catalog.writer(), 2);
  CHECK(one.catalog.file_sizes() == std::vector<std::uint64_t>{400, 600});
  CHECK_FALSE(one.catalog.tombstone_of_shoot(volume.info.shoot));
  CHECK_FALSE(one.catalog.tombstone_of_volume(volume.info.volume));
  one.catalog.record_copy(volume.info.volume, drive, one.world.now(), false);
  one.catalog.record_copy_gone(volume.info.volume, drive, "blurred");
  one.catalog.record_shoot_discarded(volume.info.shoot, "first");
  one.catalog.record_shoot_discarded(volume.info.shoot, "all of it blurred");
  CHECK(one.catalog.tombstone_of_shoot(volume.info.shoot)->reason == "all of it blurred");
  CHECK(one.catalog.tombstone_of_volume(volume.info.volume)->reason == "blurred");
  CHECK_FALSE(one.catalog.lent_since(drive));
  const core::Time before = one.world.now();
  one.catalog.record_drive_lent(drive, "Paul");
  CHECK(*one.catalog.lent_since(drive) > before);
}

}  // namespace darkshelf::testing
