// Keys that are trusted, signatures that were seen on drives, and the running numbers of seals.

#include <algorithm>

#include "catalog/state.hpp"
#include "core/text.hpp"

namespace darkshelf::catalog {

namespace fm = formats::minisig;

namespace {

std::optional<fm::PublicKey> key_from(const std::string& id, const std::string& hex) {
  const auto bytes = core::digest_from_hex<32>(hex);
  auto id_bytes = core::digest_from_hex<8>(id);
  if (!bytes || !id_bytes) return {};
  fm::PublicKey key;
  std::reverse_copy(id_bytes->begin(), id_bytes->end(), key.id.begin());
  key.key = *bytes;
  return key;
}

}  // namespace

void Catalog::record_key(const KnownKey& key) {
  state_->record("key-trusted", fm::text_of(key.key.id), core::to_hex(key.key.key),
                 {{"name", core::printable(key.name)}, {"trusted", key.trusted ? 1 : 0}});
}

std::vector<KnownKey> Catalog::keys() {
  return guarded(state_->path, [&] {
    // Of what others say about a key only the name is taken, and that as what it is.
    auto rows = state_->query(
        "SELECT subject, object, json_extract(body, '$.name'), json_extract(body, '$.trusted'), time, writer, "
        "max(sort) FROM facts WHERE kind = 'key-trusted' GROUP BY subject, object, writer = ?1 "
        "ORDER BY subject, object, writer = ?1 DESC");
    rows.bind(1, state_->writer.text());
    std::vector<KnownKey> keys;
    while (rows.executeStep()) {
      auto key = key_from(text_of(rows.getColumn(0)), text_of(rows.getColumn(1)));
      if (!key || (!keys.empty() && keys.back().key.id == key->id && keys.back().key.key == key->key)) continue;
      KnownKey known;
      known.key = *key;
      known.name = text_of(rows.getColumn(2));
      known.told_here = text_of(rows.getColumn(5)) == state_->writer.text();
      known.trusted = known.told_here && rows.getColumn(3).getInt64() == 1;
      known.since = time_from(rows.getColumn(4).getInt64());
      known.key.comment = "public key " + fm::text_of(key->id) + " of " + core::printable(known.name);
      keys.push_back(std::move(known));
    }
    return keys;
  });
}

void Catalog::record_signature(const Uuid& volume, const Uuid& drive, const fm::Signature& signature) {
  state_->record("copy-signed", volume.text(), drive.text(),
                 {{"key", fm::text_of(signature.id)}, {"signature", fm::encode_signature(signature)}});
}

std::vector<KnownSignature> Catalog::signatures_of(const Uuid& volume) {
  return guarded(state_->path, [&] {
    auto rows = state_->query(
        "SELECT l.object, json_extract(l.body, '$.signature'), c.sort IS NOT NULL AND c.sort < l.sort FROM latest l "
        "LEFT JOIN copies_now c ON c.volume = l.subject AND c.drive = l.object "
        "WHERE l.kind = 'copy-signed' AND l.subject = ? ORDER BY l.sort DESC");
    rows.bind(1, volume.text());
    std::vector<KnownSignature> found;
    while (rows.executeStep()) {
      const auto drive = Uuid::parse(text_of(rows.getColumn(0)));
      if (drive) found.push_back({*drive, text_of(rows.getColumn(1)), rows.getColumn(2).getInt() != 0});
    }
    return found;
  });
}

std::vector<std::string> Catalog::signing_keys_on(const Uuid& drive) {
  return guarded(state_->path, [&] {
    auto rows = state_->query(
        "SELECT DISTINCT json_extract(body, '$.key') FROM latest WHERE kind = 'copy-signed' AND object = ? ORDER BY 1");
    rows.bind(1, drive.text());
    std::vector<std::string> ids;
    while (rows.executeStep()) ids.push_back(text_of(rows.getColumn(0)));
    return ids;
  });
}

std::pair<std::uint64_t, std::string> Catalog::next_seal() {
  return guarded(state_->path, [&] {
    auto rows = state_->query(
        "SELECT max((SELECT count(*) FROM facts WHERE kind = 'volume-sealed' AND writer = ?1), "
        "coalesce((SELECT max(json_extract(body, '$.sequence')) FROM facts WHERE kind = 'seal-numbered' AND writer = "
        "?1), 0)), (SELECT json_extract(body, '$.seal') FROM facts WHERE kind = 'volume-sealed' AND writer = ?1 "
        "ORDER BY sequence DESC LIMIT 1)");
    rows.bind(1, state_->writer.text());
    rows.executeStep();
    return std::pair(static_cast<std::uint64_t>(rows.getColumn(0).getInt64()) + 1, text_of(rows.getColumn(1)));
  });
}

std::pair<std::uint64_t, std::string> Catalog::number_seal(const Uuid& group, const Uuid& volume) {
  const auto given = guarded(state_->path, [&]() -> std::optional<std::pair<std::uint64_t, std::string>> {
    auto rows = state_->query(
        "SELECT json_extract(body, '$.sequence'), json_extract(body, '$.previous') FROM facts "
        "WHERE kind = 'seal-numbered' AND subject = ? AND object = ? AND writer = ? ORDER BY sort DESC LIMIT 1");
    rows.bind(1, group.text());
    rows.bind(2, volume.text());
    rows.bind(3, state_->writer.text());
    if (!rows.executeStep()) return {};
    return std::pair(static_cast<std::uint64_t>(rows.getColumn(0).getInt64()), text_of(rows.getColumn(1)));
  });
  if (given) return *given;
  const auto next = next_seal();
  state_->record("seal-numbered", group.text(), volume.text(), {{"sequence", next.first}, {"previous", next.second}});
  return next;
}

std::vector<NumberedSeal> Catalog::numbered_seals() {
  return guarded(state_->path, [&] {
    auto rows = state_->query(
        "SELECT writer, json_extract(body, '$.sequence'), object FROM facts WHERE kind = 'seal-numbered'");
    std::vector<NumberedSeal> found;
    while (rows.executeStep()) {
      found.push_back({uuid_from(text_of(rows.getColumn(0))), static_cast<std::uint64_t>(rows.getColumn(1).getInt64()),
                       uuid_from(text_of(rows.getColumn(2)))});
    }
    return found;
  });
}

}  // namespace darkshelf::catalog
