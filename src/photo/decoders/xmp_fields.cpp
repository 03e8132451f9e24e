// XMP to plain values, from sidecars and from packets inside pictures.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exiv2/exiv2.hpp>

#include "photo/decoders/metadata_reader.hpp"
#include "photo/text.hpp"

namespace darkshelf::photo {

namespace {

constexpr std::size_t kMostValue = 1 << 18;  // bytes of one value

/// By its key as a text: a prefix that exiv2 does not know is no error then.
const Exiv2::Xmpdatum* find(const Exiv2::XmpData& xmp, std::string_view key) {
  for (const Exiv2::Xmpdatum& datum : xmp) {
    if (datum.key() == key) return datum.count() > 0 ? &datum : nullptr;
  }
  return nullptr;
}

std::string text(const Exiv2::XmpData& xmp, std::string_view key) {
  const Exiv2::Xmpdatum* found = find(xmp, key);
  if (found == nullptr) return {};
  if (const auto* in_languages = dynamic_cast<const Exiv2::LangAltValue*>(&found->value())) {
    const auto usual = in_languages->value_.find("x-default");
    if (usual != in_languages->value_.end()) return usual->second;
    return in_languages->value_.empty() ? std::string() : in_languages->value_.begin()->second;
  }
  const std::string whole = found->value().count() == 1 ? found->toString(0) : found->toString();
  return whole.size() > kMostValue ? whole.substr(0, kMostValue) : whole;
}

std::vector<std::string> list(const Exiv2::XmpData& xmp, std::string_view key) {
  std::vector<std::string> out;
  const Exiv2::Xmpdatum* found = find(xmp, key);
  if (found == nullptr) return out;
  for (long i = 0; i < found->count() && out.size() <= kMostKeywords; ++i) out.push_back(found->toString(i));
  return out;
}

/// "28/10", "2.8" or "3".
std::optional<double> number(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto over = number(text.substr(0, slash)), under = number(text.substr(slash + 1));
    if (!over || !under || *under == 0) return {};
    return *over / *under;
  }
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}
std::optional<double> number(const Exiv2::XmpData& xmp, std::string_view key) {
  return number(std::string_view(text(xmp, key)));
}

/// "47,30.1234N", "47,30,12.5N".
std::optional<double> degrees(const std::string& told, char positive, char negative) {
  if (told.size() < 2) return {};
  const char which = told.back();
  if (which != positive && which != negative) return {};
  double value = 0, unit = 1;
  std::string_view rest = std::string_view(told).substr(0, told.size() - 1);
  for (int i = 0; i < 3; ++i, unit *= 60) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const auto part = number(rest.substr(0, comma));
    if (!part || *part < 0) return {};
    value += *part / unit;
    if (comma == rest.size()) break;
    rest = rest.substr(comma + 1);
  }
  return which == negative ? -value : value;
}

void first(std::string& value, std::string found) {
  if (value.empty()) value = std::move(found);
}

}  // namespace

void fill_given_from_xmp(const Exiv2::XmpData& xmp, Metadata& into) {
  if (!into.rating) {
    const auto stars = number(xmp, "Xmp.xmp.Rating");
    if (stars && *stars >= -1 && *stars <= 5) into.rating = static_cast<std::int8_t>(std::lround(*stars));
  }
  first(into.label, text(xmp, "Xmp.xmp.Label"));
  first(into.title, text(xmp, "Xmp.dc.title"));
  first(into.caption, text(xmp, "Xmp.dc.description"));
  if (into.keywords.empty()) into.keywords = list(xmp, "Xmp.dc.subject");
  if (into.keyword_paths.empty()) into.keyword_paths = list(xmp, "Xmp.lr.hierarchicalSubject");
  if (into.keyword_paths.empty()) {
    into.keyword_paths = list(xmp, "Xmp.digiKam.TagsList");
    for (std::string& path : into.keyword_paths) std::replace(path.begin(), path.end(), '/', '|');
  }
}

void fill_place_from_xmp(const Exiv2::XmpData& xmp, Metadata& into) {
  const auto turned = number(xmp, "Xmp.tiff.Orientation");
  if (into.orientation == 0 && turned && *turned >= 1 && *turned <= 8)
    into.orientation = static_cast<std::uint8_t>(*turned);
  if (into.position) return;
  const auto latitude = degrees(text(xmp, "Xmp.exif.GPSLatitude"), 'N', 'S');
  const auto longitude = degrees(text(xmp, "Xmp.exif.GPSLongitude"), 'E', 'W');
  if (!latitude || !longitude) return;
  into.position = Position{*latitude, *longitude, number(xmp, "Xmp.exif.GPSAltitude")};
  if (into.position->altitude && text(xmp, "Xmp.exif.GPSAltitudeRef") == "1") {
    into.position->altitude = -*into.position->altitude;
  }
}

void fill_time_from_xmp(const Exiv2::XmpData& xmp, Metadata& into) {
  for (const char* key : {"Xmp.exif.DateTimeOriginal", "Xmp.photoshop.DateCreated", "Xmp.xmp.CreateDate"}) {
    if (!into.captured) into.captured = parse_capture_time(text(xmp, key));
  }
}

void fill_camera_from_xmp(const Exiv2::XmpData& xmp, Metadata& into) {
  first(into.make, text(xmp, "Xmp.tiff.Make"));
  first(into.model, text(xmp, "Xmp.tiff.Model"));
  first(into.lens, text(xmp, "Xmp.exifEX.LensModel"));
  first(into.lens, text(xmp, "Xmp.aux.Lens"));
  const auto fill = [&](std::optional<double>& value, const char* key) {
    if (!value) value = number(xmp, key);
  };
  fill(into.exposure.seconds, "Xmp.exif.ExposureTime");
  fill(into.exposure.f_number, "Xmp.exif.FNumber");
  fill(into.exposure.focal_mm, "Xmp.exif.FocalLength");
  if (!into.exposure.iso) {
    const std::vector<std::string> values = list(xmp, "Xmp.exif.ISOSpeedRatings");
    const auto value = values.empty() ? std::nullopt : number(values.front());
    if (value && *value >= 1 && *value < 1e9) into.exposure.iso = static_cast<std::uint32_t>(*value);
  }
  const auto width = number(xmp, "Xmp.tiff.ImageWidth"), height = number(xmp, "Xmp.tiff.ImageLength");
  if (into.width == 0 && width && height && *width >= 1 && *height >= 1 && *width < 1e9 && *height < 1e9) {
    into.width = static_cast<std::uint32_t>(*width);
    into.height = static_cast<std::uint32_t>(*height);
  }
}

}  // namespace darkshelf::photo
