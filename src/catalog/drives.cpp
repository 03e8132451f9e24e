#include <fmt/format.h>

#include <algorithm>

#include "catalog/state.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::catalog {

using core::Code;
using core::Error;

namespace {

bool same_ignoring_case(const std::string& a, const std::string& b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

struct StateName {
  DriveState state;
  const char* name;  // as people say it
  const char* mark;  // as `drive mark` takes it, "" if it cannot be marked
};
constexpr StateName kStates[] = {{DriveState::kOnShelf, "on the shelf", "found"},
                                 {DriveState::kLent, "lent", ""},
                                 {DriveState::kLost, "lost", "lost"},
                                 {DriveState::kFailed, "failed", "failed"},
                                 {DriveState::kRetired, "retired", "retired"},
                                 {DriveState::kDestroyed, "destroyed", "destroyed"}};

DriveState state_from(const std::string& marked, const std::string& lent_to) {
  for (const StateName& candidate : kStates) {
    if (candidate.state != DriveState::kOnShelf && marked == candidate.mark && *candidate.mark != '\0')
      return candidate.state;
  }
  return lent_to.empty() ? DriveState::kOnShelf : DriveState::kLent;
}

Drive drive_from(SQLite::Statement& row) {
  Drive drive;
  drive.id = uuid_from(text_of(row.getColumn("id")));
  const Json body = parse_json(text_of(row.getColumn("body")));
  drive.label = text_of(row.getColumn("label"));
  drive.kind = json_text(body, "kind");
  drive.note = json_text(body, "note");
  drive.catalog_mode = json_text(body, "catalog");
  drive.place = maybe_uuid(text_of(row.getColumn("place")));
  drive.place_name = text_of(row.getColumn("place_name"));
  drive.offsite = row.getColumn("offsite").getInt() != 0;
  drive.lent_to = text_of(row.getColumn("lent_to"));
  drive.state = state_from(text_of(row.getColumn("marked")), drive.lent_to);
  if (drive.state != DriveState::kLent) drive.lent_to.clear();
  if (!row.getColumn("evidence").isNull())
    drive.evidence = evidence_from(parse_json(text_of(row.getColumn("evidence"))));
  drive.added = time_from(row.getColumn("added").getInt64());
  drive.last_seen = time_from(row.getColumn("last_seen").getInt64());
  drive.here = row.getColumn("here").getInt() != 0;
  drive.adopted = json_number(body, "adopted") != 0;
  drive.volumes = static_cast<std::uint64_t>(row.getColumn("volumes").getInt64());
  drive.bytes = static_cast<std::uint64_t>(row.getColumn("bytes").getInt64());
  return drive;
}

constexpr const char* kDrives = R"sql(
  SELECT d.*, p.name AS place_name, p.offsite AS offsite, coalesce(c.volumes, 0) AS volumes, CAST(coalesce(c.bytes, 0) AS INTEGER) AS bytes
  FROM drives_now d LEFT JOIN places_now p ON p.id = d.place
  LEFT JOIN (SELECT f.object AS drive, count(*) AS volumes, total(v.bytes_on_drive) AS bytes
    FROM facts f JOIN volumes v INDEXED BY volumes_by_weight ON v.uuid = f.subject
    WHERE f.kind = 'copy-made' AND f.sort = (SELECT max(g.sort) FROM facts g
      WHERE g.kind IN ('copy-made', 'copy-gone') AND g.subject = f.subject AND g.object = f.object)
    GROUP BY f.object) c ON c.drive = d.id
  ORDER BY d.label, d.id)sql";

}  // namespace

std::string_view name_of(DriveState state) {
  for (const StateName& candidate : kStates) {
    if (candidate.state == state) return candidate.name;
  }
  return "";
}

Place Catalog::record_place(const std::string& name, bool offsite, const std::string& note) {
  Place place{state_->world.new_id(), name, note, offsite};
  state_->record("place-added", place.id.text(), "", {{"name", name}, {"offsite", offsite ? 1 : 0}, {"note", note}});
  return place;
}

void Catalog::record_place_renamed(const Uuid& place, const std::string& name) {
  state_->record("place-renamed", place.text(), "", {{"name", name}});
}

std::vector<Place> Catalog::places() {
  return guarded(state_->path, [&] {
    std::vector<Place> places;
    auto rows = state_->query("SELECT id, name, note, offsite FROM places_now ORDER BY name, id");
    while (rows.executeStep()) {
      places.push_back({uuid_from(text_of(rows.getColumn(0))), text_of(rows.getColumn(1)), text_of(rows.getColumn(2)),
                        rows.getColumn(3).getInt() != 0});
    }
    return places;
  });
}

std::optional<Place> Catalog::find_place(const std::string& name) {
  std::optional<Place> found;
  for (Place& place : places()) {
    if (place.name == name) return place;
    if (!same_ignoring_case(place.name, name)) continue;
    if (found)
      throw Error(Code::kUsage, fmt::format("\"{}\" could be {} or {}", core::printable(name), found->name, place.name),
                  "type it exactly");
    found = std::move(place);
  }
  return found;
}

