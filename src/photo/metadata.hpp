#pragma once
// What a photo says of itself: plain values, free of any decoder. Everything here is pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace darkshelf::photo {

/// A moment by the camera's clock. Cameras tell the time on the wall, and only some the zone it is meant in.
struct CaptureTime {
  std::int64_t local_seconds = 0;    // since 1970-01-01T00:00:00 on that wall
  std::uint32_t nanoseconds = 0;     // below 1'000'000'000
  std::uint8_t digits = 0;           // of the sub-seconds, as the camera gave them: 0 to 9
  std::optional<std::int16_t> zone;  // minutes east of UTC, -14 h to 14 h; nothing: not told

  /// "2026-06-14T15:30:12.34+02:00": as many digits as were given, the zone only where it is known.
  std::string text() const;
  bool operator==(const CaptureTime&) const = default;
};
/// "2026:06:14 15:30:12" (EXIF), "2026-06-14T15:30:12.34+02:00" (XMP), without seconds or with a date alone (midnight).
/// Nothing for what is no date, or outside the years 1800 to 2199: zeros and blanks are what a camera writes whose
/// clock was never set.
std::optional<CaptureTime> parse_capture_time(std::string_view text);
/// "+02:00", "-0330", "Z" to minutes.
std::optional<std::int16_t> parse_zone(std::string_view text);

struct Exposure {
  std::optional<double> seconds;   // above 0, at most a day
  std::optional<double> f_number;  // above 0, below 1000
  std::optional<double> focal_mm;  // of the lens, not converted to another film size; above 0, below 100'000
  std::optional<std::uint32_t> iso;
  bool operator==(const Exposure&) const = default;
};

struct Position {
  double latitude = 0;             // degrees, north positive, -90 to 90
  double longitude = 0;            // degrees, east positive, -180 to 180
  std::optional<double> altitude;  // metres above the sea
  bool operator==(const Position&) const = default;
};

/// Texts are valid UTF-8 without control characters, blanks at the ends or bytes beyond kMost…; empty: not told.
struct Metadata {
  std::optional<CaptureTime> captured;
  std::string make, model;  // "Canon", "Canon EOS 30D": as the camera wrote them
  std::string lens;
  Exposure exposure;
  std::uint8_t orientation = 1;  // 1 to 8 as EXIF has it: what turns the stored pixels upright
  std::optional<Position> position;
  std::uint32_t width = 0, height = 0;     // of the picture as it is stored, before it is turned; 0: not told
  std::optional<std::int8_t> rating;       // 0 to 5 stars, -1: rejected
  std::string label;                       // the colour's name, in the language of whoever gave it
  std::vector<std::string> keywords;       // flat, in the order given, none twice
  std::vector<std::string> keyword_paths;  // "Places|France|Île de Ré"
  std::string title, caption;              // a caption may have line ends (\n)
  bool shortened = false;                  // some text was longer, or there were more keywords

  /// "Canon EOS 30D", "SONY ILCE-6000": the model, with the make in front unless the model starts with it.
  std::string camera() const;
  bool operator==(const Metadata&) const = default;
};

// Bytes of a text, and how many of them.
inline constexpr std::size_t kMostNameBytes = 200;  // make, model, lens, label
inline constexpr std::size_t kMostKeywordBytes = 300;
inline constexpr std::size_t kMostKeywords = 500;  // of each kind
inline constexpr std::size_t kMostTitleBytes = 1'000;
inline constexpr std::size_t kMostCaptionBytes = 8'000;

/// Brings all of it within the limits above, whoever made it: texts are cleaned and cut, numbers out of range are
/// dropped. Nothing changes when done again.
void tidy(Metadata& metadata);

/// JSON, for the way between processes and for what is kept (photo/record.hpp), and back. Reading takes any bytes: what
/// is not as it should be throws core::Error(kCorrupt); what comes back is tidy.
std::string to_json(const Metadata& metadata);
Metadata metadata_from_json(std::string_view text);

}  // namespace darkshelf::photo
