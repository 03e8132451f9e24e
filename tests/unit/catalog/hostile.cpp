// Another catalog that was made to break this one: either nothing of it is taken, or everything can still be asked.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "unit/catalog/machine.hpp"

namespace darkshelf::testing {
namespace {

const char* const kFact =
    "INSERT INTO facts SELECT '00000000-0000-4000-8000-000000000001', writer, 50, time, sort, '{}', {}, '{}', '{}' "
    "FROM facts WHERE kind = 'drive-added' LIMIT 1";

std::string fact(std::string kind, std::string subject, std::string object, std::string body) {
  return fmt::format(fmt::runtime(kFact), kind, subject, object, body);
}

/// A catalog with a drive, a volume and a copy, as a drive carries it, changed by `sql`.
io::Path changed_copy(const TempDir& temp, const std::string& sql) {
  Machine other(temp / "other.db", 100);
  const core::Uuid drive = other.add_drive("X");
  const catalog::Volume volume = other.add_volume("s", other.catalog.writer());
  other.catalog.record_copy(volume.info.volume, drive, other.world.now(), false);
  other.catalog.export_to(io::posix(), temp / "copy.db", "full", drive);
  change(temp / "copy.db", sql);
  return temp / "copy.db";
}

void ask_everything(Catalog& catalog) {
  catalog.places();
  for (const catalog::Drive& drive : catalog.drives()) {
    catalog.open_findings(drive.id);
    catalog.scrubs(drive.id);
  }
  catalog.policy();
  catalog.open_plans();
  catalog.shoots();
  catalog.copies();
  for (const catalog::Volume& volume : catalog.volumes()) catalog.members_of(volume.info.volume);
  catalog::FindQuery query;
  query.words = {"s"};
  query.files = true;
  catalog.find(query);
}

const std::string kId = "00000000-0000-4000-8000-00000000000a";

}  // namespace

TEST_CASE("hostile catalog: nothing of it is taken") {
  std::string deep = R"({"name":)", deep_end = "}";
  for (int i = 0; i < 3000; ++i) {
    deep += '[';
    deep_end.insert(0, 1, ']');
  }
  const std::string sql = GENERATE_COPY(values<std::string>({
      // What was looked at would not be what the views take.
      fact("drive-moved", "subject", "", R"({"place":"garbage","place":")" + kId + R"("})"),
      fact("drive-moved", "subject", "", R"({"pl\u0061ce":")" + kId + R"(","place":"x","place":"y"})"),
      fact("some-day", "subject", "", R"({"deep":{"a":1,"a":2}})"),
      fact("some-day", "subject", "", deep + "1" + deep_end),
      fact("some-day", "subject", "", "{"),
      fact("some-day", "subject", "", "[]"),
      fact("copy-made", "subject", kId, R"({"proven":-9223372036854775808,"cached":0})"),
      fact("copy-made", "subject", kId, R"({"proven":9223372036854775807,"cached":0})"),
      fact("copy-made", "subject", kId, R"({"proven":18446744073709551615,"cached":0})"),
      // It would be written into drive.json.
      fact("drive-renamed", "subject", "", R"({"label":""})"),
      fact("drive-renamed", "subject", "", R"({"label":")" + std::string(241, 'x') + R"("})"),
      fact("drive-added", "'" + kId + "'", "",
           R"({"label":"\u0000\u001b[2J","kind":"","note":"","catalog":"","place":"","clone_of":""})"),
      fact("shoot-keep", "subject", "", R"({"copies":0})"),
      fact("shoot-keep", "subject", "", R"({"copies":4294967296})"),
      fact("seal-planned", "subject", "",
           R"({"shoot":")" + kId + R"(","shoot_name":"","options":"","planned":1,"volumes":[{"volume":"x"}]})"),
      "DROP TRIGGER volumes_stay; UPDATE volumes SET bytes_on_drive = 9223372036854775807",
      "DROP TRIGGER volumes_stay; UPDATE volumes SET bytes_on_drive = -1",
      R"(UPDATE members SET xattrs = '{"user.a":1}')",
      R"(UPDATE members SET xattrs = '[1]')",
      "UPDATE members SET xattrs = 'x'",
      "ALTER TABLE facts RENAME TO f; CREATE VIEW facts AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
      "FROM n) SELECT f.id, writer, i AS sequence, time, sort, kind, subject, object, body FROM n, f",
  }));
  INFO(sql.substr(0, 400));
  TempDir temp;
  Machine one(temp / "1.db", 1);
  const io::Path copy = changed_copy(temp, sql);
  CHECK(merge_code(one.catalog, copy) == Code::kCorrupt);
  CHECK(fact_ids(temp / "1.db").empty());
  CHECK(one.catalog.volumes().empty());
  ask_everything(one.catalog);
}

TEST_CASE("hostile catalog: what is taken leaves everything answerable") {
  const std::string big = "9223372036854775807";
  const std::string sql = GENERATE_COPY(values<std::string>({
      fact("some-day", "'" + kId + "'", "x", R"({"of a later version":[1,2]})"),
      fact("drive-moved", "subject", "", R"({"place":""})"),
      fact("drive-added", "'" + kId + "'", "",
           R"({"label":"Y","kind":"\u0000\u001b[2J","note":"\u0000","catalog":"","place":"","clone_of":""})"),
      fact("drive-seen", "subject", "", R"({"evidence":{"bytes":-5,"path":"not base64"}})"),
      fact("policy-set", "'copies'", "", R"({"value":"-7"})"),
      fact("finding", "subject", kId,
           R"({"volume":"","kind":"","path":"p","path_b64":7,"first":-1,"count":18446744073709551615})"),
      fact("copy-scrubbed", "(SELECT uuid FROM volumes)", kId,
           R"({"ended":1,"first_slice":-1,"slice_count":)" + big + R"(,"health":"odd"})"),
  }));
  INFO(sql);
  TempDir temp;
  Machine one(temp / "1.db", 1);
  CHECK(merge_code(one.catalog, changed_copy(temp, sql)) == Code::kCancelled);
  CHECK(fact_ids(temp / "1.db").size() == 4);
  ask_everything(one.catalog);
}

TEST_CASE("hostile catalog: sizes that add up to more than a number holds do not end all answers") {
  TempDir temp;
  Machine one(temp / "1.db", 1);
  const core::Uuid drive = one.add_drive("X");
  for (std::uint64_t i = 1; i <= 3; ++i) {
    catalog::Volume volume = one.add_volume("s", one.catalog.writer(), i);
    one.catalog.record_copy(volume.info.volume, drive, one.world.now(), false);
  }
  // As bag-info on a drive may claim.
  change(temp / "1.db",
         "DROP TRIGGER volumes_stay; UPDATE volumes SET content_bytes = 9223372036854775807, photos = "
         "9223372036854775807, bytes_on_drive = 9223372036854775807, shoot = (SELECT shoot FROM volumes "
         "LIMIT 1)");
  ask_everything(one.catalog);
  CHECK(one.catalog.shoots().size() == 1);
  CHECK(one.catalog.drives().front().volumes == 3);
}

TEST_CASE("catalog: a copy of its own tells nothing of other volumes that were found or contradicted") {
  TempDir temp;
  Machine one(temp / "1.db", 1), two(temp / "2.db", 2);
  const core::Uuid lent = one.add_drive("lent");
  const catalog::Volume kept = one.add_volume("wedding", one.catalog.writer());
  one.catalog.record_copy(kept.info.volume, lent, one.world.now(), false);
  const catalog::Volume secret = two.add_volume("secret", one.world.new_id());  // of a third writer: found
  two.catalog.export_to(io::posix(), temp / "two.db", "full", lent);
  one.catalog.merge(temp / "two.db");
  // The same volume once more, with another seal: a conflict, which names its folder.
  change(temp / "two.db", "DROP TRIGGER volumes_stay");
  change(temp / "two.db",
         "UPDATE volumes SET tagmanifest = CAST('x' AS BLOB), seal = "
         "'2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'");
  one.catalog.merge(temp / "two.db");
  SQLite::Database db((temp / "1.db").string());
  REQUIRE(db.execAndGet("SELECT count(*) FROM facts WHERE kind IN ('volume-found', 'volume-conflict')").getInt() == 2);
  one.catalog.export_to(io::posix(), temp / "own.db", "own", lent);
  const std::string bytes(core::as_text(io::read_file(io::posix(), temp / "own.db", 1 << 24)));
  CHECK(bytes.find("wedding") != std::string::npos);
  CHECK(bytes.find("secret") == std::string::npos);
  CHECK(bytes.find(secret.info.volume.text()) == std::string::npos);
}

}  // namespace darkshelf::testing
