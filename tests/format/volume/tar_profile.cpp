// The tar writer against a tar that was made from the tar profile of formats/volume/SPEC.md, byte by byte.

#include <catch2/catch.hpp>

#include "formats/volume/tag_files.hpp"
#include "support/vectors.hpp"
#include "volume/tar_writer.hpp"

namespace darkshelf::testing {

namespace fv = formats::volume;

TEST_CASE("tar profile: members give the tar of the SPEC, byte by byte, at the offsets of members.jsonl") {
  const std::string wanted = vector_text("volume/vectors/valid/payload.tar");
  const std::vector<fv::Member> members = fv::decode_members(vector_text("volume/vectors/valid/members-tar.jsonl"));
  std::string tar;
  volume::TarWriter writer([&](core::ByteSpan bytes) { tar += core::as_text(bytes); });
  for (const fv::Member& member : members) {
    INFO(member.path);
    fv::Member written = member;
    written.offset = written.header_offset = 1;
    writer.begin(written);
    CHECK(written.header_offset == member.header_offset);
    CHECK(written.offset == member.offset);
    if (member.type != fv::MemberType::kFile) continue;
    const std::string content = wanted.substr(member.offset, member.bytes);
    REQUIRE(digest::sha256(core::as_bytes(content)) == member.sha256);
    writer.data(core::as_bytes(content));
  }
  CHECK(writer.finish() == wanted.size());
  const auto differs = std::mismatch(tar.begin(), tar.end(), wanted.begin(), wanted.end());
  INFO("first difference at byte " << differs.first - tar.begin());
  CHECK(tar == wanted);
  CHECK(volume::tar_bytes(members) == wanted.size());
}

}  // namespace darkshelf::testing
