// Wear of disks as facts, and what one catalog file remembers for itself.

#include <catch2/catch.hpp>

#include "unit/catalog/machine.hpp"

namespace darkshelf::testing {

TEST_CASE("catalog: wear is kept visit by visit, newest first, and begins anew on another medium") {
  TempDir temp;
  Machine machine(temp / "c.db", 1);
  Catalog& catalog = machine.catalog;
  const core::Uuid a = machine.add_drive("A"), b = machine.add_drive("B");
  CHECK(catalog.wear(a).empty());
  catalog::Wear wear;
  wear.read = machine.world.now();
  wear.model = "WDC \x1b[31m";
  wear.serial = "S1";
  wear.passed = true;
  wear.counts = {{"reallocated", 12}, {"power_on_hours", 34'120}};
  catalog.record_wear(a, wear);
  wear.counts["reallocated"] = 13;
  wear.passed.reset();
  catalog.record_wear(a, wear);
  REQUIRE(catalog.wear(a).size() == 2);
  CHECK(catalog.wear(b).empty());
  const catalog::Wear last = catalog.wear(a).front(), first = catalog.wear(a).back();
  CHECK(last.count("reallocated") == 13u);
  CHECK_FALSE(last.passed);
  CHECK(first.count("reallocated") == 12u);
  CHECK(first.passed == true);
  CHECK(first.read == wear.read);
  CHECK(first.serial == "S1");
  CHECK(first.model == "WDC \\x1B[31m");
  CHECK_FALSE(first.count("pending"));
  catalog.record_drive_accepted(a, {}, "moved");
  CHECK(catalog.wear(a).empty());

  // Of drives of others a copy of mode "own" tells nothing.
  catalog.record_wear(b, wear);
  catalog.export_to(io::posix(), temp / "own.db", "own", a);
  Machine other(temp / "other.db", 2);
  other.catalog.merge(temp / "own.db");
  CHECK(other.catalog.wear(b).empty());
}

TEST_CASE("catalog: what a file remembers is neither merged nor copied") {
  TempDir temp;
  Machine machine(temp / "c.db", 1), other(temp / "other.db", 2);
  CHECK(machine.catalog.remembered("x").empty());
  machine.catalog.remember("x", "1");
  machine.catalog.remember("x", "2");
  CHECK(machine.catalog.remembered("x") == "2");
  machine.catalog.export_to(io::posix(), temp / "copy.db", "full", machine.add_drive("A"));
  CHECK(SQLite::Database((temp / "copy.db").string()).execAndGet("SELECT count(*) FROM meta").getInt() == 1);
  other.catalog.merge(temp / "copy.db");
  CHECK(other.catalog.remembered("x").empty());
  CHECK(machine.catalog.verify().empty());
}

TEST_CASE("catalog: what another file knows that is not known here is counted, and nothing is taken") {
  TempDir temp;
  Machine machine(temp / "c.db", 1), other(temp / "other.db", 2);
  other.add_drive("B");
  other.add_volume("wedding", other.catalog.writer());
  other.catalog.export_to(io::posix(), temp / "copy.db", "full", other.add_drive("A"));
  const auto unknown = machine.catalog.unknown_in(temp / "copy.db");
  CHECK(unknown.facts == fact_ids(temp / "copy.db").size());
  CHECK(unknown.volumes == 1);
  CHECK(machine.catalog.drives().empty());
  machine.catalog.merge(temp / "copy.db");
  CHECK(machine.catalog.unknown_in(temp / "copy.db").facts == 0);
  CHECK(machine.catalog.unknown_in(temp / "copy.db").volumes == 0);
  CHECK_THROWS_AS(machine.catalog.unknown_in("/etc/passwd"), core::Error);
}

}  // namespace darkshelf::testing
