#include "catalog/words.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "catalog/tokenizer.hpp"
#include "core/pictures.hpp"
#include "photo/group.hpp"
#include "photo/record.hpp"

namespace darkshelf::catalog {

// volume_terms narrows a search down to volumes, file_words to files of a volume: their rows follow each other, so that
// a range of rowids is enough. Without positions, lengths and prefixes it takes a third: a search asks for whole terms,
// which it knows from volume_terms.
const char* const kWordTables = R"sql(
CREATE TABLE names (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, folded TEXT NOT NULL, UNIQUE (kind, text));
CREATE TABLE shoot_terms (term TEXT NOT NULL, shoot TEXT NOT NULL, PRIMARY KEY (term, shoot)) WITHOUT ROWID;
CREATE TABLE volume_terms (volume INTEGER NOT NULL, term TEXT NOT NULL, files INTEGER NOT NULL, PRIMARY KEY (volume, term)) WITHOUT ROWID;
CREATE INDEX volume_terms_by_term ON volume_terms (term, volume);
CREATE VIRTUAL TABLE file_words USING fts5 (words, content = '', columnsize = 0, detail = none, tokenize = 'unicode61 remove_diacritics 2');
)sql";

namespace term {
std::string of(char kind, std::string_view value) {
  std::string out(kMark);
  out += kind;
  return out += value;
}
std::string of_name(char kind, std::int64_t id) { return of(kind, std::to_string(id)); }
}  // namespace term

namespace {

/// Rows of `names`, made when they are new.
class Names {
 public:
  Names(SQLite::Database& db, const Tokenizer& tokenizer)
      : tokenizer_(tokenizer),
        find_(db, "SELECT id FROM names WHERE kind = ? AND text = ?"),
        add_(db, "INSERT INTO names (kind, text, folded) VALUES (?, ?, ?)"),
        db_(db) {}

  std::int64_t id(char kind, const std::string& text) {
    const auto [at, fresh] = known_.try_emplace({kind, text}, 0);
    if (!fresh) return at->second;
    const std::string kind_text(1, kind);
    find_.bind(1, kind_text);
    find_.bind(2, text);
    if (find_.executeStep()) {
      at->second = find_.getColumn(0).getInt64();
    } else {
      add_.bind(1, kind_text);
      add_.bind(2, text);
      add_.bind(3, tokenizer_.folded(text));
      add_.exec();
      add_.reset();
      at->second = db_.getLastInsertRowid();
    }
    find_.reset();
    return at->second;
  }

 private:
  const Tokenizer& tokenizer_;
  SQLite::Statement find_, add_;
  SQLite::Database& db_;
  std::map<std::pair<char, std::string>, std::int64_t> known_;
};

using Terms = std::set<std::string>;

/// Words and terms of what a photo says of itself: those of all its files.
class PhotoTerms {
 public:
  PhotoTerms(Names& names, const Tokenizer& tokenizer) : names_(names), tokenizer_(tokenizer) {}

  Terms of(const photo::Metadata& photo) {
    Terms terms;
    name(terms, term::kCamera, photo.camera());
    name(terms, term::kLens, photo.lens);
    name(terms, term::kLabel, photo.label);
    for (const std::string& keyword : photo.keywords) name(terms, term::kKeyword, keyword);
    for (const std::string& path : photo.keyword_paths) {
      name(terms, term::kKeyword, path);
      for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find('|', begin), path.size());
        name(terms, term::kKeyword, path.substr(begin, end - begin));
        begin = end + 1;
      }
    }
    words(terms, photo.title);
    words(terms, photo.caption);
    if (photo.rating) terms.insert(term::of(term::kRating, *photo.rating < 0 ? "x" : std::to_string(*photo.rating)));
    if (photo.captured) {
      std::string day = photo.captured->text().substr(0, 10);
      std::erase(day, '-');
      terms.insert(term::of(term::kDay, day));
    }
    return terms;
  }

 private:
  void words(Terms& terms, const std::string& text) {
    for (std::string& word : tokenizer_.words(text)) terms.insert(std::move(word));
  }
  void name(Terms& terms, char kind, const std::string& text) {
    if (text.empty()) return;
    terms.insert(term::of_name(kind, names_.id(kind, text)));
    words(terms, text);
  }

  Names& names_;
  const Tokenizer& tokenizer_;
};

std::string joined(const Terms& terms) {
  std::string out;
  for (const std::string& one : terms) out += (out.empty() ? "" : " ") + one;
  return out;
}

/// The terms of its photo for each file that has one, by path.
std::map<std::string, std::size_t> photos_of(const VolumeWords& volume, PhotoTerms& makes, std::vector<Terms>& all) {
  std::vector<std::string> paths;
  std::map<std::string_view, const WordSource*> sources;
  for (const WordSource& file : volume.files) {
    paths.push_back(file.path);
    sources[file.path] = &file;
  }
  std::map<std::string, std::size_t> of_path;
  for (const photo::Photo& photo : photo::group_photos(paths).photos) {
    std::optional<photo::Metadata> metadata;
    for (const std::string& file : photo.files) {
      const std::string& text = sources.at(file)->photo;
      if (!text.empty()) metadata = photo::record_from_json(text).metadata;
      if (metadata) break;
    }
    if (!metadata) continue;
    for (const std::string& file : photo.files) of_path[file] = all.size();
    for (const photo::Sidecar& sidecar : photo.sidecars) of_path[sidecar.path] = all.size();
    all.push_back(makes.of(*metadata));
  }
  return of_path;
}

}  // namespace

