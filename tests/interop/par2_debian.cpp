// Debian's par2 as the judge, both ways: it verifies and repairs sets made here; sets it made are verified and repaired
// here, several files and subfolders included.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "formats/par2/packets.hpp"
#include "parity/par2_files.hpp"
#include "support/damage.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

const std::vector<std::pair<std::string, std::size_t>> kFiles = {
    {"a.JPG", 100'000}, {"b.CR3", 333'333}, {"sub/c – é.xmp", 1}, {"sub/deeper/d.MOV", 65'536}, {"e.JPG", 4096}};

void make_files(const io::Path& folder) {
  std::uint64_t seed = 1;
  for (const auto& [name, bytes] : kFiles) make_file(folder / name, bytes, seed++);
}

void require_files(const io::Path& folder) {
  std::uint64_t seed = 1;
  for (const auto& [name, bytes] : kFiles) {
    INFO(name);
    REQUIRE(io::posix().stat(folder / name));
    REQUIRE(io::read_file(io::posix(), folder / name, 1 << 20) == seeded_bytes(bytes, seed));
    ++seed;
  }
}

int par2(const io::Path& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "par2");
  ProcessOptions options;
  options.folder = folder;
  const ProcessResult result = run_process(arguments, options);
  INFO(fmt::format("{}\n{}{}", fmt::join(arguments, " "), result.out, result.err));
  return result.exit_code;
}

std::vector<io::Path> paths_in(const io::Path& folder) {
  std::vector<io::Path> paths;
  for (const auto& [name, bytes] : kFiles) paths.push_back(folder / name);
  return paths;
}

/// Changes, cuts and removes: about forty of the two hundred and more slices.
void damage(const io::Path& folder) {
  rot(folder / "b.CR3", 100'000, 30'000);
  cut(folder / "a.JPG", 90'000);
  io::posix().remove_file(folder / "e.JPG");
  io::posix().remove_file(folder / "sub/c – é.xmp");
}

parity::CreateRequest request(const io::Path& folder) {
  parity::CreateRequest request;
  request.set = folder / "photos.par2";
  request.files = paths_in(folder);
  request.slice_bytes = 2048;
  request.percent = 30;
  return request;
}

}  // namespace

TEST_CASE("interop: Debian's par2 verifies and repairs sets made here") {
  if (!has_program("par2")) return skip("there is no program par2");
  const std::uint32_t first_exponent = GENERATE(0u, 7u, 12'000u);
  CAPTURE(first_exponent);
  TempDir temp;
  make_files(temp.path());
  parity::CreateRequest create = request(temp.path());
  create.first_exponent = first_exponent;
  const parity::CreateReport report = parity::create_set(io::posix(), create, {});
  REQUIRE(report.slices == 49 + 163 + 1 + 32 + 2);
  REQUIRE(par2(temp.path(), {"verify", "-q", "photos.par2"}) == 0);
  damage(temp.path());
  REQUIRE(par2(temp.path(), {"verify", "-q", "photos.par2"}) == 1);
  REQUIRE(par2(temp.path(), {"repair", "-q", "photos.par2"}) == 0);
  require_files(temp.path());
}

TEST_CASE("interop: sets made by Debian's par2 are verified and repaired here") {
  if (!has_program("par2")) return skip("there is no program par2");
  TempDir temp;
  make_files(temp.path());
  std::vector<std::string> command = {"create", "-q", "-s2048", "-r30", "photos.par2"};
  for (const auto& [name, bytes] : kFiles) command.push_back(name);
  REQUIRE(par2(temp.path(), command) == 0);
  const parity::VerifyReport good = parity::verify_set(io::posix(), temp / "photos.par2", {}, {});
  CHECK(good.intact());
  CHECK(good.files.size() == kFiles.size());
  damage(temp.path());
  const parity::VerifyReport bad = parity::verify_set(io::posix(), temp / "photos.par2", {}, {});
  CHECK_FALSE(bad.intact());
  CHECK(bad.repairable());
  CHECK(bad.lost > 15);
  CHECK(bad.lost < 30);
  const parity::RepairReport repaired = parity::repair_set(io::posix(), temp / "photos.par2", {}, {});
  CHECK(repaired.repaired.size() == 4);
  require_files(temp.path());
  // What was there stands beside it.
  CHECK(io::posix().stat(temp / "b.CR3.1"));
  CHECK(par2(temp.path(), {"verify", "-q", "photos.par2"}) == 0);
}

TEST_CASE("interop: content that moved inside a file or to another name is found") {
  if (!has_program("par2")) return skip("there is no program par2");
  TempDir temp;
  make_files(temp.path());
  parity::create_set(io::posix(), request(temp.path()), {});
  // 777 bytes more in front of b, and a under another name.
  core::Bytes moved = seeded_bytes(777, 99);
  const core::Bytes old = io::read_file(io::posix(), temp / "b.CR3", 1 << 20);
  moved.insert(moved.end(), old.begin(), old.end());
  io::posix().remove_file(temp / "b.CR3");
  io::posix().create(temp / "b.CR3")->write_at(0, moved);
  io::posix().rename(temp / "a.JPG", temp / "renamed.JPG");
  const parity::VerifyReport report = parity::verify_set(io::posix(), temp / "photos.par2", {temp / "renamed.JPG"}, {});
  CHECK(report.lost == 0);
  parity::repair_set(io::posix(), temp / "photos.par2", {temp / "renamed.JPG"}, {});
  require_files(temp.path());
}

TEST_CASE("interop: damaged recovery packets are told, and what is left of them repairs") {
  if (!has_program("par2")) return skip("there is no program par2");
  TempDir temp;
  make_files(temp.path());
  const parity::CreateReport made = parity::create_set(io::posix(), request(temp.path()), {});
  const io::Path recovery = made.written.back();
  rot(recovery, io::posix().stat(recovery)->bytes / 2, 5000);
  const parity::VerifyReport report = parity::verify_set(io::posix(), temp / "photos.par2", {}, {});
  CHECK_FALSE(report.intact());
  CHECK(report.damaged_recovery_bytes > 0);
  CHECK(report.damaged_recovery_files == std::vector<std::string>{recovery.filename().string()});
  CHECK(report.recovery_slices < made.recovery_slices);
  CHECK(report.recovery_slices > made.recovery_slices - 8);
  // The index alone is lost: every critical packet stands in the volume file, too.
  io::posix().remove_file(temp / "photos.par2");
  damage(temp.path());
  parity::repair_set(io::posix(), recovery, {}, {});
  require_files(temp.path());
}

TEST_CASE("interop: beyond the limit nothing is touched") {
  TempDir temp;
  make_files(temp.path());
  parity::CreateRequest create = request(temp.path());
  create.percent = 5;
  parity::create_set(io::posix(), create, {});
  damage(temp.path());
  const core::Bytes before = io::read_file(io::posix(), temp / "b.CR3", 1 << 20);
  try {
    parity::repair_set(io::posix(), temp / "photos.par2", {}, {});
    FAIL("it cannot be repaired");
  } catch (const core::Error& error) {
    CHECK(error.code() == core::Code::kUnrepairable);
  }
  CHECK(io::read_file(io::posix(), temp / "b.CR3", 1 << 20) == before);
  CHECK_FALSE(io::posix().stat(temp / "e.JPG"));
}

TEST_CASE("interop: hostile sets write nothing outside, and crash nothing") {
  TempDir temp;
  make_files(temp.path() / "in");
  const parity::CreateReport made = parity::create_set(io::posix(), request(temp.path() / "in"), {});
  const core::Bytes index = io::read_file(io::posix(), made.written.front(), 1 << 20);
  // Every byte of the first packets turned over, every length cut: packets are dropped or refused.
  Dice dice(5);
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    core::Bytes bytes = index;
    for (std::uint64_t i = 0; i < 1 + dice.below(20); ++i)
      bytes[dice.below(bytes.size())] = static_cast<std::byte>(dice.below(256));
    if (dice.below(3) == 0) bytes.resize(dice.below(bytes.size()));
    const io::Path hostile = temp.path() / "in" / "hostile.par2";
    if (io::posix().stat(hostile)) io::posix().remove_file(hostile);
    io::posix().create(hostile)->write_at(0, bytes);
    try {
      parity::verify_set(io::posix(), hostile, {}, {});
    } catch (const core::Error& error) {
      CHECK_FALSE(std::string(error.what()).empty());
    }
  }
  // A sound set with a name that climbs out: made of packets with right checksums.
  namespace par2_format = formats::par2;
  for (const std::string name : {"../evil", "/tmp/evil", "sub/../../evil", "a\\..\\evil", ""}) {
    par2_format::FileDescription file{{}, {}, {}, 4, name};
    file.id = par2_format::file_id(file.md5_16k, file.bytes, file.name);
    par2_format::Main main{64, {file.id}, {}};
    const auto id = par2_format::set_id_of(main);
    core::Bytes bytes = par2_format::encode(id, main);
    for (const core::Bytes& more : {par2_format::encode(id, file)}) bytes.insert(bytes.end(), more.begin(), more.end());
    const io::Path hostile = temp.path() / "in" / "climber.par2";
    if (io::posix().stat(hostile)) io::posix().remove_file(hostile);
    io::posix().create(hostile)->write_at(0, bytes);
    INFO(name);
    CHECK_THROWS_AS(parity::repair_set(io::posix(), hostile, {}, {}), core::Error);
    CHECK_FALSE(io::posix().stat(temp / "evil"));
  }
}

}  // namespace darkshelf::testing
