// A search narrows shoots down in steps, so that its cost follows from what is shown, not from what there is: terms to
// volumes (volume_terms), volumes to files (file_words, in the volume's range of rows), files to rows of members.
// words.hpp has the tables, find_wants.hpp what is asked for.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "catalog/find_wants.hpp"
#include "catalog/words.hpp"

namespace darkshelf::catalog {

namespace {

constexpr std::size_t kManyRows = 20'000;  // beyond it asking each volume costs less than looking at all rows
constexpr std::size_t kTogether = 200;     // terms in one question to FTS5

/// A volume as a search sees it.
struct Glance {
  std::int64_t row = 0;
  std::string uuid, group;
};
struct Candidate {
  std::string id, date, title;
  std::vector<Glance> volumes;
};

class Search {
 public:
  Search(Ledger& state, Catalog& catalog, const FindQuery& query) : state_(state), catalog_(catalog), query_(query) {}

  FindResult run() {
    wants_ = wants_of(state_, catalog_, query_);
    for (Want& want : wants_) find_volumes(want);
    FindResult result;
    const std::vector<Candidate> candidates = candidates_of();
    std::size_t files = 0, at = 0;
    for (; at < candidates.size(); ++at) {
      if (query_.files ? files >= query_.limit : result.found.size() >= query_.limit) break;
      auto found = look_into(candidates[at], query_.limit - std::min(files, query_.limit));
      if (!found) continue;
      files += found->files.size();
      result.found.push_back(std::move(*found));
    }
    result.more_at_most = candidates.size() - at;
    return result;
  }

 private:
  // --- volumes ------------------------------------------------------------------------------------------------------

  void find_volumes(Want& want) {
    auto rows =
        state_.query(fmt::format("SELECT volume FROM volume_terms WHERE term >= ? AND term <= ? LIMIT {}", kManyRows));
    for (const Want::Range& range : want.ranges) {
      rows.bind(1, range.first);
      rows.bind(2, range.last);
      std::size_t count = 0;
      for (; rows.executeStep(); ++count) want.volumes.insert(rows.getColumn(0).getInt64());
      rows.reset();
      if (count == kManyRows) ask_each_volume(want, range);
    }
  }

  void ask_each_volume(Want& want, const Want::Range& range) {
    auto there = state_.query("SELECT 1 FROM volume_terms WHERE volume = ? AND term >= ? AND term <= ? LIMIT 1");
    there.bind(2, range.first);
    there.bind(3, range.last);
    for (const Candidate& shoot : all_shoots()) {
      for (const Glance& volume : shoot.volumes) {
        if (want.volumes.contains(volume.row)) continue;
        there.bind(1, volume.row);
        if (there.executeStep()) want.volumes.insert(volume.row);
        there.reset();
      }
    }
  }

  const std::vector<Candidate>& all_shoots() {
    if (!all_.empty()) return all_;
    auto rows = state_.query(
        "SELECT shoot, id, shoot_date, title, grp, uuid FROM volumes INDEXED BY volumes_at_a_glance ORDER BY shoot, "
        "id");
    while (rows.executeStep()) {
      const std::string shoot = text_of(rows.getColumn(0));
      if (all_.empty() || all_.back().id != shoot)
        all_.push_back({shoot, text_of(rows.getColumn(2)), text_of(rows.getColumn(3)), {}});
      all_.back().volumes.push_back(
          {rows.getColumn(1).getInt64(), text_of(rows.getColumn(5)), text_of(rows.getColumn(4))});
    }
    return all_;
  }

  /// Volumes with a copy on the drive, or on a drive kept at the place, that was asked for.
  std::unordered_set<std::string> held_volumes() {
    std::unordered_set<std::string> held;
    auto rows = state_.query(
        "SELECT c.volume FROM copies_now c JOIN drives_now d ON d.id = c.drive "
        "WHERE (?1 = '' OR c.drive = ?1) AND (?2 = '' OR d.place = ?2)");
    rows.bind(1, query_.drive ? query_.drive->text() : "");
    rows.bind(2, query_.place ? query_.place->text() : "");
    while (rows.executeStep()) held.insert(text_of(rows.getColumn(0)));
    return held;
  }

  /// Shoots that may have all of it, the last first, each with the volumes in which one file may.
  std::vector<Candidate> candidates_of() {
    const bool limited = query_.drive || query_.place;
    const std::unordered_set<std::string> held = limited ? held_volumes() : std::unordered_set<std::string>{};
    std::vector<Candidate> out;
    for (const Candidate& shoot : all_shoots()) {
      if (limited && std::none_of(shoot.volumes.begin(), shoot.volumes.end(),
                                  [&](const Glance& volume) { return held.contains(volume.uuid); }))
        continue;
      Candidate candidate{shoot.id, shoot.date, shoot.title, {}};
      for (const Glance& volume : shoot.volumes) {
        const bool may = std::all_of(wants_.begin(), wants_.end(), [&](const Want& want) {
          return want.named.contains(shoot.id) || want.volumes.contains(volume.row);
        });
        if (may) candidate.volumes.push_back(volume);
      }
      if (!candidate.volumes.empty()) out.push_back(std::move(candidate));
    }
    std::sort(out.begin(), out.end(), [](const Candidate& a, const Candidate& b) {
      return std::tie(b.date, a.title, a.id) < std::tie(a.date, b.title, b.id);
    });
    return out;
  }

  // --- files --------------------------------------------------------------------------------------------------------

  using Rows = std::vector<std::int64_t>;  // of members, ascending

