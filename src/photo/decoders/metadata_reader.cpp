#include "photo/decoders/metadata_reader.hpp"

#include <algorithm>
#include <exiv2/exiv2.hpp>
#include <memory>

#include "photo/box_walk.hpp"
#include "photo/magic.hpp"
#include "photo/text.hpp"

namespace darkshelf::photo {

namespace {

constexpr std::size_t kMostSidecar = std::size_t{64} << 20;

std::string sentence(const std::exception& e) { return clean_text(e.what(), 200).text; }

/// A time that a sidecar tells differs from the camera's where somebody set a wrong clock right. Where it is the same,
/// the camera's has more to say (sub-seconds), and the sidecar perhaps the zone.
void settle_time(const Metadata& sidecars, Metadata& into) {
  if (!sidecars.captured) return;
  if (!into.captured || into.captured->local_seconds != sidecars.captured->local_seconds) {
    into.captured = sidecars.captured;
    return;
  }
  if (!into.captured->zone) into.captured->zone = sidecars.captured->zone;
  if (into.captured->digits == 0) {
    into.captured->nanoseconds = sidecars.captured->nanoseconds;
    into.captured->digits = sidecars.captured->digits;
  }
}

/// What a picture has in it.
struct Sources {
  Exiv2::ExifData exif;
  Exiv2::IptcData iptc;
  Exiv2::XmpData xmp;
  std::uint32_t width = 0, height = 0;
  std::string problem;  // why not all of it could be read
};

Sources from_image(core::ByteSpan picture) {
  auto image = Exiv2::ImageFactory::open(reinterpret_cast<const Exiv2::byte*>(picture.data()),
                                         static_cast<long>(picture.size()));
  Sources out;
  try {
    image->readMetadata();
  } catch (const Exiv2::Error& e) {  // what was read before stays
    out.problem = sentence(e);
  }
  out.exif = image->exifData();
  out.iptc = image->iptcData();
  out.xmp = image->xmpData();
  out.width = static_cast<std::uint32_t>(std::max(0, image->pixelWidth()));
  out.height = static_cast<std::uint32_t>(std::max(0, image->pixelHeight()));
  return out;
}

/// HEIC and AVIF by our own list of items: exiv2 0.27 takes the metadata for absent that other programs have put there
/// since (it leaves out base offsets), and a tile's size for the picture's.
Sources from_items(core::ByteSpan picture) {
  const auto items = items_of(picture);
  if (!items) return from_image(picture);
  Sources out;
  if (!items->complete) out.problem = "parts of it lie behind the end of the file";
  for (const auto& [id, item] : items->by_id) {
    if (id == items->primary) out.width = item.width, out.height = item.height;
    const bool xmp = item.type == "mime" && item.content_type == "application/rdf+xml";
    if (!xmp && item.type != "Exif") continue;
    core::Bytes data;
    for (const core::ByteSpan extent : item.extents) data.insert(data.end(), extent.begin(), extent.end());
    if (xmp) Exiv2::XmpParser::decode(out.xmp, std::string(core::as_text(data)));
    if (xmp || data.size() < 4) continue;
    std::uint64_t at = 4;  // behind the offset of the TIFF in what follows
    for (std::size_t i = 0; i < 4; ++i) at += std::to_integer<std::uint64_t>(data[i]) << (24 - 8 * i);
    if (at >= data.size()) continue;
    Exiv2::ExifParser::decode(out.exif, reinterpret_cast<const Exiv2::byte*>(data.data() + at),
                              static_cast<std::uint32_t>(data.size() - at));
  }
  return out;
}

}  // namespace

void initialise_exiv2() {
  Exiv2::LogMsg::setLevel(Exiv2::LogMsg::mute);
  Exiv2::XmpParser::initialize();
  Exiv2::enableBMFF(true);  // CR3 and HEIC
}

ReadMetadata read_metadata(core::ByteSpan picture, std::span<const core::ByteSpan> sidecars) {
  ReadMetadata out;
  Metadata& m = out.metadata;
  m.orientation = 0;  // not told
  Metadata from_sidecars;
  std::vector<Exiv2::XmpData> packets;
  for (std::size_t i = 0; i < sidecars.size(); ++i) {
    const std::string which = "sidecar " + std::to_string(i + 1);
    try {
      Exiv2::XmpData xmp;
      const std::string_view text = core::as_text(sidecars[i]);
      if (text.size() > kMostSidecar) throw std::runtime_error("too large");
      if (Exiv2::XmpParser::decode(xmp, std::string(text)) != 0) throw std::runtime_error("not XMP");
      fill_given_from_xmp(xmp, m);
      fill_place_from_xmp(xmp, m);
      fill_time_from_xmp(xmp, from_sidecars);
      packets.push_back(std::move(xmp));
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& e) {
      out.problems.push_back(which + " cannot be read: " + sentence(e));
    }
  }
  if (!picture.empty()) {
    try {
      Sources in = looks_of(picture).content == Content::kHeif ? from_items(picture) : from_image(picture);
      if (!in.problem.empty()) out.problems.push_back("not all metadata can be read: " + in.problem);
      fill_given_from_xmp(in.xmp, m);
      fill_from_iptc(in.iptc, m);
      fill_from_exif(in.exif, m);
      fill_from_exif_texts(in.exif, m);
      fill_place_from_xmp(in.xmp, m);
      fill_time_from_xmp(in.xmp, m);
      fill_time_from_iptc(in.iptc, m);
      fill_time_written(in.exif, m);
      fill_camera_from_xmp(in.xmp, m);
      if (in.width > 0 && in.height > 0) m.width = in.width, m.height = in.height;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& e) {
      out.problems.push_back("no metadata can be read: " + sentence(e));
    }
  }
  for (const Exiv2::XmpData& xmp : packets) fill_camera_from_xmp(xmp, m);
  settle_time(from_sidecars, m);
  tidy(m);
  return out;
}

}  // namespace darkshelf::photo
