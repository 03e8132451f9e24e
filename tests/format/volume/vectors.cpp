// The codecs of formats/volume against the vectors that were made from its SPEC, and against what other programs wrote.

#include "support/vectors.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "core/text.hpp"
#include "formats/volume/tag_files.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

namespace fv = formats::volume;

/// Decodes with the codec the file's name tells, and encodes what came out.
std::string round_trip(const std::string& name, const std::string& text) {
  if (name.starts_with("members") || name.starts_with("one.jsonl")) return fv::encode_members(fv::decode_members(text));
  if (name.starts_with("bag")) return fv::encode_bag_info(fv::decode_bag_info(text));
  if (name.starts_with("slices")) return fv::encode_slices(fv::decode_slices(text));
  return fv::encode_manifest(fv::decode_manifest(text));
}

const fv::Member& member(const std::vector<fv::Member>& members, const std::string& ending) {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.path.ends_with(ending); });
  REQUIRE(found != members.end());
  return *found;
}

std::string valid(const std::string& name) { return vector_text("volume/vectors/valid/" + name); }

}  // namespace

TEST_CASE("volume vectors: valid ones decode, and encode to the same bytes") {
  int tried = 0;
  for (const auto& [name, text] : vectors_in("volume/vectors/valid")) {
    if (name == "payload.tar" || name == "bagit.txt") continue;
    INFO(name);
    CHECK(round_trip(name, text) == text);
    ++tried;
  }
  CHECK(tried == 8);
  CHECK(fv::bagit_txt() == valid("bagit.txt"));
}

