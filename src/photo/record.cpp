#include "photo/record.hpp"

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "photo/text.hpp"

namespace darkshelf::photo {

namespace {

using nlohmann::json;

std::optional<ImageDigest> image_from(const json& in) {
  const auto text = [&](const char* name) { return in.value(name, std::string()); };
  const auto sha256 = core::digest_from_hex<32>(text("sha256"));
  ImageDigest image;
  image.method = clean_text(text("method"), 20).text;
  if (!sha256 || image.method.empty()) return {};
  image.sha256 = *sha256;
  image.bytes = in.value("bytes", std::uint64_t{0});
  return image;
}

}  // namespace

std::string to_json(const Record& record) {
  if (!record.metadata && !record.image) return {};
  json out = record.metadata ? json::parse(to_json(*record.metadata)) : json::object();
  if (record.image) {
    out["image"] = {{"method", record.image->method},
                    {"sha256", core::to_hex(record.image->sha256)},
                    {"bytes", record.image->bytes}};
  }
  return out.dump();
}

Record record_from_json(std::string_view text) {
  Record record;
  // A depth that no record has would cost a parser its stack.
  const auto shallow = [](int depth, json::parse_event_t, json&) { return depth < 8; };
  const json in = json::parse(text, shallow, false);
  if (!in.is_object()) return record;
  try {
    if (in.contains("width")) record.metadata = metadata_from_json(text);
  } catch (const core::Error&) {
    record.metadata.reset();
  }
  try {
    if (const auto image = in.find("image"); image != in.end() && image->is_object()) record.image = image_from(*image);
  } catch (const json::exception&) {
    record.image.reset();
  }
  return record;
}

}  // namespace darkshelf::photo
