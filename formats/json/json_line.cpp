#include "formats/json/json_line.hpp"

#include <fmt/format.h>

#include "core/bytes.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::formats {

using core::Code;
using core::Error;

namespace {

constexpr int kDeepest = 8;

[[noreturn]] void corrupt(const std::string& where, const std::string& what) {
  throw Error(Code::kCorrupt, fmt::format("{}: {}", where, what));
}

}  // namespace

Json parse_object(std::string_view text, std::size_t limit, const std::string& where) {
  if (text.size() > limit) corrupt(where, fmt::format("is longer than the {} bytes it can have", limit));
  // Nesting is counted before the parser sees it: its depth is the parser's stack.
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        quoted = false;
      continue;
    }
    if (text[i] == '"') quoted = true;
    if (text[i] == '{' || text[i] == '[') ++depth;
    if (text[i] == '}' || text[i] == ']') --depth;
    if (depth > kDeepest) corrupt(where, "is nested too deep");
  }
  Json object = Json::parse(text.begin(), text.end(), nullptr, false);
  if (object.is_discarded() || !object.is_object()) corrupt(where, "is not a JSON object");
  return object;
}

std::optional<std::string> text_field(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return found->get<std::string>();
}

std::string must_text(const Json& object, const char* name, const std::string& where) {
  if (auto text = text_field(object, name)) return *text;
  corrupt(where, fmt::format("has no text \"{}\"", name));
}

std::uint64_t must_number(const Json& object, const char* name, const std::string& where) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer() ||
      (!found->is_number_unsigned() && found->get<std::int64_t>() < 0)) {
    corrupt(where, fmt::format("has no number \"{}\"", name));
  }
  return found->get<std::uint64_t>();
}

std::int64_t must_signed(const Json& object, const char* name, const std::string& where) {
  const auto found = object.find(name);
  const bool fits = found != object.end() && found->is_number_integer() &&
                    (!found->is_number_unsigned() || found->get<std::uint64_t>() <= std::uint64_t{INT64_MAX});
  if (!fits) corrupt(where, fmt::format("has no number \"{}\"", name));
  return found->get<std::int64_t>();
}

void put_bytes(Json& object, const std::string& name, const std::string& bytes) {
  if (core::is_utf8(bytes)) {
    object[name] = bytes;
    return;
  }
  object[name] = core::printable(bytes);
  object[name + "_b64"] = core::to_base64(core::as_bytes(bytes));
}

std::optional<std::string> bytes_field(const Json& object, const std::string& name, const std::string& where) {
  if (const auto exact = text_field(object, (name + "_b64").c_str())) {
    const auto bytes = core::from_base64(*exact);
    if (!bytes) corrupt(where, fmt::format("\"{}_b64\" is not base64", name));
    return std::string(core::as_text(*bytes));
  }
  return text_field(object, name.c_str());
}

}  // namespace darkshelf::formats
