// Where a restore writes, and what it leaves behind.

#include <catch2/catch.hpp>
#include <cerrno>

#include "core/error.hpp"
#include "rituals/restore.hpp"
#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {
namespace {

constexpr const char* kShoot = "2026-06-14_wedding";

rituals::RestoreReport restore(Shelf& shelf, const io::Path& to) {
  rituals::Context context = shelf.context();
  return rituals::restore(context, {{kShoot}, to, "", {}});
}

}  // namespace

TEST_CASE("restores: never into the archive of a drive") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string shoot = shelf.volumes("A").front().filename().string();
  io::posix().make_symlink((shelf.path("A") / "darkshelf").string(), shelf.path("link"));
  const std::vector<io::Path> places = {shelf.path("A") / "darkshelf",
                                        shelf.path("A") / "darkshelf" / "new" / "deeper",
                                        shelf.path("B") / "darkshelf" / ".incoming",
                                        shelf.volumes("A").front(),
                                        shelf.volumes("A").front() / "data",
                                        shelf.path("link") / "new",
                                        shelf.path("B") / "other" / ".." / "darkshelf"};
  for (const io::Path& place : places) {
    INFO(place.string());
    const Outcome refused = shelf.run({"restore", shoot, "--to", place.string()});
    INFO(refused.out << refused.err);
    CHECK(refused.exit_code == 2);
  }
  CHECK_FALSE(io::posix().stat(shelf.path("A") / "darkshelf" / "new"));
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
  // Beside it is the owner's business.
  shelf.must({"restore", shoot, "--to", (shelf.path("A") / "back").string()});
}

TEST_CASE("restores: a folder that is called like the archive is not merged into it") {
  Shelf shelf({"A"});
  const io::Path folder = shelf.path("shoots") / "darkshelf";
  make_file(folder / "IMG_0001.CR3", 100'000, 1);
  shelf.seal(folder, {"A"});
  rituals::Context context = shelf.context();
  try {
    rituals::restore(context, {{"darkshelf"}, shelf.path("A"), "", {}});
    FAIL("it was restored into the archive");
  } catch (const core::Error& error) {
    CHECK(error.code() == core::Code::kUsage);
  }
  CHECK_FALSE(io::posix().stat(shelf.path("A") / "darkshelf" / "IMG_0001.CR3"));
}

TEST_CASE("restores: one name the target cannot hold keeps no other file back") {
  const int refusal = GENERATE(EINVAL, ENAMETOOLONG, EILSEQ);
  Faults faults;
  Shelf shelf({"A"}, &faults);
  shelf.seal(shelf.add_shoot(kShoot, 5, 50'000), {"A"});
  faults.fail("stat", "/back/*IMG_0002.CR3", 1, refusal, true);
  const rituals::RestoreReport report = restore(shelf, shelf.path("back"));
  CHECK(report.files == 4);
  CHECK(report.unnameable == std::vector<std::string>{std::string(kShoot) + "/IMG_0002.CR3"});
  CHECK(report.lost.empty());
  faults.nothing();
  CHECK(files_below(shelf.path("back")).size() == 4);
  CHECK(restore(shelf, shelf.path("back")).already_there == 4);
}

TEST_CASE("restores: what a killed restore left is taken away by the next") {
  Faults faults;
  Shelf shelf({"A"}, &faults);
  shelf.seal(shelf.add_shoot(kShoot, 3, 50'000), {"A"});
  faults.fail("make_hard_link", "/back/", 1, EIO, true);
  faults.fail("rename", "/back/", 1, EIO, true);
  faults.fail("remove_file", "/back/", 1, EIO, true);
  CHECK_THROWS_AS(restore(shelf, shelf.path("back")), core::Error);
  faults.nothing();
  REQUIRE(files_below(shelf.path("back")).size() == 1);
  CHECK(restore(shelf, shelf.path("back")).files == 3);
  for (const auto& [path, stat] : files_below(shelf.path("back"))) {
    INFO(path.string());
    CHECK(path.filename().string().starts_with("IMG_"));
  }
  CHECK(files_below(shelf.path("back")).size() == 3);
}

TEST_CASE("restores: nothing is made where nothing can be restored") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string volume = shelf.volumes("A").front().filename().string();
  io::posix().rename(shelf.path("A"), shelf.path("unplugged"));
  const Outcome absent = shelf.run({"restore", volume, "--to", shelf.path("back").string()});
  INFO(absent.out << absent.err);
  CHECK(absent.exit_code == 7);
  CHECK_FALSE(io::posix().stat(shelf.path("back")));
}

}  // namespace darkshelf::testing
