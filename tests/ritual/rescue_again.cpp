// A rescue whose command is typed again: what could not be read is asked for once more, what the folder has learnt may
// have rotted, and what goes wrong with one volume is no reason to lose the others.

#include <fmt/format.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <future>

#include "formats/par2/packets.hpp"
#include "support/damage.hpp"
#include "support/shelf/sealed.hpp"

namespace darkshelf::testing {
namespace {

namespace par2 = formats::par2;

/// A whole PAR2 set over one file of this name, as anybody could leave it on a drive.
core::Bytes planted_set(const std::string& name, const core::Bytes& content) {
  constexpr std::uint64_t kSlice = 4096;
  par2::FileDescription file;
  file.bytes = content.size();
  file.name = name;
  file.md5 = digest::md5(content);
  file.md5_16k = digest::md5(core::ByteSpan(content).first(std::min<std::size_t>(16384, content.size())));
  file.id = par2::file_id(file.md5_16k, file.bytes, name);
  par2::FileSlices slices;
  slices.id = file.id;
  std::vector<digest::SliceDigests> digests(core::divide_up(content.size(), kSlice));
  digest::slice_digests(content, kSlice, digest::Hashes::kPar2, digests);
  for (const auto& one : digests) slices.slices.push_back({one.md5, one.crc32});
  par2::Main main;
  main.slice_bytes = kSlice;
  main.recovery_files = {file.id};
  const par2::Md5 set = par2::set_id_of(main);
  core::Bytes all;
  for (const core::Bytes& packet : {par2::encode(set, main), par2::encode(set, file), par2::encode(set, slices)})
    all.insert(all.end(), packet.begin(), packet.end());
  return all;
}

std::optional<core::Error> refusal(Sealed& sealed, const io::Path& image) {
  try {
    sealed.rescue(image);
    return {};
  } catch (const core::Error& error) {
    return error;
  }
}

}  // namespace

TEST_CASE("rescue again: what could not be read is asked for anew, slices, packets and lists") {
  Sealed sealed;
  sealed.add_two_different(300'000);
  RawImage image(32 * kMiB, 21);
  std::vector<std::uint64_t> begins;
  std::uint64_t at = 3 * kMiB;
  const std::uint64_t phase = GENERATE(0, 512);
  for (const io::Path& volume : sealed.volumes) {
    begins.push_back(at);
    at = image.put_files(at, volume, 4096, phase);
  }
  const io::Path path = image.write();
  const io::Path& first = sealed.volumes[0];
  SECTION("the payload of one") {
    sealed.faults.unreadable(path.string(), payload_in(image, first), 500'000);
    const RescueReport before = sealed.rescue(path);
    CHECK(count(before, RescueState::kBeyond) == 1);
    CHECK(before.bad_bytes >= 400'000);
    CHECK(before.read_anew == 0);
    // Still so: it was asked again, and nothing came of it.
    CHECK(count(sealed.rescue(path), RescueState::kBeyond) == 1);
  }
  SECTION("all of one, its index and lists, too") {
    sealed.faults.unreadable(path.string(), 2 * kMiB, begins[1] - 2 * kMiB);
    const RescueReport before = sealed.rescue(path);
    CHECK(count(before, RescueState::kRescued) == sealed.volumes.size() - 1);
  }
  SECTION("only its parity with all indexes: its photos lie where all could be read") {
    sealed.faults.unreadable(path.string(), 2 * kMiB, payload_in(image, first) - 2 * kMiB);
    const RescueReport before = sealed.rescue(path);
    CHECK(count(before, RescueState::kRescued) == sealed.volumes.size() - 1);
  }
  sealed.faults.nothing();
  const RescueReport report = sealed.rescue(path);
  for (const RescuedVolume& volume : report.volumes) UNSCOPED_INFO(volume.name << ": " << volume.failure);
  CHECK(report.resumed);
  CHECK(report.read_anew >= 100'000);
  CHECK(report.bad_bytes == 0);
  CHECK(count(report, RescueState::kRescued) == sealed.volumes.size());
  for (const io::Path& volume : sealed.volumes) sealed.require_same(volume);
  // Nothing is gathered twice.
  for (const io::Entry& entry : io::posix().list(sealed.to / "rescue")) CHECK(entry.name.size() < 32);
}

TEST_CASE("rescue again: lists that become readable join the payload that came back alone") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  RawImage image(16 * kMiB, 22);
  // The payload and its parity first, the lists and theirs at the end.
  std::uint64_t at = 40960, lists = 8 * kMiB, end = lists;
  for (const auto& [path, stat] : files_below(sealed.volumes[0])) {
    const std::string name = path.filename().string();
    const bool payload = name.ends_with(".tar") || (name.ends_with(".par2") && name.find(".tags.") == name.npos);
    std::uint64_t& to = payload ? at : end;
    image.put(to, io::read_file(io::posix(), path, 1 << 30));
    image.put(to + stat.bytes, core::Bytes(core::round_up(stat.bytes, 4096) - stat.bytes));
    to = core::round_up(to + stat.bytes, 4096);
  }
  const io::Path path = image.write();
  sealed.faults.unreadable(path.string(), lists, end - lists);
  REQUIRE(count(sealed.rescue(path), RescueState::kPayloadOnly) == 1);
  sealed.faults.nothing();
  const RescueReport report = sealed.rescue(path);
  REQUIRE(report.volumes.size() == 1);
  INFO(report.volumes[0].failure);
  CHECK(report.volumes[0].state == RescueState::kRescued);
  sealed.require_same(sealed.volumes[0]);
}

TEST_CASE("rescue again: stopped while it asks anew, the same command goes on") {
  struct Stops final : Watcher {
    core::Cancel cancel;
    unsigned left = 0;
    std::uint64_t begin = 0, end = 0;
    bool bad = false;
    void before(const Call& call) override {
      if (call.call != "read_at" || !call.path.string().ends_with("/image")) return;
      if (left != 0 && --left == 0) cancel.request();
      if (bad && call.offset < end && call.offset + call.bytes > begin)
        throw core::Error::from_os(EIO, "read", call.path, call.offset);
    }
  } stops;
  Shelf shelf({"A"}, &stops);
  shelf.seal(shelf.add_shoot("2026-06-14 wedding", 6, 300'000), {"A"});
  RawImage image(64 * kMiB, 9);
  std::uint64_t at = 30 * kMiB;
  for (const catalog::Volume& volume : shelf.catalog().volumes())
    at = image.put_files(at, shelf.path("A") / "darkshelf" / volume.folder);
  const io::Path path = image.write();
  stops.begin = 31 * kMiB;
  stops.end = 32 * kMiB + 500'000;
  stops.bad = true;
  core::Work work;
  work.cancel = &stops.cancel;
  rituals::RescueContext context{shelf.fs(), shelf.world(), work, &shelf.catalog()};
  const rituals::RescueRequest request{path, shelf.path("rescued"), {}};
  const std::size_t volumes = shelf.catalog().volumes().size();
  REQUIRE(count(rituals::rescue(context, request), RescueState::kRescued) < volumes);
  stops.bad = false;
  stops.left = GENERATE(1, 3, 6, 10, 14, 18, 20);
  CAPTURE(stops.left);
  bool stopped = false;
  try {
    rituals::rescue(context, request);
  } catch (const core::Error& error) {
    CHECK(error.code() == core::Code::kCancelled);
    stopped = true;
  }
  CHECK(stopped);
  context.work.cancel = nullptr;
  CHECK(count(rituals::rescue(context, request), RescueState::kRescued) == volumes);
}

TEST_CASE("rescue again: a state that rotted is noticed, and what it told is found anew") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  sealed.add("2026-07-01 harbour", 2);
  RawImage image(16 * kMiB, 23);
  std::uint64_t at = 40960;
  for (const io::Path& volume : sealed.volumes) at = image.put_files(at, volume);
  const io::Path path = image.write();
  REQUIRE(count(sealed.rescue(path), RescueState::kRescued) == sealed.volumes.size());
  const std::string name = GENERATE(as<std::string>{}, "packets", "recovery", "slices", "state");
  const io::Path file = sealed.to / "rescue" / name;
  const std::uint64_t bytes = io::posix().stat(file)->bytes;
  const bool placed = GENERATE(true, false);
  if (!placed) io::remove_tree(io::posix(), sealed.to / "darkshelf");  // with the state alone it must be built again
  const int way = GENERATE(0, 1, 2, 3, 4);
  CAPTURE(name, placed, way);
  if (way == 0) rot(file, bytes / 3, 1);
  if (way == 1) rot(file, bytes - 1, 1);
  if (way == 2) cut(file, bytes / 2);
  if (way == 3) cut(file, 0);
  if (way == 4) io::posix().remove_file(file);
  const RescueReport report = sealed.rescue(path);
  for (const RescuedVolume& volume : report.volumes) UNSCOPED_INFO(volume.name << ": " << volume.failure);
  CHECK(report.damage.find(name) != std::string::npos);
  CHECK(count(report, RescueState::kRescued) == sealed.volumes.size());
  for (const io::Path& volume : sealed.volumes) sealed.require_same(volume);
  CHECK(sealed.rescue(path).damage.empty());
}

TEST_CASE("rescue again: what was gathered and rotted since is read from the medium again") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  RawImage image(8 * kMiB, 24);
  image.put_files(40960, sealed.volumes[0]);
  const io::Path path = image.write();
  // The lists cannot be written: the payload stays gathered.
  sealed.faults.fail("create", "members.jsonl", 1, EIO, true);
  const RescueReport before = sealed.rescue(path);
  REQUIRE(count(before, RescueState::kFailed) == 1);
  CHECK(before.volumes[0].failure.find("members.jsonl") != std::string::npos);
  sealed.faults.nothing();
  const bool cut_short = GENERATE(true, false);
  std::size_t gathered = 0;
  for (const auto& [file, stat] : files_below(sealed.to / "rescue")) {
    if (file.extension() != ".tar") continue;
    cut_short ? cut(file, stat.bytes / 3) : rot(file, 0, stat.bytes);
    ++gathered;
  }
  REQUIRE(gathered == 1);
  const RescueReport report = sealed.rescue(path);
  INFO(report.volumes.at(0).failure);
  CHECK(report.volumes.at(0).state == RescueState::kRescued);
  sealed.require_same(sealed.volumes[0]);
}

TEST_CASE("rescue: sets that cannot be written are told, and all others come back") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  RawImage image(8 * kMiB, 25);
  std::uint64_t at = image.put_files(40960, sealed.volumes[0]);
  std::size_t unusable = 0;
  const std::string names[] = {"data/0" + std::string(300, 'y') + ".tar", "data/" + std::string(4100, 'z'),
                               "data/../../evil.tar", "data/a/./b", "data/.."};
  for (const std::string& name : names) {
    const core::Bytes content = seeded_bytes(50'000, 70 + unusable++);
    at = core::round_up(at, 4096);
    for (const core::Bytes& part : {planted_set(name, content), content}) {
      image.put(at, part);
      at = core::round_up(at + part.size(), 4096);
    }
  }
  const io::Path path = image.write();
  SECTION("names that no file system holds") {}
  SECTION("a file system that refuses the files of one volume") {
    const core::Bytes content = seeded_bytes(60'000, 99);
    for (const core::Bytes& part : {planted_set("data/2026-01-01_odd_1of1.tar", content), content}) {
      image.put(at, part);
      at = core::round_up(at + part.size(), 4096);
    }
    image.write();
    sealed.faults.fail("create", "2026-01-01_odd", 1, EINVAL, true);
    const RescueReport report = sealed.rescue(path);
    CHECK(count(report, RescueState::kFailed) == 1);
  }
  const RescueReport report = sealed.rescue(path);
  CHECK(report.unusable_sets == unusable);
  CHECK(count(report, RescueState::kRescued) == 1);
  CHECK_FALSE(report.label.empty());
  sealed.require_same(sealed.volumes[0]);
}

TEST_CASE("rescue: two at once in one folder, and the second is told who has it") {
  struct Waits final : Watcher {
    std::promise<void> reached, go;
    std::shared_future<void> goes = go.get_future();
    bool once = true;
    void before(const Call& call) override {
      if (!once || call.call != "create" || call.path.string().find("rescued/rescue") == std::string::npos) return;
      once = false;
      reached.set_value();
      goes.wait();
    }
  } waits;
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  RawImage image(8 * kMiB, 26);
  image.put_files(40960, sealed.volumes[0]);
  const io::Path path = image.write();
  WatchedFileSystem fs(io::posix(), waits);
  auto first = std::async(std::launch::async, [&] {
    rituals::RescueContext context{fs, sealed.shelf.world(), {}, nullptr};
    return rituals::rescue(context, {path, sealed.to, {}});
  });
  waits.reached.get_future().wait();
  const auto refused = refusal(sealed, path);
  waits.go.set_value();
  REQUIRE(refused);
  CHECK(refused->code() == core::Code::kInUse);
  CHECK(std::string(refused->what()).find("pid") != std::string::npos);
  CHECK(count(first.get(), RescueState::kRescued) == 1);
  CHECK(sealed.rescue(path).volumes.at(0).there_before);
}

TEST_CASE("rescue: pipes and other things that are no disk, no image and no state are not waited for") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  const io::Path pipe = sealed.shelf.path("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const io::Path& source : {pipe, io::Path("/dev/zero"), io::Path("/dev/null")}) {
    const auto refused = refusal(sealed, source);
    REQUIRE(refused);
    CHECK(refused->code() == core::Code::kUsage);
    CHECK_FALSE(refused->hint().empty());
  }
  RawImage image(8 * kMiB, 27);
  image.put_files(40960, sealed.volumes[0]);
  const io::Path path = image.write();
  REQUIRE(count(sealed.rescue(path), RescueState::kRescued) == 1);
  for (const char* name : {"state", "packets", "recovery", "slices", "lock"}) {
    const io::Path file = sealed.to / "rescue" / name, aside = sealed.shelf.path("aside");
    io::posix().rename(file, aside);
    for (const int kind : {0, 1, 2}) {
      CAPTURE(name, kind);
      if (kind == 0) REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
      if (kind == 1) io::posix().make_dir(file);
      if (kind == 2) io::posix().make_symlink("/etc/passwd", file);
      const auto refused = refusal(sealed, path);
      REQUIRE(refused);
      CHECK(refused->code() == core::Code::kUsage);
      CHECK_FALSE(refused->hint().empty());
      kind == 1 ? io::posix().remove_dir(file) : io::posix().remove_file(file);
    }
    io::posix().rename(aside, file);
  }
  CHECK(sealed.rescue(path).volumes.at(0).there_before);
}

TEST_CASE("rescue: a folder called rescue that is somebody's is left alone") {
  Sealed sealed;
  sealed.add("2026-06-14 wedding", 3);
  RawImage image(8 * kMiB, 28);
  image.put_files(40960, sealed.volumes[0]);
  make_file(sealed.to / "rescue" / "plan.txt", 100, 1);
  const auto refused = refusal(sealed, image.write());
  REQUIRE(refused);
  CHECK(refused->code() == core::Code::kUsage);
  CHECK(files_below(sealed.to).size() == 1);
}

}  // namespace darkshelf::testing
