// Copies and what was read of them; seal plans; scrubs and their findings.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "catalog/state.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::catalog {

namespace {

struct HealthName {
  CopyHealth health;
  const char* name;
};
constexpr HealthName kHealths[] = {{CopyHealth::kGood, "good"},
                                   {CopyHealth::kDamaged, "damaged"},
                                   {CopyHealth::kUnrepairable, "unrepairable"},
                                   {CopyHealth::kMissing, "missing"}};

const char* name_of(CopyHealth health) {
  for (const HealthName& candidate : kHealths) {
    if (candidate.health == health) return candidate.name;
  }
  return "";
}

CopyHealth health_from(const std::string& name) {
  for (const HealthName& candidate : kHealths) {
    if (name == candidate.name) return candidate.health;
  }
  return CopyHealth::kDamaged;
}

/// When each slice was read last; the check of the whole copy is as old as the oldest of them.
class LastReads {
 public:
  explicit LastReads(std::uint32_t slices) { ranges_[0] = {slices, {}}; }

  void read(std::uint32_t first, std::uint32_t count, Time when) {
    std::map<std::uint32_t, Range> next;
    const std::uint32_t end = first + std::min(count, ~first);
    for (const auto& [begin, range] : ranges_) {
      const std::uint32_t inner_begin = std::max(begin, first), inner_end = std::min(range.end, end);
      if (inner_begin >= inner_end) {
        next[begin] = range;
        continue;
      }
      if (begin < inner_begin) next[begin] = {inner_begin, range.when};
      next[inner_begin] = {inner_end, when};
      if (inner_end < range.end) next[inner_end] = {range.end, range.when};
    }
    ranges_ = std::move(next);
  }
  void everything_else(Time when) { rest_ = when; }

  std::optional<Time> oldest() const {
    std::optional<Time> oldest = rest_;
    for (const auto& [begin, range] : ranges_) {
      if (begin == range.end) continue;
      if (!range.when || !oldest) return {};
      oldest = std::min(*oldest, *range.when);
    }
    return oldest;
  }
  std::optional<Time> newest() const {
    std::optional<Time> newest = rest_;
    for (const auto& [begin, range] : ranges_) {
      if (begin != range.end) newest = std::max(newest, range.when);
    }
    return newest;
  }

  Unread never() const {
    Unread unread;
    for (const auto& [begin, range] : ranges_) {
      if (begin == range.end || range.when) continue;
      if (!unread.slices.empty() && unread.slices.back().first + unread.slices.back().count == begin) {
        unread.slices.back().count += range.end - begin;
      } else {
        unread.slices.push_back({begin, range.end - begin});
      }
    }
    unread.everything_else = !rest_;
    return unread;
  }

