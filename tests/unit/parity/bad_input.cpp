// What PAR2 does not allow is refused with a sentence, and nothing is written.

#include <catch2/catch.hpp>

#include "core/error.hpp"
#include "parity/par2_files.hpp"
#include "parity/recovery_plan.hpp"
#include "support/damage.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

struct Refused {
  core::Code code;
  std::string sentence;
};

template <typename Work>
Refused refused(Work work) {
  try {
    work();
  } catch (const core::Error& error) {
    return {error.code(), error.what()};
  }
  FAIL("was not refused");
  return {};
}

Refused refused_create(const io::Path& folder, const std::function<void(parity::CreateRequest&, core::Work&)>& change) {
  parity::CreateRequest request;
  request.set = folder / "set.par2";
  request.files = {folder / "photo.raw"};
  core::Work work;
  change(request, work);
  Refused refusal = refused([&] { parity::create_set(io::posix(), request, work); });
  CHECK_FALSE(io::posix().stat(folder / "set.par2"));
  CHECK(io::posix().list(folder).size() <= 2);
  return refusal;
}

void check(const Refused& refusal, core::Code code, const std::string& part) {
  INFO(refusal.sentence);
  CHECK(refusal.code == code);
  CHECK(refusal.sentence.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("par2 bad input: shapes that PAR2 does not have") {
  TempDir temp;
  make_file(temp / "photo.raw", 200'000, 1);
  const auto create = [&](const std::function<void(parity::CreateRequest&, core::Work&)>& change) {
    return refused_create(temp.path(), change);
  };
  using Request = parity::CreateRequest;
  check(create([](Request& r, core::Work&) { r.slice_bytes = 1000, r.recovery_slices = 65'536; }), core::Code::kUsage,
        "more than PAR2 has");
  check(create([](Request& r, core::Work&) { r.slice_bytes = 1000, r.recovery_slices = 6, r.first_exponent = 65'530; }),
        core::Code::kUsage, "more than PAR2 has");
  for (const std::uint64_t bytes : {0u, 1u, 6u, 4098u})
    check(create([&](Request& r, core::Work&) { r.slice_bytes = bytes; }), core::Code::kUsage, "multiple of 4");
  check(create([](Request& r, core::Work&) { r.slice_bytes = 4; }), core::Code::kUsage, "32768");
  check(create([](Request& r, core::Work&) { r.files.clear(); }), core::Code::kUsage, "no file");
  check(create([](Request& r, core::Work& work) {
          r.slice_bytes = 1000, r.recovery_slices = 60'000, work.memory = 1 << 20;
        }),
        core::Code::kUsage, "memory");
}

TEST_CASE("par2 bad input: files with nothing in them make no set") {
  TempDir temp;
  make_file(temp / "photo.raw", 0, 1);
  check(refused_create(temp.path(), [](auto&, auto&) {}), core::Code::kUsage, "no file");
}

TEST_CASE("par2 bad input: memory too small for one slice is refused") {
  TempDir temp;
  make_file(temp / "photo.raw", 3'000'000, 1);
  parity::CreateRequest request;
  request.set = temp / "set.par2";
  request.files = {temp / "photo.raw"};
  request.slice_bytes = 1'000'000;
  request.recovery_slices = 2;
  core::Work work;
  work.memory = 400'000;
  check(refused([&] { parity::create_set(io::posix(), request, work); }), core::Code::kUsage, "memory");
}

TEST_CASE("par2 bad input: sets whose critical packets are missing") {
  TempDir temp;
  make_file(temp / "photo.raw", 200'000, 1);
  parity::CreateRequest request;
  request.set = temp / "set.par2";
  request.files = {temp / "photo.raw"};
  request.slice_bytes = 4000;
  request.recovery_slices = 4;
  parity::create_set(io::posix(), request, {});
  const io::Path volume = temp / "set.vol00000+00004.par2";
  const core::Bytes photo = io::read_file(io::posix(), temp / "photo.raw", 1 << 20);
  const core::Bytes index = io::read_file(io::posix(), temp / "set.par2", 1 << 20);
  const core::Bytes packets = io::read_file(io::posix(), volume, 1 << 20);
  // Every packet of one type loses its soundness, in both files.
  const auto without = [&](std::string_view type) {
    for (const auto& [path, bytes] : {std::pair(temp / "set.par2", index), std::pair(volume, packets)}) {
      core::Bytes changed = bytes;
      for (std::size_t at = 0; (at = core::as_text(changed).find(type, at)) != std::string_view::npos; ++at)
        changed[at + 20] ^= std::byte{1};
      io::write_file_durably(io::posix(), path, changed);
    }
  };
  const auto verify = [&] { return parity::verify_set(io::posix(), temp / "set.par2", {}, {}); };
  const auto repair = [&] { return parity::repair_set(io::posix(), temp / "set.par2", {}, {}); };
  without(std::string_view("PAR 2.0\0Main", 12));
  check(refused(verify), core::Code::kCorrupt, "main packet");
  check(refused(repair), core::Code::kCorrupt, "main packet");
  without(std::string_view("PAR 2.0\0FileDesc", 16));
  check(refused(verify), core::Code::kCorrupt, "none of its packets describes");
  check(refused(repair), core::Code::kCorrupt, "none of its packets describes");
  // Without checksums of slices the MD5 of the whole file decides, and nothing of a damaged one can be told apart.
  without(std::string_view("PAR 2.0\0IFSC", 12));
  CHECK(verify().files.at(0).state == parity::FileState::kIntact);
  rot(temp / "photo.raw", 100'000, 1);
  CHECK(verify().lost == 50);
  check(refused(repair), core::Code::kUnrepairable, "nothing was touched");
  // With them back it is one slice.
  io::write_file_durably(io::posix(), temp / "set.par2", index);
  CHECK(verify().lost == 1);
  repair();
  CHECK((io::read_file(io::posix(), temp / "photo.raw", 1 << 20) == photo));
}

}  // namespace darkshelf::testing
