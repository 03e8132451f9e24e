#include "volume/tar_writer.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "support/damage.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

using formats::volume::Member;
using formats::volume::MemberType;

Member member(const std::string& path, MemberType type, std::uint64_t bytes = 0, const std::string& link = {}) {
  Member member;
  member.type = type;
  member.path = path;
  member.bytes = bytes;
  member.link = link;
  member.mtime_ns = 1'780'000'000'123'456'789;
  member.mode = type == MemberType::kDirectory ? 0755 : 0640;
  return member;
}

std::vector<Member> odd_members() {
  std::vector<Member> members = {
      member("s", MemberType::kDirectory),
      member("s/a.CR3", MemberType::kFile, 1000),
      member("s/empty.xmp", MemberType::kFile),
      member("s/Größe.JPG", MemberType::kFile, 512),
      member("s/\xFFraw\n.JPG", MemberType::kFile, 513),
      member("s/hard.CR3", MemberType::kHardLink, 0, "s/a.CR3"),
      member("s/link", MemberType::kSymlink, 0, "a.CR3"),
      member("s/" + std::string(200, 'd') + "/" + std::string(250, 'n'), MemberType::kFile, 7),
      member("s/old.JPG", MemberType::kFile, 3)};
  members[1].xattrs["user.comment"] = std::string("a\0b", 3);
  members.back().mtime_ns = -2'000'000'000;  // before 1970
  return members;
}

core::Bytes content(const Member& member) { return seeded_bytes(member.bytes, member.path.size()); }

core::Bytes written(std::vector<Member>& members) {
  core::Bytes out;
  volume::TarWriter writer([&](core::ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); });
  for (Member& one : members) {
    writer.begin(one);
    if (one.type != MemberType::kFile) continue;
    const core::Bytes bytes = content(one);
    const std::size_t half = bytes.size() / 2;
    writer.data(core::ByteSpan(bytes).first(half));
    writer.data(core::ByteSpan(bytes).subspan(half));
  }
  const std::uint64_t length = writer.finish();
  CHECK(length == out.size());
  return out;
}

}  // namespace

TEST_CASE("tar: every member's bytes stand where it says, and the length is known beforehand") {
  std::vector<Member> members = odd_members();
  const std::uint64_t planned = volume::tar_bytes(members);
  const core::Bytes tar = written(members);
  CHECK(tar.size() == planned);
  CHECK(tar.size() % 512 == 0);
  std::uint64_t end = 0;
  for (const Member& one : members) {
    CHECK(one.header_offset == end);  // one after the other, nothing between
    CHECK(one.header_offset % 512 == 0);
    CHECK(one.offset > one.header_offset);
    end = one.offset + (one.bytes + 511) / 512 * 512;
    if (one.type != MemberType::kFile) continue;
    const core::Bytes expected = content(one);
    REQUIRE(one.offset + one.bytes <= tar.size());
    CHECK(std::equal(expected.begin(), expected.end(), tar.begin() + static_cast<std::ptrdiff_t>(one.offset)));
  }
  CHECK(tar.size() == end + 1024);
  for (std::size_t i = end; i < tar.size(); ++i) REQUIRE(tar[i] == std::byte{0});
  std::vector<Member> again = odd_members();
  CHECK(written(again) == tar);
}

