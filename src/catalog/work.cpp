// Folders being worked on; how long visits took; what was sealed, by content; tombstones.

#include <algorithm>
#include <map>

#include "catalog/state.hpp"
#include "core/text.hpp"

namespace darkshelf::catalog {

void Catalog::record_work_added(const std::string& path) {
  const std::vector<WorkFolder> known = work_folders();
  if (std::any_of(known.begin(), known.end(), [&](const WorkFolder& one) { return one.path == path; })) return;
  state_->record("work-added", state_->world.new_id().text(), "",
                 {{"path", core::printable(path)}, {"path_b64", core::to_base64(core::as_bytes(path))}});
}

void Catalog::record_work_removed(const Uuid& folder) {
  state_->record("work-removed", folder.text(), "", Json::object());
}

std::vector<WorkFolder> Catalog::work_folders() {
  return guarded(state_->path, [&] {
    auto rows = state_->query(
        "SELECT a.subject, a.body, a.time FROM facts a WHERE a.kind = 'work-added' AND a.writer = ?1 AND NOT EXISTS "
        "(SELECT 1 FROM facts r WHERE r.kind = 'work-removed' AND r.subject = a.subject AND r.writer = ?1)");
    rows.bind(1, state_->writer.text());
    std::vector<WorkFolder> folders;
    while (rows.executeStep()) {
      const Json body = parse_json(text_of(rows.getColumn(1)));
      const auto path = core::from_base64(json_text(body, "path_b64"));
      if (!path || path->empty()) continue;
      folders.push_back({uuid_from(text_of(rows.getColumn(0))), std::string(core::as_text(*path)),
                         time_from(rows.getColumn(2).getInt64())});
    }
    std::sort(folders.begin(), folders.end(),
              [](const WorkFolder& a, const WorkFolder& b) { return std::tie(a.path, a.id) < std::tie(b.path, b.id); });
    return folders;
  });
}

std::map<Uuid, std::vector<Visit>> Catalog::visits() {
  return guarded(state_->path, [&] {
    // Of a volume that was not read in full its share by slices.
    std::map<std::string, std::uint64_t> bytes;  // by the id of the visit
    auto reads = state_->query(R"sql(
      SELECT json_extract(r.body, '$.scrub') AS visit, CAST(total(v.bytes_on_drive * min(1.0,
        CASE WHEN v.slices = 0 THEN 1.0 ELSE 1.0 * json_extract(r.body, '$.slice_count') / v.slices END)) AS INTEGER)
      FROM facts r JOIN volumes v ON v.uuid = r.subject WHERE r.kind = 'copy-scrubbed' GROUP BY visit)sql");
    while (reads.executeStep()) {
      const std::int64_t sum = reads.getColumn(1).getInt64();
      bytes[text_of(reads.getColumn(0))] = sum > 0 ? static_cast<std::uint64_t>(sum) : 0;
    }
    auto rows =
        state_->query("SELECT subject, object, body FROM facts WHERE kind = 'drive-scrubbed' ORDER BY sort DESC");
    std::map<Uuid, std::vector<Visit>> visits;
    while (rows.executeStep()) {
      const Json body = parse_json(text_of(rows.getColumn(2)));
      Visit visit;
      visit.started = time_from(json_number(body, "started"));
      visit.ended = time_from(json_number(body, "ended"));
      visit.complete = json_number(body, "complete") != 0;
      visit.of_check = Uuid::parse(json_text(body, "check")).has_value();
      const auto read = bytes.find(text_of(rows.getColumn(1)));
      visit.bytes = read == bytes.end() ? 0 : read->second;
      visits[uuid_from(text_of(rows.getColumn(0)))].push_back(visit);
    }
    return visits;
  });
}

std::optional<Time> Catalog::lent_since(const Uuid& drive) {
  return guarded(state_->path, [&]() -> std::optional<Time> {
    auto row = state_->query("SELECT time FROM latest WHERE kind = 'drive-lent' AND subject = ?");
    row.bind(1, drive.text());
    if (!row.executeStep()) return {};
    return time_from(row.getColumn(0).getInt64());
  });
}

std::vector<std::uint64_t> Catalog::file_sizes() {
  return guarded(state_->path, [&] {
    auto rows = state_->query("SELECT bytes FROM members WHERE type = 0");
    std::vector<std::uint64_t> sizes;
    while (rows.executeStep()) {
      sizes.push_back(static_cast<std::uint64_t>(rows.getColumn(0).getInt64()));
      constexpr std::size_t kMany = 1 << 20;
      if (sizes.size() % kMany != 0) continue;
      std::sort(sizes.begin(), sizes.end());
      sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    }
    std::sort(sizes.begin(), sizes.end());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    return sizes;
  });
}

namespace {

std::optional<Catalog::Tombstone> tombstone(Ledger& state, const char* kind, const Uuid& subject) {
  return guarded(state.path, [&]() -> std::optional<Catalog::Tombstone> {
    auto row = state.query("SELECT body, time FROM facts WHERE kind = ? AND subject = ? ORDER BY sort DESC LIMIT 1");
    row.bind(1, kind);
    row.bind(2, subject.text());
    if (!row.executeStep()) return {};
    return Catalog::Tombstone{json_text(parse_json(text_of(row.getColumn(0))), "reason"),
                              time_from(row.getColumn(1).getInt64())};
  });
}

}  // namespace

std::optional<Catalog::Tombstone> Catalog::tombstone_of_shoot(const Uuid& shoot) {
  return tombstone(*state_, "shoot-discarded", shoot);
}
std::optional<Catalog::Tombstone> Catalog::tombstone_of_volume(const Uuid& volume) {
  return tombstone(*state_, "copy-gone", volume);
}

}  // namespace darkshelf::catalog
