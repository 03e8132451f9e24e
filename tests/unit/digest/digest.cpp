// Against the published vectors and against OpenSSL's other road: in pieces, copied, padded.

#include "digest/digest.hpp"

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "support/damage.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {

TEST_CASE("digests: published vectors") {
  const auto abc = core::as_bytes("abc"), digits = core::as_bytes("123456789");
  // FIPS 180-4 example, RFC 1321 A.5, and the check value every CRC catalogue gives.
  CHECK(core::to_hex(digest::sha256(abc)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(core::to_hex(digest::md5(abc)) == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(digest::crc32(digits) == 0xCBF43926u);
  CHECK(core::to_hex(digest::md5({})) == "d41d8cd98f00b204e9800998ecf8427e");
}

TEST_CASE("digests: in pieces, and going on from a copy") {
  const core::Bytes bytes = seeded_bytes(100'000, 1);
  Dice dice(2);
  for (int round = 0; round < 20; ++round) {
    digest::Sha256Stream sha256;
    digest::Md5Stream md5;
    std::uint32_t crc = 0;
    for (std::size_t at = 0; at < bytes.size();) {
      const auto piece =
          core::ByteSpan(bytes).subspan(at, std::min<std::size_t>(bytes.size() - at, 1 + dice.below(9000)));
      sha256.update(piece);
      md5.update(piece);
      crc = digest::crc32(piece, crc);
      at += piece.size();
      if (dice.below(5) == 0) {
        digest::Sha256Stream copy = sha256;
        copy.update(core::as_bytes("other"));
        copy.finish();
      }
    }
    CHECK(sha256.finish() == digest::sha256(bytes));
    CHECK(md5.finish() == digest::md5(bytes));
    CHECK(crc == digest::crc32(bytes));
    sha256.update(core::as_bytes("abc"));  // ready for a new message
    CHECK(sha256.finish() == digest::sha256(core::as_bytes("abc")));
  }
}

TEST_CASE("digests: CRC-32 is that of the definition, whatever the length, the place and what went before") {
  const auto by_definition = [](core::ByteSpan bytes, std::uint32_t earlier) {
    std::uint32_t crc = ~earlier;
    for (const std::byte byte : bytes) {
      crc ^= std::to_integer<std::uint32_t>(byte);
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
    }
    return ~crc;
  };
  CHECK(digest::crc32(core::as_bytes("123456789")) == 0xCBF43926);
  Dice dice(5);
  const core::Bytes bytes = seeded_bytes(5000, 7);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t at = dice.below(200), count = dice.below(round < 1000 ? 300 : 4000);
    const auto earlier = static_cast<std::uint32_t>(dice.next());
    const auto part = core::ByteSpan(bytes).subspan(at, count);
    CAPTURE(at, count, earlier);
    REQUIRE(digest::crc32(part, earlier) == by_definition(part, earlier));
  }
}

TEST_CASE("digests: MD5 of many messages is that of each, at every width") {
  REQUIRE(digest::md5_lanes().size() > 0);
  Dice dice(6);
  for (const std::size_t lanes : digest::md5_lanes()) {
    for (const std::size_t count : {1u, 2u, 3u, 4u, 7u, 15u, 16u, 17u, 40u}) {
      for (const std::size_t bytes : {0u, 1u, 55u, 56u, 63u, 64u, 65u, 119u, 120u, 128u, 4096u, 10'001u}) {
        CAPTURE(lanes, count, bytes);
        const core::Bytes all = seeded_bytes(count * (bytes + 3) + 1, dice.next());
        std::vector<const std::byte*> messages;
        std::vector<digest::Md5> got(count);
        for (std::size_t i = 0; i < count; ++i) messages.push_back(all.data() + i * (bytes + 3));
        digest::md5_many(messages, bytes, got, lanes);
        for (std::size_t i = 0; i < count; ++i) REQUIRE(got[i] == digest::md5({messages[i], bytes}));
      }
    }
  }
}

TEST_CASE("digests: SHA-256 of many messages is that of each") {
  Dice dice(7);
  for (const std::size_t count : {1u, 2u, 3u, 8u}) {
    for (const std::size_t bytes : {0u, 1u, 55u, 56u, 63u, 64u, 65u, 119u, 120u, 128u, 4096u, 10'001u}) {
      CAPTURE(count, bytes);
      const core::Bytes all = seeded_bytes(count * (bytes + 3) + 1, dice.next());
      std::vector<const std::byte*> messages;
      std::vector<digest::Sha256> got(count);
      for (std::size_t i = 0; i < count; ++i) messages.push_back(all.data() + i * (bytes + 3));
      digest::sha256_many(messages, bytes, got);
      for (std::size_t i = 0; i < count; ++i) REQUIRE(got[i] == digest::sha256({messages[i], bytes}));
    }
  }
}

TEST_CASE("digests: MD5 and SHA-256 at once are what each is alone, however a message is cut") {
  if (!digest::Md5Sha256Stream::is_possible()) return skip("the CPU has no instructions for SHA-256");
  const std::uint64_t slice_bytes = GENERATE(0u, 64u, 4096u);
  Dice dice(8 + slice_bytes);
  digest::Md5Sha256Stream both(slice_bytes);
  for (int round = 0; round < 500; ++round) {
    const core::Bytes message =
        seeded_bytes(round < 300 ? static_cast<std::size_t>(round) : dice.below(20'000), dice.next());
    std::vector<std::pair<std::size_t, std::size_t>> parts;
    for (std::size_t begin = 64 * dice.below(3); round % 4 != 0 && begin < message.size();) {
      const std::size_t end = begin + 1 + dice.below(round % 2 == 0 ? 200 : 6000);
      parts.emplace_back(begin, end);
      begin = core::round_up(end, 64) + 64 * dice.below(3);
    }
    std::size_t told = 0, taken = 0;
    while (taken < message.size()) {
      const std::size_t piece =
          std::min<std::size_t>(message.size() - taken, 1 + dice.below(round % 3 == 0 ? 70 : 5000));
      // As late as it may be told, or sooner.
      while (told < parts.size() && (parts[told].first < taken + piece || dice.below(2) == 0)) {
        both.part(parts[told].first, parts[told].second);
        ++told;
      }
      both.update(core::ByteSpan(message).subspan(taken, piece));
      taken += piece;
    }
    const auto digests = both.finish();
    CAPTURE(round, message.size(), slice_bytes);
    REQUIRE(digests.md5 == digest::md5(message));
    REQUIRE(digests.sha256 == digest::sha256(message));
    std::vector<digest::Sha256> slices, wanted;
    for (std::size_t at = 0; slice_bytes != 0 && at < message.size(); at += slice_bytes)
      slices.push_back(digest::sha256(core::ByteSpan(message).subspan(at, std::min(slice_bytes, message.size() - at))));
    REQUIRE(digests.slices == slices);
    for (const auto& [begin, end] : parts) {
      if (end <= message.size()) wanted.push_back(digest::sha256(core::ByteSpan(message).subspan(begin, end - begin)));
    }
    REQUIRE(digests.parts == wanted);
  }
}

TEST_CASE("digests: a part that cannot be hashed along with its message is refused") {
  if (!digest::Md5Sha256Stream::is_possible()) return skip("the CPU has no instructions for SHA-256");
  digest::Md5Sha256Stream both;
  CHECK_THROWS_AS(both.part(1, 100), core::Error);
  CHECK_THROWS_AS(both.part(64, 64), core::Error);
  both.part(64, 100);
  CHECK_THROWS_AS(both.part(64, 200), core::Error);
  both.update(seeded_bytes(300, 1));
  CHECK_THROWS_AS(both.part(256, 400), core::Error);
  both.part(320, 400);
  CHECK_THROWS_AS(digest::Md5Sha256Stream(100), core::Error);
}

TEST_CASE("digests: a slice is padded for MD5 and CRC-32, not for SHA-256") {
  for (const std::size_t bytes : {1u, 4095u, 4096u, 4097u, 12'288u, 100'000u}) {
    const core::Bytes content = seeded_bytes(bytes, bytes);
    std::vector<digest::SliceDigests> digests(core::divide_up(bytes, 4096)), without = digests;
    digest::slice_digests(content, 4096, digest::Hashes::kPar2AndSha256, digests);
    digest::slice_digests(content, 4096, digest::Hashes::kPar2, without);
    for (std::size_t i = 0; i < digests.size(); ++i) {
      const auto slice = core::ByteSpan(content).subspan(i * 4096, std::min<std::size_t>(4096, bytes - i * 4096));
      core::Bytes padded(slice.begin(), slice.end());
      padded.resize(4096);
      CHECK(digests[i].md5 == digest::md5(padded));
      CHECK(digests[i].crc32 == digest::crc32(padded));
      CHECK(digests[i].sha256 == digest::sha256(slice));
      CHECK(without[i].md5 == digests[i].md5);
      CHECK(without[i].sha256 == digest::Sha256{});
    }
  }
  CHECK(digest::crc32_zeros(digest::crc32(core::as_bytes("x")), 100'000) ==
        digest::crc32(core::Bytes(100'000), digest::crc32(core::as_bytes("x"))));
}

}  // namespace darkshelf::testing
