// Texts, times and what is kept of them: plain values.

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "core/pictures.hpp"
#include "core/text.hpp"
#include "photo/extract.hpp"
#include "photo/metadata.hpp"
#include "photo/record.hpp"
#include "photo/text.hpp"

namespace darkshelf::testing {

using photo::clean_text;
using photo::Lines;

TEST_CASE("photo text: whatever bytes come, clean UTF-8 goes") {
  CHECK(clean_text("  Smith \t wedding\n", 100).text == "Smith wedding");
  CHECK(clean_text(std::string_view("Canon\0\0junk", 11), 100).text == "Canon");
  CHECK(clean_text("Île de Ré", 100).text == "Île de Ré");
  CHECK(clean_text("\xCEle de R\xE9 \x93x\x94 \x80", 100).text == "Île de Ré “x” €");  // Windows-1252
  CHECK(clean_text("a\r\nb \n\n c", 100, Lines::kKeep).text == "a\nb\nc");
  CHECK(clean_text("a\xE2\x80\xAE"
                   "b\xEF\xBB\xBF",
                   100)
            .text == "ab");  // turned writing, a byte order mark
  CHECK(clean_text("\x1B[31mred", 100).text == "[31mred");
  CHECK(clean_text("", 100).text.empty());
  CHECK(clean_text(" \n ", 100).text.empty());

  const auto cut = clean_text("ééé", 5);
  CHECK(cut.text == "éé");
  CHECK(cut.shortened);
  CHECK_FALSE(clean_text("ééé", 6).shortened);
  std::string long_one;
  for (int i = 0; i < 100'000; ++i) long_one += "é";
  const auto much = clean_text(long_one, 1000);
  CHECK(much.text.size() == 1000);
  CHECK(core::is_utf8(much.text));
  CHECK(much.shortened);
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string bytes = {'a', static_cast<char>(first), static_cast<char>(second)};
      const std::string once = clean_text(bytes, 100, Lines::kKeep).text;
      if (!core::is_utf8(once) || clean_text(once, 100, Lines::kKeep).text != once) FAIL(core::printable(bytes));
    }
  }
  CHECK(photo::from_utf16_le(std::string_view("R\0\xE9\0=\xD8\x00\xDE", 8)) == "Ré😀");
  CHECK(photo::from_utf16_le(std::string_view("=\xD8x\0y", 5)) == "x");
}

TEST_CASE("photo time: EXIF, XMP and IPTC forms, sub-seconds and zones") {
  const auto text = [](const char* told) {
    const auto time = photo::parse_capture_time(told);
    return time ? time->text() : "-";
  };
  CHECK(text("2026:06:14 15:30:12") == "2026-06-14T15:30:12");
  CHECK(text("2026-06-14T15:30:12.340+02:00") == "2026-06-14T15:30:12.340+02:00");
  CHECK(text("2026-06-14T15:30:12Z") == "2026-06-14T15:30:12+00:00");
  CHECK(text("2026-06-14T15:30-03:30") == "2026-06-14T15:30:00-03:30");
  CHECK(text("2026-06-14") == "2026-06-14T00:00:00");
  CHECK(text("1904-02-29T23:59:60") == "1904-02-29T23:59:59");
  CHECK(text("2026-06-14T15:30:12.123456789123") == "2026-06-14T15:30:12.123456789");
  CHECK(text("2026:06:14 15:30:12+99:00") == "2026-06-14T15:30:12");  // a time, and no zone
  for (const char* none : {"", "0000:00:00 00:00:00", "    :  :     :  :  ", "2026:13:01 00:00:00",
                           "2026:02:30 00:00:00", "2026:06:14 25:00:00", "2026:06:14 15:61:00", "99999:01:01 00:00:00",
                           "1700:01:01 00:00:00", "2026-06", "yesterday", "2026:06:14 15h30"}) {
    CHECK(text(none) == "-");
  }
  CHECK(photo::parse_zone("+0545") == 345);
  CHECK(photo::parse_zone("-03") == -180);
  CHECK_FALSE(photo::parse_zone("+15:00"));
  CHECK_FALSE(photo::parse_zone("CEST"));
}

TEST_CASE("photo metadata: limits hold, and it survives the way between processes") {
  photo::Metadata m;
  m.captured = photo::parse_capture_time("2026-06-14T15:30:12.34+02:00");
  m.make = "NIKON CORPORATION";
  m.model = "NIKON D70";
  m.lens = "18-70mm f/3.5-4.5";
  m.exposure = {1.0 / 320, 2.8, 50.0, 400};
  m.orientation = 6;
  m.position = photo::Position{48.2, -1.4, -3.5};
  m.width = 3000;
  m.height = 2000;
  m.rating = -1;
  m.label = "Rot";
  m.keywords = {"wedding", "Île de Ré"};
  m.keyword_paths = {"Places|France|Île de Ré"};
  m.title = "Title \"quoted\"";
  m.caption = "first line\nsecond line";
  CHECK(m.camera() == "NIKON D70");
  const photo::Metadata back = photo::metadata_from_json(photo::to_json(m));
  CHECK(back == m);
  m.make = "SONY", m.model = "ILCE-6000";
  CHECK(m.camera() == "SONY ILCE-6000");
  CHECK(photo::metadata_from_json(photo::to_json(photo::Metadata{})) == photo::Metadata{});

  photo::Metadata wild;
  wild.make = std::string(5000, 'x');
  wild.keywords.assign(2000, "same");
  for (int i = 0; i < 2000; ++i) wild.keywords.push_back("k" + std::to_string(i));
  wild.keywords[1] = std::string(1000, 'k');
  wild.exposure = {-1.0, 1e9, std::nan(""), 0};
  wild.orientation = 77;
  wild.position = photo::Position{91, 0, {}};
  wild.rating = 9;
  wild.captured = photo::CaptureTime{std::int64_t{1} << 60, 0, 0, {}};
  photo::tidy(wild);
  CHECK(wild.make.size() == photo::kMostNameBytes);
  CHECK(wild.keywords.size() == photo::kMostKeywords);
  CHECK(wild.keywords[0] == "same");
  CHECK(wild.keywords[1].size() == photo::kMostKeywordBytes);
  CHECK(wild.keywords[2] == "k0");
  CHECK(wild.shortened);
  CHECK(wild.exposure == photo::Exposure{});
  CHECK(wild.orientation == 1);
  CHECK_FALSE(wild.position);
  CHECK_FALSE(wild.rating);
  CHECK_FALSE(wild.captured);
  photo::Metadata again = wild;
  photo::tidy(again);
  CHECK(again == wild);
  for (const char* bad : {"", "[]", "{", "{\"keywords\": 3}", "{\"make\": {}}", "{\"latitude\": \"x\"}"}) {
    CHECK_THROWS_AS(photo::metadata_from_json(bad), core::Error);
  }
}

