// A drive that is plugged in, but mounted for reading alone: what is said of it, and what is not asked of it.

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

struct ReadOnly {
  ProgramShelf shelf{{"B"}};
  LoopDrive drive{shelf.shoots().parent_path(), "A", std::uint64_t{96} << 20};

  ReadOnly() {
    shelf.must({"drive", "add", drive.mount_point().string(), "--label", "A"});
    shelf.must(shelf.seal_command({"A", "B"}));
  }
  void remount() const {
    REQUIRE(run_process({"mount", "-o", "remount,ro", drive.mount_point().string()}).exit_code == 0);
  }
};

}  // namespace

TEST_CASE("read-only: damage is found, and no repair is asked for or tried that cannot be") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ReadOnly setup;
  rot(files_below(setup.shelf.volumes("A").front() / "data").begin()->first, 5000, 100);
  setup.remount();
  const Outcome scrub =
      GENERATE(false, true) ? setup.shelf.run({"scrub", "A", "--repair"}) : setup.shelf.run({"scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 4);
  CHECK(scrub.out.find("read-only") != std::string::npos);
  CHECK(scrub.out.find("darkshelf copy A --to ANOTHER-DRIVE") != std::string::npos);
}

TEST_CASE("read-only: a discarded shoot is not called away from a drive that is here") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ReadOnly setup;
  setup.remount();
  const Outcome discard = setup.shelf.run({"discard", "harbour", "--reason", "test", "--confirm", "harbour"});
  INFO(discard.out << discard.err);
  CHECK(discard.exit_code == 0);
  CHECK(discard.err.find("Read-only") != std::string::npos);
  CHECK(discard.err.find("Not plugged in") == std::string::npos);
  const Outcome from = setup.shelf.run({"discard", "harbour", "--reason", "test", "--from", "A"});
  CHECK(from.exit_code == 7);
  CHECK(from.err.find("read-only") != std::string::npos);
}

}  // namespace darkshelf::testing
