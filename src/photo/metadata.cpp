#include "photo/metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "photo/text.hpp"

namespace darkshelf::photo {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads a text from the front.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool done() const { return text_.empty(); }
  bool take(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// Exactly that many digits.
  std::optional<int> digits(std::size_t count) {
    if (text_.size() < count) return {};
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_digit(text_[i])) return {};
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return value;
  }
  std::string_view run_of_digits() {
    std::size_t count = 0;
    while (count < text_.size() && is_digit(text_[count])) ++count;
    const std::string_view out = text_.substr(0, count);
    text_.remove_prefix(count);
    return out;
  }
  std::string_view rest() const { return text_; }

 private:
  std::string_view text_;
};

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\0' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

void tidy_text(Metadata& metadata, std::string& text, std::size_t most, Lines lines = Lines::kJoin) {
  CleanText clean = clean_text(text, most, lines);
  text = std::move(clean.text);
  metadata.shortened |= clean.shortened;
}

void tidy_list(Metadata& metadata, std::vector<std::string>& list) {
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (std::string& one : list) {
    if (out.size() == kMostKeywords) {
      metadata.shortened = true;
      break;
    }
    tidy_text(metadata, one, kMostKeywordBytes);
    if (!one.empty() && seen.insert(one).second) out.push_back(std::move(one));
  }
  list = std::move(out);
}

void keep_between(std::optional<double>& value, double above, double below) {
  if (value && !(std::isfinite(*value) && *value > above && *value < below)) value.reset();
}

}  // namespace

std::optional<std::int16_t> parse_zone(std::string_view text) {
  Reader reader(trimmed(text));
  if (reader.take("Zz")) return reader.done() ? std::optional<std::int16_t>(0) : std::nullopt;
  const bool west = reader.take("-");
  if (!west && !reader.take("+")) return {};
  const auto hours = reader.digits(2);
  reader.take(":");
  const auto minutes = reader.done() ? std::optional<int>(0) : reader.digits(2);
  if (!hours || !minutes || !reader.done() || *minutes > 59 || *hours * 60 + *minutes > 14 * 60) return {};
  const int total = *hours * 60 + *minutes;
  return static_cast<std::int16_t>(west ? -total : total);
}

std::optional<CaptureTime> parse_capture_time(std::string_view text) {
  Reader reader(trimmed(text));
  const auto year = reader.digits(4);
  if (!year || *year < 1800 || *year > 2199 || !reader.take(":-/.")) return {};
  const auto month = reader.digits(2);
  if (!month || !reader.take(":-/.")) return {};
  const auto day = reader.digits(2);
  if (!day) return {};
  namespace chrono = std::chrono;
  const chrono::year_month_day date{chrono::year(*year), chrono::month(static_cast<unsigned>(*month)),
                                    chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return {};
  CaptureTime out;
  out.local_seconds = chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86'400};
  if (reader.done()) return out;
  if (!reader.take("T ")) return {};
  const auto hour = reader.digits(2);
  if (!hour || *hour > 23 || !reader.take(":")) return {};
  const auto minute = reader.digits(2);
  if (!minute || *minute > 59) return {};
  int second = 0;
  if (reader.take(":")) {
    const auto told = reader.digits(2);
    if (!told || *told > 60) return {};
    second = std::min(*told, 59);  // a leap second
    if (reader.take(".,")) {
      const std::string_view fraction = reader.run_of_digits().substr(0, 9);
      std::uint32_t value = 0;
      for (std::size_t i = 0; i < 9; ++i) {
        value = value * 10 + (i < fraction.size() ? static_cast<std::uint32_t>(fraction[i] - '0') : 0);
      }
      out.nanoseconds = value;
      out.digits = static_cast<std::uint8_t>(fraction.size());
    }
  }
  out.local_seconds += *hour * 3600 + *minute * 60 + second;
  if (!reader.done()) out.zone = parse_zone(reader.rest());
  return out;
}

std::string CaptureTime::text() const {
  namespace chrono = std::chrono;
  const std::int64_t days = local_seconds >= 0 ? local_seconds / 86'400 : -((-local_seconds + 86'399) / 86'400);
  const std::int64_t rest = local_seconds - days * 86'400;
  const chrono::year_month_day date{chrono::sys_days(chrono::days(days))};
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), rest / 3600,
                                rest / 60 % 60, rest % 60);
  if (digits > 0) out += "." + fmt::format("{:09}", nanoseconds).substr(0, digits);
  if (zone) out += fmt::format("{}{:02}:{:02}", *zone < 0 ? '-' : '+', std::abs(*zone) / 60, std::abs(*zone) % 60);
  return out;
}

std::string Metadata::camera() const {
  const auto lower = [](std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
  };
  const std::string word =
      make.substr(0, make.find(' '));  // "NIKON" of "NIKON CORPORATION", whose models are "NIKON D70"
  if (make.empty() || lower(model).starts_with(lower(word))) return model;
  return model.empty() ? make : make + " " + model;
}

