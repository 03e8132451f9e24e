#pragma once
// What is found by which word: tables that follow from volumes and members, and can be made again from them at any
// time. formats/catalog/SPEC.md, "Search". For the .cpp files of this folder alone.

#include <cstdint>
#include <string>
#include <vector>

#include "catalog/state.hpp"

namespace darkshelf::catalog {

/// Terms that no word can be: what is known of a photo beside words. Each begins with a character that is in no text.
namespace term {
inline constexpr std::string_view kMark = "\xEE\x83\x95";  // U+E0D5, for private use
inline constexpr char kEveryFile = 'f', kCamera = 'c', kLens = 'l', kKeyword = 'k', kLabel = 'b', kRating = 'r',
                      kType = 't', kDay = 'd';
std::string of(char kind, std::string_view value = {});
std::string of_name(char kind, std::int64_t id);  // cameras, lenses, keywords, labels: row of `names`
}  // namespace term

/// A file as its words are made from.
struct WordSource {
  std::int64_t row = 0;  // members.id
  std::string path;
  std::string photo;  // members.photo
};
/// What a volume is called, and its files (and hard links), in order.
struct VolumeWords {
  std::int64_t row = 0;  // volumes.id
  std::string shoot;     // id
  std::string title, shoot_name, shoot_date;
  std::vector<WordSource> files;
};
/// To be called inside a transaction.
void add_words(SQLite::Database& db, const VolumeWords& volume);

extern const char* const kWordTables;  // makes the tables, which must not be there

}  // namespace darkshelf::catalog