 private:
  struct Range {
    std::uint32_t end = 0;
    std::optional<Time> when;
  };
  std::map<std::uint32_t, Range> ranges_;
  std::optional<Time> rest_;
};

/// Everything that was seen of one copy since it was made, oldest first.
Copy copy_from(Ledger& state, const std::string& volume, const std::string& drive, std::uint32_t slices) {
  Copy copy;
  copy.volume = uuid_from(volume);
  copy.drive = uuid_from(drive);
  LastReads reads(slices);
  auto rows = state.query(
      "SELECT kind, body, time FROM facts WHERE subject = ?1 AND object = ?2 AND kind IN ('copy-made', 'copy-gone', "
      "'copy-scrubbed', 'copy-repaired') "
      "ORDER BY sort");
  rows.bind(1, volume);
  rows.bind(2, drive);
  while (rows.executeStep()) {
    const std::string kind = text_of(rows.getColumn(0));
    const Json body = parse_json(text_of(rows.getColumn(1)));
    if (kind == "copy-made") {
      copy.made = time_from(json_number(body, "proven"));
      const bool unread = json_number(body, "unread") != 0;
      copy.readback_cached = json_number(body, "cached") != 0 && !unread;
      copy.health = CopyHealth::kGood;
      const auto folder = core::from_base64(json_text(body, "folder_b64"));
      copy.folder = folder ? std::string(core::as_text(*folder)) : "";
      copy.names_only = json_number(body, "names_only") != 0;
      reads = LastReads(slices);
      if (!copy.readback_cached && !copy.names_only && !unread) {
        reads.read(0, slices, copy.made);
        reads.everything_else(copy.made);
      }
    } else if (kind == "copy-scrubbed") {
      const Time when = time_from(json_number(body, "ended"));
      const auto first = static_cast<std::uint32_t>(json_number(body, "first_slice"));
      const auto count = static_cast<std::uint32_t>(json_number(body, "slice_count"));
      const bool rest = json_number(body, "everything_else") != 0;
      // What a scrub did not look at it cannot have found healed.
      const CopyHealth found = health_from(json_text(body, "health"));
      copy.health = rest && first == 0 && count >= slices ? found : std::max(copy.health, found);
      if (json_number(body, "undated") != 0) continue;  // as old as before, for all that anybody knows
      reads.read(first, count, when);
      if (rest) reads.everything_else(when);
    } else if (kind == "copy-repaired") {
      copy.health = CopyHealth::kGood;
    }
  }
  copy.checked = reads.oldest();
  copy.latest_read = reads.newest();
  return copy;
}

std::vector<Copy> copies_where(Ledger& state, const std::string& volume, Volumes which) {
  // Of one volume the facts about it alone are looked at: SQLite would make the whole view first.
  const char* of_one =
      "(SELECT f.subject AS volume, f.object AS drive FROM facts f WHERE f.kind = 'copy-made' AND f.subject = ?1 AND "
      "f.sort = (SELECT max(g.sort) FROM facts g WHERE g.kind IN ('copy-made', 'copy-gone') AND g.subject = f.subject "
      "AND g.object = f.object))";
  auto rows = state.query(fmt::format(
      "SELECT c.volume, c.drive, v.slices FROM {} c JOIN volumes v ON v.uuid = c.volume JOIN drives_now d ON d.id = "
      "c.drive WHERE {} ORDER BY c.volume, d.label, c.drive",
      volume.empty() ? "copies_now" : of_one, among(which)));
  if (!volume.empty()) rows.bind(1, volume);
  std::vector<Copy> copies;
  while (rows.executeStep()) {
    copies.push_back(copy_from(state, text_of(rows.getColumn(0)), text_of(rows.getColumn(1)),
                               static_cast<std::uint32_t>(rows.getColumn(2).getInt64())));
  }
  return copies;
}

Finding finding_from(const Uuid& drive, const Json& body) {
  Finding finding;
  finding.drive = drive;
  finding.volume = maybe_uuid(json_text(body, "volume"));
  finding.kind = json_text(body, "kind");
  const auto path = core::from_base64(json_text(body, "path_b64"));
  finding.path = path ? std::string(core::as_text(*path)) : json_text(body, "path");
  finding.first = static_cast<std::uint64_t>(json_number(body, "first"));
  finding.count = static_cast<std::uint64_t>(json_number(body, "count"));
  finding.detail = json_text(body, "detail");
  return finding;
}

}  // namespace

void Catalog::record_copy(const Uuid& volume, const Uuid& drive, Time proven, bool readback_cached) {
  state_->record("copy-made", volume.text(), drive.text(),
                 {{"proven", to_ns(proven)}, {"cached", readback_cached ? 1 : 0}});
}
void Catalog::record_unread_copy(const Uuid& volume, const Uuid& drive, Time found) {
  state_->record("copy-made", volume.text(), drive.text(), {{"proven", to_ns(found)}, {"cached", 1}, {"unread", 1}});
}
void Catalog::record_adopted_copy(const Uuid& volume, const Uuid& drive, Time read, const std::string& folder,
                                  Taken how) {
  Json body = {{"proven", to_ns(read)}, {"cached", 0}, {"folder_b64", core::to_base64(core::as_bytes(folder))}};
  if (how == Taken::kNamesOnly) body["names_only"] = 1;
  state_->record("copy-made", volume.text(), drive.text(), body);
}
void Catalog::record_copy_gone(const Uuid& volume, const Uuid& drive, const std::string& reason) {
  state_->record("copy-gone", volume.text(), drive.text(), {{"reason", reason}});
}

