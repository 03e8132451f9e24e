// The codecs of formats/drive against the vectors that were made from its SPEC, and against what other programs wrote.

#include "support/vectors.hpp"

#include <catch2/catch.hpp>

#include "core/text.hpp"
#include "formats/drive/drive_files.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

namespace fd = formats::drive;

std::string round_trip(const std::string& name, const std::string& text) {
  if (name.starts_with("CURRENT")) return fd::encode_current(fd::decode_current(text));
  return fd::encode_identity(fd::decode_identity(text));
}

}  // namespace

TEST_CASE("drive vectors: valid ones decode, and encode to the same bytes") {
  const auto files = vectors_in("drive/vectors/valid");
  CHECK(files.size() == 5);
  for (const auto& [name, text] : files) {
    INFO(name);
    CHECK(round_trip(name, text) == text);
  }
  const fd::DriveIdentity identity = fd::decode_identity(files.at("drive-own-and-fraction.json"));
  CHECK(identity.label == "Größe „B“ \\ \"x\"");
  CHECK(identity.catalog_mode == "own");
  CHECK(core::format_time(identity.created) == "1999-01-01T00:00:00.000000001Z");
  CHECK(identity.id.text() == "3f2b8c1e-5d47-4a90-8b6e-1c0d9e7f2a34");
  const fd::CurrentCatalog current = fd::decode_current(files.at("CURRENT"));
  CHECK(current.name == "catalog-12.db");
  CHECK(current.bytes == 6);
  CHECK(current.sha256 == digest::sha256(core::as_bytes("abcdef")));
  CHECK(fd::decode_current(files.at("CURRENT-large")).bytes == 999'999'999'999'999'999);
}

TEST_CASE("drive vectors: what only a reader takes is the same as its written form") {
  int tried = 0;
  for (const auto& [name, text] : vectors_in("drive/vectors/valid/lenient")) {
    INFO(name);
    const std::string written = name.starts_with("CURRENT") ? "CURRENT" : "drive.json";
    CHECK(round_trip(name, text) == vector_text("drive/vectors/valid/" + written));
    ++tried;
  }
  CHECK(tried == 5);
}

TEST_CASE("drive vectors: each hostile one is refused with a sentence that says why") {
  const auto bad = bad_vectors("drive");
  CHECK(bad.size() > 50);
  for (const BadVector& vector : bad)
    CHECK(other_than_refused(vector, [&] { round_trip(vector.name, vector.text); }) == "");
  const BadVector large{"drive.json above 64 KiB", "", core::Code::kCorrupt, "is longer than the 65536 bytes"};
  CHECK(other_than_refused(large, [] { fd::decode_identity(std::string(65537, ' ')); }) == "");
}

TEST_CASE("drive vectors: files that went through other programs are read or refused as SPEC.md says") {
  int accepted = 0, refused = 0;
  for (const auto& [name, text] : vectors_in("drive/vectors/foreign")) {
    INFO(name);
    if (name.find("--accepted--") != std::string::npos) {
      CHECK(round_trip(name, text) == vector_text("drive/vectors/valid/drive.json"));
      ++accepted;
    } else {
      const BadVector bad{name, text, core::Code::kCorrupt, ""};
      CHECK(other_than_refused(bad, [&] { round_trip(bad.name, bad.text); }) == "");
      ++refused;
    }
  }
  CHECK(accepted == 2);
  CHECK(refused == 2);
}

TEST_CASE("drive vectors: cut, flipped and missing bytes never do more than an error") {
  for (const char* name : {"drive.json", "drive-own-and-fraction.json", "CURRENT"}) {
    INFO(name);
    CHECK(harmed_by_damage(vector_text(std::string("drive/vectors/valid/") + name), [&](const std::string& text) {
            const std::string written = round_trip(name, text);
            if (round_trip(name, written) != written) throw std::runtime_error("does not encode to what decodes");
          }) == "");
  }
  const std::string current = vector_text("drive/vectors/valid/CURRENT");
  for (std::size_t i = 0; i < current.size(); ++i) {
    INFO("cut at " << i);
    CHECK_THROWS_AS(fd::decode_current(current.substr(0, i)), core::Error);
  }
}

TEST_CASE("drive vectors: make.py makes what is committed") {
  const TempDir folder;
  CHECK(regenerated_otherwise("drive", folder.path().string()) == "");
}

TEST_CASE("START-HERE: the name at the root is one every file system takes") {
  CHECK(fd::root_start_here_name("2026-A") == "START-HERE photo archive 2026-A.txt");
  CHECK(fd::root_start_here_name("a/b:c*?\"<>|\\d") == "START-HERE photo archive a_b_c_______d.txt");
  CHECK(fd::root_start_here_name("x\n. .") == "START-HERE photo archive x_x0A.txt");
  std::string umlauts = "x";
  while (umlauts.size() < 239) umlauts += "ü";
  CHECK(fd::root_start_here_name(umlauts) == "START-HERE photo archive " + umlauts.substr(0, 221) + ".txt");
}

TEST_CASE("drive labels: what others wrote into drive.json becomes one that commands take") {
  for (const std::string text : {"2026-A", "Größe „B“ \\ \"x\""}) {
    CHECK(fd::is_label(text));
    CHECK(fd::label_from(text) == text);
  }
  for (const std::string& text : std::vector<std::string>{"", ".", "..", "a/b", "a,b", "-a", "a\nb", "a\xFF",
                                                          std::string(61, 'x'), "x" + std::string(239, '\n')}) {
    CAPTURE(text);
    CHECK_FALSE(fd::is_label(text));
    CHECK(fd::is_label(fd::label_from(text)));
  }
  std::string umlauts = "x";
  for (int i = 0; i < 70; ++i) umlauts += "ü";
  CHECK(fd::label_from(umlauts) == umlauts.substr(0, 119));  // of 60 characters
  CHECK(fd::is_label(umlauts.substr(0, 119)));
}

}  // namespace darkshelf::testing
