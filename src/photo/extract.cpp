#include "photo/extract.hpp"

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "photo/text.hpp"

namespace darkshelf::photo {

namespace {

using nlohmann::json;

constexpr std::size_t kMostProblems = 20, kMostProblemBytes = 400, kMostThumbnail = 256 << 10;

// The first byte of a part.
enum Kind : char {
  kMetadataPart = 'm',
  kThumbnailPart = 't',
  kDigestPart = 'd',
  kNotAsNamedPart = 'n',
  kProblemPart = 'p',
  kFailurePart = 'f'
};

core::Bytes part_of(Kind kind, std::string_view text) {
  return core::to_bytes(std::string(1, kind) + std::string(text));
}
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }
[[noreturn]] void corrupt(const std::string& what) {
  throw core::Error(core::Code::kCorrupt, "a worker's answer about a photo is not what it should be: " + what);
}
std::string clean(const json& text) { return clean_text(text.get<std::string>(), kMostProblemBytes).text; }

void take_digest(const json& in, Extract& into) {
  ImageDigest digest;
  digest.method = clean_text(in.at("method").get<std::string>(), 20).text;
  const auto value = core::digest_from_hex<32>(in.at("sha256").get<std::string>());
  if (!value) corrupt("no digest");
  digest.sha256 = *value;
  digest.bytes = in.at("bytes").get<std::uint64_t>();
  into.digest = digest;
}

}  // namespace

std::string failure_text(Failure failure) {
  switch (failure) {
    case Failure::kNone:
      return "";
    case Failure::kCrashed:
      return "its decoder crashed; the file may be damaged, or made to do that";
    case Failure::kTooLong:
      return "its decoder took longer than it may; the file may be damaged, or made to do that";
    case Failure::kOutOfMemory:
      return "its decoder wanted more memory than it may have";
    case Failure::kTooLarge:
      return "it is too large to be looked into";
    case Failure::kNoWorker:
      return "its metadata could not be read";
  }
  return "";
}

std::string encode_head(const Request& request) {
  json head = {{"name", clean_text(request.name, 4096).text}, {"picture", request.picture.size()}};
  head["sidecars"] = json::array();
  for (const core::ByteSpan sidecar : request.sidecars) head["sidecars"].push_back(sidecar.size());
  head["wanted"] = {request.wanted.metadata, request.wanted.thumbnail, request.wanted.digest, request.wanted.as_named};
  return dump(head);
}

Request decode_request(std::string_view head, core::ByteSpan bytes) {
  try {
    const json in = json::parse(head);
    Request request;
    const auto next = [&](std::uint64_t size) {
      if (size > bytes.size()) corrupt("a request with less bytes than it says");
      const core::ByteSpan part = bytes.first(size);
      bytes = bytes.subspan(size);
      return part;
    };
    request.name = in.at("name").get<std::string>();
    request.picture = next(in.at("picture").get<std::uint64_t>());
    for (const json& size : in.at("sidecars")) request.sidecars.push_back(next(size.get<std::uint64_t>()));
    const json& wanted = in.at("wanted");
    request.wanted = {wanted.at(0).get<bool>(), wanted.at(1).get<bool>(), wanted.at(2).get<bool>(),
                      wanted.at(3).get<bool>()};
    return request;
  } catch (const json::exception& e) {
    corrupt(e.what());
  }
}

core::Bytes encode_metadata(const Metadata& metadata) { return part_of(kMetadataPart, to_json(metadata)); }
core::Bytes encode_thumbnail_part(core::ByteSpan jpeg) { return part_of(kThumbnailPart, core::as_text(jpeg)); }
core::Bytes encode_digest(const ImageDigest& digest) {
  return part_of(kDigestPart,
                 dump({{"method", digest.method}, {"sha256", core::to_hex(digest.sha256)}, {"bytes", digest.bytes}}));
}
core::Bytes encode_not_as_named(const NotAsNamed& found) {
  return part_of(kNotAsNamedPart, dump({{"how", static_cast<int>(found.how)}, {"reason", found.reason}}));
}
core::Bytes encode_problem(std::string_view problem) { return part_of(kProblemPart, problem); }
core::Bytes encode_failure(Failure failure) {
  return part_of(kFailurePart, std::string(1, static_cast<char>('0' + static_cast<int>(failure))));
}

void take_part(core::ByteSpan part, Extract& into) {
  if (part.empty()) corrupt("an empty part");
  const std::string_view text = core::as_text(part.subspan(1));
  try {
    switch (static_cast<Kind>(part.front())) {
      case kMetadataPart:
        into.metadata = metadata_from_json(text);
        return;
      case kThumbnailPart:
        if (text.size() > kMostThumbnail || !text.starts_with("\xFF\xD8\xFF")) corrupt("no thumbnail");
        into.thumbnail = core::to_bytes(text);
        return;
      case kDigestPart:
        take_digest(json::parse(text), into);
        return;
      case kNotAsNamedPart: {
        const json in = json::parse(text);
        const int how = in.at("how").get<int>();
        if (how < 0 || how > static_cast<int>(Unlike::kBroken)) corrupt("an unknown finding");
        into.not_as_named = NotAsNamed{static_cast<Unlike>(how), clean(in.at("reason"))};
        return;
      }
      case kProblemPart:
        if (into.problems.size() < kMostProblems) into.problems.push_back(clean_text(text, kMostProblemBytes).text);
        return;
      case kFailurePart:
        if (text != "3") corrupt("an unknown failure");  // kOutOfMemory is the only one a worker tells of itself
        into.failure = Failure::kOutOfMemory;
        return;
    }
  } catch (const json::exception& e) {
    corrupt(e.what());
  }
  corrupt("an unknown part");
}

}  // namespace darkshelf::photo
