// What a PAR2 repair may do to names: a file that is in its place and right is never taken from it, nothing of the
// user's is removed, and sets that claim huge slices take no memory for them.

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "formats/par2/packets.hpp"
#include "parity/par2_files.hpp"
#include "support/damage.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

core::Bytes content(const io::Path& path) { return io::read_file(io::posix(), path, 1 << 20); }

void protect(const io::Path& folder, const std::vector<std::string>& names) {
  parity::CreateRequest request;
  request.set = folder / "s.par2";
  for (const std::string& name : names) request.files.push_back(folder / name);
  request.slice_bytes = 2048;
  request.percent = 20;
  parity::create_set(io::posix(), request, {});
}

parity::RepairReport repair(const io::Path& folder, const std::vector<io::Path>& extra) {
  return parity::repair_set(io::posix(), folder / "s.par2", extra, {});
}

std::vector<std::string> names_in(const io::Path& folder) {
  std::vector<std::string> names;
  for (const io::Entry& entry : io::posix().list(folder)) {
    if (!entry.name.ends_with(".par2")) names.push_back(entry.name);
  }
  return names;
}

}  // namespace

TEST_CASE("par2 places: of two equal files the one that is there stays there") {
  TempDir temp;
  make_file(temp / "x.bin", 50'000, 1);
  make_file(temp / "y.bin", 50'000, 1);
  protect(temp.path(), {"x.bin", "y.bin"});
  const std::string missing = GENERATE("x.bin", "y.bin");
  const std::string other = missing == "x.bin" ? "y.bin" : "x.bin";
  io::posix().remove_file(temp / missing);
  const parity::RepairReport report = repair(temp.path(), {temp / other, temp / "s.par2"});
  CHECK(report.before.lost == 0);
  CHECK(report.repaired == std::vector<std::string>{missing});
  CHECK(report.kept.empty());
  CHECK(content(temp / "x.bin") == seeded_bytes(50'000, 1));
  CHECK(content(temp / "y.bin") == seeded_bytes(50'000, 1));
  CHECK(parity::verify_set(io::posix(), temp / "s.par2", {}, {}).intact());
}

TEST_CASE("par2 places: two files that changed places are both put right") {
  TempDir temp;
  make_file(temp / "x.bin", 50'000, 1);
  make_file(temp / "y.bin", 50'000, 2);
  protect(temp.path(), {"x.bin", "y.bin"});
  io::posix().rename(temp / "x.bin", temp / "z");
  io::posix().rename(temp / "y.bin", temp / "x.bin");
  io::posix().rename(temp / "z", temp / "y.bin");
  const parity::RepairReport report = repair(temp.path(), {temp / "x.bin", temp / "y.bin"});
  CHECK(report.repaired.size() == 2);
  CHECK(content(temp / "x.bin") == seeded_bytes(50'000, 1));
  CHECK(content(temp / "y.bin") == seeded_bytes(50'000, 2));
  CHECK(names_in(temp.path()) == std::vector<std::string>{"x.bin", "x.bin.1", "y.bin", "y.bin.1"});
}

TEST_CASE("par2 places: one file serves two missing ones") {
  TempDir temp;
  make_file(temp / "x.bin", 50'000, 1);
  make_file(temp / "y.bin", 50'000, 1);
  protect(temp.path(), {"x.bin", "y.bin"});
  io::posix().remove_file(temp / "x.bin");
  io::posix().rename(temp / "y.bin", temp / "extra");
  repair(temp.path(), {temp / "extra"});
  CHECK(content(temp / "x.bin") == seeded_bytes(50'000, 1));
  CHECK(content(temp / "y.bin") == seeded_bytes(50'000, 1));
  CHECK(names_in(temp.path()) == std::vector<std::string>{"x.bin", "y.bin"});
}

TEST_CASE("par2 places: what a link leads to is copied, not the link renamed") {
  TempDir temp, elsewhere;
  make_file(temp / "x.bin", 50'000, 1);
  protect(temp.path(), {"x.bin"});
  io::posix().rename(temp / "x.bin", elsewhere / "kept");
  io::posix().make_symlink((elsewhere / "kept").string(), temp / "link");
  repair(temp.path(), {temp / "link"});
  CHECK(io::posix().stat(temp / "x.bin")->type == io::FileType::kRegular);
  CHECK(content(temp / "x.bin") == seeded_bytes(50'000, 1));
  CHECK(content(elsewhere / "kept") == seeded_bytes(50'000, 1));
}

TEST_CASE("par2 places: a file of the user's own beside a damaged one stays") {
  TempDir temp;
  make_file(temp / "x.bin", 50'000, 1);
  protect(temp.path(), {"x.bin"});
  make_file(temp / "x.bin.rebuilding", 100, 7);
  rot(temp / "x.bin", 1000, 10);
  repair(temp.path(), {});
  CHECK(content(temp / "x.bin") == seeded_bytes(50'000, 1));
  CHECK(content(temp / "x.bin.rebuilding") == seeded_bytes(100, 7));
  CHECK(names_in(temp.path()) == std::vector<std::string>{"x.bin", "x.bin.1", "x.bin.rebuilding"});
}

TEST_CASE("par2 places: a set may claim slices of any size, memory is not taken for them") {
  TempDir temp;
  namespace par2 = formats::par2;
  const std::uint64_t slice_bytes = std::uint64_t{1} << 40;
  const core::Bytes bytes = seeded_bytes(50'000, 1);
  make_file(temp / "a.bin", bytes.size(), 1);
  par2::FileDescription file;
  file.md5_16k = digest::md5(core::ByteSpan(bytes).first(16384));
  file.bytes = slice_bytes - 3;
  file.name = "a.bin";
  file.id = par2::file_id(file.md5_16k, file.bytes, file.name);
  const par2::Main main{slice_bytes, {file.id}, {}};
  const auto id = par2::set_id_of(main);
  par2::FileSlices slices;
  slices.id = file.id;
  slices.slices.resize(1);
  core::Bytes set = par2::encode(id, main);
  for (const core::Bytes& more : {par2::encode(id, file), par2::encode(id, slices)})
    set.insert(set.end(), more.begin(), more.end());
  io::posix().create(temp / "s.par2")->write_at(0, set);
  core::Work work;
  work.memory = 64 << 20;
  const parity::VerifyReport report = parity::verify_set(io::posix(), temp / "s.par2", {}, work);
  REQUIRE(report.files.size() == 1);
  CHECK(report.files.front().state == parity::FileState::kDamaged);
  CHECK(report.lost == 1);
}

TEST_CASE("par2 places: a slice longer than its file is known by its zeros") {
  TempDir temp;
  make_file(temp / "x.bin", 50'000, 1);
  make_file(temp / "y.bin", 3'000'000, 2);
  parity::CreateRequest request;
  request.set = temp / "s.par2";
  request.files = {temp / "x.bin", temp / "y.bin"};
  request.slice_bytes = 2 << 20;
  request.recovery_slices = 1;
  parity::create_set(io::posix(), request, {});
  rot(temp / "y.bin", 10, 1);
  core::Work work;
  work.memory = 4 << 20;  // no room for a search: slices are compared where they belong
  const parity::VerifyReport report = parity::verify_set(io::posix(), temp / "s.par2", {}, work);
  REQUIRE(report.files.size() == 2);
  CHECK(report.lost == 1);  // the second, short slice of y is sound
  const parity::RepairReport repaired = parity::repair_set(io::posix(), temp / "s.par2", {}, {});
  CHECK(repaired.repaired == std::vector<std::string>{"y.bin"});
  CHECK(content(temp / "x.bin") == seeded_bytes(50'000, 1));
}

}  // namespace darkshelf::testing
