// Catalog copies for drives, the union of two catalogs, and the check of one.

#include <fmt/format.h>
#include <sqlite3.h>

#include <set>

#include "catalog/words.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "formats/volume/paths.hpp"

namespace darkshelf::catalog {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kLongestBody = 64 << 20;  // a plan of a hundred thousand parts
constexpr int kDeepestBody = 100;               // SQLite gives up at 2,000
constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 60;
constexpr std::uint64_t kLargestVolume = std::uint64_t{1} << 50;

/// Leaves what concerns the volumes on one drive, and who and where everything is.
void keep_own(SQLite::Database& db, const std::string& drive) {
  SQLite::Transaction transaction(db);
  db.exec(
      "CREATE TEMP TABLE own AS SELECT v.id, v.uuid, v.shoot, v.grp FROM volumes v JOIN copies_now c ON c.volume = "
      "v.uuid WHERE c.drive = '" +
      drive + "'");
  db.exec("DELETE FROM members WHERE volume NOT IN (SELECT id FROM temp.own)");
  db.exec("DELETE FROM volumes WHERE id NOT IN (SELECT id FROM temp.own)");
  db.exec(
      "DELETE FROM facts WHERE (kind LIKE 'volume-%' OR kind LIKE 'copy-%') AND subject NOT IN (SELECT uuid FROM "
      "temp.own)");
  db.exec("DELETE FROM facts WHERE kind LIKE 'shoot-%' AND subject NOT IN (SELECT shoot FROM temp.own)");
  db.exec("DELETE FROM facts WHERE kind LIKE 'seal-%' AND subject NOT IN (SELECT grp FROM temp.own)");
  db.exec("DELETE FROM facts WHERE kind IN ('drive-scrubbed', 'drive-wear', 'finding') AND subject <> '" + drive + "'");
  db.exec("DELETE FROM facts WHERE kind LIKE 'work-%'");
  rebuild_words(db);
  db.exec("DROP TABLE temp.own");
  transaction.commit();
  db.exec("VACUUM");
}

/// The object a body is; nothing if it is none. A name that stands twice in one object is none either: this program
/// would take the last, SQLite's views the first, and what was looked at is not what is used.
std::optional<Json> body_from(const std::string& text) {
  if (text.size() > kLongestBody) return {};
  std::vector<std::set<std::string>> names;
  bool sound = true;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    sound = sound && depth <= kDeepestBody;
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key) sound = names.back().insert(parsed.get<std::string>()).second && sound;
    return true;
  };
  Json body = Json::parse(text, watch, false);
  if (!sound || !body.is_object()) return {};
  return body;
}

/// Reads another catalog row by row and believes nothing of it that does not fit together.
class Merging {
 public:
  Merging(Ledger& ours, const io::Path& other) : ours_(ours), path_(other), other_(open_elsewhere(other)) {}

  /// What of it is not known here; nothing is taken.
  Catalog::Merged count() {
    require_tables();
    const auto unknown = [&](const char* theirs, const char* ours) {
      SQLite::Statement rows(*other_, theirs);
      auto known = ours_.query(ours);
      std::uint64_t count = 0;
      while (rows.executeStep()) {
        known.bind(1, text_of(rows.getColumn(0)));
        if (!known.executeStep()) ++count;
        known.reset();
      }
      return count;
    };
    merged_.facts = unknown("SELECT id FROM facts", "SELECT 1 FROM facts WHERE id = ?");
    merged_.volumes = unknown("SELECT uuid FROM volumes", "SELECT 1 FROM volumes WHERE uuid = ?");
    return merged_;
  }

  Catalog::Merged run() {
    require_tables();
    SQLite::Transaction transaction(*ours_.db);
    ours_.latest.reset();
    take_facts();
    take_volumes();
    transaction.commit();
    ours_.latest.reset();
    return merged_;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(Code::kCorrupt,
                fmt::format("the catalog {} holds {}; nothing of it was taken", core::printable(path_.string()), what));
  }

  /// Views in their place could go on for ever.
  void require_tables() {
    SQLite::Statement tables(*other_,
                             "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name IN "
                             "('facts', 'volumes', 'members')");
    if (!tables.executeStep() || tables.getColumn(0).getInt() != 3) refuse("something else where its tables belong");
  }

