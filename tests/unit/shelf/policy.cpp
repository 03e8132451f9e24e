#include "shelf/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

namespace fv = formats::volume;
using catalog::Catalog;
using shelf::Light;
using shelf::Vote;
using std::chrono::hours;

constexpr hours kDay{24};
constexpr std::uint32_t kSlices = 100;

/// A catalog with drives at places and shoots on them; every copy was proven when `world` said so.
struct Shelves {
  TempDir temp;
  core::SteadyWorld world{*core::parse_time("2026-12-31T12:00:00Z"), 3};
  Catalog catalog = Catalog::create(io::posix(), temp / "c.db", world, "test");
  core::Time start = world.now();

  core::Uuid place(const std::string& name, bool offsite) { return catalog.record_place(name, offsite, "").id; }
  core::Uuid drive(const std::string& label, std::optional<core::Uuid> place = {}, const std::string& kind = "hdd",
                   const std::string& disk = "") {
    catalog::NewDrive drive;
    drive.id = world.new_id();
    drive.label = label;
    drive.kind = kind;
    drive.place = place;
    drive.evidence.disk = disk.empty() ? label : disk;
    catalog.record_drive(drive);
    return drive.id;
  }
  catalog::Volume volume(const std::string& name, const std::vector<core::Uuid>& drives,
                         std::optional<core::Uuid> shoot = {}, unsigned part = 1) {
    catalog::Volume volume;
    fv::BagInfo& info = volume.info;
    info.volume = world.new_id();
    info.group = world.new_id();
    info.shoot = shoot.value_or(world.new_id());
    info.shoot_name = info.title = name;
    info.shoot_date = "2026-06-14";
    info.part = part;
    info.parts = 2;
    info.payload_bytes = info.content_bytes = 1000;
    info.payload_files = info.content_files = info.photos = 1;
    info.slice_bytes = 4096;
    info.slices = kSlices;
    info.recovery_slices = 16;
    info.tag_slice_bytes = 4096;
    info.tag_recovery_slices = 6;
    info.writer = catalog.writer();
    info.sequence = 1;
    info.sealed = world.now();
    volume.tagmanifest = fv::encode_manifest({{digest::sha256(core::as_bytes(info.volume.text())), "bag-info.txt"}});
    volume.seal = digest::sha256(core::as_bytes(volume.tagmanifest));
    volume.folder = fv::year_folder(info) + "/" + fv::folder_name(info);
    catalog.record_volume(volume, {});
    for (const core::Uuid& on : drives) catalog.record_copy(info.volume, on, start, false);
    return volume;
  }
  void scrub(const core::Uuid& drive, const core::Uuid& volume, core::Time when,
             catalog::CopyHealth health = catalog::CopyHealth::kGood, std::uint32_t slices = kSlices) {
    catalog::Scrub scrub;
    scrub.id = world.new_id();
    scrub.drive = drive;
    scrub.started = scrub.ended = when;
    scrub.volumes = {{volume, 0, slices, true, health}};
    catalog.record_scrub(scrub);
  }
  shelf::Status status(const std::map<std::string, std::string>& policy, hours later = {},
                       const shelf::Situation& situation = {}) {
    return shelf::status_of(catalog, shelf::policy_from(policy), start + later, situation);
  }
};

const std::map<std::string, std::string> kTwo = {{"copies", "2"}, {"places", "1"}, {"offsite", "0"}};

Vote vote_on(const shelf::Status& status, const core::Uuid& drive) {
  for (const shelf::CopyView& view : status.shoots.at(0).volumes.at(0).copies) {
    if (view.drive.id == drive) return view.vote;
  }
  FAIL("no copy there");
  return Vote::kLost;
}

bool lacks(const shelf::ShootStatus& shoot, const std::string& what) {
  return std::any_of(shoot.lacks.begin(), shoot.lacks.end(),
                     [&](const std::string& lack) { return lack.find(what) != std::string::npos; });
}

}  // namespace

