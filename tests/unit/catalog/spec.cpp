// formats/catalog/SPEC.md against the schema and the rules for facts: what it lists is what there is.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <regex>
#include <sstream>

#include "catalog/state.hpp"
#include "unit/catalog/machine.hpp"

namespace darkshelf::testing {
namespace {

using catalog::Json;
using Rows = std::vector<std::vector<std::string>>;

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" `"), last = text.find_last_not_of(" `");
  return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
}

std::string source(const std::string& path) {
  std::ifstream file(std::string(DARKSHELF_SOURCE_DIR) + "/" + path);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Section heading to the rows of its first table, without the head.
std::map<std::string, Rows> tables_of_spec() {
  std::map<std::string, Rows> tables;
  std::string heading;
  std::istringstream lines(source("formats/catalog/SPEC.md"));
  bool done = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) {
      heading = line.substr(line.find_first_not_of('#') + 1);
      done = false;
    } else if (line.starts_with("|") && !done) {
      std::vector<std::string> cells;
      std::istringstream parts(line.substr(1));
      for (std::string cell; std::getline(parts, cell, '|');) cells.push_back(trimmed(cell));
      tables[heading].push_back(cells);
    } else {
      done = tables.contains(heading);
    }
  }
  for (auto& [name, rows] : tables) rows.erase(rows.begin(), rows.begin() + 2);  // head and rule
  return tables;
}

std::vector<std::string> columns_of(SQLite::Database& db, const std::string& table) {
  std::vector<std::string> columns;
  SQLite::Statement rows(db, "SELECT name FROM pragma_table_info(?)");
  rows.bind(1, table);
  while (rows.executeStep()) columns.push_back(rows.getColumn(0).getString());
  return columns;
}

std::set<std::string> names_of(SQLite::Database& db, const std::string& type) {
  std::set<std::string> names;
  SQLite::Statement rows(db,
                         "SELECT name FROM sqlite_schema WHERE type = ? AND name NOT LIKE 'sqlite_%' "
                         "AND name NOT LIKE 'file_words_%'");  // FTS5's own
  rows.bind(1, type);
  while (rows.executeStep()) names.insert(rows.getColumn(0).getString());
  return names;
}

const std::string kId = "d7c6002f-8d8e-4672-b031-12d9d5dda7a2";

struct Field {
  std::string name, type;
  bool always = true;
};

std::vector<Field> fields_of(const std::string& cell) {
  std::vector<Field> fields;
  std::istringstream parts(cell);
  for (std::string part; std::getline(parts, part, ',');) {
    part = trimmed(part);
    if (part.empty()) continue;
    Field field{part.substr(0, part.find(' ')), part.substr(part.find(' ') + 1)};
    field.always = !field.name.ends_with('?');
    if (!field.always) field.name.pop_back();
    fields.push_back(field);
  }
  return fields;
}

Json value_of(const std::string& type) {
  if (type == "text" || type == "label") return "x";
  if (type == "id") return kId;
  if (type == "number" || type == "time") return 1;
  if (type == "object") return Json::object();
  REQUIRE(type == "list");
  return Json::array();
}

std::string end_of(const std::string& what) {
  if (what == "id") return kId;
  if (what == "seal" || what == "key") return std::string(64, 'a');
  if (what == "key id") return std::string(16, 'A');
  if (what == "word") return "copies";
  REQUIRE(what == "–");
  return {};
}

}  // namespace

