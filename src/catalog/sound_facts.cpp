// What a fact from elsewhere must look like before it becomes one of ours.

#include <map>

#include "catalog/state.hpp"
#include "formats/drive/drive_files.hpp"

namespace darkshelf::catalog {

namespace {

enum class Names { kNothing, kId, kSeal, kWord, kKey };  // what a subject or object is

struct Shape {
  Names subject = Names::kId;
  Names object = Names::kNothing;
  std::vector<const char*> texts{};    // fields that must be texts
  std::vector<const char*> ids{};      // fields that must be ids or empty
  std::vector<const char*> numbers{};  // fields that must be whole numbers
  std::vector<const char*> times{};    // fields that must be times: differences of them are taken
};

const std::map<std::string, Shape>& shapes() {
  static const std::map<std::string, Shape> shapes = {
      {"place-added", {.texts = {"name", "note"}, .numbers = {"offsite"}}},
      {"place-renamed", {.texts = {"name"}}},
      {"drive-added", {.texts = {"label", "kind", "note", "catalog"}, .ids = {"place", "clone_of"}}},
      {"drive-renamed", {.texts = {"label"}}},
      {"drive-moved", {.ids = {"place"}}},
      {"drive-lent", {.texts = {"to"}}},
      {"drive-returned", {}},
      {"drive-marked", {.texts = {"state"}}},
      {"drive-seen", {}},
      {"drive-accepted", {.texts = {"as"}}},
      {"drive-wear", {.texts = {"model", "serial"}, .times = {"read"}}},
      {"drive-scrubbed", {.object = Names::kId, .numbers = {"complete"}, .times = {"started", "ended"}}},
      {"finding", {.object = Names::kId, .texts = {"kind", "path"}, .ids = {"volume"}, .numbers = {"first", "count"}}},
      {"policy-set", {.subject = Names::kWord, .texts = {"value"}}},
      {"seal-planned", {.texts = {"shoot_name", "options"}, .ids = {"shoot"}, .times = {"planned"}}},
      {"seal-ended", {}},
      {"volume-sealed", {.texts = {"seal"}}},
      {"volume-found", {.texts = {"seal"}}},
      {"volume-adopted", {.texts = {"seal"}}},
      {"volume-conflict", {.object = Names::kSeal, .texts = {"kept", "folder"}}},
      {"copy-made", {.object = Names::kId, .numbers = {"cached"}, .times = {"proven"}}},
      {"copy-gone", {.object = Names::kId, .texts = {"reason"}}},
      {"copy-scrubbed",
       {.object = Names::kId, .texts = {"health"}, .numbers = {"first_slice", "slice_count"}, .times = {"ended"}}},
      {"copy-repaired", {.object = Names::kId}},
      {"copy-signed", {.object = Names::kId, .texts = {"key", "signature"}}},
      {"key-trusted", {.subject = Names::kKey, .object = Names::kSeal, .texts = {"name"}, .numbers = {"trusted"}}},
      {"seal-numbered", {.object = Names::kId, .texts = {"previous"}, .numbers = {"sequence"}}},
      {"shoot-renamed", {.texts = {"name"}}},
      {"shoot-note", {.texts = {"text"}}},
      {"shoot-keep", {.numbers = {"copies"}}},
      {"shoot-discarded", {.texts = {"reason"}}},
      {"work-added", {.texts = {"path", "path_b64"}}},
      {"work-removed", {}},
  };
  return shapes;
}

bool fits(Names names, const std::string& text) {
  constexpr std::size_t kLongestWord = 64;
  switch (names) {
    case Names::kNothing:
      return text.empty();
    case Names::kId:
      return Uuid::parse(text).has_value();
    case Names::kSeal:
      return core::digest_from_hex<32>(text).has_value();
    case Names::kWord:
      return !text.empty() && text.size() <= kLongestWord;
    case Names::kKey:
      return core::digest_from_hex<8>(text).has_value();
  }
  return false;
}

bool is_id_list(const Json& ids) {
  if (!ids.is_array()) return false;
  for (const Json& id : ids) {
    if (!id.is_string() || !Uuid::parse(id.get<std::string>())) return false;
  }
  return true;
}

bool is_sound_plan(const Json& body) {
  const auto volumes = body.find("volumes");
  if (volumes == body.end() || !volumes->is_array()) return false;
  for (const Json& volume : *volumes) {
    if (!volume.is_object() || !Uuid::parse(json_text(volume, "volume"))) return false;
    if (!is_id_list(volume.value("drives", Json()))) return false;
  }
  return true;
}

}  // namespace

bool is_sound_fact(const std::string& kind, const std::string& subject, const std::string& object, const Json& body) {
  const auto found = shapes().find(kind);
  if (found == shapes().end()) return true;
  const Shape& shape = found->second;
  if (!fits(shape.subject, subject) || !fits(shape.object, object)) return false;
  for (const char* name : shape.texts) {
    if (!body.contains(name) || !body[name].is_string()) return false;
  }
  for (const char* name : shape.ids) {
    const std::string id = json_text(body, name);
    if (!body.contains(name) || !body[name].is_string() || (!id.empty() && !Uuid::parse(id))) return false;
  }
  for (const char* name : shape.numbers) {
    if (!body.contains(name) || !body[name].is_number_integer()) return false;
  }
  for (const char* name : shape.times) {
    const auto time = body.find(name);
    if (time == body.end() || !time->is_number_integer() || *time < 0 || *time > kLastTime) return false;
  }
  // It will be written into the drive's own files, and is what commands are given.
  if ((kind == "drive-added" || kind == "drive-renamed") && !formats::drive::is_label(json_text(body, "label")))
    return false;
  if (const auto evidence = body.find("evidence"); evidence != body.end() && !evidence->is_object()) return false;
  if (kind == "seal-numbered" && (body["sequence"] < 1 || body["sequence"] > kLastSequence)) return false;
  // No copies at all would be no policy but a shoot that nobody watches.
  if (kind == "shoot-keep" && (body["copies"] < 1 || body["copies"] > 99)) return false;
  return kind != "seal-planned" || is_sound_plan(body);
}

}  // namespace darkshelf::catalog
