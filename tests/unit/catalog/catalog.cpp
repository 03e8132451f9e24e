// Facts in, the present out; two catalogs merged both ways round; what comes from elsewhere is not believed unseen.

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/watched_file_system.hpp"
#include "unit/catalog/machine.hpp"

namespace darkshelf::testing {
namespace {

constexpr std::uint32_t kSlices = 100;

catalog::Scrub scrub_of(Machine& machine, const core::Uuid& drive, const core::Uuid& volume, std::uint32_t first,
                        std::uint32_t count, bool rest, catalog::CopyHealth health) {
  catalog::Scrub scrub;
  scrub.id = machine.world.new_id();
  scrub.drive = drive;
  scrub.started = machine.world.now();
  scrub.ended = machine.world.now();
  scrub.complete = first == 0 && count == kSlices && rest;
  scrub.volumes = {{volume, first, count, rest, health}};
  if (health != catalog::CopyHealth::kGood) scrub.findings = {{drive, volume, "damaged", "data/x.tar", first, 1, ""}};
  return scrub;
}

}  // namespace

TEST_CASE("catalog: the present follows from the facts") {
  TempDir temp;
  Machine machine(temp / "c.db", 1);
  Catalog& catalog = machine.catalog;
  const catalog::Place home = catalog.record_place("home/shelf 2", false, ""),
                       bank = catalog.record_place("bank", true, "box 7");
  const core::Uuid a = machine.add_drive("2026-A");
  catalog.record_drive_moved(a, home.id);
  catalog.record_drive_renamed(a, "2026-AA");
  catalog.record_drive_moved(a, bank.id);
  catalog::Drive drive = *catalog.find_drive("2026-aa");
  CHECK(drive.id == a);
  CHECK(drive.place_name == "bank");
  CHECK(drive.offsite);
  CHECK_FALSE(drive.here);
  catalog.record_drive_seen(a, {});
  CHECK(catalog.drive(a)->away());
  catalog.record_drive_lent(a, "Anna");
  CHECK(catalog.drive(a)->state == catalog::DriveState::kLent);
  catalog.record_drive_returned(a);
  CHECK(catalog.drive(a)->state == catalog::DriveState::kOnShelf);
  CHECK_FALSE(catalog.drive(a)->here);
  catalog.record_drive_marked(a, "lost");
  CHECK(catalog.drive(a)->state == catalog::DriveState::kLost);
  catalog.record_drive_marked(a, "found");
  CHECK(catalog.drive(a)->state == catalog::DriveState::kOnShelf);
  CHECK_THROWS_AS(catalog.record_drive_marked(a, "tired"), core::Error);
  CHECK(catalog.find_drive(a.text().substr(0, 6))->id == a);
  CHECK_FALSE(catalog.find_drive("zzzz"));

  const catalog::Volume volume = machine.add_volume("müller-wedding", catalog.writer());
  CHECK(catalog.copies().empty());
  catalog.record_copy(volume.info.volume, a, machine.world.now(), false);
  CHECK(catalog.copies_of(volume.info.volume).front().checked);
  CHECK(catalog.volumes_on(a).size() == 1);
  CHECK(catalog.drive(a)->volumes == 1);
  catalog.record_copy_gone(volume.info.volume, a, "discarded");
  CHECK(catalog.volumes_on(a).empty());
  catalog.record_copy(volume.info.volume, a, machine.world.now(), true);
  CHECK_FALSE(catalog.copies_of(volume.info.volume).front().checked);  // read back through a cache: not proven yet

  const core::Uuid shoot = volume.info.shoot;
  catalog.record_shoot_renamed(shoot, "Müller & Co");
  catalog.record_shoot_note(shoot, "in the old church");
  catalog.record_shoot_keep(shoot, 2);
  CHECK(catalog.shoot(shoot)->name == "Müller & Co");
  CHECK(catalog.shoot(shoot)->keep_copies == 2u);
  CHECK(catalog.verify().empty());
}

TEST_CASE("catalog: words are found in names, notes, dates and paths, accents folded, by their beginning") {
  TempDir temp;
  Machine machine(temp / "c.db", 1);
  const catalog::Volume volume = machine.add_volume("müller-wedding", machine.catalog.writer());
  machine.add_volume("harbour", machine.catalog.writer(), 2);
  machine.catalog.record_shoot_note(volume.info.shoot, "in the old church");
  const auto found = [&](std::vector<std::string> words) {
    catalog::FindQuery query;
    query.words = std::move(words);
    std::set<std::string> names;
    for (const catalog::Found& one : machine.catalog.find(query).found) names.insert(one.shoot.name);
    return names;
  };
  CHECK(found({}).size() == 2);
  CHECK(found({"muller"}) == std::set<std::string>{"müller-wedding"});
  CHECK(found({"WEDD"}) == std::set<std::string>{"müller-wedding"});
  CHECK(found({"church", "wedding"}) == std::set<std::string>{"müller-wedding"});
  CHECK(found({"church", "harbour"}).empty());
  CHECK(found({"IMG_0001"}).size() == 2);
  CHECK(found({"gross"}).size() <= 2);
  for (const char* hostile : {"\"", "*", "a OR b", "NEAR(", "x AND", "-x", "^", "''; DROP TABLE facts", ":", "()"}) {
    INFO(hostile);
    CHECK_NOTHROW(found({hostile}));
  }
  CHECK(machine.catalog.where("IMG_0001.CR3").size() == 2);
  CHECK(machine.catalog.where("Größe\xFF.JPG").size() == 2);
  CHECK(machine.catalog.where("*.CR3").size() == 2);
  CHECK(machine.catalog.where(core::to_hex(digest::sha256(core::as_bytes("harbour1")))).size() == 1);
}

TEST_CASE("catalog: a copy is as fresh as the oldest read of its bytes, and damage heals only by looking again") {
  TempDir temp;
  Machine machine(temp / "c.db", 1);
  Catalog& catalog = machine.catalog;
  const core::Uuid a = machine.add_drive("A");
  const core::Uuid volume = machine.add_volume("s", catalog.writer()).info.volume;
  catalog.record_copy(volume, a, machine.world.now(), true);
  const auto copy = [&] { return catalog.copies_of(volume).front(); };
  using Health = catalog::CopyHealth;
  catalog.record_scrub(scrub_of(machine, a, volume, 0, 60, true, Health::kGood));
  CHECK_FALSE(copy().checked);  // 40 slices were never read
  const catalog::Scrub second = scrub_of(machine, a, volume, 60, 40, false, Health::kGood);
  catalog.record_scrub(second);
  REQUIRE(copy().checked);
  CHECK(*copy().checked < second.ended);

  catalog.record_scrub(scrub_of(machine, a, volume, 0, 60, true, Health::kDamaged));
  CHECK(copy().health == Health::kDamaged);
  CHECK(catalog.open_findings(a).size() == 1);
  catalog.record_scrub(scrub_of(machine, a, volume, 60, 40, false, Health::kGood));  // looked elsewhere
  CHECK(copy().health == Health::kDamaged);
  CHECK(catalog.open_findings(a).size() == 1);
  catalog.record_repair(a, volume, 1, "");
  CHECK(copy().health == Health::kGood);
  CHECK(catalog.open_findings(a).empty());
  catalog.record_scrub(scrub_of(machine, a, volume, 0, 100, true, Health::kUnrepairable));
  CHECK(copy().health == Health::kUnrepairable);
  catalog.record_scrub(scrub_of(machine, a, volume, 0, 100, true, Health::kGood));
  CHECK(copy().health == Health::kGood);
}

TEST_CASE("catalog: two machines merge by union, both ways round alike") {
  TempDir temp;
  Machine one(temp / "1.db", 1), two(temp / "2.db", 2);
  const core::Uuid a = one.add_drive("A");
  const catalog::Volume sealed_here = one.add_volume("wedding", one.catalog.writer());
  one.catalog.record_copy(sealed_here.info.volume, a, one.world.now(), false);
  two.catalog.record_place("bank", true, "");
  // Machine two met the same drive, and sealed onto it.
  catalog::NewDrive again;
  again.id = a;
  again.label = "A as two calls it";
  again.kind = "hdd";
  two.catalog.record_drive(again);
  const catalog::Volume sealed_there = two.add_volume("harbour", two.catalog.writer());
  two.catalog.record_copy(sealed_there.info.volume, a, two.world.now(), false);

  one.catalog.export_to(io::posix(), temp / "from1.db", "full", a);
  two.catalog.export_to(io::posix(), temp / "from2.db", "full", a);
  const Catalog::Merged merged = one.catalog.merge(temp / "from2.db");
  CHECK(merged.volumes == 1);
  CHECK(merged.files == 2);
  two.catalog.merge(temp / "from1.db");
  CHECK(fact_ids(temp / "1.db") == fact_ids(temp / "2.db"));
  for (Catalog* catalog : {&one.catalog, &two.catalog}) {
    REQUIRE(catalog->drives().size() == 1);
    CHECK(catalog->drives().front().label == "A");  // the first to add it named it
    CHECK(catalog->drives().front().volumes == 2);
    CHECK(catalog->copies().size() == 2);
    CHECK(catalog->volumes().size() == 2);
    CHECK(catalog->shoots().size() == 2);
    CHECK(catalog->places().size() == 1);
    CHECK(catalog->verify().empty());
  }
  CHECK(one.catalog.merge(temp / "from2.db").facts == 0);
  // Each machine goes on with its own running number.
  CHECK(one.catalog.next_seal() == std::pair<std::uint64_t, std::string>(2, core::to_hex(sealed_here.seal)));
  CHECK(two.catalog.next_seal() == std::pair<std::uint64_t, std::string>(2, core::to_hex(sealed_there.seal)));
  // A volume that was read off a drive is nobody's running number here.
  one.add_volume("found on a drive", two.catalog.writer(), 9);
  CHECK(one.catalog.next_seal().first == 2);
}

TEST_CASE("catalog: what another catalog says is refused whole when it makes no sense") {
  TempDir temp;
  Machine one(temp / "1.db", 1);
  const std::vector<std::string> hostile = {
      "INSERT INTO facts SELECT 'bad', writer, 50, time, sort, kind, subject, object, body FROM facts LIMIT 1",
      "INSERT INTO facts SELECT '00000000-0000-4000-8000-000000000001', writer, 50, time, sort, 'drive-added', "
      "'garbage', '', body FROM facts LIMIT 1",
      "INSERT INTO facts SELECT '00000000-0000-4000-8000-000000000001', writer, 50, time, sort, 'drive-added', id, '', "
      "'{\"label\":7}' FROM facts LIMIT 1",
      "INSERT INTO facts SELECT '00000000-0000-4000-8000-000000000001', writer, 50, time, sort, 'drive-moved', id, '', "
      "'{\"place\":\"nowhere\"}' FROM facts LIMIT 1",
      "INSERT INTO facts SELECT '00000000-0000-4000-8000-000000000001', writer, 50, 9000000000000000000, sort, kind, "
      "subject, object, body FROM facts LIMIT 1",
      "INSERT INTO facts SELECT '00000000-0000-4000-8000-000000000001', writer, -5, time, sort, kind, subject, object, "
      "body FROM facts LIMIT 1",
      "UPDATE members SET path = CAST('../../evil' AS BLOB) WHERE number = 0",
      "UPDATE members SET bytes = -1 WHERE number = 0",
      "UPDATE members SET type = 9 WHERE number = 0",
      "DROP TRIGGER volumes_stay; UPDATE volumes SET seal = printf('%064d', 0)",
      "DROP TRIGGER volumes_stay; UPDATE volumes SET bag_info = 'nonsense'",
      "DROP TABLE members",
  };
  for (std::size_t i = 0; i < hostile.size(); ++i) {
    INFO(hostile[i]);
    const io::Path file = temp / ("bad" + std::to_string(i) + ".db");
    {
      Machine two(temp / ("two" + std::to_string(i) + ".db"), 100 + i);
      const core::Uuid drive = two.add_drive("X");
      two.add_volume("s", two.catalog.writer());
      two.catalog.export_to(io::posix(), file, "full", drive);
    }
    change(file, hostile[i]);
    const auto before = fact_ids(temp / "1.db");
    const Code code = merge_code(one.catalog, file);
    CHECK((code == Code::kCorrupt || code == Code::kFailed || code == Code::kNewerFormat));
    CHECK(fact_ids(temp / "1.db") == before);
    CHECK(one.catalog.drives().empty());
    CHECK(one.catalog.volumes().empty());
  }
}

TEST_CASE("catalog: changes that still lie in a -wal file are not passed over in silence") {
  TempDir temp;
  Machine one(temp / "1.db", 1);
  {
    Machine two(temp / "2.db", 2);
    two.add_drive("X");
    // As a copy of both files taken while the other program runs.
    for (const char* ending : {"", "-wal"}) {
      const io::Path from = temp / (std::string("2.db") + ending);
      REQUIRE(io::posix().stat(from));
      io::posix()
          .create(temp / (std::string("copy.db") + ending))
          ->write_at(0, io::read_file(io::posix(), from, 1 << 24));
    }
  }
  CHECK(merge_code(one.catalog, temp / "copy.db") == Code::kInUse);
}

TEST_CASE("catalog: one that is newer, older, locked, or none of ours") {
  TempDir temp;
  core::SteadyWorld world(*core::parse_time("2026-12-31T12:00:00Z"), 5);
  const auto open_code = [&](Catalog::Access access) {
    try {
      Catalog::open(io::posix(), temp / "1.db", access, world, "test");
    } catch (const core::Error& error) {
      return error.code();
    }
    return Code::kCancelled;
  };
  CHECK(open_code(Catalog::Access::kRead) == Code::kNoCatalog);
  {
    Machine one(temp / "1.db", 1);
    one.add_volume("s", one.catalog.writer());
    CHECK(open_code(Catalog::Access::kWrite) == Code::kInUse);
    CHECK(open_code(Catalog::Access::kRead) == Code::kCancelled);  // reading goes along with writing
  }
  // Version 1 had no words: it is read through a copy in memory, and migrated when it is written, a copy kept beside.
  change(temp / "1.db",
         "DROP TABLE file_words; DROP TABLE volume_terms; DROP TABLE shoot_terms; DROP TABLE names; "
         "DROP INDEX volumes_at_a_glance; DROP INDEX volumes_by_weight; DROP VIEW volumes_in_order; ALTER TABLE "
         "members DROP COLUMN photo; "
         "ALTER TABLE volumes DROP COLUMN adopted; PRAGMA user_version = 1");
  {
    Catalog old = Catalog::open(io::posix(), temp / "1.db", Catalog::Access::kRead, world, "test");
    catalog::FindQuery query;
    query.words = {"IMG_0001"};
    CHECK(old.find(query).found.size() == 1);
  }
  CHECK_FALSE(io::posix().stat(temp / "1.db.schema-1"));
  CHECK(open_code(Catalog::Access::kWrite) == Code::kCancelled);
  CHECK(io::posix().stat(temp / "1.db.schema-1"));
  change(temp / "1.db", "PRAGMA user_version = 77");
  CHECK(open_code(Catalog::Access::kRead) == Code::kNewerFormat);
  CHECK(open_code(Catalog::Access::kWrite) == Code::kNewerFormat);
  change(temp / "1.db", "PRAGMA user_version = 2; PRAGMA application_id = 5");
  CHECK(open_code(Catalog::Access::kWrite) == Code::kFailed);
}

TEST_CASE("catalog: facts stay as they are") {
  TempDir temp;
  Machine one(temp / "1.db", 1);
  one.add_drive("A");
  CHECK_THROWS_AS(change(temp / "1.db", "UPDATE facts SET body = '{}'"), SQLite::Exception);
  one.add_drive("C");
  change(temp / "1.db", "DELETE FROM facts WHERE sequence = 1");
  one.add_drive("B");
  CHECK_FALSE(one.catalog.verify().empty());  // the gap is seen
}

TEST_CASE("catalog: what a drive carries of its own knows nothing of other drives' volumes") {
  TempDir temp;
  Machine one(temp / "1.db", 1);
  const core::Uuid a = one.add_drive("A"), b = one.add_drive("B");
  const catalog::Volume on_a = one.add_volume("wedding", one.catalog.writer()),
                        on_b = one.add_volume("secret", one.catalog.writer(), 2);
  one.catalog.record_copy(on_a.info.volume, a, one.world.now(), false);
  one.catalog.record_copy(on_b.info.volume, b, one.world.now(), false);
  one.catalog.record_shoot_note(on_b.info.shoot, "very secret");
  {  // a contradiction about a volume names its folder, too
    Machine three(temp / "3.db", 3);
    catalog::Volume other = on_b;
    other.tagmanifest = fv::encode_manifest({{digest::sha256(core::as_bytes("?")), "bag-info.txt"}});
    other.seal = digest::sha256(core::as_bytes(other.tagmanifest));
    three.catalog.record_volume(other, {});
  }
  one.catalog.merge(temp / "3.db");
  REQUIRE_FALSE(one.catalog.verify().empty());
  one.catalog.export_to(io::posix(), temp / "own.db", "own", a);
  const std::string bytes(core::as_text(io::read_file(io::posix(), temp / "own.db", 1 << 24)));
  CHECK(bytes.find("wedding") != std::string::npos);
  CHECK(bytes.find("secret") == std::string::npos);
  Machine two(temp / "2.db", 2);
  two.catalog.merge(temp / "own.db");
  CHECK(two.catalog.volumes().size() == 1);
  CHECK(two.catalog.drives().size() == 2);
}

TEST_CASE("catalog: a clock beyond what merging takes records nothing, and is told") {
  TempDir temp;
  Machine one(temp / "1.db", 1);
  const core::Uuid a = one.add_drive("A");
  one.world.set_now(*core::parse_time("2201-01-01T00:00:00Z"));
  try {
    one.add_drive("B");
    FAIL("it should have been refused");
  } catch (const core::Error& error) {
    CHECK(std::string(error.what()).find("2201-01-01") != std::string::npos);
  }
  CHECK(one.catalog.drives().size() == 1);
  one.catalog.export_to(io::posix(), temp / "copy.db", "full", a);
  Machine two(temp / "2.db", 2);
  two.catalog.merge(temp / "copy.db");
  CHECK(two.catalog.drives().size() == 1);
}

TEST_CASE("catalog: a copy for a drive is made beside the catalog and goes to the drive through its own file system") {
  struct Refusing : Watcher {
    bool refuse = false;
    void before(const Call& call) override {
      if (refuse && call.call == "write_at") throw core::Error(Code::kDriveGone, "it left");
    }
  };
  TempDir temp;
  Machine one(temp / "1.db", 1);
  const core::Uuid drive = one.add_drive("A");
  Refusing refusing;
  WatchedFileSystem fs(io::posix(), refusing);
  make_file(temp / "1.db.export", 100, 1);  // of a run that was killed
  one.catalog.export_to(fs, temp / "good.db", "full", drive);
  CHECK(merge_code(one.catalog, temp / "good.db") == Code::kCancelled);
  refusing.refuse = true;
  try {
    one.catalog.export_to(fs, temp / "bad.db", "full", drive);
    FAIL("nothing was written, and nobody said so");
  } catch (const core::Error& error) {
    CHECK(error.code() == Code::kDriveGone);
  }
  for (const io::Entry& entry : io::posix().list(temp.path())) CHECK_FALSE(entry.name.starts_with("1.db.export"));
}

}  // namespace darkshelf::testing
