#include "photo/decoders/metadata_reader.hpp"

#include <exiv2/exiv2.hpp>
#include <memory>

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
      auto image = Exiv2::ImageFactory::open(reinterpret_cast<const Exiv2::byte*>(picture.data()),
                                             static_cast<long>(picture.size()));
      try {
        image->readMetadata();
      } catch (const Exiv2::Error& e) {  // what was read before stays
        out.problems.push_back("not all metadata can be read: " + sentence(e));
      }
      fill_given_from_xmp(image->xmpData(), m);
      fill_from_iptc(image->iptcData(), m);
      fill_from_exif(image->exifData(), m);
      fill_from_exif_texts(image->exifData(), m);
      fill_place_from_xmp(image->xmpData(), m);
      fill_time_from_xmp(image->xmpData(), m);
      fill_time_from_iptc(image->iptcData(), m);
      fill_time_written(image->exifData(), m);
      fill_camera_from_xmp(image->xmpData(), m);
      const int width = image->pixelWidth(), height = image->pixelHeight();
      if (width > 0 && height > 0) {
        m.width = static_cast<std::uint32_t>(width);
        m.height = static_cast<std::uint32_t>(height);
      }
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
