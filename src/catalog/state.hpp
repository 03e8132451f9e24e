#pragma once
// The open catalog; for the .cpp files of this folder alone.

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/SQLiteCpp.h>

#include <nlohmann/json.hpp>

#include "catalog/catalog.hpp"

namespace darkshelf::catalog {

using Json = nlohmann::json;

/// No fact is of the year 2200 or later: clocks are wrong, but not that wrong.
inline constexpr std::int64_t kLastTime = 7'258'118'400'000'000'000;
inline constexpr std::int64_t kLastSequence = 999'999'999'999;  // twelve digits in a fact's place in the order
inline constexpr int kApplicationId = 0x44534C46;               // "DSLF"
int schema_version();                                           // the one this program writes
/// Brings an open database from `from` (0: empty) to schema_version(), in one transaction.
void migrate(SQLite::Database& db, int from);
/// Makes the words of all paths anew.
void rebuild_words(SQLite::Database& db);
/// Opens a catalog file somewhere else: as it is, never written, whatever lies beside it; migrated in memory if it is
/// older.
std::unique_ptr<SQLite::Database> open_elsewhere(const io::Path& path);
/// The column `sort` of a fact.
std::string sort_key(std::int64_t time, const std::string& writer, std::int64_t sequence, const std::string& id);

/// Runs `work` and turns what SQLite throws into core::Error: full disks, damage, and the rest, each a sentence about
/// `path`.
template <typename Work>
auto guarded(const io::Path& path, Work work) -> decltype(work());
[[noreturn]] void rethrow_as_error(const io::Path& path, const SQLite::Exception& error);

/// The open database and what every record needs.
struct Ledger {
  Ledger(io::FileSystem& file_system, core::World& its_world, io::Path its_path)
      : fs(file_system), world(its_world), path(std::move(its_path)) {}

  io::FileSystem& fs;
  core::World& world;
  io::Path path;
  std::unique_ptr<io::Lock> lock;
  std::unique_ptr<SQLite::Database> db;
  Uuid writer;

  /// The last moment of which there is a fact or a volume; nothing: to be looked up. Whoever adds rows past add_fact
  /// forgets it.
  std::optional<std::int64_t> latest;

  /// When the next fact happens: now, but after everything that is known here.
  std::int64_t next_time();
  /// One fact, immutable from now on. To be called inside a transaction.
  void add_fact(const std::string& kind, const std::string& subject, const std::string& object, const Json& body);
  /// A transaction with one fact.
  void record(const std::string& kind, const std::string& subject, const std::string& object, const Json& body);

  SQLite::Statement query(const std::string& sql) { return SQLite::Statement(*db, sql); }
};
struct Catalog::State : Ledger {
  using Ledger::Ledger;
};

template <typename Work>
auto guarded(const io::Path& path, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const SQLite::Exception& error) {
    rethrow_as_error(path, error);
  }
}

/// The volume and its members, with the words of their paths. To be called inside a transaction.
void insert_volume(SQLite::Database& db, const Volume& volume, const std::vector<formats::volume::Member>& members);

/// A condition on volumes v.
std::string among(Volumes which);
/// "SELECT … FROM members m JOIN volumes v …", and the rows it gives.
extern const char* const kSelectMembers;
std::vector<FoundFile> files_of(SQLite::Statement& rows);

// Columns and fields; text that is not what it should be throws core::Error(kCorrupt).
Uuid uuid_from(const std::string& text);
std::optional<Uuid> maybe_uuid(const std::string& text);
inline Time time_from(std::int64_t ns) { return Time(std::chrono::nanoseconds(ns)); }
inline std::int64_t to_ns(Time time) { return time.time_since_epoch().count(); }
std::string json_text(const Json& object, const char* name);
std::int64_t json_number(const Json& object, const char* name);
Json parse_json(const std::string& text);
/// Would the readers of this folder accept it? Facts of kinds that a later darkshelf may know are sound.
bool is_sound_fact(const std::string& kind, const std::string& subject, const std::string& object, const Json& body);
Json to_json(const Evidence& evidence);
Evidence evidence_from(const Json& object);
inline std::string blob_of(const SQLite::Column& column) {
  const auto* data = static_cast<const char*>(column.getBlob());
  return data == nullptr ? std::string() : std::string(data, static_cast<std::size_t>(column.getBytes()));
}
inline std::string text_of(const SQLite::Column& column) {
  return column.isNull() ? std::string() : column.getString();
}

}  // namespace darkshelf::catalog
