// EXIF and IPTC to plain values. Numbers and lengths come from the file: each is looked at before it is used.

#include <algorithm>
#include <array>
#include <cmath>
#include <exiv2/exiv2.hpp>

#include "photo/decoders/metadata_reader.hpp"
#include "photo/text.hpp"

namespace darkshelf::photo {

namespace {

constexpr long kMostText = 1 << 16;  // bytes of one value that is read as a text

const Exiv2::Exifdatum* find(const Exiv2::ExifData& exif, const char* key) {
  const auto found = exif.findKey(Exiv2::ExifKey(key));
  return found == exif.end() || found->count() == 0 || found->size() > kMostText ? nullptr : &*found;
}
std::string text(const Exiv2::ExifData& exif, const char* key) {
  const Exiv2::Exifdatum* found = find(exif, key);
  return found == nullptr ? std::string() : clean_text(found->toString(), kMostNameBytes).text;
}
std::optional<double> ratio(const Exiv2::Exifdatum& datum, long index = 0) {
  if (datum.count() <= index) return {};
  const Exiv2::Rational value = datum.toRational(index);
  if (value.second == 0) return {};
  // EXIF has these unsigned; exiv2 hands them out signed.
  const bool is_signed = datum.typeId() == Exiv2::signedRational;
  const double over = is_signed ? value.first : static_cast<double>(static_cast<std::uint32_t>(value.first));
  const double under = is_signed ? value.second : static_cast<double>(static_cast<std::uint32_t>(value.second));
  return over / under;
}
std::optional<double> ratio(const Exiv2::ExifData& exif, const char* key) {
  const Exiv2::Exifdatum* found = find(exif, key);
  return found == nullptr ? std::nullopt : ratio(*found);
}
std::optional<long> number(const Exiv2::ExifData& exif, const char* key) {
  const Exiv2::Exifdatum* found = find(exif, key);
  if (found == nullptr) return {};
  const long value = found->toLong(0);
  return found->value().ok() ? std::optional(value) : std::nullopt;
}

struct TimeKeys {
  const char *time, *fraction, *zone;
};
void fill_time(const Exiv2::ExifData& exif, const TimeKeys& keys, Metadata& into) {
  if (into.captured) return;
  into.captured = parse_capture_time(text(exif, keys.time));
  if (!into.captured) return;
  const std::string fraction = text(exif, keys.fraction);
  const bool digits =
      !fraction.empty() && std::all_of(fraction.begin(), fraction.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits) {
    if (const auto whole = parse_capture_time("2000-01-01T00:00:00." + fraction)) {
      into.captured->nanoseconds = whole->nanoseconds;
      into.captured->digits = whole->digits;
    }
  }
  into.captured->zone = parse_zone(text(exif, keys.zone));
  if (!into.captured->zone) into.captured->zone = parse_zone(text(exif, "Exif.Photo.OffsetTime"));
}

void fill_lens(const Exiv2::ExifData& exif, Metadata& into) {
  if (!into.lens.empty()) return;
  const auto usable = [](const std::string& name) {
    const bool letters =
        std::any_of(name.begin(), name.end(), [](char c) { return std::isalpha(static_cast<unsigned char>(c)); });
    return letters && !name.starts_with('(') && name != "n/a" && name != "None" && !name.starts_with("Unknown");
  };
  for (const char* key : {"Exif.Photo.LensModel", "Exif.Canon.LensModel", "Exif.OlympusEq.LensModel"}) {
    if (const std::string name = text(exif, key); usable(name)) {
      into.lens = name;
      return;
    }
  }
  const auto found = Exiv2::lensName(exif);  // by the makers' numbers
  if (found == exif.end() || found->size() > kMostText) return;
  if (const std::string name = clean_text(found->print(&exif), kMostNameBytes).text; usable(name)) into.lens = name;
}

void fill_exposure(const Exiv2::ExifData& exif, Exposure& into) {
  const auto first = [&](std::optional<double>& value, const char* key) {
    if (!value) value = ratio(exif, key);
  };
  first(into.seconds, "Exif.Photo.ExposureTime");
  first(into.seconds, "Exif.Image.ExposureTime");
  first(into.f_number, "Exif.Photo.FNumber");
  first(into.f_number, "Exif.Image.FNumber");
  first(into.focal_mm, "Exif.Photo.FocalLength");
  first(into.focal_mm, "Exif.Image.FocalLength");
  if (into.focal_mm == 0.0) into.focal_mm.reset();
  for (const char* key :
       {"Exif.Photo.ISOSpeedRatings", "Exif.Image.ISOSpeedRatings", "Exif.Photo.RecommendedExposureIndex",
        "Exif.Photo.ISOSpeed", "Exif.Photo.StandardOutputSensitivity"}) {
    const auto value = number(exif, key);  // 65535: does not fit into the first two
    if (!into.iso && value && *value > 0 && *value != 65535) into.iso = static_cast<std::uint32_t>(*value);
  }
  if (into.iso) return;
  const auto maker = Exiv2::isoSpeed(exif);
  if (maker != exif.end() && maker->size() <= kMostText) {
    const std::string shown = maker->print(&exif);
    if (!shown.empty() && shown.size() < 8 &&
        std::all_of(shown.begin(), shown.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      into.iso = static_cast<std::uint32_t>(std::stoul(shown));
    }
  }
}

std::optional<double> degrees(const Exiv2::ExifData& exif, const char* key, const char* reference, char negative) {
  const Exiv2::Exifdatum* found = find(exif, key);
  const std::string which = text(exif, reference);
  if (found == nullptr || found->count() < 1 || which.empty()) return {};
  double value = 0, unit = 1;
  for (long i = 0; i < std::min(found->count(), 3L); ++i, unit *= 60) {
    const auto part = ratio(*found, i);
    if (!part && i == 0) return {};
    if (!part || *part < 0 || (i > 0 && *part > 60)) break;  // 0/0 where a receiver had no seconds
    value += *part / unit;
  }
  return which.front() == negative ? -value : value;
}

void fill_position(const Exiv2::ExifData& exif, Metadata& into) {
  if (into.position) return;
  const auto latitude = degrees(exif, "Exif.GPSInfo.GPSLatitude", "Exif.GPSInfo.GPSLatitudeRef", 'S');
  const auto longitude = degrees(exif, "Exif.GPSInfo.GPSLongitude", "Exif.GPSInfo.GPSLongitudeRef", 'W');
  if (!latitude || !longitude) return;
  if (*latitude == 0 && *longitude == 0) return;  // a receiver that knows nothing yet
  into.position = Position{*latitude, *longitude, ratio(exif, "Exif.GPSInfo.GPSAltitude")};
  const auto below = number(exif, "Exif.GPSInfo.GPSAltitudeRef");
  if (into.position->altitude && below == 1) into.position->altitude = -*into.position->altitude;
}

/// Windows Explorer's fields are UTF-16 in bytes.
std::string windows_text(const Exiv2::ExifData& exif, const char* key) {
  const Exiv2::Exifdatum* found = find(exif, key);
  if (found == nullptr) return {};
  std::string raw(static_cast<std::size_t>(found->size()), '\0');
  if (raw.empty() || found->copy(reinterpret_cast<Exiv2::byte*>(raw.data()), Exiv2::littleEndian) != found->size())
    return {};
  return from_utf16_le(raw);
}

/// What cameras write where a caption belongs.
bool is_filler(std::string_view caption) {
  constexpr std::array<std::string_view, 9> kFillers = {
      "OLYMPUS DIGITAL CAMERA",     "SONY DSC", "DIGITAL CAMERA", "Minolta DSC", "MINOLTA DIGITAL CAMERA",
      "KODAK DIGITAL STILL CAMERA", "SAMSUNG",  "DCIM",           "default"};
  return std::any_of(kFillers.begin(), kFillers.end(),
                     [&](std::string_view filler) { return caption.starts_with(filler); });
}

}  // namespace

void fill_from_exif(Exiv2::ExifData& exif, Metadata& into) {
  const auto first = [](std::string& value, std::string found) {
    if (value.empty()) value = std::move(found);
  };
  constexpr std::array kTimes = {
      TimeKeys{"Exif.Photo.DateTimeOriginal", "Exif.Photo.SubSecTimeOriginal", "Exif.Photo.OffsetTimeOriginal"},
      TimeKeys{"Exif.Image.DateTimeOriginal", "Exif.Photo.SubSecTimeOriginal", "Exif.Photo.OffsetTimeOriginal"},
      TimeKeys{"Exif.Photo.DateTimeDigitized", "Exif.Photo.SubSecTimeDigitized", "Exif.Photo.OffsetTimeDigitized"}};
  for (const TimeKeys& keys : kTimes) fill_time(exif, keys, into);
  first(into.make, text(exif, "Exif.Image.Make"));
  first(into.model, text(exif, "Exif.Image.Model"));
  first(into.model, text(exif, "Exif.Image.UniqueCameraModel"));
  fill_lens(exif, into);
  fill_exposure(exif, into.exposure);
  fill_position(exif, into);
  const auto turned = number(exif, "Exif.Image.Orientation");
  if (into.orientation == 0 && turned && *turned >= 1 && *turned <= 8)
    into.orientation = static_cast<std::uint8_t>(*turned);
  for (const auto& [across, down] : {std::pair{"Exif.Photo.PixelXDimension", "Exif.Photo.PixelYDimension"},
                                     {"Exif.Image.ImageWidth", "Exif.Image.ImageLength"}}) {
    const auto width = number(exif, across), height = number(exif, down);
    if (into.width != 0 || width.value_or(0) <= 0 || height.value_or(0) <= 0) continue;
    into.width = static_cast<std::uint32_t>(*width);
    into.height = static_cast<std::uint32_t>(*height);
  }
  const auto rating = number(exif, "Exif.Image.Rating");
  if (!into.rating && rating && *rating >= 1 && *rating <= 5) into.rating = static_cast<std::int8_t>(*rating);
}

void fill_time_written(const Exiv2::ExifData& exif, Metadata& into) {
  fill_time(exif, {"Exif.Image.DateTime", "Exif.Photo.SubSecTime", "Exif.Photo.OffsetTime"}, into);
}

void fill_from_exif_texts(const Exiv2::ExifData& exif, Metadata& into) {
  if (into.title.empty()) into.title = windows_text(exif, "Exif.Image.XPTitle");
  if (into.caption.empty()) {
    const Exiv2::Exifdatum* found = find(exif, "Exif.Image.ImageDescription");
    const std::string caption =
        found == nullptr ? "" : clean_text(found->toString(), kMostCaptionBytes, Lines::kKeep).text;
    if (!is_filler(caption)) into.caption = caption;
  }
  if (into.caption.empty()) into.caption = windows_text(exif, "Exif.Image.XPComment");
  if (into.keywords.empty()) {
    const std::string all = windows_text(exif, "Exif.Image.XPKeywords");
    for (std::size_t from = 0; from < all.size();) {
      const std::size_t end = std::min(all.find(';', from), all.size());
      into.keywords.push_back(all.substr(from, end - from));
      from = end + 1;
    }
  }
}

void fill_from_iptc(const Exiv2::IptcData& iptc, Metadata& into) {
  const bool had_keywords = !into.keywords.empty();
  for (const Exiv2::Iptcdatum& datum : iptc) {
    if (datum.record() != 2 || datum.size() > kMostText) continue;
    const auto given = [&] { return datum.toString(); };
    switch (datum.tag()) {
      case Exiv2::IptcDataSets::Keywords:
        if (!had_keywords && into.keywords.size() <= kMostKeywords) into.keywords.push_back(given());
        break;
      case Exiv2::IptcDataSets::ObjectName:
        if (into.title.empty()) into.title = given();
        break;
      case Exiv2::IptcDataSets::Caption:
        if (into.caption.empty()) into.caption = given();
        break;
      default:
        break;
    }
  }
}

void fill_time_from_iptc(const Exiv2::IptcData& iptc, Metadata& into) {
  const auto text = [&](std::uint16_t tag) {
    for (const Exiv2::Iptcdatum& datum : iptc) {
      if (datum.record() == 2 && datum.tag() == tag && datum.size() < 100) return datum.toString();
    }
    return std::string();
  };
  if (into.captured) return;
  const std::string date = text(Exiv2::IptcDataSets::DateCreated);  // "2026-06-14", and "15:30:12+02:00"
  into.captured = parse_capture_time(date + "T" + text(Exiv2::IptcDataSets::TimeCreated));
  if (!into.captured) into.captured = parse_capture_time(date);
}

}  // namespace darkshelf::photo
