// What changed on a disk since the last visit, and when a medium counts as failing.

#include "shelf/wear.hpp"

#include <catch2/catch.hpp>

#include "core/text.hpp"
#include "support/smart_texts.hpp"

namespace darkshelf::testing {
namespace {

catalog::Wear at(const std::string& day, const std::string& text) {
  catalog::Wear wear = shelf::smart_answer(text).wear;
  wear.read = *core::parse_time(day + "T12:00:00Z");
  return wear;
}
catalog::Wear at(const std::string& day, const AtaDisk& disk) { return at(day, ata_text(disk)); }
catalog::Wear at(const std::string& day, const NvmeDisk& disk) { return at(day, nvme_text(disk)); }

AtaDisk with(std::uint64_t AtaDisk::*field, std::uint64_t count) {
  AtaDisk disk;
  disk.*field = count;
  return disk;
}

}  // namespace

TEST_CASE("wear: a healthy disk gives no news, at its first visit or later") {
  const catalog::Wear first = at("2026-03-03", AtaDisk{});
  CHECK_FALSE(shelf::judge_wear({}, first).failing());
  CHECK(shelf::judge_wear({}, first).news.empty());
  AtaDisk later;
  later.hours += 900;
  later.temperature = 41;
  const shelf::WearVerdict verdict = shelf::judge_wear({first}, at("2027-03-03", later));
  CHECK_FALSE(verdict.failing());
  CHECK(verdict.news.empty());
  CHECK_FALSE(shelf::judge_wear({}).failing());
}

TEST_CASE("wear: sectors that were lost since the last check mean that the medium is failing, from then on") {
  const catalog::Wear first = at("2026-03-03", AtaDisk{}), lost = at("2027-03-03", with(&AtaDisk::reallocated, 12));
  const shelf::WearVerdict verdict = shelf::judge_wear({first}, lost);
  CHECK(verdict.why() == "12 reallocated sectors, 0 at the last check on 3 Mar 2026");
  CHECK(verdict.news.empty());
  // The same count a year later does not make it well again.
  const catalog::Wear same = at("2028-03-03", with(&AtaDisk::reallocated, 12));
  CHECK(shelf::judge_wear({lost, first}, same).why() == "12 reallocated sectors, as at the last check on 3 Mar 2027");
  CHECK(shelf::judge_wear({same, lost, first}).failing());
}

TEST_CASE("wear: a disk that came with lost sectors is told once, and is failing when it gets more") {
  const catalog::Wear first = at("2026-03-03", with(&AtaDisk::reallocated, 1));
  const shelf::WearVerdict new_here = shelf::judge_wear({}, first);
  CHECK_FALSE(new_here.failing());
  REQUIRE(new_here.news.size() == 1);
  CHECK(new_here.news.front().starts_with("1 reallocated sector;"));
  CHECK(shelf::judge_wear({first}, at("2027-03-03", with(&AtaDisk::reallocated, 1))).news.empty());
  CHECK(shelf::judge_wear({first}, at("2027-03-03", with(&AtaDisk::reallocated, 2))).failing());
}

TEST_CASE("wear: sectors that cannot be read now, and a disk that says so itself, are failing at any visit") {
  CHECK(shelf::judge_wear({}, at("2026-03-03", with(&AtaDisk::pending, 1))).why() == "1 sector that cannot be read");
  CHECK(shelf::judge_wear({}, at("2026-03-03", with(&AtaDisk::uncorrectable, 2))).why() == "2 uncorrectable sectors");
  AtaDisk failed;
  failed.passed = false;
  CHECK(shelf::judge_wear({}, at("2026-03-03", failed)).why() == "the disk itself says that it is failing");
  // Written anew, they are gone, and nothing is left to say.
  const catalog::Wear pending = at("2026-03-03", with(&AtaDisk::pending, 1));
  CHECK_FALSE(shelf::judge_wear({pending}, at("2026-04-03", AtaDisk{})).failing());
  CHECK(shelf::judge_wear({at("2026-03-03", AtaDisk{})}, at("2027-03-03", with(&AtaDisk::reported, 3))).failing());
}

TEST_CASE("wear: errors on the way are the cable's, not the medium's") {
  const catalog::Wear first = at("2026-03-03", with(&AtaDisk::crc, 2));
  CHECK(shelf::judge_wear({}, first).news.empty());
  const shelf::WearVerdict verdict = shelf::judge_wear({first}, at("2027-03-03", with(&AtaDisk::crc, 140)));
  CHECK_FALSE(verdict.failing());
  REQUIRE(verdict.news.size() == 1);
  CHECK(verdict.news.front().find("140 transfer errors (CRC), 2 at the last check on 3 Mar 2026: look at its cable") ==
        0);
}

TEST_CASE("wear: NVMe disks warn themselves, and heat is no failure") {
  NvmeDisk disk;
  const catalog::Wear first = at("2026-03-03", disk);
  CHECK_FALSE(shelf::judge_wear({}, first).failing());
  disk.critical_warning = 2;  // only temperature; smartctl's verdict is "failed" then
  disk.temperature = 81;
  const shelf::WearVerdict hot = shelf::judge_wear({first}, at("2027-03-03", disk));
  CHECK_FALSE(hot.failing());
  REQUIRE(hot.news.size() == 1);
  CHECK(hot.news.front().find("81 °C") == 0);
  for (const unsigned bit : {1u, 4u, 8u, 16u}) {
    disk.critical_warning = bit | 2;
    CHECK(shelf::judge_wear({first}, at("2027-03-03", disk)).failing());
  }
  disk = {};
  disk.media_errors = 4;
  CHECK(shelf::judge_wear({first}, at("2027-03-03", disk)).why() ==
        "4 media errors, 0 at the last check on 3 Mar 2026");
  disk = {};
  disk.spare = 9;
  CHECK(shelf::judge_wear({first}, at("2027-03-03", disk)).why() == "9 % of its spare blocks are left, it needs 10 %");
  disk = {};
  disk.percentage_used = 93;
  const catalog::Wear used = at("2027-03-03", disk);
  CHECK(shelf::judge_wear({first}, used).news.size() == 1);
  CHECK_FALSE(shelf::judge_wear({first}, used).failing());
  disk.percentage_used = 97;
  CHECK(shelf::judge_wear({used, first}, at("2028-03-03", disk)).news.empty());
  disk.percentage_used = 104;
  CHECK(shelf::judge_wear({used, first}, at("2028-03-03", disk)).news.size() == 1);
}

TEST_CASE("wear: another disk is not compared with the one before") {
  const catalog::Wear first = at("2026-03-03", AtaDisk{});
  AtaDisk other = with(&AtaDisk::reallocated, 12);
  other.serial = "another";
  const shelf::WearVerdict verdict = shelf::judge_wear({first}, at("2027-03-03", other));
  CHECK_FALSE(verdict.failing());
  CHECK(verdict.news.size() == 1);
}

TEST_CASE("wear: what a person may want to know of it stands on a line") {
  AtaDisk disk = with(&AtaDisk::reallocated, 1);
  CHECK(shelf::describe_wear(at("2026-03-03", disk)) ==
        "34,120 hours, 34 °C, 1 reallocated sector, its own verdict: good");
}

}  // namespace darkshelf::testing