  void take_facts() {
    SQLite::Statement rows(*other_, "SELECT id, writer, sequence, time, kind, subject, object, body FROM facts");
    auto insert = ours_.query(
        "INSERT OR IGNORE INTO facts (id, writer, sequence, time, sort, kind, subject, object, body) VALUES (?, ?, ?, "
        "?, ?, ?, ?, ?, ?)");
    while (rows.executeStep()) {
      const std::string id = text_of(rows.getColumn(0)), writer = text_of(rows.getColumn(1)),
                        body = text_of(rows.getColumn(7));
      const std::int64_t sequence = rows.getColumn(2).getInt64(), time = rows.getColumn(3).getInt64();
      if (!Uuid::parse(id) || !Uuid::parse(writer) || sequence <= 0 || sequence > kLastSequence || time < 0 ||
          time > kLastTime)
        refuse("a fact without a proper id, number or time");
      const auto content = body_from(body);
      if (!content) refuse("a fact that is no JSON object");
      const std::string kind = text_of(rows.getColumn(4));
      if (!is_sound_fact(kind, text_of(rows.getColumn(5)), text_of(rows.getColumn(6)), *content))
        refuse(fmt::format("a fact of the kind {} that makes no sense", core::printable(kind)));
      // Whom this catalog trusts is told to itself alone; nobody else's file speaks for it.
      if (kind == "key-trusted" && writer == ours_.writer.text()) continue;
      insert.bind(1, id);
      insert.bind(2, writer);
      insert.bind(3, sequence);
      insert.bind(4, time);
      insert.bind(5, sort_key(time, writer, sequence, id));
      for (int column = 4; column <= 6; ++column) insert.bind(column + 2, text_of(rows.getColumn(column)));
      insert.bind(9, body);
      merged_.facts += static_cast<std::uint64_t>(insert.exec());
      insert.reset();
    }
  }

  void take_volumes() {
    SQLite::Statement rows(*other_, "SELECT id, bag_info, seal, tagmanifest, bytes_on_drive, adopted FROM volumes");
    while (rows.executeStep()) {
      Volume volume;
      volume.info = fv::decode_bag_info(text_of(rows.getColumn(1)));
      volume.tagmanifest = blob_of(rows.getColumn(3));
      volume.seal = digest::sha256(core::as_bytes(volume.tagmanifest));
      if (core::to_hex(volume.seal) != text_of(rows.getColumn(2)))
        refuse("a volume whose seal does not fit its list of hashes");
      volume.adopted = rows.getColumn(5).getInt() != 0;
      if (!volume.adopted) volume.folder = fv::year_folder(volume.info) + "/" + fv::folder_name(volume.info);
      volume.bytes_on_drive = static_cast<std::uint64_t>(rows.getColumn(4).getInt64());
      if (volume.bytes_on_drive > kLargestVolume) refuse("a volume larger than any drive");
      auto known = ours_.query("SELECT seal FROM volumes WHERE uuid = ?");
      known.bind(1, volume.info.volume.text());
      if (known.executeStep()) {
        note_conflict(volume, text_of(known.getColumn(0)));
        continue;
      }
      const std::vector<fv::Member> members = members_of(rows.getColumn(0).getInt64());
      insert_volume(*ours_.db, volume, members);
      ++merged_.volumes;
      merged_.files += members.size();
    }
  }

  /// Two seals for one volume: ours stays, and the contradiction is kept as a fact of its own, once.
  void note_conflict(const Volume& theirs, const std::string& our_seal) {
    const std::string seal = core::to_hex(theirs.seal);
    if (seal == our_seal) return;
    auto told = ours_.query("SELECT 1 FROM facts WHERE kind = 'volume-conflict' AND subject = ? AND object = ?");
    told.bind(1, theirs.info.volume.text());
    told.bind(2, seal);
    if (!told.executeStep())
      ours_.add_fact("volume-conflict", theirs.info.volume.text(), seal,
                     {{"kept", our_seal}, {"folder", theirs.folder}});
  }

  std::vector<fv::Member> members_of(std::int64_t row) {
    SQLite::Statement rows(*other_, std::string(kSelectMembers) + "WHERE m.volume = ? ORDER BY m.number");
    rows.bind(1, row);
    std::vector<fv::Member> members;
    for (FoundFile& file : files_of(rows)) {
      fv::require_safe_path(file.member.path, core::printable(path_.string()));
      if (static_cast<int>(file.member.type) < 0 || file.member.type > fv::MemberType::kHardLink)
        refuse("a file of an unknown type");
      for (const std::uint64_t number : {file.member.bytes, file.member.header_offset, file.member.offset}) {
        if (number > kLargestFile) refuse("a file with a size or place that cannot be");
      }
      members.push_back(std::move(file.member));
    }
    return members;
  }

  Ledger& ours_;
  io::Path path_;
  std::unique_ptr<SQLite::Database> other_;
  Catalog::Merged merged_;
};

void copy_file(io::FileSystem& from_fs, const io::Path& from, io::FileSystem& to_fs, const io::Path& to) {
  const auto in = from_fs.open_read(from), out = to_fs.create(to);
  core::AlignedBuffer buffer(1 << 20);
  std::uint64_t offset = 0;
  for (std::size_t got = 0; (got = in->read_at(offset, buffer.span())) != 0; offset += got)
    out->write_at(offset, buffer.span().first(got));
  out->sync();
  to_fs.sync_dir(to.parent_path());
}

}  // namespace

