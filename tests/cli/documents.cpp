// Every command line of the documents for people is typed as it stands, in a sandbox like the one the document tells
// of.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "support/damage.hpp"
#include "support/filler.hpp"
#include "support/process.hpp"
#include "support/shell_document.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

/// Commands that build or install, which this test neither could nor should.
const std::vector<std::string> kNotRun = {
    "examples/first-archive.sh",
    "tests/run.sh",
    "cmake --preset release && cmake --build --preset release",
    "sudo cmake --install build/release",
};

/// What happens off stage.
const char kPrelude[] = R"sh(
unplug() { mkdir -p away && mv "media/$1" away/; }
plug() { mv "away/$1" media/; }
# damage DRIVE PHOTO: some of its bytes change
damage() {
  local list volume at
  list=$(grep -lF "\"$2\"" media/$1/darkshelf/2*/*/members.jsonl) && volume=$(dirname "$list") &&
    at=$(grep -F "\"$2\"" "$list" | sed -E 's/.*"offset": ?([0-9]+).*/\1/') &&
    printf 'rot rot rot' | dd of="$(ls "$volume"/data/*.tar)" bs=1 seek=$((at + 4000)) conv=notrunc status=none
}
# ruin DRIVE N: more of its first volume than parity can rebuild
ruin() {
  local tar=$(ls media/$1/darkshelf/2*/*_smith-wedding_*/data/*.tar) i
  for i in $(seq 60); do
    printf 'rot' | dd of="$tar" bs=1 seek=$((i * 4096 + 100 + $2)) conv=notrunc status=none
  done
}
# where the bytes of the photo begin that docs/recovery-by-hand.md cuts out of its tar
offset() { grep -F 'Gast_0004_größer.CR2"' members.jsonl | sed -E 's/.*"offset": ?([0-9]+).*/\1/'; }
# a disk of which only the bytes of the drive's files are left, each at the begin of a block
image() {
  find "media/$1/darkshelf/2026" -type f | sort | while IFS= read -r file; do
    cat "$file" && head -c $(((4096 - $(stat -c %s "$file") % 4096) % 4096)) /dev/zero
  done > sdb.img
}
archive() {
  darkshelf drive add media/2026-A --label 2026-A && darkshelf drive add media/2026-B --label 2026-B &&
    darkshelf key create --no-passphrase --name Anna &&
    darkshelf seal photos/2026 --each --to 2026-A --to 2026-B
}
)sh";

std::string read(const std::string& name) {
  std::ifstream file(std::string(DARKSHELF_SOURCE_DIR) + "/" + name);
  std::stringstream text;
  text << file.rdbuf();
  REQUIRE_FALSE(text.str().empty());
  return text.str();
}

/// `triples` pictures of three files each, and `singles` of one.
void make_shoot(const io::Path& folder, const std::string& pattern, unsigned triples, unsigned singles) {
  for (unsigned i = 0; i < triples + singles; ++i) {
    const std::string name = fmt::format(fmt::runtime(pattern), i);
    make_picture(folder / (name + ".CR2"), 9'000, i);
    if (i >= triples) continue;
    make_picture(folder / (name + ".JPG"), 2'000, 1000 + i);
    make_file(folder / (name + ".xmp"), 500, 2000 + i);
  }
}

/// A home with the photos, and drives plugged in below media/.
class Sandbox {
 public:
  Sandbox() {
    const io::Path year = home() / "photos" / "2026";
    make_shoot(year / "2026-06-14 Smith wedding", "Feier – Gäste/Gast_{:04}_größer", 110, 36);
    make_shoot(year / "2026-08-02 Île de Ré", "IMG_{:04}", 25, 48);
    for (const char* drive : {"2026-A", "2026-B", "2026-C"}) io::posix().make_dirs(home() / "media" / drive);
  }

  const io::Path& home() const { return temp_.path(); }

  /// The one place where names of a document become those of the sandbox: first what the document is about, then
  /// where drives are mounted.
  void run(const std::string& document, Substitutions substitutions = {}) {
    substitutions.emplace_back("/media/", (home() / "media").string() + "/");
    std::vector<DocumentStep> steps = steps_of_document(read(document));
    std::erase_if(steps, [](const DocumentStep& step) {
      return std::any_of(kNotRun.begin(), kNotRun.end(),
                         [&](const std::string& command) { return step.command.starts_with(command); });
    });
    REQUIRE_FALSE(steps.empty());
    const std::string program = io::Path(DARKSHELF_EXECUTABLE).parent_path().string();
    const DocumentRun run =
        run_document(steps, substitutions, fmt::format("PATH={}:$PATH\n{}", program, kPrelude), home());
    for (const std::string& problem : run.problems) {
      INFO(document << ": " << problem);
      CHECK(false);
    }
    for (const std::string& block : untyped_blocks(read(document))) {
      INFO(document << " has a block in which nothing is typed:\n" << block);
      CHECK(false);
    }
  }

 private:
  TempDir temp_;
};

bool lacks(const std::string& program) {
  if (has_program(program)) return false;
  skip("there is no program " + program);
  return true;
}

}  // namespace

TEST_CASE("documents: the helper sees what is wrong in a document") {
  TempDir temp;
  const auto problems = [&](const std::string& text) {
    return run_document(steps_of_document(text), {{"/media/", "/nowhere/"}}, "off() { stage=on; }", temp.path())
        .problems.size();
  };
  CHECK(problems("```console\n$ true\n```\n") == 0);
  CHECK(problems("```sh\n$ false\n```\n") == 1);
  CHECK(problems("```\n$ false\n$ echo $?\n1\n$ true\n```\n") == 0);
  CHECK(problems("```\n$ true\n$ echo $?\n4\n```\n") == 1);
  CHECK(problems("```\n$ echo one; echo two; echo three\none\n…\nthree\n```\n") == 0);
  CHECK(problems("```\n$ echo one\ntwo\n```\n") == 1);
  CHECK(problems("```\n$ echo one two three\none … three\n$ echo one\no…\n```\n") == 0);
  CHECK(problems("```\n$ echo one two three\none … four\n$ echo one\nt…\n```\n") == 2);
  CHECK(problems("```\n$ echo 7 MB\n9.5 GB\n```\n") == 0);
  CHECK(problems("```\n$ echo a \\\n  b\na b\n```\n") == 0);
  CHECK(problems("```\n$ ls /media/x\n$ echo $?\n2\n```\n") == 0);
  CHECK(problems("<!-- run: off -->\n```\n$ echo $stage\non\n```\n") == 0);
  CHECK(problems("<!-- run: false -->\n") == 1);
  CHECK(problems("```\n$ exit 3\n$ true\n```\n") >= 1);
  CHECK(problems("```cpp\n$ false\n```\n") == 0);
  CHECK(untyped_blocks("```sh\nls\n```\n```cpp\nint x;\n```\n```\n$ ls\n```\n").size() == 1);
}

TEST_CASE("documents: README.md") { Sandbox().run("README.md"); }

TEST_CASE("documents: docs/manual.md") { Sandbox().run("docs/manual.md", {{"/dev/sdb", "sdb.img"}}); }

TEST_CASE("documents: docs/scripting.md") {
  if (lacks("jq")) return;
  Sandbox().run("docs/scripting.md");
}

TEST_CASE("documents: docs/recovery-by-hand.md") {
  for (const char* program : {"par2", "ddrescue", "sqlite3", "minisign", "openssl"}) {
    if (lacks(program)) return;
  }
  Sandbox().run("docs/recovery-by-hand.md", {{"/media/DRIVE", "/media/2026-A"},
                                             {"/media/OTHER", "/media/2026-B"},
                                             {"VOLUME", "$volume"},
                                             {"KEY.pub", "*.pub"},
                                             {"NAME", "2026-06-14_smith-wedding_1of1"},
                                             {"OFFSET", "$(offset)"},
                                             {"BYTES", "9000"}});
}

TEST_CASE("documents: commands named in the text exist, with the options named behind them") {
  const auto help_of = [](std::vector<std::string> command) {
    command.insert(command.begin(), {DARKSHELF_EXECUTABLE, "help"});
    return run_process(command);
  };
  std::size_t seen = 0;
  for (const char* document : {"README.md", "docs/manual.md", "docs/scripting.md", "docs/recovery-by-hand.md"}) {
    const std::string text = read(document);
    const std::string_view begin = "`darkshelf ";
    for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at + 1)) {
      const std::string span = text.substr(at + begin.size(), text.find('`', at + 1) - at - begin.size());
      INFO(document << ": darkshelf " << span);
      std::istringstream in(span);
      std::vector<std::string> command, options;
      for (std::string word; in >> word;) {
        if (word.starts_with("--")) options.push_back(word.substr(0, word.find('=')));
        if (options.empty() && command.size() < 2) command.push_back(word);
      }
      REQUIRE_FALSE(command.empty());
      if (command.size() == 2 && help_of({command[0]}).out.find("\nCommands:") == std::string::npos) command.pop_back();
      const ProcessResult help = help_of(command);
      CHECK(help.exit_code == 0);
      for (const std::string& option : options) CHECK(help.out.find(option) != std::string::npos);
      ++seen;
    }
  }
  CHECK(seen >= 15);
}

TEST_CASE("documents: the manual tells of every command, and every link in it leads somewhere") {
  const std::string manual = read("docs/manual.md");
  const ProcessResult help = run_process({DARKSHELF_EXECUTABLE, "help"});
  std::istringstream lines(help.out);
  std::size_t commands = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  ") || line[2] < 'a' || line[2] > 'z') continue;
    const std::string name = line.substr(2, line.find(' ', 2) - 2);
    INFO(name);
    CHECK(manual.find("darkshelf " + name) != std::string::npos);
    const ProcessResult one = run_process({DARKSHELF_EXECUTABLE, "help", name});
    std::istringstream more(one.out);
    for (std::string option; std::getline(more, option);) {
      if (!option.starts_with("  --")) continue;
      const std::string word = option.substr(2, option.find(' ', 2) - 2);
      INFO(word);
      CHECK((word == "--help" || manual.find(word) != std::string::npos));
    }
    ++commands;
  }
  CHECK(commands >= 18);
  CHECK(read("README.md").find("(docs/manual.md)") != std::string::npos);
  CHECK(read("docs/architecture.md").find("(manual.md)") != std::string::npos);
}

}  // namespace darkshelf::testing
