#include <fmt/format.h>
#include <sqlite3.h>

#include "catalog/state.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::catalog {

using core::Code;
using core::Error;

namespace {

constexpr int kWaitMs = 5000;
constexpr const char* kCache = "PRAGMA cache_size = -65536";  // 64 MiB: a search comes back to the same pages

/// file: URI of SQLite, every byte that means something there written as %NN.
std::string uri_of(const io::Path& path, const std::string& options) {
  std::string out = "file:";
  for (const char c : path.string()) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                       c == '/' || c == '.' || c == '-' || c == '_';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out + options;
}

int number(SQLite::Database& db, const char* pragma) {
  SQLite::Statement query(db, pragma);
  query.executeStep();
  return query.getColumn(0).getInt();
}

Error not_ours(const io::Path& path) {
  return Error(Code::kFailed, fmt::format("{} is not a catalog of darkshelf", core::printable(path.string())),
               "give another file with --catalog, or move this one away and recover the catalog from a drive");
}

/// Is it one of ours, and of a version this program understands? Returns the version.
int check_kind(SQLite::Database& db, const io::Path& path) {
  const int application = number(db, "PRAGMA application_id");
  const int version = number(db, "PRAGMA user_version");
  if (application != kApplicationId || version < 1) throw not_ours(path);
  if (version > schema_version()) {
    throw Error(Code::kNewerFormat,
                fmt::format("{} was written by a later darkshelf: it has schema {}, this one knows up to {}",
                            core::printable(path.string()), version, schema_version()),
                "install the later darkshelf; nothing is wrong with the catalog");
  }
  return version;
}

Error no_catalog(const io::Path& path) {
  return Error(Code::kNoCatalog,
               fmt::format("No catalog on this machine ({}). Plug in any archive drive and type:",
                           core::printable(path.string())),
               "darkshelf catalog recover PATH   (or, to begin: darkshelf init)");
}

void for_writing(SQLite::Database& db) {
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = FULL");
  db.exec("PRAGMA foreign_keys = ON");
  db.exec(kCache);
}

/// A copy of the file as it was beside it, before a migration touches it.
void keep_old(io::FileSystem& fs, const io::Path& path, int version, SQLite::Database& db) {
  io::Path kept = path;
  kept += fmt::format(".schema-{}", version);
  if (fs.stat(kept)) return;
  SQLite::Statement copy(db, "VACUUM INTO ?");
  copy.bind(1, kept.string());
  copy.exec();
  fs.open_read(kept)->sync();
  fs.sync_dir(kept.parent_path());
}

/// Changes that SQLite keeps beside the file are part of it; an immutable open does not look at them.
void require_no_journal(const io::Path& path) {
  io::Path journal = path;
  journal += "-wal";
  const auto stat = io::posix().stat_following(journal);
  if (!stat || stat->bytes == 0) return;
  throw Error(Code::kInUse,
              fmt::format("{} is in use, or was left in mid-work: {} holds changes that are not in it yet",
                          core::printable(path.string()), core::printable(journal.filename().string())),
              fmt::format("darkshelf --catalog {} catalog verify   (where it can be written: takes the changes in)",
                          core::shell_quote(path.string())));
}

std::unique_ptr<SQLite::Database> open_for_reading(const io::Path& path) {
  try {
    auto db = std::make_unique<SQLite::Database>(path.string(), SQLite::OPEN_READWRITE, kWaitMs);
    number(*db, "PRAGMA user_version");
    db->exec(kCache);
    return db;
  } catch (const SQLite::Exception& error) {
    const int code = error.getErrorCode() & 0xFF;
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_BUSY || code == SQLITE_LOCKED) throw;
    require_no_journal(path);
    // On a medium or in a folder that cannot be written SQLite cannot make its helper files; nobody else can write
    // either.
    return std::make_unique<SQLite::Database>(uri_of(path, "?immutable=1"), SQLite::OPEN_READONLY | SQLite::OPEN_URI,
                                              kWaitMs);
  }
}

/// An older catalog is read through a migrated copy; the file stays as it is.
void migrate_in_memory(std::unique_ptr<SQLite::Database>& db, int version) {
  if (version == schema_version()) return;
  auto copy = std::make_unique<SQLite::Database>(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  SQLite::Backup(*copy, *db).executeStep();
  migrate(*copy, version);
  db = std::move(copy);
}

}  // namespace

void rethrow_as_error(const io::Path& path, const SQLite::Exception& error) {
  const std::string name = core::printable(path.string());
  const int code = error.getErrorCode() & 0xFF;
  if (code == SQLITE_FULL)
    throw Error(Code::kNoSpace, fmt::format("the disk with the catalog {} is full; nothing was recorded", name),
                "make room and type the same command again");
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
    throw Error(Code::kInUse, fmt::format("the catalog {} is in use by another program", name),
                "wait until it is done, and type the same command again");
  if (code == SQLITE_NOTADB) throw not_ours(path);
  if (code == SQLITE_CORRUPT) {
    throw Error(Code::kFailed, fmt::format("the catalog {} is damaged ({})", name, error.what()),
                "move it away and type: darkshelf catalog recover PATH   (PATH: any archive drive)");
  }
  if (code == SQLITE_READONLY || code == SQLITE_CANTOPEN || code == SQLITE_PERM || code == SQLITE_IOERR) {
    throw Error(Code::kFailed, fmt::format("the catalog {} cannot be read or written: {}", name, error.what()),
                "see whose it is (ls -l) and whether its disk is well; --catalog FILE takes another");
  }
  throw Error(Code::kFailed, fmt::format("the catalog {} cannot be used: {}", name, error.what()),
              "darkshelf catalog verify");
}