TEST_CASE("catalog SPEC: tables, views and columns are those of the schema") {
  TempDir temp;
  Machine one(temp / "1.db", 1);
  one.catalog.export_to(io::posix(), temp / "copy.db", "full", one.add_drive("A"));
  SQLite::Database db((temp / "copy.db").string());
  const auto spec = tables_of_spec();
  std::set<std::string> tables;
  for (const auto& [heading, rows] : spec) {
    if (!heading.starts_with("Table ")) continue;
    const std::string name = trimmed(heading.substr(6));
    CAPTURE(name);
    tables.insert(name);
    std::vector<std::string> columns;
    for (const auto& row : rows) columns.push_back(row.at(0));
    CHECK(columns == columns_of(db, name));
  }
  CHECK(tables == names_of(db, "table"));
  std::set<std::string> views;
  for (const auto& row : spec.at("Views")) {
    CAPTURE(row.at(0));
    views.insert(row.at(0));
    std::vector<std::string> columns;
    std::istringstream parts(row.at(2));
    for (std::string column; std::getline(parts, column, ',');) columns.push_back(trimmed(column));
    CHECK(columns == columns_of(db, row.at(0)));
  }
  CHECK(views == names_of(db, "view"));
  CHECK(db.execAndGet("PRAGMA user_version").getInt() == catalog::schema_version());
  CHECK(spec.at("Versions").back().at(0) == std::to_string(catalog::schema_version()));
}

TEST_CASE("catalog SPEC: a fact is taken when it is as the table says, and only then") {
  const Rows rows = tables_of_spec().at("Facts");
  std::set<std::string> documented, known;
  for (const auto& row : rows) {
    const std::string kind = row.at(0), subject = end_of(row.at(1)), object = end_of(row.at(2));
    CAPTURE(kind);
    documented.insert(kind);
    const std::vector<Field> fields = fields_of(row.size() > 3 ? row.at(3) : "");
    Json body = Json::object(), least = Json::object();
    for (const Field& field : fields) {
      body[field.name] = value_of(field.type);
      if (field.always) least[field.name] = value_of(field.type);
    }
    CHECK(catalog::is_sound_fact(kind, subject, object, body));
    CHECK(catalog::is_sound_fact(kind, subject, object, least));
    body["of a later version"] = {1, 2};
    CHECK(catalog::is_sound_fact(kind, subject, object, body));
    CHECK_FALSE(catalog::is_sound_fact(kind, "", object, body));
    CHECK_FALSE(catalog::is_sound_fact(kind, subject, object.empty() ? kId : "", body));
    for (const Field& field : fields) {
      if (!field.always) continue;
      CAPTURE(field.name, field.type);
      Json without = body, wrong = body;
      without.erase(field.name);
      wrong[field.name] = nullptr;
      CHECK_FALSE(catalog::is_sound_fact(kind, subject, object, without));
      CHECK_FALSE(catalog::is_sound_fact(kind, subject, object, wrong));
      Json edge = body;
      if (field.type == "id") {
        edge[field.name] = "";
        CHECK(catalog::is_sound_fact(kind, subject, object, edge));
      }
      if (field.type == "label") {
        for (const std::string& label : {std::string(), std::string(61, 'x'), std::string("a/b"), std::string("a,b"),
                                         std::string("-a"), std::string("a\nb"), std::string("a\xFF")}) {
          edge[field.name] = label;
          CHECK_FALSE(catalog::is_sound_fact(kind, subject, object, edge));
        }
        edge[field.name] = std::string(60, 'x');
        CHECK(catalog::is_sound_fact(kind, subject, object, edge));
      }
      if (field.type == "time") {
        for (const auto& [time, taken] : std::vector<std::pair<std::int64_t, bool>>{
                 {0, true}, {catalog::kLastTime, true}, {-1, false}, {catalog::kLastTime + 1, false}}) {
          edge[field.name] = time;
          CHECK(catalog::is_sound_fact(kind, subject, object, edge) == taken);
        }
      }
    }
  }
  for (const auto& [copies, taken] : std::vector<std::pair<int, bool>>{{0, false}, {1, true}, {99, true}, {100, false}})
    CHECK(catalog::is_sound_fact("shoot-keep", kId, "", {{"copies", copies}}) == taken);

  // Every kind the code has a rule for is in the table.
  const std::string code = source("src/catalog/sound_facts.cpp");
  const std::regex rule(R"re(\{"([a-z-]+)",\s*\{)re");
  for (std::sregex_iterator it(code.begin(), code.end(), rule), end; it != end; ++it) known.insert((*it)[1]);
  CHECK(known == documented);
}

}  // namespace darkshelf::testing
