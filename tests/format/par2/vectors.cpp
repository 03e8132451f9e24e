// The vectors of formats/par2: made from its SPEC, refused as it says, and left whole by damage.

#include "support/vectors.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "digest/digest.hpp"
#include "formats/par2/packets.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

namespace par2 = formats::par2;

/// What a reader takes from a file: the bodies of sound packets, found at any offset (SPEC "Reading").
struct Taken {
  std::vector<par2::Body> bodies;
  std::set<std::string> packets;  // whole, as bytes
  template <typename T>
  std::vector<T> all() const {
    std::vector<T> out;
    for (const par2::Body& body : bodies) {
      if (const T* one = std::get_if<T>(&body)) out.push_back(*one);
    }
    return out;
  }
};

Taken taken_from(const std::string& text) {
  Taken taken;
  const core::ByteSpan bytes = core::as_bytes(text);
  for (std::size_t at = text.find("PAR2"); at != std::string::npos; at = text.find("PAR2", at + 1)) {
    if (bytes.size() - at < par2::kHeaderBytes) break;
    const auto header = par2::decode_header(bytes.subspan(at, par2::kHeaderBytes));
    if (!header || header->bytes > bytes.size() - at) continue;
    const auto body = bytes.subspan(at + par2::kHeaderBytes, header->bytes - par2::kHeaderBytes);
    if (par2::packet_md5(header->set_id, header->type, body) != header->packet_md5) continue;
    const auto decoded = par2::decode_body(*header, body, body.size());
    if (!decoded) continue;
    taken.bodies.push_back(*decoded);
    taken.packets.insert(text.substr(at, header->bytes));
  }
  return taken;
}

}  // namespace

TEST_CASE("par2 vectors: make.py makes what is committed") {
  TempDir temp;
  CHECK(regenerated_otherwise("par2", temp.path().string()) == "");
}

TEST_CASE("par2 vectors: valid sets give the values of the SPEC") {
  const auto valid = vectors_in("par2/vectors/valid");
  REQUIRE(valid.size() > 8);
  for (const auto& [name, text] : valid) {
    CAPTURE(name);
    const Taken taken = taken_from(text);
    CHECK_FALSE(taken.all<par2::Main>().empty());
    CHECK_FALSE(taken.all<par2::FileDescription>().empty());
    // What is encoded again is what was there.
    for (const par2::Main& main : taken.all<par2::Main>())
      CHECK(taken.packets.contains(std::string(core::as_text(par2::encode(par2::set_id_of(main), main)))));
  }
  // The two-file set whose numbers every PAR2 program gives: "abc", and the bytes 0 to 255 twice, in slices of 256.
  const Taken two = taken_from(valid.at("two-files.vol00000+00003.par2"));
  REQUIRE(two.all<par2::Main>().size() >= 1);
  const par2::Main main = two.all<par2::Main>().front();
  CHECK(main.slice_bytes == 256);
  CHECK(core::to_hex(par2::set_id_of(main)) == "d95cd52c7223ee15ecbaea3c55f6b90d");
  REQUIRE(main.recovery_files.size() == 2);
  CHECK(core::to_hex(main.recovery_files[0]) == "3cf1076a1b562baecba252c99829cd53");
  CHECK(core::to_hex(main.recovery_files[1]) == "014fdc32ba0e7df340114991350f2062");
  CHECK(two.all<par2::RecoverySlice>().size() == 3);
  const std::set<std::string> same = taken_from(valid.at("reverse-order.par2")).packets;
  for (const char* name : {"junk-between.par2", "odd-alignment.par2", "repeated-packets.par2"}) {
    CAPTURE(name);
    CHECK(taken_from(valid.at(name)).packets == same);
  }
}

TEST_CASE("par2 vectors: packets that break the rules are passed over") {
  const auto invalid = vectors_in("par2/vectors/invalid");
  REQUIRE(invalid.size() > 30);
  for (const auto& [name, text] : invalid) {
    CAPTURE(name);
    const Taken taken = taken_from(text);  // lives through it
    if (name.starts_with("main-")) CHECK(taken.all<par2::Main>().empty());
    if (name.starts_with("description-")) CHECK(taken.all<par2::FileDescription>().empty());
    if (name.starts_with("checksums-")) CHECK(taken.all<par2::FileSlices>().empty());
    if (name.starts_with("recovery-")) CHECK(taken.all<par2::RecoverySlice>().empty());
    if (name.starts_with("header-") || name.starts_with("packet-")) CHECK(taken.packets.size() <= 1);
  }
}

TEST_CASE("par2 vectors: damage at any byte takes packets away and never changes one") {
  const auto valid = vectors_in("par2/vectors/valid");
  const std::string& text = valid.at("two-files.vol00000+00003.par2");
  const std::set<std::string> whole = taken_from(text).packets;
  const auto only_less = [&](const std::string& damaged) {
    for (const std::string& packet : taken_from(damaged).packets) {
      if (!whole.contains(packet)) return false;
    }
    return true;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    CAPTURE(at);
    std::string flipped = text;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x41);
    REQUIRE(only_less(flipped));
    CHECK(taken_from(flipped).packets.size() < whole.size() + 1);
    REQUIRE(only_less(text.substr(0, at)));
    REQUIRE(only_less(text.substr(0, at) + text.substr(at + 1)));
  }
}

TEST_CASE("par2 vectors: a set of Debian's par2 is read whole") {
  std::size_t recovery = 0;
  for (const auto& [name, text] : vectors_in("par2/vectors/foreign/debian-par2-0.8.1")) {
    if (!name.ends_with(".par2")) continue;
    CAPTURE(name);
    const Taken taken = taken_from(text);
    REQUIRE_FALSE(taken.all<par2::Main>().empty());
    CHECK(taken.all<par2::Main>().front().slice_bytes == 128);
    CHECK(taken.all<par2::Main>().front().recovery_files.size() == 2);
    recovery += taken.all<par2::RecoverySlice>().size();
  }
  CHECK(recovery == 7);
}

}  // namespace darkshelf::testing
