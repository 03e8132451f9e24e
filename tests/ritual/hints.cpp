// Sentences that name a way on, and ways on that work.

#include <catch2/catch.hpp>

#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/signed_shelf.hpp"

namespace darkshelf::testing {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("hints: what was sealed comes back over contents that somebody changed, by the command that is told") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  const auto sealed = shelf.volume_tree("A");
  const io::Path volume = shelf.volumes("A").back();
  REQUIRE(run_process({"sh", "-ec",
                       "cd \"$1\"; sed -i 's/^Darkshelf-Sequence: .*/Darkshelf-Sequence: 99/' bag-info.txt\n"
                       "h=$(sha256sum < bag-info.txt | cut -c1-64)\n"
                       "sed -i \"s/^[0-9a-f]*  bag-info.txt\\$/$h  bag-info.txt/\" tagmanifest-sha256.txt\n",
                       "sh", volume.string()})
              .exit_code == 0);
  const Outcome scrub = shelf.run({"scrub", "A"}), repair = shelf.run({"repair", "A"});
  INFO(scrub.out << scrub.err << repair.out << repair.err);
  CHECK(scrub.exit_code == 5);
  CHECK(has(scrub.out, "Contents contradict"));
  CHECK(has(scrub.out, "--from B --to A"));
  CHECK(repair.exit_code == 5);
  CHECK(has(repair.out, "--from B --to A"));
  CHECK(has(shelf.run({"repair", "A", "--with", "B"}).out, "--from B --to A"));
  shelf.must({"copy", "harbour", "--from", "B", "--to", "A"});
  CHECK(shelf.volume_tree("A") == sealed);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("hints: what lies on another drive than --from is not said to be unplugged") {
  ProgramShelf shelf({"A", "C"});
  shelf.must(shelf.seal_command({"A"}));
  std::vector<std::string> again = shelf.seal_command({"C"});
  again.emplace_back("--again");
  shelf.must(again);
  const Outcome restore = shelf.run({"restore", "harbour", "--from", "A", "--to", shelf.path("back").string()});
  INFO(restore.out << restore.err);
  CHECK(restore.exit_code == 7);
  CHECK(has(restore.err, "A does not hold what was sealed last of it; that lies on C"));
  CHECK(has(restore.err, "--as-sealed DATE"));
  CHECK_FALSE(has(restore.err, "not plugged in"));
}

TEST_CASE("hints: the first line of a signature file, which nothing signs, is part of what was put there") {
  ProgramShelf shelf({"A"});
  anna_signs(shelf);
  shelf.must(shelf.seal_command({"A"}));
  const bool beside = GENERATE(false, true);
  const io::Path file = beside ? signature_beside(shelf, "A", 0) : signature_in(shelf, "A", 0);
  const std::string text = text_at(file);
  put_text(file, "untrusted comment: EVIL \x1b[31m" + text.substr(text.find('\n')));
  const Outcome scrub = shelf.run({"scrub", "A"});
  INFO(scrub.out << scrub.err);
  CHECK(scrub.exit_code == 4);
  CHECK_FALSE(has(scrub.out + scrub.err, "\x1b"));
  shelf.must({"repair", "A"});
  CHECK(text_at(file) == text);
  CHECK(shelf.run({"scrub", "A"}).exit_code == 0);
}

TEST_CASE("hints: one that stands for several problems is told once, with its sentences") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const io::Path seals = shelf.path("A") / "darkshelf" / "seals";
  io::posix().rename(seals, shelf.path("outside"));
  io::posix().make_symlink(shelf.path("outside").string(), seals);
  const Outcome repair = shelf.run({"repair", "A"});
  INFO(repair.out << repair.err);
  CHECK(repair.exit_code != 0);
  CHECK(times(repair.err, "seals is a link; nothing is written through it") == 3);
  CHECK(times(repair.err, "    → remove the link and type the same command again") == 1);
  CHECK_FALSE(has(repair.out, "remove the link"));
}

TEST_CASE("hints: JSON tells of every failure, in lines without escapes") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A"}));
  const Outcome nowhere = shelf.run({"--json", "where", "nope"});
  CHECK(nowhere.exit_code == 1);
  CHECK(object(nowhere.out, "error").at("exit_code") == 1);
  CHECK(has(object(nowhere.out, "error").at("message").get<std::string>(), "nope is in no sealed shoot"));
  shelf.must({"copy", "harbour", "--to", "B"});
  io::remove_tree(io::posix(), shelf.volumes("B").front());
  const Outcome last = shelf.run({"--json", "discard", "harbour", "--from", "A", "--reason", "x"});
  INFO(last.out);
  CHECK(last.exit_code == 2);
  const std::string message = object(last.out, "error").at("message").get<std::string>();
  CHECK(has(message, "the copy on B does not count"));
  CHECK_FALSE(has(message, "\\x0A"));
}

}  // namespace darkshelf::testing
