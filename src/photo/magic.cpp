#include "photo/magic.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "photo/box_walk.hpp"

namespace darkshelf::photo {

namespace {

struct Magic {
  std::size_t at;
  std::string_view bytes;
  Looks looks;
};
using namespace std::string_view_literals;

constexpr std::array kMagics = {
    Magic{0, "\xFF\xD8\xFF"sv, {Content::kJpeg, "a JPEG"}},
    Magic{0, "II*\0"sv, {Content::kTiff, "a TIFF"}},
    Magic{0, "MM\0*"sv, {Content::kTiff, "a TIFF"}},
    Magic{0, "II+\0"sv, {Content::kTiff, "a TIFF"}},
    Magic{0, "MM\0+"sv, {Content::kTiff, "a TIFF"}},
    Magic{0, "IIRO"sv, {Content::kTiff, "an Olympus RAW"}},
    Magic{0, "IIRS"sv, {Content::kTiff, "an Olympus RAW"}},
    Magic{0, "MMOR"sv, {Content::kTiff, "an Olympus RAW"}},
    Magic{0, "IIU\0"sv, {Content::kTiff, "a Panasonic RAW"}},
    Magic{0, "IIII"sv, {Content::kTiff, "a Phase One RAW"}},
    Magic{0, "MMMM"sv, {Content::kTiff, "a Phase One RAW"}},
    Magic{0, "FUJIFILMCCD-RAW"sv, {Content::kRaf, "a Fujifilm RAW"}},
    Magic{0, "\0MRM"sv, {Content::kMrw, "a Minolta RAW"}},
    Magic{6, "HEAPCCDR"sv, {Content::kCrw, "a Canon RAW (CRW)"}},
    Magic{0, "FOVb"sv, {Content::kX3f, "a Sigma RAW"}},
    Magic{0, "ARRI"sv, {Content::kArri, "an ARRI RAW"}},
    Magic{0, "\x89PNG\r\n\x1A\n"sv, {Content::kPng, "a PNG"}},
    Magic{0, "GIF8"sv, {Content::kGif, "a GIF"}},
    Magic{0, "BM"sv, {Content::kBmp, "a BMP"}},
    Magic{8, "WEBP"sv, {Content::kWebp, "a WebP"}},
    Magic{8, "AVI "sv, {Content::kAvi, "an AVI film"}},
    Magic{0, "\0\0\0\x0CjP  \r\n\x87\n"sv, {Content::kJp2, "a JPEG 2000"}},
    Magic{0, "\xFF\x4F\xFF\x51"sv, {Content::kJp2, "a JPEG 2000"}},
    Magic{0, "\0\0\0\x0CJXL \r\n\x87\n"sv, {Content::kJxl, "a JPEG XL"}},
    Magic{0, "\xFF\x0A"sv, {Content::kJxl, "a JPEG XL"}},
    Magic{0, "8BPS"sv, {Content::kPsd, "a Photoshop file"}},
    Magic{4, "moov"sv, {Content::kQuickTime, "a film (QuickTime)"}},
    Magic{4, "mdat"sv, {Content::kQuickTime, "a film (QuickTime)"}},
    Magic{4, "wide"sv, {Content::kQuickTime, "a film (QuickTime)"}},
    Magic{4, "free"sv, {Content::kQuickTime, "a film (QuickTime)"}},
    Magic{4, "skip"sv, {Content::kQuickTime, "a film (QuickTime)"}},
    Magic{4, "pnot"sv, {Content::kQuickTime, "a film (QuickTime)"}},
    Magic{0, "\x1A\x45\xDF\xA3"sv, {Content::kMatroska, "a Matroska film"}},
    Magic{0, "\0\0\x01\xBA"sv, {Content::kMpeg, "an MPEG film"}},
    Magic{0, "\0\0\x01\xB3"sv, {Content::kMpeg, "an MPEG film"}},
    Magic{0, "\x06\x0E\x2B\x34"sv, {Content::kMxf, "an MXF film"}},
    Magic{4, "RED1"sv, {Content::kRed, "a RED film"}},
    Magic{4, "RED2"sv, {Content::kRed, "a RED film"}},
    // No pictures; those that begin in two letters last.
    Magic{0, "PK\x03\x04"sv, {Content::kOther, "a ZIP archive"}},
    Magic{0, "7z\xBC\xAF\x27\x1C"sv, {Content::kOther, "a 7-Zip archive"}},
    Magic{0, "Rar!"sv, {Content::kOther, "a RAR archive"}},
    Magic{0, "\x1F\x8B"sv, {Content::kOther, "a gzip archive"}},
    Magic{0, "%PDF"sv, {Content::kOther, "a PDF"}},
    Magic{0,
          "\x7F"
          "ELF"sv,
          {Content::kOther, "a program"}},
    Magic{0, "MZ"sv, {Content::kOther, "a program"}},
    Magic{0, "SQLite format 3"sv, {Content::kOther, "a database"}},
    Magic{0, "<!DOCTYPE"sv, {Content::kOther, "a web page"}},
    Magic{0, "<html"sv, {Content::kOther, "a web page"}},
    Magic{0, "<?xml"sv, {Content::kOther, "an XML text"}},
    Magic{0, "<x:xmpmeta"sv, {Content::kOther, "an XMP sidecar"}},
    Magic{0, "Salted__"sv, {Content::kOther, "encrypted (OpenSSL)"}},
    Magic{0, "-----BEGIN PGP"sv, {Content::kOther, "encrypted (PGP)"}},
    Magic{4, "\0\x05\x16\x07"sv, {Content::kOther, "a macOS companion file"}},
    Magic{0, "\0\x05\x16\x07"sv, {Content::kOther, "a macOS companion file"}},
};

struct Ending {
  std::string_view ending, name;
  std::vector<Content> fits;
};
const std::vector<Ending>& endings() {
  using enum Content;
  static const std::vector<Ending> all = {
      {"jpg", "JPEG", {kJpeg}},
      {"jpeg", "JPEG", {kJpeg}},
      {"jpe", "JPEG", {kJpeg}},
      {"tif", "TIFF", {kTiff}},
      {"tiff", "TIFF", {kTiff}},
      {"png", "PNG", {kPng}},
      {"gif", "GIF", {kGif}},
      {"bmp", "BMP", {kBmp}},
      {"webp", "WebP", {kWebp}},
      {"jp2", "JPEG 2000", {kJp2}},
      {"jxl", "JPEG XL", {kJxl}},
      {"psd", "Photoshop file", {kPsd}},
      {"psb", "Photoshop file", {kPsd}},
      {"heic", "HEIC", {kHeif}},
      {"heif", "HEIC", {kHeif}},
      {"hif", "HEIC", {kHeif}},
      {"avif", "AVIF", {kHeif}},
      {"cr2", "Canon RAW", {kTiff}},
      {"cr3", "Canon RAW", {kCr3}},
      {"crw", "Canon RAW", {kCrw}},
      {"nef", "Nikon RAW", {kTiff}},
      {"nrw", "Nikon RAW", {kTiff}},
      {"arw", "Sony RAW", {kTiff}},
      {"sr2", "Sony RAW", {kTiff}},
      {"srf", "Sony RAW", {kTiff}},
      {"dng", "DNG", {kTiff}},
      {"pef", "Pentax RAW", {kTiff}},
      {"orf", "Olympus RAW", {kTiff}},
      {"raf", "Fujifilm RAW", {kRaf}},
      {"rw2", "Panasonic RAW", {kTiff}},
      {"rwl", "Leica RAW", {kTiff}},
      {"srw", "Samsung RAW", {kTiff}},
      {"mrw", "Minolta RAW", {kMrw}},
      {"x3f", "Sigma RAW", {kX3f}},
      {"3fr", "Hasselblad RAW", {kTiff}},
      {"fff", "Hasselblad RAW", {kTiff}},
      {"iiq", "Phase One RAW", {kTiff}},
      {"erf", "Epson RAW", {kTiff}},
      {"mef", "Mamiya RAW", {kTiff}},
      {"mos", "Leaf RAW", {kTiff}},
      {"dcr", "Kodak RAW", {kTiff}},
      {"kdc", "Kodak RAW", {kTiff}},
      {"k25", "Kodak RAW", {kTiff}},
      {"ari", "ARRI RAW", {kArri}},
      {"mov", "film", {kQuickTime}},
      {"mp4", "film", {kQuickTime}},
      {"m4v", "film", {kQuickTime}},
      {"3gp", "film", {kQuickTime}},
      {"braw", "film", {kQuickTime}},
      {"crm", "film", {kQuickTime, kCr3}},
      {"avi", "film", {kAvi}},
      {"mkv", "film", {kMatroska}},
      {"webm", "film", {kMatroska}},
      {"mpg", "film", {kMpeg}},
      {"mts", "film", {kMpeg}},
      {"m2ts", "film", {kMpeg}},
      {"mxf", "film", {kMxf}},
      {"r3d", "film", {kRed}},
  };
  return all;
}
const Ending* find_ending(std::string_view ending) {
  const auto& all = endings();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Ending& one) { return one.ending == ending; });
  return found == all.end() ? nullptr : &*found;
}

