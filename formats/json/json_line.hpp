#pragma once
// Strict reading of one JSON object from bytes of a drive; for the codecs of this folder and formats/drive.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace darkshelf::formats {

using Json = nlohmann::ordered_json;

/// The object in `text`, at most `limit` bytes long and 8 levels deep. Throws core::Error(kCorrupt) that begins with
/// `where`.
Json parse_object(std::string_view text, std::size_t limit, const std::string& where);

// A field of that object; the must_ forms throw core::Error(kCorrupt) naming `where` and the field.
std::optional<std::string> text_field(const Json& object, const char* name);
std::string must_text(const Json& object, const char* name, const std::string& where);
std::uint64_t must_number(const Json& object, const char* name, const std::string& where);
std::int64_t must_signed(const Json& object, const char* name, const std::string& where);

/// Bytes that may not be UTF-8, as two fields: `name` (printable) and, where they differ, name_b64 (exact).
void put_bytes(Json& object, const std::string& name, const std::string& bytes);
std::optional<std::string> bytes_field(const Json& object, const std::string& name, const std::string& where);

}  // namespace darkshelf::formats
