#include "volume/volume_reader.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <tuple>

#include "core/error.hpp"
#include "core/text.hpp"
#include "parity/par2_files.hpp"
#include "support/damage.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

namespace fv = formats::volume;
using volume::FileCondition;

constexpr std::uint64_t kPayload = 10'000;

/// A small volume of layout tar, its lists right, its payload of no matter here; the lists have parity of their own.
class SmallVolume {
 public:
  SmallVolume() {
    fv::BagInfo info;
    info.volume = world_.new_id();
    info.group = world_.new_id();
    info.shoot = world_.new_id();
    info.shoot_name = info.title = "2026-06-14_smith";
    info.shoot_date = "2026-06-14";
    info.payload_bytes = kPayload;
    info.payload_files = info.content_files = info.photos = 1;
    info.content_bytes = 5000;
    info.slice_bytes = 4096;
    info.slices = 3;
    info.recovery_slices = 16;
    info.tag_slice_bytes = 4096;
    info.tag_recovery_slices = 6;
    info.writer = world_.new_id();
    info.sequence = 1;
    info.sealed = world_.now();
    fv::Member photo;
    photo.path = "2026-06-14_smith/a.CR3";
    photo.bytes = 5000;
    photo.header_offset = 512;
    photo.offset = 2048;
    photo.sha256 = digest::sha256(core::as_bytes("photo"));
    io::posix().make_dirs(folder() / "data");
    make_file(folder() / "data" / "x.tar", kPayload, 1);
    put(fv::kMembers, fv::encode_members({photo}));
    put(fv::kPhotos, fv::encode_manifest({{photo.sha256, photo.path}}));
    put(fv::kSlices, fv::encode_slices(std::vector<digest::Sha256>(3)));
    put(fv::kManifest, fv::encode_manifest({{digest::sha256(core::as_bytes("x")), "data/x.tar"}}));
    put(fv::kBagit, fv::bagit_txt());
    put(fv::kBagInfo, fv::encode_bag_info(info));
    protect();
    seal();
  }

  io::Path folder() const { return temp_.path() / "darkshelf" / "2026" / "v"; }
  io::Path file(std::string_view name) const { return folder() / std::string(name); }
  void put(std::string_view name, const std::string& text) {
    if (io::posix().stat(file(name))) io::posix().remove_file(file(name));
    io::posix().create(file(name))->write_at(0, core::as_bytes(text));
    texts_[std::string(name)] = text;
  }
  void seal() {
    std::vector<fv::ManifestEntry> entries;
    for (const io::Entry& entry : io::posix().list(folder())) {
      if (entry.type == io::FileType::kRegular && entry.name != fv::kTagManifest)
        entries.push_back({digest::sha256(io::read_file(io::posix(), folder() / entry.name, 1 << 20)), entry.name});
    }
    put(fv::kTagManifest, fv::encode_manifest(entries));
  }
  volume::KnownSeal known() const {
    const std::string& text = texts_.at(std::string(fv::kTagManifest));
    return {digest::sha256(core::as_bytes(text)), text};
  }
  volume::LoadedVolume load(const std::optional<volume::KnownSeal>& known = {}) const {
    return volume::load_volume(io::posix(), folder(), known, io::ReadMode::kCached, {});
  }
  core::Code refused(const std::optional<volume::KnownSeal>& known = {}) const {
    try {
      load(known);
    } catch (const core::Error& error) {
      return error.code();
    }
    return core::Code::kCancelled;
  }
  /// Every tag file is known as it was sealed.
  void require_whole(const volume::LoadedVolume& loaded) const {
    for (const std::string_view name : fv::kTagFiles) {
      INFO(name);
      CHECK(loaded.tag_text.at(std::string(name)) == texts_.at(std::string(name)));
    }
    CHECK(loaded.members.at(0).path == "2026-06-14_smith/a.CR3");
    CHECK(loaded.files.at(0).bytes == kPayload);
    CHECK(loaded.files.at(0).slice_count == 3);
    CHECK(loaded.seal == known().seal);
  }
  const TempDir& temp() const { return temp_; }

 private:
  void protect() {
    parity::CreateRequest request;
    request.set = folder() / "x.tags.par2";
    for (const std::string_view name : fv::kTagFiles) request.files.push_back(file(name));
    request.slice_bytes = 4096;
    request.recovery_slices = 2;
    parity::create_set(io::posix(), request, {});
  }

  TempDir temp_;
  core::SteadyWorld world_{*core::parse_time("2026-12-31T12:00:00Z"), 9};
  std::map<std::string, std::string> texts_;
};

std::set<std::string> told(const volume::LoadedVolume& loaded) {
  std::set<std::string> told;
  for (const volume::TagFinding& finding : loaded.findings) {
    const char* kCondition[] = {"damaged", "missing", "unreadable", "foreign"};
    told.insert(std::string(kCondition[static_cast<int>(finding.condition)]) +
                (finding.mended ? " mended " : " lost ") + finding.file);
  }
  return told;
}

}  // namespace

TEST_CASE("volume: lists that are as sealed are read without a finding") {
  const SmallVolume volume;
  const auto loaded = volume.load();
  CHECK(loaded.findings.empty());
  volume.require_whole(loaded);
  volume.require_whole(volume.load(volume.known()));
  const auto folders = volume::volume_folders(io::posix(), volume.temp().path());
  CHECK(folders == std::vector<io::Path>{volume.folder()});
}