  std::optional<Found> look_into(const Candidate& candidate, std::size_t room) {
    std::vector<const Want*> left;  // what the shoot is not called
    for (const Want& want : wants_) {
      if (!want.named.contains(candidate.id)) left.push_back(&want);
    }
    Found found;
    if (!left.empty() || query_.files) {
      std::vector<std::pair<const Glance*, Rows>> rows;
      std::set<std::string> groups;
      for (const Glance& volume : candidate.volumes) {
        rows.emplace_back(&volume, files_with(volume, left));
        if (!rows.back().second.empty()) groups.insert(volume.group);
        found.matching_files += rows.back().second.size();
      }
      if (found.matching_files == 0) return {};
      const bool again = groups.size() > 1;  // sealed more than once: a path may be in several volumes
      if (again || query_.files) take_files(rows, again, room, found);
    }
    auto shoot = catalog_.shoot(uuid_from(candidate.id));
    if (!shoot) return {};
    found.shoot = std::move(*shoot);
    return found;
  }

  /// Files of one volume that have all of these.
  Rows files_with(const Glance& volume, const std::vector<const Want*>& wants) {
    const auto [first, last] = range_of(volume.row);
    if (wants.empty()) return rows_matching('"' + term::of(term::kEveryFile) + '"', first, last);
    Rows rows = files_with(volume, *wants.front(), first, last);
    for (std::size_t i = 1; i < wants.size() && !rows.empty(); ++i) {
      const Rows with = files_with(volume, *wants[i], first, last);
      Rows both;
      std::set_intersection(rows.begin(), rows.end(), with.begin(), with.end(), std::back_inserter(both));
      rows = std::move(both);
    }
    return rows;
  }

  Rows files_with(const Glance& volume, const Want& want, std::int64_t first, std::int64_t last) {
    std::vector<std::string> terms;
    auto there = state_.query("SELECT term FROM volume_terms WHERE volume = ? AND term >= ? AND term <= ?");
    there.bind(1, volume.row);
    for (const Want::Range& range : want.ranges) {
      there.bind(2, range.first);
      there.bind(3, range.last);
      while (there.executeStep()) terms.push_back(text_of(there.getColumn(0)));
      there.reset();
    }
    Rows rows;
    for (std::size_t at = 0; at < terms.size(); at += kTogether) {
      std::string match;
      for (std::size_t i = at; i < std::min(at + kTogether, terms.size()); ++i)
        match += fmt::format("{}\"{}\"", match.empty() ? "" : " OR ", terms[i]);  // letters and digits alone
      const Rows more = rows_matching(match, first, last);
      rows.insert(rows.end(), more.begin(), more.end());
    }
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    return rows;
  }

  Rows rows_matching(const std::string& match, std::int64_t first, std::int64_t last) {
    auto rows = state_.query("SELECT rowid FROM file_words WHERE file_words MATCH ? AND rowid BETWEEN ? AND ?");
    rows.bind(1, match);
    rows.bind(2, first);
    rows.bind(3, last);
    Rows out;
    while (rows.executeStep()) out.push_back(rows.getColumn(0).getInt64());
    return out;
  }

  std::pair<std::int64_t, std::int64_t> range_of(std::int64_t volume) {
    const auto end = [&](const char* order) {
      auto row = state_.query(fmt::format("SELECT id FROM members WHERE volume = ? ORDER BY number {} LIMIT 1", order));
      row.bind(1, volume);
      return row.executeStep() ? row.getColumn(0).getInt64() : 0;
    };
    return {end("ASC"), end("DESC")};
  }

  /// The files themselves; of a path that was sealed again the version in the last volume.
  void take_files(const std::vector<std::pair<const Glance*, Rows>>& rows, bool again, std::size_t room, Found& found) {
    std::map<std::string, std::pair<std::int64_t, FoundFile>> by_path;
    std::vector<FoundFile> files;
    auto row = state_.query(std::string(kSelectMembers) + "WHERE m.id = ?");
    for (const auto& [volume, ids] : rows) {
      const std::int64_t place = again ? place_of(volume->row) : 0;
      for (const std::int64_t id : ids) {
        if (!again && files.size() >= room) break;
        row.bind(1, id);
        for (FoundFile& file : files_of(row)) {
          if (!again) {
            files.push_back(std::move(file));
            continue;
          }
          const auto [at, fresh] = by_path.try_emplace(file.member.path, place, file);
          if (!fresh && at->second.first < place) at->second = {place, std::move(file)};
        }
        row.reset();
      }
    }
    if (again) found.matching_files = by_path.size();
    for (auto& [path, file] : by_path) {
      if (files.size() < room) files.push_back(std::move(file.second));
    }
    if (query_.files) found.files = std::move(files);
  }

  std::int64_t place_of(std::int64_t volume) {
    if (places_in_order_.empty()) {
      auto rows = state_.query("SELECT id, place FROM volumes_in_order");
      while (rows.executeStep()) places_in_order_[rows.getColumn(0).getInt64()] = rows.getColumn(1).getInt64();
    }
    return places_in_order_[volume];
  }

  Ledger& state_;
  Catalog& catalog_;
  const FindQuery& query_;
  std::vector<Want> wants_;
  std::vector<Candidate> all_;
  std::unordered_map<std::int64_t, std::int64_t> places_in_order_;
};

}  // namespace

FindResult Catalog::find(const FindQuery& query) {
  return guarded(state_->path, [&] { return Search(*state_, *this, query).run(); });
}

}  // namespace darkshelf::catalog
