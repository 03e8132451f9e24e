// A drive whose drive.json is damaged or gone, and no catalog left: every hint leads on, none in a circle.

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {
namespace {

void spoil_identity(const io::Path& file, const std::string& how) {
  io::posix().remove_file(file);
  if (how == "text") make_file(file, 100, 1);
  if (how == "folder") make_file(file / "x", 100, 1);
}

}  // namespace

TEST_CASE("lost identity: recover takes in the catalog copy of such a drive, and accepting it makes it whole") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string how = GENERATE("missing", "text", "folder");
  CAPTURE(how);
  const std::string root = shelf.path("A").string();
  spoil_identity(shelf.path("A") / "darkshelf" / "drive.json", how);
  shelf.lose_catalog();

  const Outcome recover = shelf.run({"catalog", "recover", root});
  INFO(recover.out << recover.err);
  CHECK(recover.exit_code == 0);
  CHECK(recover.err.find("drive.json") != std::string::npos);
  CHECK(recover.err.find("darkshelf drive accept " + root + " --as moved") != std::string::npos);
  CHECK(recover.out.find("3 volumes") != std::string::npos);
  shelf.must({"drive", "accept", root, "--as", "moved"});
  shelf.must({"scrub", "A"});
  shelf.must({"catalog", "recover", root});
}

TEST_CASE("lost identity: accepting one that this catalog does not know leads to recover, adding it to accept") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string how = GENERATE("missing", "text");
  CAPTURE(how);
  const std::string root = shelf.path("A").string();
  spoil_identity(shelf.path("A") / "darkshelf" / "drive.json", how);
  shelf.lose_catalog();
  shelf.must({"init"});

  const Outcome accept = shelf.run({"drive", "accept", root, "--as", "moved"});
  INFO(accept.out << accept.err);
  CHECK(accept.exit_code == 7);
  CHECK(accept.err.find("drive.json") != std::string::npos);
  CHECK(accept.err.find("darkshelf catalog recover " + root) != std::string::npos);
  const Outcome add = shelf.run({"drive", "add", root, "--label", "A"});
  INFO(add.out << add.err);
  CHECK(add.exit_code == 7);
  CHECK(add.err.find(root) != std::string::npos);
  CHECK(add.err.find("darkshelf drive accept " + root) != std::string::npos);
  shelf.must({"catalog", "recover", root});
  shelf.must({"drive", "accept", root, "--as", "moved"});
  shelf.must({"scrub", "A"});
}

TEST_CASE("lost identity: where no catalog copy tells either, that is the end of the way") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string root = shelf.path("A").string();
  spoil_identity(shelf.path("A") / "darkshelf" / "drive.json", GENERATE("missing", "text"));
  shelf.lose_catalog_copies("A");
  shelf.lose_catalog();
  shelf.must({"init"});
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"catalog", "recover", root}, {"drive", "add", root, "--label", "A"}}) {
    const Outcome outcome = shelf.run(command);
    INFO(outcome.out << outcome.err);
    CHECK(outcome.exit_code == 7);
    CHECK(outcome.err.find("darkshelf drive accept " + root) != std::string::npos);
  }
  const Outcome accept = shelf.run({"drive", "accept", root, "--as", "moved"});
  INFO(accept.out << accept.err);
  CHECK(accept.exit_code == 7);
  CHECK(accept.err.find("from a backup") != std::string::npos);
  CHECK(accept.err.find("catalog recover") == std::string::npos);
}

}  // namespace darkshelf::testing
