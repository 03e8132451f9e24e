#pragma once
// Text for people, JSON for scripts. Results go to stdout, everything else to stderr.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "formats/volume/tag_files.hpp"

namespace darkshelf::cli {

using Json = nlohmann::ordered_json;

enum class Color { kPlain, kBold, kGreen, kAmber, kRed, kUnplugged };

class Output {
 public:
  enum class Colors { kNever, kAlways };
  Output(bool json, bool quiet, bool verbose, Colors colors)
      : json_(json), quiet_(quiet), verbose_(verbose), colors_(colors) {}

  bool json() const { return json_; }
  bool verbose() const { return verbose_; }

  /// A line of the result (nothing with --json).
  void line(const std::string& text = {});
  /// One object of the result (nothing without --json); `type` and `schema` come first.
  void object(const std::string& type, Json fields);
  /// Beside the result, on stderr; silent with -q.
  void note(const std::string& text);
  void detail(const std::string& text);  // with -v only
  void error(const std::string& text);   // always
  std::string paint(Color color, const std::string& text) const;

 private:
  bool json_, quiet_, verbose_;
  Colors colors_;
};

/// Columns side by side, at most 80 characters wide: the widest text columns are shortened with "…" in the middle.
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

/// Characters a text takes on a terminal (code points; wide scripts count twice).
std::size_t width_of(const std::string& text);
std::string shortened(const std::string& text, std::size_t width);
/// Lines of at most `width` characters, broken at blanks.
std::vector<std::string> wrapped(const std::string& text, std::size_t width);

/// `name` printable; where its bytes are not UTF-8 also name_b64.
void put_path(Json& object, const std::string& name, const std::string& path);
Json member_json(const formats::volume::Member& member);

}  // namespace darkshelf::cli
