// The codec of formats/parcel against the vectors that were made from its SPEC.

#include "support/vectors.hpp"

#include <catch2/catch.hpp>

#include "core/text.hpp"
#include "formats/parcel/parcel.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

namespace fp = formats::parcel;

/// What a reader takes for the head: a parcel's data are behind it.
std::string head_of(const std::string& text) { return text.substr(0, fp::head_length(text).value_or(text.size())); }

std::string round_trip(const std::string& text) { return fp::encode(fp::decode(text)); }

}  // namespace

TEST_CASE("parcel vectors: valid ones decode, and encode to the same bytes") {
  const auto files = vectors_in("parcel/vectors/valid");
  CHECK(files.size() == 5);
  for (const auto& [name, text] : files) {
    INFO(name);
    CHECK(round_trip(head_of(text)) == head_of(text));
    CHECK(fp::kind_of(text) == (name.ends_with(".parcel") ? fp::Kind::kParcel : fp::Kind::kRequest));
    CHECK(fp::decode(head_of(text)).data_bytes() == text.size() - head_of(text).size());
  }
  const fp::Parcel request = fp::decode(files.at("one.request"));
  CHECK(request.kind == fp::Kind::kRequest);
  CHECK(request.label == "2026-A");
  CHECK(request.drive.text() == "3f2b8c1e-5d47-4a90-8b6e-1c0d9e7f2a34");
  CHECK(core::format_time(request.made) == "2026-12-31T12:00:00Z");
  REQUIRE(request.parts.size() == 1);
  const fp::Part& part = request.parts.front();
  CHECK(part.folder == "2026/2026-06-14_smith-wedding_k7f3p_1of7");
  CHECK(part.needed == 2);
  CHECK(part.spare == 1);
  REQUIRE(part.files.size() == 1);
  CHECK(part.files.front().name == "bagit.txt");
  REQUIRE(part.slices.size() == 3);
  CHECK(part.slices.back().number == 9);
  CHECK(part.slices.back().bytes == 5);
  const std::string parcel_text = files.at("one.parcel");
  const fp::Parcel parcel = fp::decode(head_of(parcel_text));
  CHECK(parcel.from == "2026-B");
  const std::string data = parcel_text.substr(head_of(parcel_text).size());
  const fp::Part& brought = parcel.parts.front();
  CHECK(digest::sha256(core::as_bytes(data.substr(0, 54))) == brought.files.front().sha256);
  CHECK(digest::sha256(core::as_bytes(data.substr(54, 12))) == brought.slices.front().sha256);
  CHECK(digest::sha256(core::as_bytes(data.substr(78))) == brought.slices.back().sha256);
}

TEST_CASE("parcel vectors: what only a reader takes is the same as its written form") {
  int tried = 0;
  for (const auto& [name, text] : vectors_in("parcel/vectors/valid/lenient")) {
    INFO(name);
    CHECK(round_trip(text) == vector_text("parcel/vectors/valid/one.request"));
    ++tried;
  }
  CHECK(tried == 2);
}

TEST_CASE("parcel vectors: each hostile one is refused with a sentence that says why") {
  const auto bad = bad_vectors("parcel");
  CHECK(bad.size() > 50);
  for (const BadVector& vector : bad) CHECK(other_than_refused(vector, [&] { fp::decode(vector.text); }) == "");
  const BadVector large{"head above 256 MiB", "", core::Code::kCorrupt, "a head that is too long"};
  CHECK(other_than_refused(large, [] { fp::decode(std::string(fp::kHeadLimit + 1, ' ')); }) == "");
}

TEST_CASE("parcel vectors: cut, flipped and missing bytes never do more than an error") {
  for (const char* name : {"one.request", "one.parcel", "lists-alone.request"}) {
    INFO(name);
    const std::string head = head_of(vector_text(std::string("parcel/vectors/valid/") + name));
    CHECK(harmed_by_damage(head, [](const std::string& text) {
            if (round_trip(round_trip(text)) != round_trip(text))
              throw std::runtime_error("does not encode to what decodes");
          }) == "");
    for (std::size_t i = 0; i < head.size(); ++i) {
      INFO("cut at " << i);
      CHECK_THROWS_AS(fp::decode(head.substr(0, i)), core::Error);
    }
  }
}

TEST_CASE("parcel vectors: the head ends where its last line does, however much was read") {
  const std::string text = vector_text("parcel/vectors/valid/one.parcel");
  const std::size_t length = head_of(text).size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    INFO(i);
    CHECK(fp::head_length(text.substr(0, i)).has_value() == (i >= length));
  }
  CHECK(fp::kind_of("{\"darkshelf\":\"requests\",") == std::nullopt);
  CHECK(fp::kind_of("") == std::nullopt);
}

TEST_CASE("parcel vectors: make.py makes what is committed") {
  const TempDir folder;
  CHECK(regenerated_otherwise("parcel", folder.path().string()) == "");
}

}  // namespace darkshelf::testing
