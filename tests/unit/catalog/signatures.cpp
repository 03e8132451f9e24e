// Keys, signatures and numbers of seals in the catalog, and what a merge may not bring.

#include <catch2/catch.hpp>

#include "unit/catalog/machine.hpp"

namespace darkshelf::testing {
namespace {

namespace fm = formats::minisig;

catalog::KnownKey key_of(std::uint8_t number, const std::string& name) {
  catalog::KnownKey key;
  key.key.id.fill(std::byte{number});
  key.key.key.fill(std::byte{number});
  key.name = name;
  return key;
}

fm::Signature signature_by(const catalog::KnownKey& key) {
  fm::Signature signature;
  signature.id = key.key.id;
  signature.comment = "x";
  signature.trusted_comment = "y";
  return signature;
}

}  // namespace

TEST_CASE("catalog keys: what was said last of a key holds") {
  TempDir temp;
  Machine machine(temp / "c.db", 1);
  Catalog& catalog = machine.catalog;
  CHECK(catalog.keys().empty());
  catalog.record_key(key_of(1, "Anna"));
  catalog.record_key(key_of(2, "Paul"));
  catalog::KnownKey renamed = key_of(1, "Anna Meyer");
  catalog.record_key(renamed);
  REQUIRE(catalog.keys().size() == 2);
  CHECK(catalog.keys()[0].name == "Anna Meyer");
  CHECK(catalog.keys()[0].trusted);
  CHECK(catalog.keys()[0].key.id == renamed.key.id);
  CHECK(catalog.keys()[0].key.key == renamed.key.key);
  renamed.trusted = false;
  catalog.record_key(renamed);
  CHECK_FALSE(catalog.keys()[0].trusted);
  CHECK(catalog.keys()[0].told_here);
  CHECK(catalog.keys()[1].trusted);
  CHECK(catalog.verify().empty());
}

TEST_CASE("catalog keys: trust does not travel, only hearsay does") {
  TempDir temp;
  Machine one(temp / "1.db", 1), two(temp / "2.db", 2);
  two.catalog.record_key(key_of(7, "Mallory"));
  const core::Uuid drive = two.add_drive("A");
  two.catalog.export_to(io::posix(), temp / "theirs.db", "full", drive);
  one.catalog.merge(temp / "theirs.db");
  REQUIRE(one.catalog.keys().size() == 1);
  CHECK_FALSE(one.catalog.keys()[0].trusted);
  CHECK_FALSE(one.catalog.keys()[0].told_here);
  CHECK(one.catalog.keys()[0].name == "Mallory");

  // Nor when the fact says that this very catalog recorded it.
  const std::string me = one.catalog.writer().text();
  change(temp / "theirs.db",
         "DROP TRIGGER facts_stay; UPDATE facts SET writer = '" + me +
             "', sequence = sequence + 1000, id = '00000000-0000-4000-8000-000000000001' WHERE kind "
             "= 'key-trusted'");
  one.catalog.merge(temp / "theirs.db");
  REQUIRE(one.catalog.keys().size() == 1);
  CHECK_FALSE(one.catalog.keys()[0].trusted);

  // What is told here wins over hearsay, in whatever order.
  one.catalog.record_key(key_of(7, "Moritz"));
  two.catalog.record_key(key_of(7, "Mallory again"));
  two.catalog.export_to(io::posix(), temp / "later.db", "full", drive);
  one.catalog.merge(temp / "later.db");
  REQUIRE(one.catalog.keys().size() == 1);
  CHECK(one.catalog.keys()[0].trusted);
  CHECK(one.catalog.keys()[0].name == "Moritz");
}

TEST_CASE("catalog keys: facts about keys, signatures and numbers that make no sense are refused") {
  TempDir temp;
  Machine one(temp / "1.db", 1);
  for (const char* hostile :
       {"'key-trusted', 'Anna', '', '{}'", "'key-trusted', '0101010101010101', '', '{\"name\":\"\",\"trusted\":1}'",
        "'key-trusted', '0101010101010101', printf('%064d', 0), '{\"name\":7,\"trusted\":1}'",
        "'copy-signed', id, 'A', '{\"key\":\"\",\"signature\":\"\"}'", "'copy-signed', id, id, '{\"key\":\"\"}'",
        "'seal-numbered', id, id, '{\"previous\":\"\",\"sequence\":0}'",
        "'seal-numbered', id, id, '{\"previous\":\"\",\"sequence\":1000000000000}'",
        "'seal-numbered', id, id, '{\"sequence\":1}'"}) {
    INFO(hostile);
    TempDir other;
    Machine two(other / "2.db", 2);
    two.add_drive("A");
    two.catalog.export_to(io::posix(), other / "x.db", "full", two.world.new_id());
    change(other / "x.db",
           std::string("INSERT INTO facts (id, writer, sequence, time, sort, kind, subject, object, body) "
                       "SELECT '00000000-0000-4000-8000-000000000001', writer, 500, time, '', ") +
               hostile + " FROM facts LIMIT 1");
    CHECK(merge_code(one.catalog, other / "x.db") == Code::kCorrupt);
  }
}

TEST_CASE("catalog signatures: a copy that was made anew is not the one that was signed") {
  TempDir temp;
  Machine machine(temp / "c.db", 1);
  Catalog& catalog = machine.catalog;
  const core::Uuid a = machine.add_drive("A"), b = machine.add_drive("B");
  const catalog::Volume volume = machine.add_volume("wedding", catalog.writer());
  const core::Uuid id = volume.info.volume;
  const fm::Signature signature = signature_by(key_of(3, "Anna"));
  for (const core::Uuid& drive : {a, b}) catalog.record_copy(id, drive, machine.world.now(), false);
  catalog.record_signature(id, a, signature);
  REQUIRE(catalog.signatures_of(id).size() == 1);
  CHECK(catalog.signatures_of(id)[0].drive == a);
  CHECK(catalog.signatures_of(id)[0].expected);
  CHECK(catalog.signatures_of(id)[0].text == fm::encode_signature(signature));
  CHECK(catalog.signing_keys_on(a) == std::vector<std::string>{fm::text_of(signature.id)});
  CHECK(catalog.signing_keys_on(b).empty());
  catalog.record_copy(id, a, machine.world.now(), false);
  CHECK_FALSE(catalog.signatures_of(id)[0].expected);
  catalog.record_signature(id, a, signature);
  CHECK(catalog.signatures_of(id)[0].expected);
  catalog.record_copy_gone(id, a, "discarded");
  REQUIRE(catalog.signatures_of(id).size() == 1);  // the text is still known
  CHECK_FALSE(catalog.signatures_of(id)[0].expected);
  // A drive's own copy carries what concerns its volumes.
  catalog.record_signature(id, b, signature);
  catalog.record_key(key_of(3, "Anna"));
  machine.add_volume("not on B", catalog.writer(), 2);
  catalog.export_to(io::posix(), temp / "own.db", "own", b);
  Machine other(temp / "other.db", 2);
  other.catalog.merge(temp / "own.db");
  CHECK(other.catalog.signatures_of(id).size() == 2);
  CHECK(other.catalog.keys().size() == 1);
}

TEST_CASE("catalog numbers: a volume keeps its number, and no other gets it") {
  TempDir temp;
  Machine machine(temp / "c.db", 1);
  Catalog& catalog = machine.catalog;
  const core::Uuid group = machine.world.new_id(), one = machine.world.new_id(), two = machine.world.new_id();
  using Number = std::pair<std::uint64_t, std::string>;
  CHECK(catalog.number_seal(group, one) == Number(1, ""));
  CHECK(catalog.number_seal(group, two) == Number(2, ""));  // the first was not finished yet
  CHECK(catalog.number_seal(group, one) == Number(1, ""));
  const catalog::Volume sealed = machine.add_volume("wedding", catalog.writer(), 2);
  CHECK(catalog.next_seal() == Number(3, core::to_hex(sealed.seal)));
  CHECK(catalog.number_seal(machine.world.new_id(), machine.world.new_id()) == Number(3, core::to_hex(sealed.seal)));
  CHECK(catalog.numbered_seals().size() == 3);
}

}  // namespace darkshelf::testing
