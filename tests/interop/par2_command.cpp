// `darkshelf par2` as typed: what it refuses, with which exit code and sentence, and what its plan says.

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

ProcessResult par2(const TempDir& temp, std::vector<std::string> arguments, const std::string& kernel = {}) {
  arguments.insert(arguments.begin(), {DARKSHELF_EXECUTABLE, "par2"});
  ProcessOptions options;
  options.folder = temp.path();
  options.environment = {{"DARKSHELF_CATALOG", (temp / "none.db").string()}, {"DARKSHELF_KERNEL", kernel}};
  return run_process(arguments, options);
}

}  // namespace

TEST_CASE("par2 command: what PAR2 does not have is refused as wrong usage, and leaves nothing") {
  TempDir temp;
  make_file(temp / "a.raw", 100'000, 1);
  make_file(temp / "empty", 0, 1);
  const auto refused = [&](std::vector<std::string> options, const std::string& part, const std::string& kernel = {}) {
    std::vector<std::string> arguments = {"create"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProcessResult result = par2(temp, arguments, kernel);
    INFO(part << "\n" << result.out << result.err);
    CHECK(result.exit_code == 2);
    CHECK(result.err.find(part) != std::string::npos);
    CHECK(io::posix().list(temp.path()).size() == 2);
  };
  refused({"-s", "6", "set.par2", "a.raw"}, "multiple of 4");
  refused({"-s", "4096", "-c", "65535", "-f", "1", "set.par2", "a.raw"}, "more than PAR2 has");
  refused({"-b", "40000", "set.par2", "a.raw"}, "32768");
  refused({"-s", "4096", "-c", "20", "-m", "1KiB", "set.par2", "a.raw"}, "1MiB to 1TiB");
  refused({"-s", "4096", "-c", "20000", "-m", "1MiB", "set.par2", "a.raw"}, "of memory are too little");
  refused({"set.par2", "empty"}, "no file with anything in it");
  refused({"set.par2", "a.raw"}, "this CPU can run: scalar", "sse9");
}

TEST_CASE("par2 command: --plan says how and why, and writes nothing") {
  TempDir temp;
  make_file(temp / "a.raw", 0, 1);
  io::posix().open_write(temp / "a.raw")->truncate(std::uint64_t{8} << 30);  // all of it a hole
  const ProcessResult result = par2(temp, {"create", "-b", "32768", "-r", "10", "--plan", "set.par2", "a.raw"});
  INFO(result.out << result.err);
  CHECK(result.exit_code == 0);
  for (const char* part : {"transform in groups of", "direct sum", "too much", "2,048 reads and 1 seek", "needs 57 s"})
    CHECK(result.out.find(part) != std::string::npos);
  CHECK(io::posix().list(temp.path()).size() == 1);
}

}  // namespace darkshelf::testing
