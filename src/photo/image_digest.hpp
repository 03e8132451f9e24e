#pragma once
// The digest of a picture apart from what is written about it: keywords, ratings and captions that a program writes
// into the file later leave it as it is; one changed pixel does not. Pure.

#include <cstdint>
#include <optional>
#include <string>

#include "core/bytes.hpp"
#include "digest/digest.hpp"

namespace darkshelf::photo {

struct ImageDigest {
  /// What was hashed, with its version. Digests of different methods are not comparable.
  ///   jpeg-1  all segments and coded data from the start to the end marker, without APPn (but APP14, which tells how
  ///           colours are coded) and comments. What follows the end marker is not in it.
  ///   tiff-1  DNG, NEF, CR2, ARW, PEF, ORF, RW2, TIFF …: of each directory with strips or tiles that is not marked as
  ///   a
  ///           reduced picture, or of all if all are: tag number, count and values (64 bits each, little-endian) of the
  ///           tags that say how its data are read, then the strips or tiles, each behind its length.
  ///   cr3-1   the content of each "mdat", behind its length
  ///   heif-1  HEIC, AVIF: of each coded image or composition that is no thumbnail, by id: its type, its settings,
  ///           the ids of the items it is put together from, and its data, each behind its length
  ///   raf-1   the sensor's data of a Fujifilm RAF
  ///   png-1   the chunks IHDR, PLTE, tRNS and IDAT
  std::string method;
  digest::Sha256 sha256{};
  std::uint64_t bytes = 0;  // of image data in it
  bool operator==(const ImageDigest&) const = default;
};

/// Nothing for a file of another kind, or one whose image data are not all there: half a picture has no digest.
std::optional<ImageDigest> image_digest(core::ByteSpan file);

}  // namespace darkshelf::photo
