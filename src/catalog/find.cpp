// Words over names, notes, dates and paths. A word is found in what a shoot is called or in the path of a file of it;
// all words have to be found. Accents and case do not matter, and the beginning of a word is enough.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "catalog/state.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::catalog {

namespace {

/// The word as a prefix phrase of FTS5, whatever characters it has.
std::string phrase(const std::string& word) {
  std::string out = "\"";
  for (const char c : core::printable(word)) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"*";
}

bool has_word(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (static_cast<unsigned char>(c) & 0x80) != 0;
  });
}

bool in_time(const Shoot& shoot, const FindQuery& query) {
  const auto at_or_after = [](const std::string& date, const std::string& since) {
    return date.substr(0, since.size()) >= since;
  };
  const auto at_or_before = [](const std::string& date, const std::string& until) {
    return date.substr(0, until.size()) <= until;
  };
  if (!query.year.empty() && shoot.date.substr(0, query.year.size()) != query.year) return false;
  if (!query.since.empty() && !at_or_after(shoot.date, query.since)) return false;
  return query.until.empty() || (!shoot.date.empty() && at_or_before(shoot.date, query.until));
}

class Search {
 public:
  Search(Ledger& state, Catalog& catalog, const FindQuery& query) : state_(state), query_(query) {
    for (const std::string& word : query.words) {
      if (has_word(word)) words_.push_back(word);
    }
    const std::set<std::string> held = held_shoots();
    for (Shoot& shoot : catalog.shoots()) {
      if (!in_time(shoot, query) || (limited() && !held.contains(shoot.id.text()))) continue;
      shoots_.emplace(shoot.id.text(), std::move(shoot));
    }
  }

  std::vector<Found> run() {
    match_names();
    std::map<std::set<std::size_t>, std::vector<std::string>> by_missing;
    for (const auto& [id, shoot] : shoots_) {
      std::set<std::size_t> missing;
      for (std::size_t w = 0; w < words_.size(); ++w) {
        if (!named_by_[w].contains(id)) missing.insert(w);
      }
      by_missing[missing].push_back(id);
    }
    for (const auto& [missing, ids] : by_missing) {
      if (missing.empty() && !query_.files && query_.type.empty()) {
        for (const std::string& id : ids) found_[id];
      } else {
        match_files(missing, ids);
      }
    }
    return take();
  }

 private:
  bool limited() const { return query_.drive || query_.place; }

  /// Shoots with a copy on the drive, or on a drive kept at the place, that was asked for.
  std::set<std::string> held_shoots() {
    std::set<std::string> held;
    if (!limited()) return held;
    auto rows = state_.query(
        "SELECT DISTINCT v.shoot FROM copies_now c JOIN volumes v ON v.uuid = c.volume JOIN drives_now d ON d.id = "
        "c.drive "
        "WHERE (?1 = '' OR c.drive = ?1) AND (?2 = '' OR d.place = ?2)");
    rows.bind(1, query_.drive ? query_.drive->text() : "");
    rows.bind(2, query_.place ? query_.place->text() : "");
    while (rows.executeStep()) held.insert(text_of(rows.getColumn(0)));
    return held;
  }

  /// Which shoots each word names: a small table of words made for this search.
  void match_names() {
    named_by_.resize(words_.size());
    state_.db->exec("DROP TABLE IF EXISTS temp.shoot_words");
    state_.db->exec(
        "CREATE VIRTUAL TABLE temp.shoot_words USING fts5 (id UNINDEXED, text, tokenize = 'unicode61 remove_diacritics "
        "2')");
    auto insert = state_.query("INSERT INTO temp.shoot_words (id, text) VALUES (?, ?)");
    for (const auto& [id, shoot] : shoots_) {
      insert.bind(1, id);
      insert.bind(2, fmt::format("{} {} {} {}", shoot.name, shoot.folder, shoot.date, shoot.note));
      insert.exec();
      insert.reset();
    }
    for (std::size_t w = 0; w < words_.size(); ++w) {
      auto rows = state_.query("SELECT id FROM temp.shoot_words WHERE shoot_words MATCH ?");
      rows.bind(1, "text : " + phrase(words_[w]));
      while (rows.executeStep()) named_by_[w].insert(text_of(rows.getColumn(0)));
    }
  }

  /// Files of these shoots whose path has all the missing words, and the type that was asked for.
  void match_files(const std::set<std::size_t>& missing, const std::vector<std::string>& ids) {
    state_.db->exec("CREATE TEMP TABLE IF NOT EXISTS wanted_shoots (id TEXT PRIMARY KEY)");
    state_.db->exec("DELETE FROM temp.wanted_shoots");
    auto want = state_.query("INSERT INTO temp.wanted_shoots (id) VALUES (?)");
    for (const std::string& id : ids) {
      want.bind(1, id);
      want.exec();
      want.reset();
    }
    std::string match;
    for (const std::size_t w : missing) match += (match.empty() ? "" : " AND ") + phrase(words_[w]);
    std::string condition = "WHERE v.shoot IN (SELECT id FROM temp.wanted_shoots) AND m.type IN (0, 3)";
    if (!match.empty()) condition += " AND m.id IN (SELECT rowid FROM file_words WHERE file_words MATCH ?1)";
    if (!query_.type.empty()) condition += " AND lower(CAST(m.path AS TEXT)) LIKE '%.' || lower(?2)";
    const auto bind = [&](SQLite::Statement& statement) {
      if (!match.empty()) statement.bind(1, match);
      if (!query_.type.empty()) statement.bind(2, query_.type);
    };
    auto counts =
        state_.query("SELECT v.shoot, count(DISTINCT m.path) FROM members m JOIN volumes v ON v.id = m.volume " +
                     condition + " GROUP BY v.shoot");
    bind(counts);
    while (counts.executeStep())
      found_[text_of(counts.getColumn(0))].matching_files = static_cast<std::uint64_t>(counts.getColumn(1).getInt64());
    if (!query_.files) return;
    auto rows = state_.query(std::string(kSelectMembers) + "JOIN volumes_in_order o ON o.id = v.id " + condition +
                             " ORDER BY v.shoot_date, m.path, o.place LIMIT " + std::to_string(query_.limit));
    bind(rows);
    for (FoundFile& file : files_of(rows)) {
      auto shoot = state_.query("SELECT shoot FROM volumes WHERE uuid = ?");
      shoot.bind(1, file.volume.text());
      if (shoot.executeStep()) found_[text_of(shoot.getColumn(0))].files.push_back(std::move(file));
    }
  }

  std::vector<Found> take() {
    std::vector<Found> out;
    for (auto& [id, found] : found_) {
      found.shoot = shoots_.at(id);
      out.push_back(std::move(found));
    }
    std::sort(out.begin(), out.end(), [](const Found& a, const Found& b) {
      return std::tie(a.shoot.date, a.shoot.name, a.shoot.id) < std::tie(b.shoot.date, b.shoot.name, b.shoot.id);
    });
    if (out.size() > query_.limit) out.resize(query_.limit);
    return out;
  }

  Ledger& state_;
  const FindQuery& query_;
  std::vector<std::string> words_;
  std::map<std::string, Shoot> shoots_;
  std::vector<std::set<std::string>> named_by_;
  std::map<std::string, Found> found_;
};

}  // namespace

std::vector<Found> Catalog::find(const FindQuery& query) {
  return guarded(state_->path, [&] { return Search(*state_, *this, query).run(); });
}

}  // namespace darkshelf::catalog
