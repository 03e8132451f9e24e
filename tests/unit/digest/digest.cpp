// Against the published vectors and against OpenSSL's other road: in pieces, copied, padded.

#include "digest/digest.hpp"

#include <catch2/catch.hpp>

#include "support/damage.hpp"

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

TEST_CASE("digests: a slice is padded for MD5 and CRC-32, not for SHA-256") {
  for (const std::size_t bytes : {1u, 4095u, 4096u}) {
    const core::Bytes slice = seeded_bytes(bytes, bytes);
    core::Bytes padded = slice;
    padded.resize(4096);
    const digest::SliceDigests digests = digest::slice_digests(slice, 4096);
    CHECK(digests.md5 == digest::md5(padded));
    CHECK(digests.crc32 == digest::crc32(padded));
    CHECK(digests.sha256 == digest::sha256(slice));
  }
  CHECK(digest::crc32_zeros(digest::crc32(core::as_bytes("x")), 100'000) ==
        digest::crc32(core::Bytes(100'000), digest::crc32(core::as_bytes("x"))));
}

}  // namespace darkshelf::testing
