#pragma once
// Words as search knows them; for the .cpp files of this folder alone.

#include <string>
#include <string_view>
#include <vector>

struct Fts5Tokenizer;

namespace SQLite {
class Database;
}

namespace darkshelf::catalog {

/// SQLite's own tokenizer "unicode61 remove_diacritics 2": letters and digits, folded. What is stored and what is asked
/// for go through the same one. Any bytes may come. Needs the database as long as it lives.
class Tokenizer {
 public:
  explicit Tokenizer(SQLite::Database& db);
  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  std::vector<std::string> words(std::string_view text) const;
  /// The same with a blank between: equal for texts that differ only in case, accents and punctuation.
  std::string folded(std::string_view text) const;

 private:
  void* methods_ = nullptr;  // fts5_tokenizer, which has no name that could be declared here
  Fts5Tokenizer* tokenizer_ = nullptr;
};

}  // namespace darkshelf::catalog