/// MPEG transport: packets of 188 bytes that start with 0x47, in .mts behind four bytes of time each.
bool is_transport(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() && text[i] == 'G'; };
  return (at(0) && at(188) && at(376)) || (at(4) && at(196) && at(388));
}

}  // namespace

Looks looks_of(core::ByteSpan front) {
  const std::string_view text = core::as_text(front);
  const std::vector<std::string> brands = brands_of(front);
  if (!brands.empty()) {
    if (brands.front() == "crx ") return {Content::kCr3, "a Canon RAW (CR3)"};
    for (const std::string& brand : brands) {
      if (brand == "avif" || brand == "avis") return {Content::kHeif, "an AVIF"};
      if (brand == "mif1" || brand == "msf1" || brand.starts_with("he")) return {Content::kHeif, "a HEIC"};
    }
    return {Content::kQuickTime, "a film (MP4)"};
  }
  for (const Magic& magic : kMagics) {
    if (text.size() >= magic.at && text.substr(magic.at).starts_with(magic.bytes)) return magic.looks;
  }
  if (is_transport(text)) return {Content::kMpeg, "an MPEG film"};
  if (text.find("\x06\x0E\x2B\x34\x02\x05\x01\x01"sv) != std::string_view::npos) return {Content::kMxf, "an MXF film"};
  return {};
}

bool fits_ending(std::string_view ending, Content content) {
  const Ending* known = find_ending(ending);
  if (known == nullptr) return content != Content::kOther;
  return std::find(known->fits.begin(), known->fits.end(), content) != known->fits.end();
}

std::string kind_of_ending(std::string_view ending) {
  const Ending* known = find_ending(ending);
  return known == nullptr ? "picture" : std::string(known->name);
}

}  // namespace darkshelf::photo
