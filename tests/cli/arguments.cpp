// Arguments that make no sense: exit code 2, a sentence, and how to learn what is right. Nothing is opened for them.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {
namespace {

struct Wrong {
  std::vector<std::string> command;
  std::string words;
};

}  // namespace

TEST_CASE("arguments: what makes no sense is refused with a sentence") {
  ProgramShelf shelf({"A"});
  const std::string shoot = (shelf.shoots() / "2026-09-01_harbour").string();
  const auto seal = [&](std::vector<std::string> more) {
    std::vector<std::string> command = {"seal", shoot, "--to", "A"};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  };
  const std::vector<Wrong> all = {
      {{"seel"}, "there is no command \"seel\""},
      {{"help", "seel"}, "there is no command \"seel\""},
      {{"help", "drive", "fly"}, "darkshelf drive has no command \"fly\""},
      {{"drive", "fly"}, "darkshelf drive has no command \"fly\""},
      {{"drive"}, "drive wants a command behind it"},
      {{"seal"}, "seal wants SHOOT"},
      {{"seal", shoot}, "seal wants --to"},
      {{"seal", shoot, "--to"}, "--to wants something behind it"},
      {{"--catalog"}, "--catalog wants something behind it"},
      {seal({"--frobnicate"}), "seal has no option --frobnicate"},
      {{"scrub", "A", "B"}, "scrub takes no more arguments: \"B\" is one too many"},
      {{"status", "x"}, "status takes no more arguments"},
      {{"seal", shoot, "--to", "A\x1B[31m", "--oops\x1B[31m"}, "\\x1B[31m"},
      {seal({"--update", "--again"}), "do not go together"},
      {{"--color", "blue", "find"}, "--color takes auto, always or never, not \"blue\""},
      {seal({"--each=-1"}), "--each takes a whole number from 0 to 9, not \"-1\""},
      {seal({"--each=10"}), "from 0 to 9"},
      {seal({"--each=many"}), "from 0 to 9"},
      {seal({"--memory", "1"}), "--memory takes a size from 1MiB to 1TiB, not 1"},
      {seal({"--memory", "-1"}), "--memory: \"-1\" is not a size"},
      {seal({"--memory", "9999TiB"}), "--memory takes a size from 1MiB to 1TiB"},
      {seal({"--volume-size", "7"}), "--volume-size takes a size from 1MiB to 1TiB, not 7"},
      {seal({"--volume-size", "2PB"}), "--volume-size takes"},
      {seal({"--volume-size", "big"}), "\"big\" is not a size"},
      {seal({"--parity", "0"}), "--parity: \"0\" is not a percentage above 0 and up to 100"},
      {seal({"--parity", "101%"}), "percentage"},
      {seal({"--parity", "-5"}), "percentage"},
      {seal({"--layout", "zip"}), "--layout takes tar or files, not \"zip\""},
      {seal({"--date", "2026-13-01"}), "is no date"},
      {seal({"--date", "2026"}), "is no date"},
      {{"scrub", "A", "--for", "0s"}, "--for takes a length of time above 0"},
      {{"scrub", "A", "--for", "-3m"}, "is not a length of time"},
      {{"scrub", "A", "--for", "soon"}, "is not a length of time"},
      {{"scrub", "A", "--memory", "1"}, "--memory takes"},
      {{"repair", "A", "--memory", "1"}, "--memory takes"},
      {{"copy", "A", "--to", "A", "--memory", "1"}, "--memory takes"},
      {{"restore", "x", "--to", "y", "--memory", "1"}, "--memory takes"},
      {{"restore", "x", "--to", "y", "--as-sealed", "then"}, "is no date"},
      {{"find", "--since", "2026-99"}, "--since: \"2026-99\" is no date"},
      {{"find", "--until", "x"}, "--until: \"x\" is no date"},
      {{"shoot", "keep", "harbour", "--copies", "0"}, "--copies takes a whole number from 1 to 99, not \"0\""},
      {{"shoot", "keep", "harbour", "--copies", "-1"}, "from 1 to 99"},
      {{"shoot", "keep", "harbour", "--copies", "2x"}, "from 1 to 99"},
      {{"drive", "add", "x", "--label", "L", "--catalog", "most"}, "--catalog takes full, own or none"},
      {{"drive", "accept", "x", "--as", "new"}, "--as takes moved or copy"},
      {{"drive", "mark", "A", "tired"}, "takes lost, failed, retired, destroyed or found, not \"tired\""},
      {{"policy", "set", "copies=-1"}, "copies takes a number"},
      {{"policy", "set", "copies=100"}, "copies takes a number"},
      {{"policy", "set", "scrub-every=0d"}, "above 0"},
      {{"policy", "set", "grace=-1d"}, "is not a length of time"},
      {{"policy", "set", "layout=zip"}, "layout takes tar or files"},
      {{"par2", "create", "-b", "0", "s.par2", "f"}, "--slices takes a whole number from 1 to 32768"},
      {{"par2", "create", "-b", "32769", "s.par2", "f"}, "from 1 to 32768"},
      {{"par2", "create", "-b", "10", "-s", "4096", "s.par2", "f"}, "do not go together"},
      {{"par2", "create", "-c", "0", "s.par2", "f"}, "from 1 to 65535"},
      {{"par2", "create", "-r", "0", "s.par2", "f"}, "percentage"},
      {{"par2", "create", "-f", "70000", "s.par2", "f"}, "from 0 to 65534"},
      {{"par2", "create", "-s", "1", "s.par2", "f"}, "--slice-size takes a size from 4 to 1TiB"},
      {{"par2", "verify", "-t", "5000", "s.par2"}, "--threads takes a whole number from 0 to 1024"},
      {{"par2", "verify", "-m", "1", "s.par2"}, "--memory takes"},
  };
  for (const Wrong& wrong : all) {
    const Outcome outcome = shelf.run(wrong.command);
    INFO(fmt::format("darkshelf {}", fmt::join(wrong.command, " ")));
    INFO(outcome.out << outcome.err);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("darkshelf: "));
    CHECK(outcome.err.find(wrong.words) != std::string::npos);
    CHECK(outcome.err.find("    → darkshelf") != std::string::npos);
    CHECK(outcome.err.find('\x1B') == std::string::npos);
  }
  CHECK(shelf.volumes("A").empty());
}