std::unique_ptr<SQLite::Database> open_elsewhere(const io::Path& path) {
  require_no_journal(path);
  auto db = std::make_unique<SQLite::Database>(uri_of(path, "?immutable=1"), SQLite::OPEN_READONLY | SQLite::OPEN_URI);
  db->exec("PRAGMA trusted_schema = OFF");
  db->exec("PRAGMA cell_size_check = ON");
  const int version = check_kind(*db, path);
  {  // gone before the database may be closed for its migrated copy
    SQLite::Statement check(*db, "PRAGMA quick_check(1)");
    if (!check.executeStep() || check.getColumn(0).getString() != "ok") {
      throw Error(Code::kCorrupt, fmt::format("the catalog {} is damaged", core::printable(path.string())));
    }
  }
  migrate_in_memory(db, version);
  return db;
}

Catalog::Catalog(std::unique_ptr<State> state) : state_(std::move(state)) {}
Catalog::Catalog(Catalog&&) noexcept = default;
Catalog& Catalog::operator=(Catalog&&) noexcept = default;
Catalog::~Catalog() = default;

namespace {

io::Path lock_path(const io::Path& path) {
  io::Path lock = path;
  lock += ".lock";
  return lock;
}

}  // namespace

Catalog Catalog::create(io::FileSystem& fs, const io::Path& path, core::World& world, const std::string& command) {
  const io::Path folder = path.parent_path().empty() ? io::Path(".") : path.parent_path();
  fs.make_dirs(folder);
  auto state = std::make_unique<State>(fs, world, path);
  state->lock = fs.lock(lock_path(path), fmt::format("the catalog {}", core::printable(path.string())), command);
  if (fs.stat(path))
    throw Error(Code::kFailed, fmt::format("there is a catalog already: {}", core::printable(path.string())),
                "darkshelf   (tells what it knows)");
  return guarded(path, [&] {
    // Made whole under another name: a crash leaves no half catalog.
    io::Path fresh = path;
    fresh += ".new";
    for (const char* ending : {"", "-journal", "-wal", "-shm"}) {
      io::Path left = fresh;
      left += ending;
      if (fs.stat(left)) fs.remove_file(left);
    }
    {
      SQLite::Database db(fresh.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kWaitMs);
      migrate(db, 0);
      SQLite::Statement insert(db, "INSERT INTO meta (key, value) VALUES ('writer', ?)");
      insert.bind(1, world.new_id().text());
      insert.exec();
    }
    fs.open_read(fresh)->sync();
    fs.rename(fresh, path);
    fs.sync_dir(folder);
    state->db = std::make_unique<SQLite::Database>(path.string(), SQLite::OPEN_READWRITE, kWaitMs);
    for_writing(*state->db);
    state->writer = uuid_from(text_of(state->db->execAndGet("SELECT value FROM meta WHERE key = 'writer'")));
    return Catalog(std::move(state));
  });
}

Catalog Catalog::open(io::FileSystem& fs, const io::Path& path, Access access, core::World& world,
                      const std::string& command) {
  const auto stat = fs.stat_following(path);
  if (!stat) throw no_catalog(path);
  if (stat->type != io::FileType::kRegular)
    throw Error(Code::kFailed, fmt::format("{} is no file", core::printable(path.string())),
                "a catalog is a file; --catalog FILE names another");
  auto state = std::make_unique<State>(fs, world, path);
  if (access == Access::kWrite) {
    state->lock = fs.lock(lock_path(path), fmt::format("the catalog {}", core::printable(path.string())), command);
  }
  return guarded(path, [&] {
    if (access == Access::kWrite) {
      state->db = std::make_unique<SQLite::Database>(path.string(), SQLite::OPEN_READWRITE, kWaitMs);
      const int version = check_kind(*state->db, path);
      for_writing(*state->db);
      if (version < schema_version()) {
        keep_old(fs, path, version, *state->db);
        migrate(*state->db, version);
      }
    } else {
      state->db = open_for_reading(path);
      migrate_in_memory(state->db, check_kind(*state->db, path));
    }
    state->writer = uuid_from(text_of(state->db->execAndGet("SELECT value FROM meta WHERE key = 'writer'")));
    return Catalog(std::move(state));
  });
}

const io::Path& Catalog::path() const { return state_->path; }
Uuid Catalog::writer() const { return state_->writer; }

}  // namespace darkshelf::catalog