TEST_CASE("policy: a copy counts until its check is overdue by more than the grace") {
  Shelves s;
  const core::Uuid a = s.drive("A"), b = s.drive("B");
  const auto volume = s.volume("wedding", {a, b}).info.volume;
  CHECK(s.status(kTwo).shoots[0].light == Light::kGreen);
  CHECK(s.status(kTwo, 364 * kDay).overdue_drives.empty());
  CHECK(s.status(kTwo, 364 * kDay).met());

  const auto due = s.status(kTwo, 400 * kDay);  // past twelve months, within three more
  CHECK(due.shoots[0].light == Light::kGreen);
  CHECK(due.overdue_drives.size() == 2);
  CHECK(lacks(due.shoots[0], "a check of A (due since"));

  const auto late = s.status(kTwo, 460 * kDay);
  CHECK(late.shoots[0].light == Light::kRed);
  CHECK(late.shoots[0].counting == 0);
  CHECK(vote_on(late, a) == Vote::kOverdue);

  s.scrub(a, volume, s.start + 455 * kDay);
  const auto half = s.status(kTwo, 460 * kDay);
  CHECK(half.shoots[0].light == Light::kRed);  // one good copy
  CHECK(vote_on(half, a) == Vote::kCounts);
  REQUIRE(half.overdue_drives.size() == 1);
  CHECK(half.overdue_drives[0].label == "B");
  s.scrub(b, volume, s.start + 456 * kDay, catalog::CopyHealth::kGood, kSlices - 1);  // all but a slice is not all
  CHECK(s.status(kTwo, 460 * kDay).shoots[0].counting == 1);
  s.scrub(b, volume, s.start + 457 * kDay);
  CHECK(s.status(kTwo, 460 * kDay).met());
  // Checked twice as often, the same copies are overdue.
  auto often = kTwo;
  often["scrub-every"] = "2d";
  often["grace"] = "1d";
  CHECK(s.status(often, 460 * kDay).shoots[0].counting == 1);
}

TEST_CASE("policy: a check by a clock that was far ahead is overdue, not fresh until that day") {
  Shelves s;
  const core::Uuid a = s.drive("A"), b = s.drive("B");
  const auto volume = s.volume("wedding", {a, b}).info.volume;
  s.scrub(a, volume, s.start + 3650 * kDay);
  s.scrub(b, volume, s.start + hours(2));  // clocks never quite agree
  const auto status = s.status(kTwo);
  CHECK(vote_on(status, a) == Vote::kOverdue);
  CHECK(vote_on(status, b) == Vote::kCounts);
  REQUIRE(status.overdue_drives.size() == 1);
  CHECK(lacks(status.shoots[0], "a check of A (the last one is dated 28 Dec 2036, which is yet to come)"));
  for (const shelf::CopyView& view : status.shoots[0].volumes[0].copies)
    CHECK((shelf::freshness(view, s.start).find("yet to come") != std::string::npos) == (view.drive.id == a));
  s.scrub(a, volume, s.start + hours(1));
  CHECK(s.status(kTwo).met());
}

TEST_CASE("policy: damaged, unproven, lent and lost copies do not count, and it is told why") {
  Shelves s;
  const core::Uuid a = s.drive("A"), b = s.drive("B"), c = s.drive("C");
  const auto volume = s.volume("wedding", {a, b}).info.volume;
  s.catalog.record_copy(volume, c, s.start, true);  // read back through a cache: proven by nobody
  CHECK(vote_on(s.status(kTwo), c) == Vote::kNeverProven);
  CHECK(lacks(s.status(kTwo).shoots[0], "a check of C (never checked)"));
  CHECK(s.status(kTwo).shoots[0].counting == 2);
  s.scrub(a, volume, s.start + kDay, catalog::CopyHealth::kDamaged);
  CHECK(vote_on(s.status(kTwo, 2 * kDay), a) == Vote::kDamaged);
  CHECK(lacks(s.status(kTwo, 2 * kDay).shoots[0], "a repair of A"));
  CHECK(s.status(kTwo, 2 * kDay).shoots[0].light == Light::kRed);
  s.catalog.record_repair(a, volume, 1, "{}");
  CHECK(s.status(kTwo, 2 * kDay).shoots[0].light == Light::kGreen);
  s.catalog.record_drive_lent(a, "Anna");
  CHECK(vote_on(s.status(kTwo), a) == Vote::kLent);
  s.catalog.record_drive_returned(a);
  const std::pair<const char*, Vote> kMarks[] = {
      {"lost", Vote::kLost}, {"failed", Vote::kFailed}, {"retired", Vote::kRetired}, {"destroyed", Vote::kDestroyed}};
  for (const auto& [mark, vote] : kMarks) {
    s.catalog.record_drive_marked(b, mark);
    CHECK(vote_on(s.status(kTwo), b) == vote);
    CHECK(s.status(kTwo, 900 * kDay).overdue_drives.size() == 2);  // of one that cannot be had no check is due
  }
  s.catalog.record_drive_marked(b, "found");
  CHECK(s.status(kTwo).met());
  shelf::Situation fire;
  fire.without = {a, b};
  CHECK(s.status(kTwo, {}, fire).shoots[0].counting == 0);
}

