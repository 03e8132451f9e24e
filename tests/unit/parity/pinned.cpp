// Whole files of a volume's PAR2 set, pinned by vectors that were made from the SPEC alone.

#include <catch2/catch.hpp>

#include "parity/set_builder.hpp"
#include "support/temp_dir.hpp"
#include "support/vectors.hpp"

namespace darkshelf::testing {

TEST_CASE("set builder: sets of several files, and late exponents, are those of the vectors, byte for byte") {
  const auto [name, first] = GENERATE(std::pair("two-files", 0u), std::pair("late-exponents", 12'000u));
  core::Bytes every_byte_twice(512);
  for (std::size_t i = 0; i < every_byte_twice.size(); ++i) every_byte_twice[i] = static_cast<std::byte>(i);
  const std::vector<std::pair<std::string, core::Bytes>> files = {{"abc.txt", core::to_bytes("abc")},
                                                                  {"sub/d.bin", every_byte_twice}};
  parity::SetOptions options;
  options.base = name;
  options.slice_bytes = 256;
  options.first_exponent = first;
  options.recovery_slices = 3;
  options.creator = "darkshelf";
  std::vector<parity::SetFile> protect;
  for (const auto& [path, bytes] : files) protect.push_back({path, bytes.size(), digest::md5(bytes)});
  parity::SetBuilder builder(protect, options, {});
  for (std::size_t i = 0; i < files.size(); ++i) {
    builder.begin_file(i);
    builder.append(files[i].second);
    builder.end_file();
  }
  TempDir temp;
  builder.write([&](const std::string& file) { return io::posix().create(temp / file); },
                [&](std::size_t file, std::uint64_t offset, core::MutableByteSpan into) {
                  std::copy_n(files[file].second.begin() + static_cast<std::ptrdiff_t>(offset), into.size(),
                              into.begin());
                });
  const auto valid = vectors_in("par2/vectors/valid");
  for (const std::string& file : builder.file_names()) {
    CAPTURE(file);
    // The two sets share their index.
    const std::string vector = file == "late-exponents.par2" ? "two-files.par2" : file;
    CHECK(io::read_text(io::posix(), temp / file, 1 << 20) == valid.at(vector));
  }
}

TEST_CASE("set builder: a volume's set is the one of the vectors, byte for byte") {
  core::Bytes payload(20'001);  // make.py's pattern
  std::uint32_t x = 1;
  for (std::byte& byte : payload) {
    x = 69'069 * x + 1;
    byte = static_cast<std::byte>(x >> 24);
  }
  const std::string base = "2026-06-14_smith-wedding_1of1";
  for (const unsigned threads : {1u, 3u}) {
    TempDir temp;
    core::Work work;
    work.threads = threads;
    parity::SetOptions options;
    options.base = base;
    options.slice_bytes = 512;
    options.recovery_slices = 20;
    options.creator = "darkshelf 1 (cold archive of photographs, PAR2 2.0)";
    parity::SetBuilder builder({{"data/" + base + ".tar", payload.size(), {}}}, options, work);
    builder.begin_file(0);
    builder.append(payload);
    builder.end_file();
    builder.write([&](const std::string& name) { return io::posix().create(temp / name); },
                  [&](std::size_t, std::uint64_t offset, core::MutableByteSpan into) {
                    std::copy_n(payload.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
                  });
    const auto valid = vectors_in("par2/vectors/valid");
    REQUIRE(builder.file_names().size() == 2);
    for (const std::string& name : builder.file_names()) {
      CAPTURE(name, threads);
      CHECK(io::read_text(io::posix(), temp / name, 1 << 20) == valid.at(name));
    }
  }
}

}  // namespace darkshelf::testing
