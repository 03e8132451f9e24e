// Any bytes as a picture: its structure, its digest, what it is named, its metadata and its thumbnail, in this process;
// and as what a worker answers.

#include <algorithm>
#include <cstdlib>

#include "core/error.hpp"
#include "core/pictures.hpp"
#include "core/text.hpp"
#include "photo/box_walk.hpp"
#include "photo/decoders/examine.hpp"
#include "photo/decoders/metadata_reader.hpp"
#include "photo/group.hpp"
#include "photo/jpeg_walk.hpp"
#include "photo/text.hpp"
#include "round_trip.hpp"

namespace {

namespace core = darkshelf::core;
namespace photo = darkshelf::photo;

void parts_follow_each_other(core::ByteSpan bytes) {
  std::size_t end = 0;
  const photo::JpegWalk walk = photo::walk_jpeg(bytes, [&](const photo::JpegPart& part) {
    if (part.offset < end || part.bytes.size() > bytes.size() - part.offset) std::abort();
    end = part.offset + part.bytes.size();
  });
  if (walk.end != end || walk.end > bytes.size() || (walk.complete && walk.broken_at)) std::abort();
}

void texts_are_clean(std::string_view text) {
  const auto clean = photo::clean_text(text, 500, photo::Lines::kKeep);
  if (clean.text.size() > 500 || !core::is_utf8(clean.text)) std::abort();
  if (photo::clean_text(clean.text, 500, photo::Lines::kKeep).text != clean.text) std::abort();
}

/// Every picture and every sidecar is in exactly one place.
void nothing_is_lost(std::string_view text) {
  std::vector<std::string> paths;
  for (std::size_t from = 0; from < text.size() && paths.size() < 100;) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    paths.emplace_back(text.substr(from, end - from));
    from = end + 1;
  }
  const photo::Grouping grouping = photo::group_photos(paths);
  std::size_t found = grouping.orphans.size();
  for (const photo::Photo& one : grouping.photos) {
    found += one.files.size() + one.sidecars.size();
    if (one.files.empty() || photo::sidecars_for(one, 0).size() != one.sidecars.size()) std::abort();
  }
  const auto wanted = std::count_if(paths.begin(), paths.end(), [](const std::string& path) {
    const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
    return core::picture_kind(name) != core::PictureKind::kNone || core::file_ending(name) == "xmp";
  });
  if (found != static_cast<std::size_t>(wanted)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool ready = (photo::initialise_exiv2(), true);
  (void)ready;
  const core::ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  const std::string_view text = core::as_text(bytes);
  parts_follow_each_other(bytes);
  texts_are_clean(text);
  nothing_is_lost(text);
  darkshelf::fuzz::round_trip(data, size, photo::metadata_from_json, photo::to_json);
  photo::Extract answer;
  try {
    photo::take_part(bytes, answer);
  } catch (const core::Error&) {
  }
  try {
    photo::decode_request(text, bytes);
  } catch (const core::Error&) {
  }
  for (const char* name : {"a.jpg", "a.CR2", "a.heic", "a.png"}) photo::picture_not_as_named(name, bytes, size);
  // What it says of any bytes is what a worker may say.
  photo::Extract out;
  photo::examine({"a.dng", bytes, {}, {}}, [&](const core::Bytes& part) { photo::take_part(part, out); });
  photo::examine({"a.jpg", {}, {bytes}, {}}, [&](const core::Bytes& part) { photo::take_part(part, out); });
  return 0;
}
