#include "catalog/tokenizer.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <limits>

#include "core/error.hpp"

namespace darkshelf::catalog {

namespace {

/// How an extension gets at FTS5, by its documentation (section 7).
fts5_api* api_of(sqlite3* db) {
  fts5_api* api = nullptr;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, nullptr) == SQLITE_OK) {
    sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", nullptr);
    sqlite3_step(statement);
  }
  sqlite3_finalize(statement);
  return api;
}

[[noreturn]] void no_fts() {
  throw core::Error(core::Code::kFailed, "this system's SQLite has no FTS5, which search needs");
}

int take(void* into, int, const char* token, int bytes, int, int) {
  static_cast<std::vector<std::string>*>(into)->emplace_back(token, static_cast<std::size_t>(bytes));
  return SQLITE_OK;
}

}  // namespace

Tokenizer::Tokenizer(SQLite::Database& db) {
  fts5_api* api = api_of(db.getHandle());
  auto methods = std::make_unique<fts5_tokenizer>();
  void* data = nullptr;
  if (api == nullptr || api->xFindTokenizer(api, "unicode61", &data, methods.get()) != SQLITE_OK) no_fts();
  const char* options[] = {"remove_diacritics", "2"};
  if (methods->xCreate(data, options, 2, &tokenizer_) != SQLITE_OK) no_fts();
  methods_ = methods.release();
}

Tokenizer::~Tokenizer() {
  auto* methods = static_cast<fts5_tokenizer*>(methods_);
  methods->xDelete(tokenizer_);
  delete methods;
}

std::vector<std::string> Tokenizer::words(std::string_view text) const {
  std::vector<std::string> words;
  const auto* methods = static_cast<const fts5_tokenizer*>(methods_);
  const int bytes = static_cast<int>(std::min<std::size_t>(text.size(), std::numeric_limits<int>::max() / 8));
  methods->xTokenize(tokenizer_, &words, FTS5_TOKENIZE_DOCUMENT, text.data(), bytes, take);
  return words;
}

std::string Tokenizer::folded(std::string_view text) const {
  std::string out;
  for (const std::string& word : words(text)) out += (out.empty() ? "" : " ") + word;
  return out;
}

}  // namespace darkshelf::catalog
