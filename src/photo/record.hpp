#pragma once
// What is kept of a photo's file beside its name and digest: in members.jsonl of a volume (field `photo`,
// formats/volume/SPEC.md) and in the catalog. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "photo/image_digest.hpp"
#include "photo/metadata.hpp"

namespace darkshelf::photo {

struct Record {
  std::optional<Metadata> metadata;  // of a photo of several files its first one (Photo::files) has them, for all
  std::optional<ImageDigest> image;
  bool operator==(const Record&) const = default;
};

/// One JSON object; empty where there is nothing to tell.
std::string to_json(const Record& record);
/// Takes any text. What is not as it should be is left out: no photo is worth less because a description of it rotted.
Record record_from_json(std::string_view text);

}  // namespace darkshelf::photo