TEST_CASE("volume: any list that is damaged, cut, longer or missing is mended in memory, the file left as it is") {
  const std::string name(fv::kTagFiles[static_cast<std::size_t>(GENERATE(range(0, 6)))]);
  const int how = GENERATE(0, 1, 2, 3);
  CAPTURE(name, how);
  SmallVolume volume;
  const io::Path file = volume.file(name);
  const std::uint64_t bytes = io::posix().stat(file)->bytes;
  if (how == 0) rot(file, bytes / 2, 3);
  if (how == 1) cut(file, bytes / 3);
  if (how == 2) io::posix().open_write(file)->write_at(bytes, core::as_bytes("more"));
  if (how == 3) io::posix().remove_file(file);
  const auto loaded = volume.load();
  volume.require_whole(loaded);
  CHECK(told(loaded) == std::set<std::string>{(how == 3 ? "missing mended " : "damaged mended ") + name});
  if (how == 3) {
    CHECK_FALSE(io::posix().stat(file));
  } else {
    CHECK(io::posix().stat(file)->bytes == (how == 1 ? bytes / 3 : how == 2 ? bytes + 4 : bytes));
  }
}

TEST_CASE("volume: more lists lost than parity can make again is said, unless they are not needed") {
  SmallVolume volume;
  rot(volume.file(fv::kMembers), 5, 1);
  io::posix().remove_file(volume.file(fv::kBagit));
  volume.require_whole(volume.load());  // two of two
  io::posix().remove_file(volume.file(fv::kPhotos));
  CHECK(volume.refused() == core::Code::kUnrepairable);
  SmallVolume other;  // three are lost here, too, but for reading they are not needed … two are
  for (const std::string_view name : {fv::kBagit, fv::kPhotos}) io::posix().remove_file(other.file(name));
  for (const io::Entry& entry : io::posix().list(other.folder())) {
    if (entry.name.ends_with(".par2")) zero(other.folder() / entry.name, 0, 100'000);
  }
  const auto loaded = other.load();
  CHECK(told(loaded) == std::set<std::string>{"missing lost bagit.txt", "missing lost photos.sha256"});
  CHECK(loaded.members.size() == 1);
}

TEST_CASE("volume: a seal that is known from elsewhere wins over the one in the folder") {
  SmallVolume volume;
  const volume::KnownSeal known = volume.known();
  SECTION("damaged") {
    rot(volume.file(fv::kTagManifest), 3, 1);
    const auto loaded = volume.load(known);
    volume.require_whole(loaded);
    CHECK(told(loaded) == std::set<std::string>{"damaged mended tagmanifest-sha256.txt"});
  }
  SECTION("missing") {
    io::posix().remove_file(volume.file(fv::kTagManifest));
    CHECK(volume.refused() == core::Code::kUnrepairable);
    CHECK(told(volume.load(known)) == std::set<std::string>{"missing mended tagmanifest-sha256.txt"});
  }
  SECTION("changed to fit other lists: what was sealed is what counts") {
    const std::string before = io::read_text(io::posix(), volume.file(fv::kPhotos), 1 << 20);
    volume.put(fv::kPhotos, before + before);
    volume.seal();
    CHECK(volume.load().findings.empty());  // nothing in the folder tells
    const auto loaded = volume.load(known);
    CHECK(loaded.tag_text.at(std::string(fv::kPhotos)) == before);
    CHECK(told(loaded) ==
          std::set<std::string>{"damaged mended photos.sha256", "damaged mended tagmanifest-sha256.txt"});
  }
  SECTION("only its digest is known, and the folder's is another") {
    rot(volume.file(fv::kTagManifest), 3, 1);
    CHECK(volume.refused(volume::KnownSeal{known.seal, ""}) == core::Code::kCorrupt);
  }
}

TEST_CASE("volume: lists that fit their seal but not each other are refused") {
  SmallVolume volume;
  SECTION("too few slices") { volume.put(fv::kSlices, fv::encode_slices(std::vector<digest::Sha256>(2))); }
  SECTION("a file outside of the tar") {
    fv::Member photo;
    photo.path = "s/a.CR3";
    photo.bytes = kPayload;
    photo.offset = 1024;
    volume.put(fv::kMembers, fv::encode_members({photo}));
  }
  SECTION("two payload files") {
    volume.put(fv::kManifest, fv::encode_manifest({{{}, "data/x.tar"}, {{}, "data/y.tar"}}));
  }
  SECTION("no members at all that could be read") { volume.put(fv::kMembers, "{\"path\":\"../x\"}\n"); }
  volume.seal();
  CHECK(volume.refused() == core::Code::kCorrupt);
}

TEST_CASE("volume: a slice lies in the file that has it, the last of a file is what is left of it") {
  volume::LoadedVolume volume;
  volume.info.slice_bytes = 4096;
  volume.files = {{"data/a", 10'000, 0, 3}, {"data/b", 4096, 3, 1}, {"data/c", 1, 4, 1}};
  const auto place = [&](std::uint32_t slice) {
    const auto found = volume::place_of(volume, slice);
    return found ? std::make_tuple(found->file->path, found->offset, found->bytes)
                 : std::make_tuple(std::string(), std::uint64_t{0}, std::uint64_t{0});
  };
  using Place = std::tuple<std::string, std::uint64_t, std::uint64_t>;
  CHECK(place(0) == Place("data/a", 0, 4096));
  CHECK(place(1) == Place("data/a", 4096, 4096));
  CHECK(place(2) == Place("data/a", 8192, 10'000 - 8192));
  CHECK(place(3) == Place("data/b", 0, 4096));
  CHECK(place(4) == Place("data/c", 0, 1));
  CHECK_FALSE(volume::place_of(volume, 5));
  CHECK_FALSE(volume::place_of(volume, 0xffffffff));
  CHECK_FALSE(volume::place_of({}, 0));
}

}  // namespace darkshelf::testing