TEST_CASE("volume vectors: members have the values that were written") {
  const std::vector<fv::Member> members = fv::decode_members(valid("members-tar.jsonl"));
  REQUIRE(members.size() == 15);
  CHECK(members.front().type == fv::MemberType::kDirectory);
  const fv::Member& raw = member(members, "/IMG_0001.CR3");
  CHECK(raw.bytes == 5000);
  CHECK(raw.mtime_ns == 1'781'438'400'250'000'000);
  CHECK(raw.xattrs.at("user.comment") == std::string("with\0zero", 9));
  CHECK(member(members, "/sub").xattrs.at("user.a=b\nc ö") == "odd name");
  CHECK(raw.header_offset == 512);
  CHECK(raw.offset == 2048);
  CHECK(member(members, "/old.TIF").mtime_ns == -315'000'000'000'000'000);
  CHECK(member(members, "/run.sh").mode == 04751);
  CHECK(member(members, "/latin1-\xE9.JPG").bytes == 9);
  CHECK(member(members, "/new\nline.JPG").bytes == 7);
  CHECK(member(members, "/link").link == "../elsewhere/a.JPG");
  CHECK(member(members, "/hard.CR3").link == raw.path);
  const std::vector<fv::Member> plain = fv::decode_members(valid("members-files.jsonl"));
  CHECK(member(plain, "a.JPG").first_slice == 3);
  CHECK(member(plain, "link").link == "no-\xE9");
}

TEST_CASE("volume vectors: bag-info has the values that were written") {
  const fv::BagInfo info = fv::decode_bag_info(valid("bag-info-files.txt"));
  CHECK(info.layout == fv::Layout::kFiles);
  CHECK(info.title == "Größe – 大");
  CHECK(info.shoot_name == "pl\\xE9in");
  CHECK(info.shoot_date.empty());
  CHECK(info.part == 2);
  CHECK(info.parts == 3);
  CHECK(info.payload_bytes == 9003);
  CHECK(info.payload_files == 3);
  CHECK(info.sequence == 18);
  CHECK(core::format_time(info.sealed) == "2026-12-31T12:00:00.123456789Z");
  REQUIRE(info.left_out.size() == 2);
  CHECK(info.left_out[1].path == "plain/new\nline \\ \xE9");
  CHECK(fv::base_name(info) == "undated_grosse_2of3");
  CHECK(fv::folder_name(info) == "undated_grosse_kgfj5_2of3");
  CHECK(fv::year_folder(info) == "undated");
  CHECK(fv::base_name(fv::decode_bag_info(valid("bag-info-tar.txt"))) == "2026-06-14_smith-wedding_1of1");
}

TEST_CASE("volume vectors: the tag files of the tar fit each other") {
  const auto hash_of = [](const std::string& name) { return digest::sha256(core::as_bytes(valid(name))); };
  const auto manifest = fv::decode_manifest(valid("manifest-sha256.txt"));
  REQUIRE(manifest.size() == 1);
  CHECK(manifest.front().sha256 == hash_of("payload.tar"));
  for (const fv::ManifestEntry& entry : fv::decode_manifest(valid("tagmanifest-sha256.txt"))) {
    INFO(entry.path);
    if (entry.path.ends_with(".par2")) continue;
    const bool suffixed = entry.path == fv::kMembers || entry.path == fv::kBagInfo;
    std::string name = entry.path;
    if (suffixed) name.insert(name.find('.'), "-tar");
    CHECK(entry.sha256 == hash_of(name));
  }
  const fv::BagInfo info = fv::decode_bag_info(valid("bag-info-tar.txt"));
  CHECK(info.payload_bytes == valid("payload.tar").size());
  CHECK(info.slices == fv::decode_slices(valid("slices.sha256")).size());
  CHECK(info.content_files == fv::decode_manifest(valid("photos.sha256")).size());
}

TEST_CASE("volume vectors: what only a reader takes is the same as its written form") {
  const auto files = vectors_in("volume/vectors/valid/lenient");
  int tried = 0;
  for (const auto& [name, text] : files) {
    const std::size_t as = name.find("--as-");
    if (as == std::string::npos) continue;
    INFO(name);
    CHECK(round_trip(name, text) == files.at(name.substr(as + 5)));
    ++tried;
  }
  CHECK(tried == 3);
}

TEST_CASE("volume vectors: each hostile one is refused with a sentence that says why") {
  const auto bad = bad_vectors("volume");
  CHECK(bad.size() > 90);
  for (const BadVector& vector : bad)
    CHECK(other_than_refused(vector, [&] { round_trip(vector.name, vector.text); }) == "");
}

TEST_CASE("volume vectors: what is too long to lie in a file is refused") {
  const std::string hash(64, 'a');
  const BadVector path{"path above 64 KiB", "", core::Code::kCorrupt, "is no path inside a volume"};
  CHECK(other_than_refused(path, [&] {
          fv::decode_members(fmt::format(R"({{"path":"s/{}","type":"dir","mtime_ns":0,"mode":"0755"}})"
                                         "\n",
                                         std::string(65535, 'x')));
        }) == "");
  CHECK(other_than_refused(path, [&] { fv::decode_manifest(hash + "  " + std::string(65537, 'x') + "\n"); }) == "");
  const BadVector line{"line above its limit", "", core::Code::kCorrupt, "is cut off or too long"};
  CHECK(other_than_refused(line, [&] { fv::decode_manifest(hash + "  " + std::string(192 << 10, 'x') + "\n"); }) == "");
  CHECK(other_than_refused(line, [&] { fv::decode_bag_info("X: " + std::string(256 << 10, 'x') + "\n"); }) == "");
  const BadVector many{"lines above their limit", "", core::Code::kCorrupt, "is cut off or too long"};
  std::string lines;
  for (int i = 0; i < 2'000'001; ++i) lines += "X:\n";
  CHECK(other_than_refused(many, [&] { fv::decode_bag_info(lines); }) == "");
  const BadVector object{"object above 4 MiB", "", core::Code::kCorrupt,
                         "is longer than the 4194304 bytes it can have"};
  CHECK(other_than_refused(object, [&] { fv::decode_members(std::string((4 << 20) + 1, ' ') + "\n"); }) == "");
  // At the limit they are taken.
  CHECK(fv::decode_manifest(hash + "  " + std::string(65536, 'x') + "\n").front().path.size() == 65536);
}

TEST_CASE("volume vectors: lists of other programs are read or refused as SPEC.md says") {
  int accepted = 0, refused = 0;
  for (const auto& [name, text] : vectors_in("volume/vectors/foreign")) {
    INFO(name);
    if (name.find("--accepted--") != std::string::npos) {
      CHECK_NOTHROW(round_trip(name, text));
      ++accepted;
    } else {
      const BadVector bad{name, text, core::Code::kCorrupt, ""};
      CHECK(other_than_refused(bad, [&] { round_trip(bad.name, bad.text); }) == "");
      ++refused;
    }
  }
  CHECK(accepted == 4);
  CHECK(refused == 7);
  const std::string plain = vector_text("volume/vectors/foreign/manifest--accepted--coreutils-sha256sum.txt");
  CHECK(fv::encode_manifest(fv::decode_manifest(plain)) == plain);
  const auto listed = fv::decode_manifest(plain);
  for (const char* program : {"coreutils-sha256sum-binary", "perl-shasum"}) {
    INFO(program);
    const std::string text = vector_text(fmt::format("volume/vectors/foreign/manifest--accepted--{}.txt", program));
    CHECK(fv::decode_manifest(text) == listed);
  }
  REQUIRE(listed.size() == 7);
  CHECK(listed[3].path == "s/back\\slash");
  CHECK(listed[4].path == "s/cr\rx");
  CHECK(listed[6].path == "s/new\nline.JPG");
}

TEST_CASE("volume vectors: cut, flipped and missing bytes never do more than an error") {
  for (const char* name : {"members-files.jsonl", "bag-info-files.txt", "photos.sha256", "lenient/one.jsonl"}) {
    INFO(name);
    CHECK(harmed_by_damage(valid(name), [&](const std::string& text) {
            const std::string file = std::string(name).substr(std::string(name).rfind('/') + 1);
            // What is taken must be something the encoder can write and the decoder takes again.
            const std::string written = round_trip(file, text);
            if (round_trip(file, written) != written) throw std::runtime_error("does not encode to what decodes");
          }) == "");
  }
  CHECK(harmed_by_damage(valid("slices.sha256").substr(0, 130), [](const std::string& text) {
          if (fv::decode_slices(text).size() > 2) throw std::runtime_error("more slices than lines");
        }) == "");
}

TEST_CASE("volume vectors: a list that was cut anywhere but behind a line is refused") {
  for (const char* name : {"members-tar.jsonl", "photos.sha256", "bag-info-tar.txt"}) {
    const std::string text = valid(name);
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i - 1] == '\n') continue;
      INFO(name << " cut at " << i);
      REQUIRE_THROWS_AS(round_trip(name, text.substr(0, i)), core::Error);
    }
  }
}

TEST_CASE("volume vectors: make.py makes what is committed") {
  const TempDir folder;
  CHECK(regenerated_otherwise("volume", folder.path().string()) == "");
}

}  // namespace darkshelf::testing