void add_words(SQLite::Database& db, const VolumeWords& volume) {
  const Tokenizer tokenizer(db);
  Names names(db, tokenizer);
  PhotoTerms makes(names, tokenizer);
  std::vector<Terms> of_photos;
  const auto photos = photos_of(volume, makes, of_photos);

  std::string shoot_day = volume.shoot_date;
  std::erase(shoot_day, '-');
  std::map<std::string, std::int64_t> counts;
  SQLite::Statement add(db, "INSERT INTO file_words (rowid, words) VALUES (?, ?)");
  for (const WordSource& file : volume.files) {
    Terms terms;
    const auto photo = photos.find(file.path);
    if (photo != photos.end()) terms = of_photos[photo->second];
    for (std::string& word : tokenizer.words(file.path)) terms.insert(std::move(word));
    terms.insert(term::of(term::kEveryFile));
    const std::string ending = tokenizer.folded(core::file_ending(file.path.substr(file.path.rfind('/') + 1)));
    if (!ending.empty() && ending.find(' ') == std::string::npos) terms.insert(term::of(term::kType, ending));
    const auto day = terms.lower_bound(term::of(term::kDay));
    const bool dated = day != terms.end() && day->starts_with(term::of(term::kDay));
    if (!dated && !shoot_day.empty()) terms.insert(term::of(term::kDay, shoot_day));
    for (const std::string& one : terms) ++counts[one];
    add.bind(1, file.row);
    add.bind(2, joined(terms));
    add.exec();
    add.reset();
  }
  SQLite::Statement count(db, "INSERT INTO volume_terms (volume, term, files) VALUES (?, ?, ?)");
  for (const auto& [one, files] : counts) {
    count.bind(1, volume.row);
    count.bind(2, one);
    count.bind(3, files);
    count.exec();
    count.reset();
  }
  SQLite::Statement call(db, "INSERT OR IGNORE INTO shoot_terms (term, shoot) VALUES (?, ?)");
  for (const std::string& one : tokenizer.words(volume.title + " " + volume.shoot_name + " " + volume.shoot_date)) {
    call.bind(1, one);
    call.bind(2, volume.shoot);
    call.exec();
    call.reset();
  }
}

void rebuild_words(SQLite::Database& db) {
  for (const char* table : {"file_words", "volume_terms", "shoot_terms", "names"})
    db.exec(std::string("DROP TABLE IF EXISTS ") + table);
  db.exec(kWordTables);
  SQLite::Statement volumes(db, "SELECT id, shoot, title, shoot_name, shoot_date FROM volumes ORDER BY id");
  SQLite::Statement members(db,
                            "SELECT id, path, photo FROM members WHERE volume = ? AND type IN (0, 3) ORDER BY number");
  while (volumes.executeStep()) {
    VolumeWords volume{volumes.getColumn(0).getInt64(), text_of(volumes.getColumn(1)), text_of(volumes.getColumn(2)),
                       text_of(volumes.getColumn(3)),   text_of(volumes.getColumn(4)), {}};
    members.bind(1, volume.row);
    while (members.executeStep()) {
      volume.files.push_back(
          {members.getColumn(0).getInt64(), blob_of(members.getColumn(1)), text_of(members.getColumn(2))});
    }
    members.reset();
    add_words(db, volume);
  }
}

ShootPhotos Catalog::photos_of(const Uuid& shoot) {
  return guarded(state_->path, [&] {
    const std::string parts = "FROM volumes v JOIN volume_terms t ON t.volume = v.id ";
    const auto names = [&](char kind) {
      const std::string begin = term::of(kind);
      auto rows = state_->query(
          "SELECT n.text " + parts +
          "JOIN names n ON n.id = CAST(substr(t.term, ?1) AS INTEGER) AND n.kind = ?2 WHERE "
          "v.shoot = ?3 AND t.term >= ?4 AND t.term < ?5 GROUP BY n.id ORDER BY sum(t.files) DESC, n.text");
      rows.bind(1, 3);  // behind the mark, which is one character, and the kind
      rows.bind(2, std::string(1, kind));
      rows.bind(3, shoot.text());
      rows.bind(4, begin);
      rows.bind(5, begin + ":");  // behind all digits
      std::vector<std::string> out;
      while (rows.executeStep()) out.push_back(text_of(rows.getColumn(0)));
      return out;
    };
    ShootPhotos photos{names(term::kCamera), names(term::kLens), names(term::kKeyword), "", ""};
    auto days = state_->query("SELECT min(substr(t.term, 3)), max(substr(t.term, 3)) " + parts +
                              "WHERE v.shoot = ? AND t.term >= ? AND t.term < ?");
    days.bind(1, shoot.text());
    days.bind(2, term::of(term::kDay));
    days.bind(3, term::of(term::kDay) + ":");
    if (days.executeStep()) {
      const auto day = [&](int column) {
        const std::string text = text_of(days.getColumn(column));
        return text.size() != 8 ? "" : text.substr(0, 4) + "-" + text.substr(4, 2) + "-" + text.substr(6);
      };
      photos.first_day = day(0);
      photos.last_day = day(1);
    }
    return photos;
  });
}

}  // namespace darkshelf::catalog
