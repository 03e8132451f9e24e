#include "photo/decoders/examine.hpp"

#include <exception>
#include <new>

#include "core/error.hpp"
#include "core/pictures.hpp"
#include "io/worker.hpp"
#include "photo/box_walk.hpp"
#include "photo/decoders/heif_pixels.hpp"
#include "photo/decoders/metadata_reader.hpp"
#include "photo/decoders/preview.hpp"
#include "photo/decoders/thumbnail.hpp"
#include "photo/magic.hpp"

namespace darkshelf::photo {

namespace {

using Tell = std::function<void(const core::Bytes&)>;

/// Does one piece; what goes wrong with it is told and costs nothing else.
template <typename Piece>
void attempt(const Tell& tell, std::string_view what, Piece piece) {
  try {
    piece();
  } catch (const std::bad_alloc&) {
    tell(encode_failure(Failure::kOutOfMemory));
  } catch (const std::length_error&) {  // a length from the file that no memory could hold
    tell(encode_failure(Failure::kOutOfMemory));
  } catch (const std::exception& e) {
    tell(encode_problem(std::string(what) + ": " + e.what()));
  }
}

Pixels shown_pixels(core::ByteSpan picture, Content content, Metadata& metadata) {
  if (content == Content::kHeif) {
    HeifPicture heif = heif_picture(picture);
    if (metadata.width == 0) metadata.width = heif.width, metadata.height = heif.height;
    return small_pixels(heif.pixels);
  }
  const unsigned orientation = metadata.orientation;
  std::string why = "it has no preview";
  if (content == Content::kJpeg) {
    if (const auto preview = preview_of_jpeg(picture)) {
      try {
        return upright(small_pixels(*preview), orientation);
      } catch (const core::Error&) {  // then from the picture itself
      }
    }
    return upright(small_pixels(picture), orientation);
  }
  for (const core::Bytes& jpeg : previews_in(picture)) {
    try {
      return upright(small_pixels(jpeg), orientation);
    } catch (const core::Error& e) {
      why = e.what();
    }
  }
  throw core::Error(core::Code::kCorrupt, why);
}

}  // namespace

void examine(const Request& request, const Tell& tell) {
  const std::uint64_t total = request.picture.size();
  const bool picture = total > 0;
  if (request.wanted.as_named && !request.name.empty()) {
    attempt(tell, "what it is", [&] {
      if (const auto found = picture_not_as_named(request.name, request.picture, total))
        tell(encode_not_as_named(*found));
    });
  }
  if (request.wanted.digest && picture) {
    attempt(tell, "digest of the image", [&] {
      if (const auto digest = image_digest(request.picture)) tell(encode_digest(*digest));
    });
  }
  const Content content = looks_of(request.picture).content;
  const bool film = content == Content::kQuickTime || content == Content::kOther ||
                    core::picture_kind(request.name) == core::PictureKind::kFilm;
  ReadMetadata read;
  if (request.wanted.metadata || request.wanted.thumbnail) {
    attempt(tell, "metadata", [&] {
      read = read_metadata(film ? core::ByteSpan{} : request.picture, request.sidecars);
      for (const std::string& problem : read.problems) tell(encode_problem(problem));
      if (request.wanted.metadata) tell(encode_metadata(read.metadata));
    });
  }
  if (request.wanted.thumbnail && picture && !film) {
    attempt(tell, "thumbnail", [&] {
      tell(encode_thumbnail_part(encode_thumbnail(shown_pixels(request.picture, content, read.metadata))));
    });
  }
}

int serve_as_worker() {
  const auto seat = io::WorkerSeat::take();
  if (!seat) return 2;
  initialise_exiv2();
  if (!seat->lock_up()) return 3;  // nothing is decoded that could reach out
  while (const auto asked = seat->next()) {
    const auto tell = [&](const core::Bytes& part) { seat->answer(part); };
    try {
      examine(decode_request(asked->head, asked->bytes), tell);
    } catch (const std::exception& e) {
      tell(encode_problem(e.what()));
    }
    seat->done();
  }
  return 0;
}

}  // namespace darkshelf::photo
