// The set that Debian's par2 made once and that is kept in the repository: verified, damaged, repaired.

#include <catch2/catch.hpp>

#include "parity/par2_files.hpp"
#include "support/damage.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {

TEST_CASE("par2 foreign: the set kept from Debian's par2 is intact, and mends its files") {
  TempDir temp;
  const std::string kept = std::string(DARKSHELF_SOURCE_DIR) + "/formats/par2/vectors/foreign/debian-par2-0.8.1";
  REQUIRE(run_process({"cp", "-r", kept, (temp / "set").string()}).exit_code == 0);
  const io::Path folder = temp / "set", set = folder / "set.par2", list = folder / "list.txt";
  const core::Bytes before = io::read_file(io::posix(), list, 1 << 20);
  const parity::VerifyReport intact = parity::verify_set(io::posix(), set, {}, {});
  CHECK(intact.intact());
  CHECK(intact.files.size() == 2);
  CHECK(intact.slices == 14);
  CHECK(intact.recovery_slices == 7);

  rot(list, 100, 300);
  const parity::VerifyReport damaged = parity::verify_set(io::posix(), set, {}, {});
  CHECK_FALSE(damaged.intact());
  CHECK(damaged.lost == 4);  // bytes 100 to 399 of slices of 128
  CHECK(damaged.repairable());
  parity::repair_set(io::posix(), set, {}, {});
  CHECK(io::read_file(io::posix(), list, 1 << 20) == before);
  CHECK(parity::verify_set(io::posix(), set, {}, {}).intact());
}

}  // namespace darkshelf::testing
