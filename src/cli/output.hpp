#pragma once
// Text for people, JSON for scripts. Results go to stdout, everything else to stderr.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "formats/volume/tag_files.hpp"

namespace darkshelf::cli {

using Json = nlohmann::ordered_json;

enum class Color { kPlain, kBold, kGreen, kAmber, kRed, kUnplugged };

class Output {
 public:
  struct Style {
    bool json = false, quiet = false, verbose = false, colors = false;
  };
  explicit Output(Style style);

  bool json() const { return style_.json; }
  bool verbose() const { return style_.verbose; }
  /// Characters on a line of the result; 80 where nothing tells.
  std::size_t columns() const;

  /// A sentence of the result, broken where the terminal would (nothing with --json).
  void line(const std::string& text = {});
  /// A line of the result that stays one: a path, a row, what somebody may copy (nothing with --json).
  void item(const std::string& text);
  /// Text of several lines, as it is, also with --json: help.
  void text(const std::string& text);
  /// One object of the result (nothing without --json); `type` and `schema` come first.
  void object(const std::string& type, Json fields);
  /// Beside the result, on stderr; silent with -q.
  void note(const std::string& text);
  void detail(const std::string& text);  // with -v only
  void error(const std::string& text);   // always
  std::string paint(Color color, const std::string& text) const;

 private:
  void to_stderr(const std::string& text);

  Style style_;
  std::optional<std::size_t> out_columns_, err_columns_;
};

/// Columns side by side, no wider than the terminal: the widest text columns are shortened with "…" in the middle.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  void print(Output& out) const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

/// `name` printable; where its bytes are not UTF-8 also name_b64.
void put_path(Json& object, const std::string& name, const std::string& path);
Json member_json(const formats::volume::Member& member);

}  // namespace darkshelf::cli
