#pragma once
// What is asked of one file and what comes back, and how both travel between darkshelf and its workers. Pure.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "photo/as_named.hpp"
#include "photo/image_digest.hpp"
#include "photo/metadata.hpp"

namespace darkshelf::photo {

struct Wanted {
  bool metadata = true;
  bool thumbnail = true;
  bool digest = true;
  bool as_named = true;
};

/// One file of a photo. Only looked at.
struct Request {
  std::string name;                      // its ending tells what it should be
  core::ByteSpan picture;                // all of it; empty: sidecars alone
  std::vector<core::ByteSpan> sidecars;  // XMP, the most believed first (sidecars_for())
  Wanted wanted;
};

/// Why some of it is lacking through no fault of the asking side.
enum class Failure {
  kNone,
  kCrashed,      // a decoder died of this file
  kTooLong,      // it did not come to an end within the limit of time
  kOutOfMemory,  // it asked for more memory than it may have
  kTooLarge,     // the file is longer than the pool takes
  kNoWorker,     // no worker can be started: `problems` says why
};

struct Extract {
  std::optional<Metadata> metadata;
  core::Bytes thumbnail;              // an upright JPEG; empty: there is none
  std::optional<ImageDigest> digest;  // nothing: no kind that has one, or not all there
  std::optional<NotAsNamed> not_as_named;
  std::vector<std::string> problems;  // for a report; each continues "IMG_0001.CR2: …"
  Failure failure = Failure::kNone;   // what came before it happened is kept
};
/// "its decoder crashed", "its decoder took longer than it may": continues "IMG_0001.CR2: …"; empty for kNone.
std::string failure_text(Failure failure);

// --- between the processes ----------------------------------------------------------------------------------------

/// The request's text and the parts that follow it: the picture, then the sidecars.
std::string encode_head(const Request& request);
/// Throws core::Error(kCorrupt). `bytes` are all parts, one behind the other.
Request decode_request(std::string_view head, core::ByteSpan bytes);

/// One finished piece of an Extract.
core::Bytes encode_metadata(const Metadata& metadata);
core::Bytes encode_thumbnail_part(core::ByteSpan jpeg);
core::Bytes encode_digest(const ImageDigest& digest);
core::Bytes encode_not_as_named(const NotAsNamed& found);
core::Bytes encode_problem(std::string_view problem);
core::Bytes encode_failure(Failure failure);
/// Puts a piece in its place. Any bytes may come: a worker does not answer for what a picture made of it. Throws
/// core::Error(kCorrupt) for what is no piece, or too long; texts come out clean, thumbnails start as a JPEG does.
void take_part(core::ByteSpan part, Extract& into);

}  // namespace darkshelf::photo