void tidy(Metadata& metadata) {
  for (std::string* text : {&metadata.make, &metadata.model, &metadata.lens, &metadata.label}) {
    tidy_text(metadata, *text, kMostNameBytes);
  }
  tidy_text(metadata, metadata.title, kMostTitleBytes);
  tidy_text(metadata, metadata.caption, kMostCaptionBytes, Lines::kKeep);
  tidy_list(metadata, metadata.keywords);
  tidy_list(metadata, metadata.keyword_paths);
  keep_between(metadata.exposure.seconds, 0, 86'401);
  keep_between(metadata.exposure.f_number, 0, 1000);
  keep_between(metadata.exposure.focal_mm, 0, 100'000);
  if (metadata.exposure.iso && (*metadata.exposure.iso == 0 || *metadata.exposure.iso > 100'000'000)) {
    metadata.exposure.iso.reset();
  }
  if (metadata.orientation < 1 || metadata.orientation > 8) metadata.orientation = 1;
  if (metadata.rating && (*metadata.rating < -1 || *metadata.rating > 5)) metadata.rating.reset();
  if (auto& position = metadata.position) {
    if (!(std::abs(position->latitude) <= 90 && std::abs(position->longitude) <= 180)) {
      position.reset();
    } else {
      keep_between(position->altitude, -12'000, 1'000'000);
    }
  }
  if (auto& captured = metadata.captured) {
    // 1800-01-01 to 2199-12-31, as parse_capture_time has it.
    const bool possible = captured->local_seconds >= -5'364'662'400 && captured->local_seconds < 7'258'118'400;
    if (!possible || captured->nanoseconds >= 1'000'000'000 || captured->digits > 9) captured.reset();
    if (captured && captured->zone && std::abs(*captured->zone) > 14 * 60) captured->zone.reset();
  }
}

std::string to_json(const Metadata& m) {
  nlohmann::json out = nlohmann::json::object();
  const auto put = [&](const char* name, const auto& value) {
    if (value) out[name] = *value;
  };
  if (m.captured) out["captured"] = m.captured->text();
  for (const auto& [name, text] : {std::pair{"make", &m.make},
                                   {"model", &m.model},
                                   {"lens", &m.lens},
                                   {"label", &m.label},
                                   {"title", &m.title},
                                   {"caption", &m.caption}}) {
    if (!text->empty()) out[name] = *text;
  }
  put("seconds", m.exposure.seconds);
  put("f_number", m.exposure.f_number);
  put("focal_mm", m.exposure.focal_mm);
  put("iso", m.exposure.iso);
  put("rating", m.rating);
  out["orientation"] = m.orientation;
  if (m.position) {
    out["latitude"] = m.position->latitude;
    out["longitude"] = m.position->longitude;
    put("altitude", m.position->altitude);
  }
  out["width"] = m.width;
  out["height"] = m.height;
  if (!m.keywords.empty()) out["keywords"] = m.keywords;
  if (!m.keyword_paths.empty()) out["keyword_paths"] = m.keyword_paths;
  if (m.shortened) out["shortened"] = true;
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Metadata metadata_from_json(std::string_view text) {
  try {
    const nlohmann::json in = nlohmann::json::parse(text);
    if (!in.is_object()) throw core::Error(core::Code::kCorrupt, "metadata of a photo is no JSON object");
    Metadata m;
    const auto get = [&](const char* name, auto& value) {
      if (in.contains(name)) value = in.at(name).get<std::decay_t<decltype(value)>>();
    };
    const auto get_optional = [&](const char* name, auto& value) {
      if (in.contains(name)) value = in.at(name).get<typename std::decay_t<decltype(value)>::value_type>();
    };
    if (in.contains("captured")) m.captured = parse_capture_time(in.at("captured").get<std::string>());
    for (const auto& [name, into] : {std::pair{"make", &m.make},
                                     {"model", &m.model},
                                     {"lens", &m.lens},
                                     {"label", &m.label},
                                     {"title", &m.title},
                                     {"caption", &m.caption}}) {
      get(name, *into);
    }
    get_optional("seconds", m.exposure.seconds);
    get_optional("f_number", m.exposure.f_number);
    get_optional("focal_mm", m.exposure.focal_mm);
    get_optional("iso", m.exposure.iso);
    get_optional("rating", m.rating);
    get("orientation", m.orientation);
    if (in.contains("latitude")) {
      m.position.emplace();
      get("latitude", m.position->latitude);
      get("longitude", m.position->longitude);
      get_optional("altitude", m.position->altitude);
    }
    get("width", m.width);
    get("height", m.height);
    get("keywords", m.keywords);
    get("keyword_paths", m.keyword_paths);
    get("shortened", m.shortened);
    tidy(m);
    return m;
  } catch (const nlohmann::json::exception& e) {
    throw core::Error(core::Code::kCorrupt, fmt::format("metadata of a photo is not what it should be: {}", e.what()));
  }
}

}  // namespace darkshelf::photo
