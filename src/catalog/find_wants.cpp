#include "catalog/find_wants.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "catalog/tokenizer.hpp"
#include "catalog/words.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::catalog {

namespace {

using core::Code;
using core::Error;

constexpr std::size_t kMostWords = 64;

Want::Range exactly(const std::string& term) { return {term, term}; }
Want::Range beginning_with(const std::string& term) { return {term, term + "\xF4\x8F\xBF\xBF"}; }

/// "2026-06" without dashes, filled up to a day before or behind all of that month.
std::string day_of(std::string text, char fill) {
  std::erase(text, '-');
  text.resize(8, fill);
  return text;
}

class Asking {
 public:
  Asking(Ledger& state, Catalog& catalog, const FindQuery& query)
      : state_(state), catalog_(catalog), query_(query), tokenizer_(*state.db) {}

  std::vector<Want> run() {
    words();
    name(term::kCamera, query_.camera, Part::kSome);
    name(term::kLens, query_.lens, Part::kSome);
    name(term::kKeyword, query_.keyword, Part::kAll);
    name(term::kLabel, query_.label, Part::kAll);
    type();
    rating();
    days();
    return std::move(wants_);
  }

 private:
  void words() {
    for (const std::string& word : query_.words) {
      const std::vector<std::string> tokens = tokenizer_.words(core::printable(word));
      // Each part of "DSC_0123" has to be there; of the last one the beginning is enough.
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (wants_.size() == kMostWords)
          throw Error(Code::kUsage, fmt::format("find takes {} words at most", kMostWords), "try fewer words");
        const bool begins = i + 1 == tokens.size() && tokens[i].size() > 1;
        Want want;
        want.ranges.push_back(begins ? beginning_with(tokens[i]) : exactly(tokens[i]));
        want.named = named_by(want.ranges.front());
        wants_.push_back(std::move(want));
      }
    }
  }

  /// Shoots that are called so, or lie at a place that is.
  std::unordered_set<std::string> named_by(const Want::Range& range) {
    std::unordered_set<std::string> named;
    auto rows = state_.query("SELECT shoot FROM shoot_terms WHERE term >= ? AND term <= ?");
    rows.bind(1, range.first);
    rows.bind(2, range.last);
    while (rows.executeStep()) named.insert(text_of(rows.getColumn(0)));
    const auto has_it = [&](const std::string& text) {
      const auto words = tokenizer_.words(text);
      return std::any_of(words.begin(), words.end(),
                         [&](const std::string& word) { return word >= range.first && word <= range.last; });
    };
    for (const auto& [shoot, text] : told_later()) {
      if (has_it(text)) named.insert(shoot);
    }
    for (const Place& place : places()) {
      if (!has_it(place.name)) continue;
      for (const std::string& shoot : shoots_at(place.id)) named.insert(shoot);
    }
    return named;
  }

  /// New names and notes of shoots: few, and they change.
  const std::vector<std::pair<std::string, std::string>>& told_later() {
    if (told_later_) return *told_later_;
    told_later_.emplace();
    for (const auto& [kind, field] : {std::pair{"shoot-renamed", "name"}, {"shoot-note", "text"}}) {
      auto rows = state_.query("SELECT subject, body, max(sort) FROM facts WHERE kind = ? GROUP BY subject");
      rows.bind(1, kind);
      while (rows.executeStep())
        told_later_->emplace_back(text_of(rows.getColumn(0)), json_text(parse_json(text_of(rows.getColumn(1))), field));
    }
    return *told_later_;
  }

  const std::vector<Place>& places() {
    if (!places_) places_ = catalog_.places();
    return *places_;
  }

  std::vector<std::string> shoots_at(const Uuid& place) {
    std::vector<std::string> shoots;
    auto rows = state_.query(
        "SELECT DISTINCT v.shoot FROM copies_now c JOIN volumes v ON v.uuid = c.volume JOIN drives_now d ON d.id = "
        "c.drive WHERE d.place = ?");
    rows.bind(1, place.text());
    while (rows.executeStep()) shoots.push_back(text_of(rows.getColumn(0)));
    return shoots;
  }

  enum class Part { kSome, kAll };
  /// A name of that kind that has these words in a row, or is them.
  void name(char kind, const std::string& text, Part part) {
    if (text.empty()) return;
    const std::string folded = tokenizer_.folded(text);
    Want want;
    auto rows = state_.query("SELECT id, folded FROM names WHERE kind = ?");
    rows.bind(1, std::string(1, kind));
    while (rows.executeStep()) {
      const std::string name = text_of(rows.getColumn(1));
      const bool fits =
          part == Part::kAll ? name == folded : !folded.empty() && (" " + name).find(" " + folded) != std::string::npos;
      if (fits) want.ranges.push_back(exactly(term::of_name(kind, rows.getColumn(0).getInt64())));
    }
    wants_.push_back(std::move(want));
  }

  void type() {
    if (query_.type.empty()) return;
    const std::string ending = query_.type.substr(query_.type.rfind('.') + 1);  // ".CR3" means the same
    wants_.emplace_back().ranges.push_back(exactly(term::of(term::kType, tokenizer_.folded(ending))));
  }

  void rating() {
    if (!query_.least_rating && !query_.most_rating) return;
    Want want;
    for (int stars = query_.least_rating.value_or(-1); stars <= query_.most_rating.value_or(5); ++stars)
      want.ranges.push_back(exactly(term::of(term::kRating, stars < 0 ? "x" : std::to_string(stars))));
    wants_.push_back(std::move(want));
  }

  void days() {
    if (query_.year.empty() && query_.since.empty() && query_.until.empty()) return;
    const std::string first = std::max(day_of(query_.year, '0'), day_of(query_.since, '0')),
                      last = std::min(query_.year.empty() ? "99999999" : day_of(query_.year, '9'),
                                      query_.until.empty() ? "99999999" : day_of(query_.until, '9'));
    Want want;
    if (first <= last) want.ranges.push_back({term::of(term::kDay, first), term::of(term::kDay, last)});
    auto rows = state_.query("SELECT DISTINCT shoot, shoot_date FROM volumes INDEXED BY volumes_at_a_glance");
    while (rows.executeStep()) {
      std::string day = text_of(rows.getColumn(1));
      std::erase(day, '-');
      if (!day.empty() && day >= first && day <= last) want.named.insert(text_of(rows.getColumn(0)));
    }
    wants_.push_back(std::move(want));
  }

  Ledger& state_;
  Catalog& catalog_;
  const FindQuery& query_;
  Tokenizer tokenizer_;
  std::vector<Want> wants_;
  std::optional<std::vector<std::pair<std::string, std::string>>> told_later_;
  std::optional<std::vector<Place>> places_;
};

}  // namespace

std::vector<Want> wants_of(Ledger& ledger, Catalog& catalog, const FindQuery& query) {
  return Asking(ledger, catalog, query).run();
}

}  // namespace darkshelf::catalog