TEST_CASE("photo extract: what a worker says is taken only if it is what it should be") {
  photo::Extract out;
  photo::take_part(photo::encode_problem("a\x1B"
                                         "b\xFF"),
                   out);
  CHECK(out.problems.at(0) == "a bÿ");
  photo::take_part(photo::encode_failure(photo::Failure::kOutOfMemory), out);
  CHECK(out.failure == photo::Failure::kOutOfMemory);
  photo::take_part(photo::encode_not_as_named({photo::Unlike::kCut, "is cut"}), out);
  CHECK(out.not_as_named->how == photo::Unlike::kCut);
  photo::ImageDigest digest{"jpeg-1", {}, 17};
  digest.sha256[3] = std::byte{9};
  photo::take_part(photo::encode_digest(digest), out);
  CHECK(out.digest == digest);
  for (const std::string bad : {"", "x", "t", "tno JPEG", "d{}", "d{\"method\":\"a\",\"sha256\":\"00\",\"bytes\":1}",
                                "f1", "f", "n{\"how\":17,\"reason\":\"\"}", "m[]", "m{\"orientation\":\"x\"}"}) {
    CHECK_THROWS_AS(photo::take_part(core::as_bytes(bad), out), core::Error);
  }
  CHECK_THROWS_AS(photo::take_part(core::to_bytes("t\xFF\xD8\xFF" + std::string(1 << 20, 'x')), out), core::Error);
  for (int i = 0; i < 1000; ++i) photo::take_part(photo::encode_problem("again"), out);
  CHECK(out.problems.size() == 20);

  const core::Bytes picture = core::to_bytes("picture"), sidecar = core::to_bytes("side"),
                    all = core::to_bytes("pictureside");
  const photo::Request request{"a/b \xFF.jpg", picture, {sidecar}, {true, false, true, false}};
  const photo::Request back = photo::decode_request(photo::encode_head(request), all);
  CHECK(core::as_text(back.picture) == "picture");
  CHECK(core::as_text(back.sidecars.at(0)) == "side");
  CHECK_FALSE(back.wanted.thumbnail);
  CHECK_THROWS_AS(photo::decode_request(photo::encode_head(request), core::ByteSpan(all).first(5)), core::Error);
}

TEST_CASE("picture names: by their ending, whatever its case") {
  using core::PictureKind;
  CHECK(core::picture_kind("IMG_0001.CR2") == PictureKind::kRaw);
  CHECK(core::picture_kind("a.b.Jpeg") == PictureKind::kDeveloped);
  CHECK(core::picture_kind("a.MOV") == PictureKind::kFilm);
  CHECK(core::picture_kind("a.xmp") == PictureKind::kNone);
  CHECK(core::picture_kind("jpg") == PictureKind::kNone);
  CHECK(core::picture_kind(".jpg") == PictureKind::kNone);
  CHECK(core::file_ending("IMG_0001.CR2") == "cr2");
}

TEST_CASE("photo record: what is kept comes back, and what makes no sense is left out") {
  photo::Record record;
  CHECK(photo::to_json(record).empty());
  record.image = photo::ImageDigest{"jpeg-1", digest::sha256(core::as_bytes("x")), 12};
  CHECK(photo::record_from_json(photo::to_json(record)) == record);
  record.metadata.emplace();
  record.metadata->model = "Canon EOS 30D";
  record.metadata->keywords = {"bride", "Île"};
  record.metadata->captured = photo::parse_capture_time("2026-06-14T15:30:12.34+02:00");
  CHECK(photo::record_from_json(photo::to_json(record)) == record);
  for (const char* text : {"", "[", "[]", "7", "{}", R"({"image": 7})", R"({"image": {"method": 1, "sha256": "ab"}})",
                           R"({"width": "wide", "image": {"method": "jpeg-1"}})"}) {
    CHECK(photo::record_from_json(text) == photo::Record{});
  }
  CHECK(photo::record_from_json(std::string(100'000, '[')) == photo::Record{});
  std::string half = photo::to_json(record);
  half.replace(half.find("\"jpeg-1\""), 8, "17");
  CHECK(!photo::record_from_json(half).image);
  CHECK(photo::record_from_json(half).metadata == record.metadata);
}

}  // namespace darkshelf::testing