TEST_CASE("tar: Python reads back what was written") {
  if (!has_program("python3")) return skip("there is no program python3");
  TempDir temp;
  std::vector<Member> members = odd_members();
  const core::Bytes tar = written(members);
  io::posix().create(temp / "x.tar")->write_at(0, tar);
  const ProcessResult read = run_process({"python3", "-c", R"py(
import tarfile, json, sys, hashlib
t = tarfile.open(sys.argv[1], encoding="utf-8", errors="surrogateescape")
for m in t:
    d = t.extractfile(m).read() if m.isreg() else b""
    p = m.pax_headers
    print(json.dumps({"path": m.name.encode("utf-8", "surrogateescape").hex(), "type": m.type.decode(), "size": m.size,
      "mode": m.mode, "mtime": str(p.get("mtime", m.mtime)), "link": m.linkname, "uid": m.uid, "gid": m.gid, "owner": m.uname + m.gname,
      "sha256": hashlib.sha256(d).hexdigest(), "offset": m.offset_data,
      "comment": p.get("SCHILY.xattr.user.comment", "").encode("utf-8", "surrogateescape").hex()}))
)py",
                                          (temp / "x.tar").string()});
  INFO(read.err);
  REQUIRE(read.exit_code == 0);
  std::istringstream lines(read.out);
  std::size_t i = 0;
  for (std::string line; std::getline(lines, line); ++i) {
    const auto got = nlohmann::json::parse(line);
    REQUIRE(i < members.size());
    const Member& one = members[i];
    INFO(line);
    CHECK(got.at("path") == core::to_hex(core::as_bytes(one.path)));
    constexpr const char* kTypes[] = {"0", "5", "2", "1"};
    CHECK(got.at("type") == kTypes[static_cast<int>(one.type)]);
    CHECK(got.at("mode") == one.mode);
    CHECK(got.at("link") == one.link);
    CHECK(got.at("uid") == 0);
    CHECK(got.at("gid") == 0);
    CHECK(got.at("owner") == "");
    CHECK(got.at("mtime") == (one.path == "s/old.JPG" ? "-2" : "1780000000.123456789"));
    CHECK(got.at("comment") == (one.xattrs.empty() ? "" : "610062"));
    if (one.type != MemberType::kFile) continue;
    CHECK(got.at("size") == one.bytes);
    CHECK(got.at("offset") == one.offset);
    CHECK(got.at("sha256") == core::to_hex(digest::sha256(content(one))));
  }
  CHECK(i == members.size());
}

TEST_CASE("tar: GNU tar extracts it without a word") {
  TempDir temp;
  std::vector<Member> members = odd_members();
  io::posix().create(temp / "x.tar")->write_at(0, written(members));
  const ProcessResult tar = run_process({"tar", "--warning=no-unknown-keyword", "--warning=no-timestamp", "-xf",
                                         (temp / "x.tar").string(), "-C", temp.path().string()});
  CHECK(tar.exit_code == 0);
  CHECK(tar.err == "");
  for (const Member& one : members) {
    const auto stat = io::posix().stat(temp.path() / one.path);
    REQUIRE(stat);
    if (one.type != MemberType::kFile) continue;
    CHECK(stat->mtime_ns == one.mtime_ns);
    CHECK(io::read_file(io::posix(), temp.path() / one.path, 1 << 20) == content(one));
  }
  CHECK(io::posix().stat(temp / "s/a.CR3")->links == 2);
  CHECK(io::posix().read_link(temp / "s/link") == "a.CR3");
}

TEST_CASE("tar: a member with more or fewer bytes than it said is refused, and sizes beyond 8 GiB are planned") {
  volume::TarWriter writer([](core::ByteSpan) {});
  Member one = member("s/a.JPG", MemberType::kFile, 10), two = member("s/b.JPG", MemberType::kFile, 10);
  writer.begin(one);
  writer.data(seeded_bytes(9, 1));
  CHECK_THROWS_AS(writer.begin(two), core::Error);
  volume::TarWriter other([](core::ByteSpan) {});
  other.begin(one);
  const auto too_much = [&] {
    other.data(seeded_bytes(11, 1));
    other.finish();
  };
  CHECK_THROWS_AS(too_much(), core::Error);
  const std::uint64_t large = (std::uint64_t{9} << 30) + 1;
  const std::uint64_t bytes = volume::tar_bytes({member("s/film.MOV", MemberType::kFile, large)});
  CHECK(bytes > large);
  CHECK(bytes < large + 8192);
}

}  // namespace darkshelf::testing