void Catalog::export_to(io::FileSystem& fs, const io::Path& to, const std::string& mode, const Uuid& drive) {
  io::FileSystem& here = state_->fs;
  io::Path local = state_->path;
  local += ".export";
  const auto remove_local = [&] {
    for (const char* ending : {"", "-journal", "-wal", "-shm"}) {
      const io::Path file = local.string() + ending;
      if (here.stat(file)) here.remove_file(file);
    }
  };
  remove_local();  // of a run that was killed
  try {
    guarded(local, [&] {
      auto copy = state_->query("VACUUM INTO ?");
      copy.bind(1, local.string());
      try {
        copy.exec();
      } catch (const SQLite::Exception& error) {  // what is damaged is what is read
        if (error.getErrorCode() == SQLITE_CORRUPT || error.getErrorCode() == SQLITE_NOTADB)
          rethrow_as_error(state_->path, error);
        throw;
      }
      SQLite::Database db(local.string(), SQLite::OPEN_READWRITE);
      db.exec("PRAGMA journal_mode = DELETE");
      db.exec("DELETE FROM meta WHERE key <> 'writer'");  // what is remembered here is of no use elsewhere
      if (mode == "own") keep_own(db, drive.text());
    });
    copy_file(here, local, fs, to);
  } catch (...) {
    remove_local();
    throw;
  }
  remove_local();
}

namespace {

/// Runs `work` on another catalog file; what helps where it is the own one does not help here.
template <typename Work>
Catalog::Merged of_another(io::FileSystem& fs, const io::Path& other, Work work) {
  const char* const hint = "name another machine's catalog, or a catalog-….db below darkshelf/catalog of a drive";
  const auto stat = fs.stat_following(other);
  if (!stat) throw Error(Code::kNotFound, fmt::format("there is no {}", core::printable(other.string())), hint);
  if (stat->type != io::FileType::kRegular)
    throw Error(Code::kFailed, fmt::format("{} is no file", core::printable(other.string())), hint);
  try {
    return guarded(other, work);
  } catch (const Error& error) {
    if (error.code() != Code::kFailed && error.code() != Code::kCorrupt) throw;
    throw Error(error.code(), error.what(), hint);
  }
}

}  // namespace

Catalog::Merged Catalog::merge(const io::Path& other) {
  return of_another(state_->fs, other, [&] { return Merging(*state_, other).run(); });
}

Catalog::Merged Catalog::unknown_in(const io::Path& other) {
  return of_another(state_->fs, other, [&] { return Merging(*state_, other).count(); });
}

std::vector<std::string> Catalog::verify() {
  std::vector<std::string> problems;
  try {
    auto integrity = state_->query("PRAGMA integrity_check(20)");
    while (integrity.executeStep()) {
      if (const std::string line = text_of(integrity.getColumn(0)); line != "ok")
        problems.push_back("the file is damaged: " + core::printable(line));
    }
    auto keys = state_->query("PRAGMA foreign_key_check");
    while (keys.executeStep())
      problems.push_back(fmt::format("a row of {} refers to a volume that is not there", text_of(keys.getColumn(0))));
    auto gaps = state_->query("SELECT count(*), count(DISTINCT sequence), max(sequence) FROM facts WHERE writer = ?");
    gaps.bind(1, state_->writer.text());
    gaps.executeStep();
    const std::int64_t count = gaps.getColumn(0).getInt64(), distinct = gaps.getColumn(1).getInt64(),
                       last = gaps.getColumn(2).getInt64();
    if (distinct != last)
      problems.push_back(fmt::format("{} of the facts this catalog recorded itself are missing", last - distinct));
    if (count != distinct)
      problems.push_back("running numbers were given twice: was this catalog brought back from a backup?");
    auto conflicts = state_->query("SELECT json_extract(body, '$.folder') FROM latest WHERE kind = 'volume-conflict'");
    while (conflicts.executeStep()) {
      problems.push_back(fmt::format("{} is known with two different seals; the first one was kept",
                                     core::printable(text_of(conflicts.getColumn(0)))));
    }
    auto words = state_->query(
        "SELECT (SELECT count(*) FROM members WHERE type IN (0, 3)), (SELECT total(files) FROM volume_terms WHERE term "
        "= ?1), (SELECT count(*) FROM file_words WHERE file_words MATCH ?2)");
    words.bind(1, term::of(term::kEveryFile));
    words.bind(2, '"' + term::of(term::kEveryFile) + '"');
    words.executeStep();
    if (words.getColumn(0).getInt64() != words.getColumn(1).getInt64() ||
        words.getColumn(0).getInt64() != words.getColumn(2).getInt64())
      problems.push_back("the words for find do not fit the files");
    for (const Volume& volume : volumes()) {
      if (digest::sha256(core::as_bytes(volume.tagmanifest)) != volume.seal)
        problems.push_back(fmt::format("the list of hashes of {} does not fit its seal", volume.folder));
    }
  } catch (const SQLite::Exception& error) {
    problems.push_back(fmt::format("the file is damaged: {}", error.what()));
  } catch (const Error& error) {
    problems.emplace_back(error.what());
  }
  return problems;
}

}  // namespace darkshelf::catalog
