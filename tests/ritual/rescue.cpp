// Volumes back from images of media that have no file system: whole, in fragments, damaged, unreadable, interrupted.

#include "rituals/rescue.hpp"

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/shelf/sealed.hpp"

namespace darkshelf::testing {

TEST_CASE("rescue: volumes come back byte for byte, at any phase of 512") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding");
  sealed.add("2026-07-01 harbour", 3);
  REQUIRE(sealed.volumes.size() == 3);
  RawImage image(16 * kMiB, 1);
  const std::uint64_t phase = GENERATE(0, 512, 1024, 3584);
  std::uint64_t at = 1'000'000;
  for (const io::Path& volume : sealed.volumes) at = image.put_files(at, volume, 4096, phase);
  const io::Path path = image.write();

  const RescueReport look = sealed.rescue(path, false);
  CHECK(count(look, RescueState::kRescuable) == 3);
  for (const RescuedVolume& volume : look.volumes) {
    CHECK(volume.found == volume.slices);
    CHECK(volume.recovery >= 16);
    REQUIRE(volume.info);
  }
  CHECK_FALSE(io::posix().stat(sealed.to));

  const RescueReport report = sealed.rescue(path);
  CHECK(count(report, RescueState::kRescued) == 3);
  for (const RescuedVolume& volume : report.volumes) CHECK(volume.seal == SealCompared::kFits);
  for (const io::Path& volume : sealed.volumes) sealed.require_same(volume);
  CHECK(report.needed > 4 * kMiB);
  CHECK_FALSE(report.label.empty());
  // The same again finds all of it there.
  for (const RescuedVolume& volume : sealed.rescue(path).volumes) CHECK(volume.there_before);
}

TEST_CASE("rescue: plain files come back, too, and so do empty ones") {
  Sealed sealed;
  const io::Path shoot = sealed.shelf.add_shoot("2026-06-14 plain", 40, 3'000);
  make_file(shoot / "sub" / "empty.xmp", 0, 1);
  make_file(shoot / "sub" / "tiny.xmp", 20, 2);
  rituals::SealRequest request = sealed.shelf.request(shoot, {"A"});
  request.layout = formats::volume::Layout::kFiles;
  sealed.seal(request);
  const io::Path nothing = sealed.shelf.path("shoots") / "2026-06-15 nothing";
  make_file(nothing / "empty.jpg", 0, 1);
  request.shoots = {nothing};
  sealed.seal(request);
  REQUIRE(sealed.volumes.size() == 2);
  RawImage image(8 * kMiB, GENERATE(0, 2));
  std::uint64_t at = 40960;
  for (const io::Path& volume : sealed.volumes) at = image.put_files(at, volume);
  const RescueReport report = sealed.rescue(image.write());
  for (const RescuedVolume& volume : report.volumes) INFO(volume.name << ": " << volume.failure);
  CHECK(count(report, RescueState::kRescued) == 2);
  for (const io::Path& volume : sealed.volumes) sealed.require_same(volume);
}

TEST_CASE("rescue: fragments, and damage within the parity's reach") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  RawImage image(16 * kMiB, 3);
  SECTION("fragments that break slices, packets and lists") {
    image.put_fragments(123 * 4096, sealed.volumes[0], 65 * 1024);
  }
  SECTION("some slices and half the lists are gone") {
    image.put_files(40960, sealed.volumes[0]);
    image.put(payload_in(image, sealed.volumes[0]) + 100'000, seeded_bytes(40'000, 9));
    const std::string text = "Darkshelf-Volume";
    const std::string_view all = core::as_text(image.bytes());
    for (std::size_t at = all.find(text); at != std::string_view::npos; at = all.find(text, at + 1))
      image.put(at / 4096 * 4096, seeded_bytes(4096, at));
  }
  const RescueReport report = sealed.rescue(image.write());
  REQUIRE(report.volumes.size() == 1);
  INFO(report.volumes[0].failure);
  CHECK(report.volumes[0].state == RescueState::kRescued);
  CHECK(report.volumes[0].rebuilt > 0);
  sealed.require_same(sealed.volumes[0]);
}

