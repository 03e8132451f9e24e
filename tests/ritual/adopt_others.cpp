// What commands that are made for sealed volumes say about what was adopted and never sealed: never that all is well.

#include <catch2/catch.hpp>

#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {

TEST_CASE("adopt: what is not sealed is neither copied, signed, repaired nor discarded, and that is said") {
  ProgramShelf shelf({"B"});
  const io::Path root = shelf.path("drive");
  io::posix().make_dirs(root);
  const std::string harbour = "2026-09-01_harbour";
  REQUIRE(run_process({"cp", "-r", "--preserve=timestamps", (shelf.shoots() / harbour).string(), root.string()})
              .exit_code == 0);
  shelf.must({"adopt", root.string(), "--label", "old"});
  shelf.must({"key", "create", "--no-passphrase", "--name", "Anna"});
  for (const std::vector<std::string>& command : {std::vector<std::string>{"copy", "old", "--to", "B"},
                                                  {"copy", "harbour", "--to", "B"},
                                                  {"key", "sign", "old"},
                                                  {"discard", "harbour", "--reason", "x"},
                                                  {"discard", "harbour", "--reason", "x", "--confirm", "harbour"}}) {
    const Outcome outcome = shelf.run(command);
    INFO(outcome.out << outcome.err);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.err.find("not sealed") != std::string::npos);
    CHECK(outcome.err.find("darkshelf seal " + (root / harbour).string() + " --to DRIVE") != std::string::npos);
  }
  const Outcome missing = shelf.run({"copy", "--missing", "--to", "B"});
  INFO(missing.out << missing.err);
  CHECK(missing.err.find("1 shoot on adopted drives lacks copies, too") != std::string::npos);
  const Outcome repair = shelf.run({"repair", "old"});
  INFO(repair.err);
  CHECK(repair.exit_code == 7);
  CHECK(repair.err.find("adopted as it is") != std::string::npos);
  const Outcome status = shelf.run({"status"});  // it is still watched, and told
  CHECK(status.exit_code == 6);
  CHECK(status.out.find("1 red") != std::string::npos);

  // What it says is what helps.
  shelf.must({"seal", (root / harbour).string(), "--to", "B"});
  shelf.must({"key", "sign", "harbour"});
  const Outcome copy = shelf.run({"copy", "harbour", "--to", "B"});
  INFO(copy.out << copy.err);
  CHECK(copy.exit_code == 0);
}

}  // namespace darkshelf::testing