std::vector<Copy> Catalog::copies(Volumes which) {
  return guarded(state_->path, [&] { return copies_where(*state_, "", which); });
}
std::vector<Copy> Catalog::copies_of(const Uuid& volume) {
  return guarded(state_->path, [&] { return copies_where(*state_, volume.text(), Volumes::kAll); });
}
Unread Catalog::unread_in(const Uuid& check, const Volume& volume, const Uuid& drive) {
  return guarded(state_->path, [&] {
    auto rows = state_->query(R"sql(
      SELECT f.kind, f.body, coalesce((SELECT json_extract(s.body, '$.check') FROM facts s WHERE s.kind = 'drive-scrubbed'
        AND s.subject = f.object AND s.object = json_extract(f.body, '$.scrub')), '')
      FROM facts f WHERE f.subject = ?1 AND f.object = ?2 AND f.kind IN ('copy-made', 'copy-scrubbed', 'copy-repaired')
      ORDER BY f.sort)sql");
    rows.bind(1, volume.info.volume.text());
    rows.bind(2, drive.text());
    LastReads reads(volume.info.slices);
    while (rows.executeStep()) {
      if (text_of(rows.getColumn(0)) != "copy-scrubbed") {
        reads = LastReads(volume.info.slices);  // other bytes than those that were read
      } else if (text_of(rows.getColumn(2)) == check.text()) {
        const Json body = parse_json(text_of(rows.getColumn(1)));
        reads.read(static_cast<std::uint32_t>(json_number(body, "first_slice")),
                   static_cast<std::uint32_t>(json_number(body, "slice_count")), Time{});
        if (json_number(body, "everything_else") != 0) reads.everything_else(Time{});
      }
    }
    return reads.never();
  });
}

void Catalog::record_seal_planned(const SealPlan& plan) {
  Json volumes = Json::array();
  for (const PlannedVolume& volume : plan.volumes) {
    Json drives = Json::array();
    for (const Uuid& drive : volume.drives) drives.push_back(drive.text());
    volumes.push_back({{"volume", volume.volume.text()},
                       {"part", volume.part},
                       {"drives", drives},
                       {"bytes", volume.bytes_on_drive}});
  }
  state_->record("seal-planned", plan.group.text(), "",
                 {{"shoot", plan.shoot.text()},
                  {"folder_b64", core::to_base64(core::as_bytes(plan.folder_path))},
                  {"shoot_name", plan.shoot_name},
                  {"planned", to_ns(plan.planned)},
                  {"options", plan.options},
                  {"volumes", volumes}});
}
void Catalog::record_seal_ended(const Uuid& group) { state_->record("seal-ended", group.text(), "", Json::object()); }

std::vector<SealPlan> Catalog::open_plans() {
  return guarded(state_->path, [&] {
    std::vector<SealPlan> plans;
    auto rows = state_->query(
        "SELECT p.subject, p.body FROM facts p WHERE p.kind = 'seal-planned' AND p.writer = ? AND NOT EXISTS "
        "(SELECT 1 FROM facts e WHERE e.kind = 'seal-ended' AND e.subject = p.subject) ORDER BY p.sort");
    rows.bind(1, state_->writer.text());
    while (rows.executeStep()) {
      const Json body = parse_json(text_of(rows.getColumn(1)));
      SealPlan plan;
      plan.group = uuid_from(text_of(rows.getColumn(0)));
      plan.shoot = uuid_from(json_text(body, "shoot"));
      if (const auto folder = core::from_base64(json_text(body, "folder_b64")))
        plan.folder_path = core::as_text(*folder);
      plan.shoot_name = json_text(body, "shoot_name");
      plan.planned = time_from(json_number(body, "planned"));
      plan.options = json_text(body, "options");
      for (const Json& entry : body.value("volumes", Json::array())) {
        PlannedVolume volume;
        volume.volume = uuid_from(json_text(entry, "volume"));
        volume.part = static_cast<unsigned>(json_number(entry, "part"));
        volume.bytes_on_drive = static_cast<std::uint64_t>(json_number(entry, "bytes"));
        for (const Json& drive : entry.value("drives", Json::array()))
          volume.drives.push_back(uuid_from(drive.get<std::string>()));
        plan.volumes.push_back(std::move(volume));
      }
      plans.push_back(std::move(plan));
    }
    return plans;
  });
}

