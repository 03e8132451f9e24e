#include "catalog/thumbnails.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include "catalog/state.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::catalog {

namespace {

constexpr int kThumbnailsId = 0x44535448;  // "DSTH"
constexpr int kThumbnailsVersion = 1;
constexpr int kWaitMs = 5000;

// Small pages: half of one is what a thumbnail wastes.
constexpr const char* kTables = R"sql(
PRAGMA page_size = 4096;
CREATE TABLE IF NOT EXISTS thumbnails (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, jpeg BLOB NOT NULL);
)sql";

io::Path path_for(const io::Path& catalog) {
  io::Path path = catalog;
  path += ".thumbnails";
  return path;
}

int number(SQLite::Database& db, const char* pragma) {
  SQLite::Statement query(db, pragma);
  query.executeStep();
  return query.getColumn(0).getInt();
}

/// What helps with a damaged catalog does not help here.
template <typename Work>
auto with_file(const io::Path& path, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const SQLite::Exception& error) {
    throw core::Error(core::Code::kFailed,
                      fmt::format("{} cannot be used: {}", core::printable(path.string()), error.what()),
                      "move it away: thumbnails are no more than a convenience");
  }
}

bool is_damage(const SQLite::Exception& error) {
  const int code = error.getErrorCode() & 0xFF;
  return code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
}

bool is_thumbnail(const core::Bytes& jpeg) {
  return jpeg.size() <= kMostThumbnailBytes && core::as_text(jpeg).starts_with("\xFF\xD8\xFF");
}

void bind_bytes(SQLite::Statement& statement, int index, core::ByteSpan bytes) {
  statement.bind(index, static_cast<const void*>(bytes.data()), static_cast<int>(bytes.size()));
}

/// Throws what SQLite throws; `ours` false where it is another program's file.
std::unique_ptr<SQLite::Database> opened(const io::Path& path, bool& ours) {
  auto db = std::make_unique<SQLite::Database>(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kWaitMs);
  const int application = number(*db, "PRAGMA application_id");
  const int tables = number(*db, "SELECT count(*) FROM sqlite_schema");
  ours = application == kThumbnailsId || (application == 0 && tables == 0);
  if (!ours) return db;
  if (number(*db, "PRAGMA user_version") > kThumbnailsVersion) {
    throw core::Error(core::Code::kNewerFormat,
                      fmt::format("{} was written by a later darkshelf", core::printable(path.string())),
                      "install the later darkshelf; nothing is wrong with the file");
  }
  db->exec(kTables);
  db->exec(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kThumbnailsId, kThumbnailsVersion));
  return db;
}

}  // namespace

struct Thumbnails::State {
  io::Path path;
  std::unique_ptr<SQLite::Database> db;
};

Thumbnails::Thumbnails(std::unique_ptr<State> state) : state_(std::move(state)) {}
Thumbnails::Thumbnails(Thumbnails&&) noexcept = default;
Thumbnails& Thumbnails::operator=(Thumbnails&&) noexcept = default;
Thumbnails::~Thumbnails() = default;

Thumbnails Thumbnails::for_writing(io::FileSystem& fs, const io::Path& catalog) {
  const io::Path path = path_for(catalog);
  const auto open = [&](bool& ours) {
    try {
      return opened(path, ours);
    } catch (const SQLite::Exception& error) {
      if (!is_damage(error)) throw;
      ours = false;
      return std::unique_ptr<SQLite::Database>();
    }
  };
  bool ours = false;
  auto db = with_file(path, [&] { return open(ours); });
  if (!ours) {
    db.reset();
    for (const char* ending : {"", "-wal", "-shm"}) {
      const io::Path file = path.string() + ending;
      if (fs.stat(file)) fs.rename(file, path.string() + ".damaged" + ending);
    }
    db = with_file(path, [&] { return open(ours); });
    if (!ours) throw core::Error(core::Code::kFailed, fmt::format("{} cannot be made", core::printable(path.string())));
  }
  return Thumbnails(std::make_unique<State>(State{path, std::move(db)}));
}

std::optional<Thumbnails> Thumbnails::for_reading(io::FileSystem& fs, const io::Path& catalog) {
  const io::Path path = path_for(catalog);
  if (!fs.stat(path)) return {};
  try {
    auto db = std::make_unique<SQLite::Database>(path.string(), SQLite::OPEN_READONLY, kWaitMs);
    if (number(*db, "PRAGMA application_id") != kThumbnailsId) return {};
    return Thumbnails(std::make_unique<State>(State{path, std::move(db)}));
  } catch (const SQLite::Exception&) {
    return {};
  }
}

void Thumbnails::put(const std::vector<Thumbnail>& thumbnails) {
  with_file(state_->path, [&] {
    SQLite::Transaction transaction(*state_->db);
    SQLite::Statement insert(*state_->db, "INSERT OR IGNORE INTO thumbnails (sha256, jpeg) VALUES (?, ?)");
    for (const Thumbnail& thumbnail : thumbnails) {
      if (!is_thumbnail(thumbnail.jpeg)) continue;
      bind_bytes(insert, 1, thumbnail.of);
      bind_bytes(insert, 2, thumbnail.jpeg);
      insert.exec();
      insert.reset();
    }
    transaction.commit();
  });
}

std::optional<core::Bytes> Thumbnails::get(const digest::Sha256& of) {
  return with_file(state_->path, [&]() -> std::optional<core::Bytes> {
    SQLite::Statement row(*state_->db, "SELECT jpeg FROM thumbnails WHERE sha256 = ?");
    bind_bytes(row, 1, of);
    if (!row.executeStep()) return {};
    core::Bytes jpeg = core::to_bytes(blob_of(row.getColumn(0)));
    if (!is_thumbnail(jpeg)) return {};
    return jpeg;
  });
}

std::uint64_t Thumbnails::count() {
  return with_file(state_->path,
                   [&] { return static_cast<std::uint64_t>(number(*state_->db, "SELECT count(*) FROM thumbnails")); });
}

}  // namespace darkshelf::catalog
