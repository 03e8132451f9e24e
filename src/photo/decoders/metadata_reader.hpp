#pragma once
// Metadata out of a picture and its sidecars, through exiv2. It may throw, crash, hang or swallow memory for bytes made
// to do that: only the worker calls it. One thread at a time: exiv2's XMP is not thread-safe.

#include <span>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "photo/metadata.hpp"

namespace Exiv2 {
class ExifData;
class IptcData;
class XmpData;
}  // namespace Exiv2

namespace darkshelf::photo {

/// Once, before anything else here; in the main thread.
void initialise_exiv2();

struct ReadMetadata {
  Metadata metadata;                  // tidy
  std::vector<std::string> problems;  // what could not be read: each continues "IMG_0001.CR2: …"
};

/// Of a picture (any kind that exiv2 knows; empty: none, sidecars alone) and XMP sidecars, the most believed first.
/// Which source wins, field by field, is told in docs/decisions/0007; the first one that has it:
///   rating, label, title, caption, keywords   sidecars, embedded XMP, IPTC, EXIF
///   orientation, position                     sidecars, EXIF, embedded XMP
///   capture time                              sidecars if they tell another second, EXIF, embedded XMP, IPTC, EXIF's
///   time of writing camera, lens, exposure                    EXIF, embedded XMP, sidecars
ReadMetadata read_metadata(core::ByteSpan picture, std::span<const core::ByteSpan> sidecars);

// --- parts of it -------------------------------------------------------------------------------------------------

/// Each fills in what `into` has not got yet.
void fill_from_exif(Exiv2::ExifData& exif, Metadata& into);
void fill_from_exif_texts(const Exiv2::ExifData& exif, Metadata& into);
/// When the file was written, for cameras and scanners that tell nothing else.
void fill_time_written(const Exiv2::ExifData& exif, Metadata& into);
void fill_from_iptc(const Exiv2::IptcData& iptc, Metadata& into);
void fill_time_from_iptc(const Exiv2::IptcData& iptc, Metadata& into);
/// What people give a photo: rating, label, title, caption, keywords.
void fill_given_from_xmp(const Exiv2::XmpData& xmp, Metadata& into);
/// Where and how it is turned.
void fill_place_from_xmp(const Exiv2::XmpData& xmp, Metadata& into);
/// When.
void fill_time_from_xmp(const Exiv2::XmpData& xmp, Metadata& into);
/// What the camera says: camera, lens, exposure, pixels.
void fill_camera_from_xmp(const Exiv2::XmpData& xmp, Metadata& into);

}  // namespace darkshelf::photo