void Catalog::record_scrub(const Scrub& scrub) {
  const bool undated = clock_is_behind(scrub.ended).has_value();
  guarded(state_->path, [&] {
    SQLite::Transaction transaction(*state_->db);
    Json body = {{"started", to_ns(scrub.started)},
                 {"ended", to_ns(scrub.ended)},
                 {"complete", scrub.complete ? 1 : 0},
                 {"volumes", scrub.volumes.size()},
                 {"findings", scrub.findings.size()}};
    if (scrub.check) body["check"] = scrub.check->text();
    if (undated) body["undated"] = 1;
    state_->add_fact("drive-scrubbed", scrub.drive.text(), scrub.id.text(), body);
    for (const ScrubbedVolume& volume : scrub.volumes) {
      Json read = {{"scrub", scrub.id.text()},
                   {"ended", to_ns(scrub.ended)},
                   {"first_slice", volume.first_slice},
                   {"slice_count", volume.slice_count},
                   {"everything_else", volume.everything_else ? 1 : 0},
                   {"health", name_of(volume.health)}};
      if (undated) read["undated"] = 1;
      state_->add_fact("copy-scrubbed", volume.volume.text(), scrub.drive.text(), read);
    }
    for (const Finding& finding : scrub.findings) {
      state_->add_fact("finding", scrub.drive.text(), scrub.id.text(),
                       {{"volume", finding.volume ? finding.volume->text() : ""},
                        {"kind", finding.kind},
                        {"path", core::printable(finding.path)},
                        {"path_b64", core::to_base64(core::as_bytes(finding.path))},
                        {"first", finding.first},
                        {"count", finding.count},
                        {"detail", finding.detail}});
    }
    transaction.commit();
  });
}

void Catalog::record_repair(const Uuid& drive, const Uuid& volume, std::uint64_t slices, const std::string& detail) {
  state_->record("copy-repaired", volume.text(), drive.text(), {{"slices", slices}, {"detail", detail}});
}

std::vector<Finding> Catalog::open_findings(const Uuid& drive) {
  return guarded(state_->path, [&] {
    // A finding is open as long as its volume was neither scrubbed again in full nor repaired since; one about the
    // drive as a whole until the next complete scrub.
    auto rows = state_->query(R"sql(
      SELECT f.body FROM facts f WHERE f.kind = 'finding' AND f.subject = ?1 AND NOT EXISTS (
        SELECT 1 FROM facts n WHERE n.sort > f.sort AND (
          (n.kind = 'copy-scrubbed' AND n.object = ?1 AND n.subject = json_extract(f.body, '$.volume') AND json_extract(n.body, '$.scrub') <> f.object
            AND json_extract(n.body, '$.first_slice') = 0 AND json_extract(n.body, '$.everything_else') = 1
            AND json_extract(n.body, '$.slice_count') >= (SELECT slices FROM volumes WHERE uuid = n.subject)) OR
          (n.kind IN ('copy-repaired', 'copy-gone') AND n.object = ?1 AND n.subject = json_extract(f.body, '$.volume')) OR
          (n.kind = 'drive-scrubbed' AND n.subject = ?1 AND n.object <> f.object AND json_extract(f.body, '$.volume') = ''
            AND json_extract(n.body, '$.complete') = 1)))
      ORDER BY f.sort)sql");
    rows.bind(1, drive.text());
    std::vector<Finding> findings;
    while (rows.executeStep()) findings.push_back(finding_from(drive, parse_json(text_of(rows.getColumn(0)))));
    return findings;
  });
}

std::vector<Scrub> Catalog::scrubs(const Uuid& drive) {
  return guarded(state_->path, [&] {
    auto rows = state_->query(
        "SELECT object, body FROM facts WHERE kind = 'drive-scrubbed' AND subject = ? ORDER BY sort DESC");
    rows.bind(1, drive.text());
    std::vector<Scrub> scrubs;
    while (rows.executeStep()) {
      const Json body = parse_json(text_of(rows.getColumn(1)));
      Scrub scrub;
      scrub.id = uuid_from(text_of(rows.getColumn(0)));
      scrub.drive = drive;
      scrub.started = time_from(json_number(body, "started"));
      scrub.ended = time_from(json_number(body, "ended"));
      scrub.check = Uuid::parse(json_text(body, "check"));
      scrub.undated = json_number(body, "undated") != 0;
      scrub.complete = json_number(body, "complete") != 0;
      scrubs.push_back(std::move(scrub));
    }
    return scrubs;
  });
}

}  // namespace darkshelf::catalog
