// A drive whose drive.json is damaged or gone, and no catalog left: every hint leads on, none in a circle.

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {
namespace {

void spoil_identity(const io::Path& file, const std::string& how) {
  io::posix().remove_file(file);
  if (how == "text") make_file(file, 100, 1);
  if (how == "folder") make_file(file / "x", 100, 1);
  if (how == "link") io::posix().make_symlink("/etc/passwd", file);
  if (how == "pipe") ::mkfifo(file.c_str(), 0644);
}

/// As one line: sentences are broken at 80 columns.
std::string told(const Outcome& outcome) {
  std::string joined;
  for (const char c : outcome.out + outcome.err) {
    if (c != '\n' && c != ' ')
      joined += c;
    else if (!joined.empty() && joined.back() != ' ')
      joined += ' ';
  }
  return joined;
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

TEST_CASE("lost identity: what stands in its place is told for what it is, waited for by nobody, and put right") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string how = GENERATE("folder", "link", "pipe");
  CAPTURE(how);
  const std::string root = shelf.path("A").string();
  spoil_identity(shelf.path("A") / "darkshelf" / "drive.json", how);
  for (const std::vector<std::string>& command : {std::vector<std::string>{"scrub", "A"},
                                                  {"scrub", root},
                                                  {"restore", "wedding", "--from", "A", "--to", "back"}}) {
    const Outcome outcome = shelf.run(command);
    INFO(outcome.out << outcome.err);
    CHECK(outcome.exit_code == 7);
    CHECK(told(outcome).find("is a " + how) != std::string::npos);
    CHECK(told(outcome).find("darkshelf drive accept " + root) != std::string::npos);
  }
  const Outcome add = shelf.run({"drive", "add", root, "--label", "Z"});
  INFO(add.out << add.err);
  CHECK(add.exit_code == 7);
  shelf.run({"inspect", (shelf.path("A") / "darkshelf" / "drive.json").string()});
  shelf.must({"catalog", "recover", root});
  shelf.must({"drive", "accept", root, "--as", "moved"});
  shelf.must({"scrub", "A"});
}

TEST_CASE("lost identity: a link in the place of the folder darkshelf is told, and followed by nobody") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path folder = shelf.path("A") / "darkshelf";
  io::posix().rename(folder, shelf.path("away"));
  io::posix().make_symlink(shelf.path("away").string(), folder);
  for (const std::vector<std::string>& command : {std::vector<std::string>{"scrub", "A"},
                                                  {"scrub", shelf.path("A").string()},
                                                  {"catalog", "recover", shelf.path("A").string()}}) {
    const Outcome outcome = shelf.run(command);
    INFO(outcome.out << outcome.err);
    CHECK(outcome.exit_code == 7);
    CHECK(told(outcome).find("is a link") != std::string::npos);
  }
  io::posix().remove_file(folder);
  io::posix().rename(shelf.path("away"), folder);
  shelf.must({"scrub", "A"});
}

TEST_CASE("lost identity: a label longer than a file name can be is no reason to fail") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path file = shelf.path("A") / "darkshelf" / "drive.json";
  std::string text = io::read_text(io::posix(), file, 1 << 16);
  const std::size_t at = text.find("\"label\": \"A\"");
  REQUIRE(at != std::string::npos);
  std::string label;
  while (label.size() < 239) label += "ü";
  text.replace(at, 12, "\"label\": \"" + label + "\"");
  io::write_file_durably(io::posix(), file, core::as_bytes(text));
  const Outcome scrub = shelf.run({"scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 4);
  shelf.must({"repair", "A"});
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