TEST_CASE("policy: places, off-site and kinds are counted over the copies that count") {
  Shelves s;
  const core::Uuid home = s.place("home", false), bank = s.place("bank", true);
  const core::Uuid a = s.drive("A", home), b = s.drive("B", home, "ssd"), c = s.drive("C", bank);
  s.volume("wedding", {a, b});
  const std::map<std::string, std::string> policy = {
      {"copies", "2"}, {"places", "2"}, {"offsite", "1"}, {"kinds", "2"}};
  auto status = s.status(policy);
  CHECK(status.shoots[0].light == Light::kAmber);
  CHECK(status.shoots[0].places == 1);
  CHECK(status.shoots[0].kinds == 2);
  CHECK(status.shoots[0].lacks == std::vector<std::string>{"a copy off-site", "another place"});
  s.catalog.record_copy(s.catalog.volumes()[0].info.volume, c, s.start, false);
  CHECK(s.status(policy).met());
  CHECK(s.status(policy).shoots[0].places == 2);
  // Brought here it burns with the others, until it is back.
  s.catalog.record_drive_seen(c, {});
  status = s.status(policy);
  CHECK(status.shoots[0].light == Light::kAmber);
  CHECK(status.shoots[0].offsite == 0);
  CHECK(status.shoots[0].counting == 3);
  s.catalog.record_drive_returned(c);
  CHECK(s.status(policy).met());
  // Plugged in it is here, whatever the catalog says.
  shelf::Situation here;
  here.plugged_in = {a, b, c};
  status = s.status(policy, {}, here);
  CHECK(status.shoots[0].offsite == 0);
  CHECK(status.shoots[0].places == 1);
  CHECK_FALSE(status.met());
  CHECK(status.all_attached == 1);
  CHECK(s.status(policy).all_attached == 0);
  s.catalog.record_drive_marked(b, "failed");
  CHECK(s.status(policy).shoots[0].lacks == std::vector<std::string>{"another kind of drive"});
}

TEST_CASE("policy: copies on one physical disk count once, the one checked last") {
  Shelves s;
  const core::Uuid a = s.drive("A", {}, "hdd", "serial-1"), b = s.drive("B", {}, "hdd", "serial-1"),
                   c = s.drive("C", {}, "hdd", "serial-2");
  const auto volume = s.volume("wedding", {a, b}).info.volume;
  CHECK(s.status(kTwo).shoots[0].counting == 1);
  CHECK(s.status(kTwo).shoots[0].light == Light::kRed);
  s.scrub(b, volume, s.start + kDay);
  CHECK(vote_on(s.status(kTwo, 2 * kDay), a) == Vote::kSameDisk);
  CHECK(vote_on(s.status(kTwo, 2 * kDay), b) == Vote::kCounts);
  // What is not good does not stand in for its neighbour.
  s.scrub(b, volume, s.start + 2 * kDay, catalog::CopyHealth::kUnrepairable);
  CHECK(vote_on(s.status(kTwo, 3 * kDay), a) == Vote::kCounts);
  s.catalog.record_copy(volume, c, s.start, false);
  CHECK(s.status(kTwo, 3 * kDay).met());
}