TEST_CASE("rescue: what is beyond the parity is told, and the rest comes back") {
  Sealed sealed;
  sealed.add_two_different(250'000);
  RawImage image(16 * kMiB, 4);
  const std::uint64_t second = image.put_files(40960, sealed.volumes[0]);
  image.put_files(second, sealed.volumes[1]);
  image.put(payload_in(image, sealed.volumes[0]) + 1000, seeded_bytes(400'000, 10));
  const RescueReport report = sealed.rescue(image.write());
  CHECK(count(report, RescueState::kRescued) == 1);
  CHECK(count(report, RescueState::kBeyond) == 1);
  sealed.require_same(sealed.volumes[1]);
  CHECK_FALSE(io::posix().stat(sealed.rescued(sealed.volumes[0])));
  for (const RescuedVolume& volume : report.volumes) {
    if (volume.state == RescueState::kBeyond) CHECK(volume.failure.find("slices are lost") != std::string::npos);
  }
}

TEST_CASE("rescue: where the lists are lost the payload comes back alone") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  const io::Path& volume = sealed.volumes[0];
  TempDir without;
  for (const auto& [path, stat] : files_below(volume)) {
    const std::string name = path.filename().string();
    const bool payload = name.ends_with(".tar") || (name.ends_with(".par2") && name.find(".tags.") == name.npos);
    if (!payload) continue;
    io::posix().make_dirs((without / path.lexically_relative(volume).string()).parent_path());
    io::posix()
        .create(without / path.lexically_relative(volume).string())
        ->write_at(0, io::read_file(io::posix(), path, 1 << 30));
  }
  RawImage image(8 * kMiB, 15);
  image.put_files(40960, without.path());
  image.put(payload_in(image, volume) + 5000, seeded_bytes(10'000, 1));
  const io::Path path = image.write();
  CHECK(count(sealed.rescue(path, false), RescueState::kWithoutLists) == 1);
  const RescueReport report = sealed.rescue(path);
  REQUIRE(count(report, RescueState::kPayloadOnly) == 1);
  CHECK(contents_below(report.volumes[0].folder / "data") == contents_below(volume / "data"));
  CHECK(sealed.rescue(path).volumes.at(0).there_before);
}

TEST_CASE("rescue: an image that ends within a volume, nothing, and zeros") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  SECTION("it ends within the recovery file") {
    RawImage image(16 * kMiB, 5);
    const std::uint64_t end = image.put_files(40960, sealed.volumes[0]);
    image.bytes().resize(end - 60'001);
    const RescueReport report = sealed.rescue(image.write());
    REQUIRE(report.volumes.size() == 1);
    CHECK(report.volumes[0].state == RescueState::kRescued);
    sealed.require_same(sealed.volumes[0]);
  }
  SECTION("nothing") {
    RawImage image(GENERATE(0, 1, 511, 70'000, 3'000'000), GENERATE(0, 6));
    CHECK(sealed.rescue(image.write(), GENERATE(true, false)).volumes.empty());
    CHECK_FALSE(io::posix().stat(sealed.to));
  }
}

TEST_CASE("rescue: two shoots with equal content, and slices of zeros") {
  Sealed sealed;
  for (const char* name : {"2026-06-14 one", "2026-06-14 two"}) {
    const io::Path shoot = sealed.shelf.path("shoots") / name;
    make_file(shoot / "a.CR3", 300'000, 1);
    make_file(shoot / "b.CR3", 200'000, 2);
    io::posix().open_write(shoot / "b.CR3")->write_at(50'000, core::Bytes(120'000));
    for (const char* photo : {"a.CR3", "b.CR3"}) io::posix().set_mtime(shoot / photo, 1'780'000'000'000'000'000);
    rituals::SealRequest request = sealed.shelf.request(shoot, {"A"});
    request.again = true;
    sealed.seal(request);
  }
  REQUIRE(sealed.volumes.size() == 2);
  RawImage image(8 * kMiB, 0);
  std::uint64_t at = 512 * 99;
  for (const io::Path& volume : sealed.volumes) at = image.put_files(at, volume, 512);
  const RescueReport report = sealed.rescue(image.write());
  CHECK(count(report, RescueState::kRescued) == 2);
  for (const io::Path& volume : sealed.volumes) sealed.require_same(volume);
}

TEST_CASE("rescue: bad sectors are read past, and what they took is rebuilt") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  RawImage image(16 * kMiB, 7);
  const std::uint64_t end = image.put_files(40960, sealed.volumes[0]);
  const io::Path path = image.write();
  sealed.faults.unreadable(path.string(), 40960 + 200'000, 9'000);
  sealed.faults.unreadable(path.string(), end - 100'000, 1);
  sealed.faults.unreadable(path.string(), 0, 4096);
  const RescueReport report = sealed.rescue(path);
  CHECK(report.bad_bytes >= 9'000);
  CHECK(report.bad_bytes <= 40'000);
  REQUIRE(report.volumes.size() == 1);
  CHECK(report.volumes[0].state == RescueState::kRescued);
  CHECK(report.volumes[0].rebuilt > 0);
  sealed.require_same(sealed.volumes[0]);
}

TEST_CASE("rescue: a medium that answers no more is gone, and the same command goes on") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  RawImage image(32 * kMiB, 8);
  image.put_files(20 * kMiB, sealed.volumes[0]);
  const io::Path path = image.write();
  sealed.faults.fail("read_at", path.string(), 4, EIO, true);
  try {
    sealed.rescue(path);
    FAIL("it was read");
  } catch (const core::Error& error) {
    CHECK(error.code() == core::Code::kDriveGone);
  }
  sealed.faults.nothing();
  CHECK(count(sealed.rescue(path), RescueState::kRescued) == 1);
  sealed.require_same(sealed.volumes[0]);
}

TEST_CASE("rescue: Ctrl-C anywhere, and the same command goes on") {
  struct Stops final : Watcher {
    core::Cancel cancel;
    unsigned left = 0;
    std::string part = "/image";
    void before(const Call& call) override {
      if (call.call == "read_at" && call.path.string().ends_with(part) && left != 0 && --left == 0) cancel.request();
    }
  } stops;
  Shelf shelf({"A"}, &stops);
  shelf.seal(shelf.add_shoot("2026-06-14 wedding", 6, 300'000), {"A"});
  RawImage image(64 * kMiB, 9);
  std::uint64_t at = 30 * kMiB;
  for (const catalog::Volume& volume : shelf.catalog().volumes())
    at = image.put_files(at, shelf.path("A") / "darkshelf" / volume.folder);
  const io::Path path = image.write();
  const unsigned reads = GENERATE(1, 4, 9, 12, 15, 17);
  CAPTURE(reads);
  stops.left = reads;
  core::Work work;
  work.cancel = &stops.cancel;
  rituals::RescueContext context{shelf.fs(), shelf.world(), work, &shelf.catalog()};
  const rituals::RescueRequest request{path, shelf.path("rescued"), {}};
  CHECK_THROWS_AS(rituals::rescue(context, request), core::Error);
  context.work.cancel = nullptr;
  const RescueReport report = rituals::rescue(context, request);
  CHECK(report.resumed);
  CHECK(count(report, RescueState::kRescued) == 2);
}

TEST_CASE("rescue: too little room is told before anything is written") {
  struct Small final : Watcher {
    io::Path below;
    std::vector<std::string> written;
    void space(io::Space& space) override { space.free = 1 << 20; }
    void before(const Call& call) override {
      const bool changes = call.call == "create" || call.call == "make_dir" || call.call == "make_dirs";
      if (changes && !below.empty()) written.push_back(call.path.string());
    }
  } small;
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  RawImage image(8 * kMiB, 10);
  image.put_files(40960, sealed.volumes[0]);
  WatchedFileSystem fs(io::posix(), small);
  small.below = sealed.to;
  rituals::RescueContext context{fs, sealed.shelf.world(), {}, nullptr};
  try {
    rituals::rescue(context, {image.write(), sealed.to, {}});
    FAIL("there was room");
  } catch (const core::Error& error) {
    CHECK(error.code() == core::Code::kNoSpace);
  }
  CHECK(small.written.empty());
}

TEST_CASE("rescue: the seal is compared with what the catalog or the user knows") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  RawImage image(8 * kMiB, 11);
  image.put_files(40960, sealed.volumes[0]);
  const io::Path path = image.write();
  const digest::Sha256 seal = sealed.shelf.catalog().volumes().at(0).seal;
  SECTION("nobody knows it") {
    CHECK(sealed.rescue(path, true, {}, false).volumes.at(0).seal == SealCompared::kNot);
    CHECK(sealed.rescue(path, true, {seal}, false).volumes.at(0).seal == SealCompared::kFits);
  }
  SECTION("another one is given") {
    CHECK(sealed.rescue(path, true, {digest::sha256({})}, false).volumes.at(0).seal == SealCompared::kNot);
  }
}

TEST_CASE("rescue: a folder that holds something else is refused") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  RawImage image(8 * kMiB, 12), other(4 * kMiB, 13);
  image.put_files(40960, sealed.volumes[0]);
  const auto refused = [&](const io::Path& path) {
    try {
      sealed.rescue(path);
      return false;
    } catch (const core::Error& error) {
      return error.code() == core::Code::kUsage;
    }
  };
  const io::Path path = image.write();
  sealed.to = sealed.shelf.path("A");
  CHECK(refused(path));
  sealed.to = sealed.shelf.path("shoots") / "2026-06-14 wedding" / "IMG_0000.CR3";
  CHECK(refused(path));
  sealed.to = sealed.shelf.path("rescued");
  CHECK(count(sealed.rescue(path), RescueState::kRescued) == 1);
  CHECK(refused(other.write()));                // of another medium
  CHECK(refused(sealed.shelf.path("shoots")));  // no image at all
}

TEST_CASE("rescue: memory that does not do for all that is there is told") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  RawImage image(8 * kMiB, 14);
  image.put_files(40960, sealed.volumes[0]);
  sealed.work.memory = 4096;
  try {
    sealed.rescue(image.write(), false);
    FAIL("it did");
  } catch (const core::Error& error) {
    CHECK(error.hint().find("--memory") != std::string::npos);
  }
}

}  // namespace darkshelf::testing