TEST_CASE("arguments: a drive is not copied to itself, however it is named") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string path = shelf.path("A").string();
  for (const std::string& what : {std::string("A"), path}) {
    for (const std::string& to : {std::string("A"), path}) {
      const Outcome outcome = shelf.run({"copy", what, "--to", to});
      INFO(outcome.out << outcome.err);
      CHECK(outcome.exit_code == 2);
      CHECK(outcome.err.find("A cannot be copied to itself") != std::string::npos);
    }
  }
}

TEST_CASE("arguments: a folder of shoots is asked about with the number of its shoots") {
  ProgramShelf shelf({"A"});
  for (const char* name : {"2026-10-03_third", "2026-11-05_fourth"})
    make_file(shelf.shoots() / name / "X.JPG", 1000, 9);
  io::posix().make_dir(shelf.shoots() / "papers");
  make_file(shelf.shoots() / "papers" / "contract.pdf", 100, 1);
  const Outcome outcome = shelf.run({"seal", shelf.shoots().string(), "--to", "A"});
  INFO(outcome.out << outcome.err);
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.err.find("has no pictures of its own, but 4 subfolders with pictures") != std::string::npos);
}

TEST_CASE("arguments: files are counted the same by every command, links beside them") {
  ProgramShelf shelf({"A"});
  const io::Path shoot = shelf.shoots() / "2026-09-01_harbour";
  io::posix().make_symlink("DSC00000.JPG", shoot / "cover.JPG");
  io::posix().make_symlink("../elsewhere", shoot / "album");
  io::posix().make_hard_link(shoot / "DSC00001.JPG", shoot / "DSC00001 copy.JPG");
  const std::string counted = "8 photos (8 files)";
  const auto told = [&](const std::vector<std::string>& command, const std::string& words) {
    const Outcome outcome = shelf.run(command);
    INFO(fmt::format("darkshelf {}", fmt::join(command, " ")) << "\n" << outcome.out << outcome.err);
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.out.find(words) != std::string::npos);
  };
  told({"seal", shoot.string(), "--to", "A"}, counted + " sealed");
  told({"find", "harbour"}, counted);
  told({"show", "harbour"}, counted);
  told({"restore", "harbour", "--to", shelf.path("back").string()}, counted + " and 2 links restored");
  told({"restore", "harbour", "--to", shelf.path("back").string()}, "8 files were there already");
  told({"inspect", (shelf.volumes("A").front() / "members.jsonl").string()}, "files                  8");
  // Only what is not sealed yet is to seal.
  make_file(shoot / "NEW.JPG", 100, 9);
  told({"seal", shoot.string(), (shelf.shoots() / "2026-06-14_müller-wedding").string(), "--to", "A", "--plan"},
       "1.5 MB to seal");
  told({"seal", shoot.string(), "--to", "A", "--update"}, "100 B to seal");
}

}  // namespace darkshelf::testing