void Catalog::record_drive(const NewDrive& drive) {
  Json body = {{"label", drive.label},
               {"kind", drive.kind},
               {"note", drive.note},
               {"catalog", drive.catalog_mode},
               {"place", drive.place ? drive.place->text() : ""},
               {"clone_of", drive.clone_of ? drive.clone_of->text() : ""},
               {"evidence", to_json(drive.evidence)}};
  if (drive.adopted) body["adopted"] = 1;
  state_->record("drive-added", drive.id.text(), "", body);
}

void Catalog::record_drive_renamed(const Uuid& drive, const std::string& label) {
  state_->record("drive-renamed", drive.text(), "", {{"label", label}});
}
void Catalog::record_drive_moved(const Uuid& drive, const Uuid& place) {
  state_->record("drive-moved", drive.text(), "", {{"place", place.text()}});
}
void Catalog::record_drive_lent(const Uuid& drive, const std::string& to) {
  state_->record("drive-lent", drive.text(), "", {{"to", to}});
}
void Catalog::record_drive_returned(const Uuid& drive) {
  state_->record("drive-returned", drive.text(), "", Json::object());
}

void Catalog::record_drive_marked(const Uuid& drive, const std::string& state) {
  for (const StateName& candidate : kStates) {
    if (state == candidate.mark && *candidate.mark != '\0')
      return state_->record("drive-marked", drive.text(), "", {{"state", state}});
  }
  throw Error(Code::kUsage, fmt::format("a drive can be marked lost, failed, retired, destroyed or found, not \"{}\"",
                                        core::printable(state)));
}

void Catalog::record_drive_seen(const Uuid& drive, const Evidence& evidence) {
  state_->record("drive-seen", drive.text(), "", {{"evidence", to_json(evidence)}});
}
void Catalog::record_drive_accepted(const Uuid& drive, const Evidence& evidence, const std::string& as) {
  state_->record("drive-accepted", drive.text(), "", {{"evidence", to_json(evidence)}, {"as", as}});
}

std::vector<Drive> Catalog::drives() {
  return guarded(state_->path, [&] {
    std::vector<Drive> drives;
    auto rows = state_->query(kDrives);
    while (rows.executeStep()) drives.push_back(drive_from(rows));
    return drives;
  });
}

std::vector<std::string> Catalog::paths_seen() {
  return guarded(state_->path, [&] {
    auto rows = state_->query(
        "SELECT DISTINCT json_extract(body, '$.evidence.path') FROM facts WHERE writer = ? AND kind IN ('drive-added', "
        "'drive-accepted', 'drive-seen')");
    rows.bind(1, state_->writer.text());
    std::vector<std::string> paths;
    while (rows.executeStep()) {
      const auto path = core::from_base64(text_of(rows.getColumn(0)));
      if (path && !path->empty()) paths.emplace_back(core::as_text(*path));
    }
    return paths;
  });
}

std::optional<Drive> Catalog::drive(const Uuid& id) {
  for (Drive& drive : drives()) {
    if (drive.id == id) return std::move(drive);
  }
  return {};
}

std::optional<Drive> Catalog::find_drive(const std::string& text) {
  constexpr std::size_t kShortestId = 4;
  const std::vector<Drive> all = drives();
  const auto pick = [&](const auto& fits) -> std::optional<Drive> {
    std::vector<Drive> found;
    std::copy_if(all.begin(), all.end(), std::back_inserter(found), fits);
    if (found.empty()) return {};
    if (found.size() == 1) return found.front();
    std::string names;
    for (const Drive& drive : found) names += fmt::format("\n  {}  {}", drive.id.text(), core::printable(drive.label));
    throw Error(Code::kUsage,
                fmt::format("\"{}\" could be any of these drives; give the id:{}", core::printable(text), names));
  };
  if (const auto exact = pick([&](const Drive& drive) { return drive.label == text || drive.id.text() == text; }))
    return exact;
  if (const auto near = pick([&](const Drive& drive) { return same_ignoring_case(drive.label, text); })) return near;
  if (text.size() < kShortestId) return {};
  return pick([&](const Drive& drive) { return drive.id.text().starts_with(text); });
}

std::map<std::string, std::string> Catalog::policy() {
  return guarded(state_->path, [&] {
    std::map<std::string, std::string> policy;
    auto rows = state_->query("SELECT subject, json_extract(body, '$.value') FROM latest WHERE kind = 'policy-set'");
    while (rows.executeStep()) policy[text_of(rows.getColumn(0))] = text_of(rows.getColumn(1));
    return policy;
  });
}

void Catalog::record_policy(const std::map<std::string, std::string>& changes) {
  guarded(state_->path, [&] {
    SQLite::Transaction transaction(*state_->db);
    for (const auto& [key, value] : changes) state_->add_fact("policy-set", key, "", {{"value", value}});
    transaction.commit();
  });
}

}  // namespace darkshelf::catalog