TEST_CASE("policy: two folders on one disk without a serial count once, whatever number it had at each visit") {
  Shelves s;
  const core::Uuid a = s.drive("A", {}, "hdd", "8:16"), b = s.drive("B", {}, "hdd", "8:32");
  s.volume("wedding", {a, b});
  CHECK(s.status(kTwo).shoots[0].counting == 2);
  catalog::Evidence seen = s.catalog.drive(a)->evidence;
  seen.fs_id = "fs-1";
  seen.bytes = 1000;
  s.catalog.record_drive_seen(a, seen);
  seen.disk = "8:32";
  s.catalog.record_drive_seen(b, seen);
  CHECK(s.status(kTwo).shoots[0].counting == 1);
}

TEST_CASE("policy: a shoot is as safe as its worst volume, the worst shoots stand first, discarded ones nowhere") {
  Shelves s;
  const core::Uuid a = s.drive("A"), b = s.drive("B"), c = s.drive("C");
  const core::Uuid split = s.volume("split", {a, b}).info.shoot;
  s.volume("split", {a}, split, 2);
  s.volume("safe", {a, b});
  const core::Uuid gone = s.volume("gone", {}).info.shoot;
  auto status = s.status(kTwo);
  REQUIRE(status.shoots.size() == 3);
  CHECK(status.red == 2);
  CHECK(status.green == 1);
  CHECK(status.shoots.back().shoot.name == "safe");
  const auto find = [&](const std::string& name) {
    return *std::find_if(status.shoots.begin(), status.shoots.end(),
                         [&](const shelf::ShootStatus& shoot) { return shoot.shoot.name == name; });
  };
  CHECK(find("split").counting == 1);
  CHECK(find("split").light == Light::kRed);
  CHECK(find("gone").counting == 0);
  s.catalog.record_shoot_discarded(gone, "x");
  s.catalog.record_shoot_keep(split, 1);
  status = s.status(kTwo);
  CHECK(status.shoots.size() == 2);
  CHECK(status.met());  // one copy is what was asked for
  s.catalog.record_shoot_keep(split, 3);
  status = s.status(kTwo);
  CHECK(find("split").lacks == std::vector<std::string>{"2 more copies"});
  shelf::Situation all;
  all.plugged_in = {a, b};
  CHECK(s.status(kTwo, {}, all).shoots.back().all_attached);
  s.catalog.record_copy(s.catalog.volumes_of(find("safe").shoot.id)[0].info.volume, c, s.start, false);
  CHECK_FALSE(s.status(kTwo, {}, all).shoots.back().all_attached);
}

TEST_CASE("policy: values are taken back as they are told, and nonsense is refused by name") {
  const std::map<std::string, std::string> changes = {
      {"copies", "4"},  {"places", "0"},     {"offsite", "2"},         {"kinds", "2"},         {"scrub-every", "6mo"},
      {"grace", "10d"}, {"layout", "files"}, {"owner", "Anna Müller"}, {"phone", "+49 30 123"}};
  shelf::check_policy(changes);
  CHECK(shelf::to_text(shelf::policy_from(changes)) == changes);
  const std::pair<const char*, const char*> kWrong[] = {{"copies", "0"},   {"copies", "100"},       {"copies", "2x"},
                                                        {"places", "-1"},  {"scrub-every", "0d"},   {"grace", "soon"},
                                                        {"layout", "zip"}, {"owner", "two\nlines"}, {"colour", "red"}};
  for (const auto& [key, value] : kWrong) {
    CAPTURE(key, value);
    CHECK_THROWS_WITH(shelf::check_policy({{key, value}}), Catch::Contains(std::string(key) == "grace" ? value : key));
    // Set by a later darkshelf: left at its default.
    CHECK(shelf::to_text(shelf::policy_from({{key, value}})) == shelf::to_text({}));
  }
}

TEST_CASE("policy: freshness in words") {
  const core::Time now = *core::parse_time("2027-06-01T12:00:00Z");
  shelf::CopyView view;
  CHECK(shelf::freshness(view, now) == "never checked since it was copied");
  view.copy.checked = now - hours(5);
  CHECK(shelf::freshness(view, now) == "checked today");
  view.copy.checked = now - 12 * kDay;
  CHECK(shelf::freshness(view, now) == "checked 12 days ago");
  view.copy.checked = now - 430 * kDay;
  view.overdue = true;
  CHECK(shelf::freshness(view, now) == "checked 14 months ago, overdue");
}

}  // namespace darkshelf::testing
