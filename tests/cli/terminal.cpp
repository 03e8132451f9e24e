// What reaches a terminal: help, colours, 80 columns, and names with anything in them.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <sstream>

#include "cli/layout.hpp"
#include "core/text.hpp"
#include "support/damage.hpp"
#include "support/filler.hpp"
#include "support/process.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/raw_image.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Heading to the names below it, for headings that end in ':' or '?'.
std::vector<std::pair<std::string, std::vector<std::string>>> groups_of(const std::string& help) {
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  for (const std::string& line : lines_of(help)) {
    if (line.empty() || line.starts_with("Usage")) continue;
    if (line.back() == ':' || line.back() == '?') groups.emplace_back(line, std::vector<std::string>{});
    const bool entry = line.starts_with("  ") && line.size() > 2 && line[2] != ' ' && line[2] != '-';
    if (entry && !groups.empty()) groups.back().second.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return groups;
}

const std::vector<std::string> kCommands = {"darkshelf ", "tar ", "umount ", "'"};

/// A line above 80 columns only holds what must not be broken: a command to type, or one long word (a path).
void check_width(const Outcome& outcome) {
  for (const std::string* text : {&outcome.out, &outcome.err}) {
    for (const std::string& line : lines_of(*text)) {
      if (cli::width_of(line) <= 80) continue;
      INFO(line);
      const std::string bare = line.substr(std::min(line.find_first_not_of(" →"), line.size()));
      const bool command = std::any_of(kCommands.begin(), kCommands.end(),
                                       [&](const std::string& begin) { return bare.starts_with(begin); });
      const bool path = bare.find(' ') == std::string::npos || (has(bare, "/") && bare.ends_with(".JPG"));
      CHECK((command || path));
    }
  }
}

/// Nothing a terminal would act on, and all of it UTF-8.
void check_printable(const Outcome& outcome) {
  for (const std::string* text : {&outcome.out, &outcome.err}) {
    CHECK(core::is_utf8(*text));
    for (const char c : *text) {
      const auto byte = static_cast<unsigned char>(c);
      CHECK((byte >= 0x20 || byte == '\n'));
      CHECK(byte != 0x7F);
    }
  }
}

}  // namespace

TEST_CASE("terminal: help lists exactly the commands there are, by the moments they are for, and tells of each") {
  ProgramShelf shelf({});
  using Groups = std::vector<std::pair<std::string, std::vector<std::string>>>;
  const Outcome help = shelf.run({"help"});
  CHECK(help.exit_code == 0);
  CHECK(help.err.empty());
  CHECK(help.out == shelf.run({"--help"}).out);
  Groups groups = groups_of(help.out);
  REQUIRE(groups.size() == 6);
  groups.resize(5);
  const Groups wanted = {{"The yearly archive drive:", {"seal", "copy", "drive", "place"}},
                         {"Which drive holds it?", {"adopt", "find", "show", "where", "shoot"}},
                         {"The drive comes back:", {"scrub", "check", "repair", "restore", "rescue"}},
                         {"Am I safe?", {"status", "due", "covered", "work", "policy"}},
                         {"Upkeep:", {"init", "catalog", "discard", "key", "inspect", "par2", "help"}}};
  CHECK(groups == wanted);

  std::vector<std::vector<std::string>> commands;
  for (const auto& [heading, names] : groups) {
    for (const std::string& name : names) commands.push_back({name});
  }
  std::size_t told = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    std::vector<std::string> one = commands[i];
    std::vector<std::string> with_help = one;
    with_help.emplace_back("--help");
    one.insert(one.begin(), "help");
    const Outcome first = shelf.run(one), second = shelf.run(with_help);
    INFO(fmt::format("darkshelf {}", fmt::join(one, " ")) << "\n" << first.out << first.err);
    CHECK(first.exit_code == 0);
    CHECK(second.exit_code == 0);
    CHECK(first.out == second.out);
    CHECK(has(first.out, fmt::format("Usage: darkshelf {}", fmt::join(commands[i], " "))));
    check_width(first);
    ++told;
    for (const auto& [heading, names] : groups_of(first.out)) {
      if (heading != "Commands:") continue;
      for (const std::string& name : names) {
        commands.push_back(commands[i]);
        commands.back().push_back(name);
      }
    }
  }
  CHECK(told > 40);
}

TEST_CASE("terminal: lines break at blanks, never inside a command, a quoted name or a colour") {
  using Lines = std::vector<std::string>;
  CHECK(cli::wrapped("short", 20) == Lines{"short"});
  CHECK(cli::wrapped("  one two three four", 14) == Lines{"  one two", "    three four"});
  CHECK(cli::wrapped("two\nlines", 20) == Lines{"two", "lines"});
  CHECK(cli::wrapped("    → darkshelf seal A --to B", 20) == Lines{"    → darkshelf seal A --to B"});
  CHECK(cli::wrapped("Mended: darkshelf repair 2026-A; then more", 24) ==
        Lines{"Mended:", "  darkshelf repair 2026-A;", "  then more"});
  CHECK(cli::wrapped("Next: mv /a/b/c /a/b/d", 12) == Lines{"Next:", "  mv /a/b/c /a/b/d"});
  CHECK(cli::wrapped("Next: tar -i -xf long.tar -C FOLDER", 20) == Lines{"Next:", "  tar -i -xf long.tar -C FOLDER"});
  CHECK(cli::wrapped("      darkshelf copy A --to B", 20) == Lines{"      darkshelf copy A --to B"});
  CHECK(cli::wrapped("    → darkshelf init   (to begin)", 24) == Lines{"    → darkshelf init", "      (to begin)"});
  CHECK(cli::wrapped("no drive is \"my old drive\" here", 16) == Lines{"no drive is", "  \"my old drive\"", "  here"});
  CHECK(cli::wrapped("all 8 photos (8 files)", 18) == Lines{"all 8 photos", "  (8 files)"});
  CHECK(cli::wrapped("it's a year's photos", 10) == Lines{"it's a", "  year's", "  photos"});
  CHECK(cli::wrapped("\x1B[31mred\x1B[0m and blue", 12) == Lines{"\x1B[31mred\x1B[0m and blue"});
  CHECK(cli::wrapped("写真 写真 写真", 9) == Lines{"写真 写真", "  写真"});
  CHECK(cli::width_of("\x1B[31mé写\x1B[0m") == 3);
}

TEST_CASE("terminal: colours only on a terminal, or when asked for") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{}, {"status"}, {"find"}, {"drive", "list"}, {"show", "harbour"}, {"scrub", "A"}}) {
    const auto colours = [&](const std::vector<std::string>& options) {
      std::vector<std::string> all = options;
      all.insert(all.end(), command.begin(), command.end());
      const Outcome outcome = shelf.run(all);
      CHECK_FALSE(has(outcome.err, "\x1B"));
      return has(outcome.out, "\x1B[");
    };
    INFO(fmt::format("{}", fmt::join(command, " ")));
    CHECK_FALSE(colours({}));
    CHECK_FALSE(colours({"--color", "auto"}));
    CHECK_FALSE(colours({"--color", "never"}));
    CHECK(colours({"--color", "always"}));
    CHECK_FALSE(colours({"--color", "always", "--json"}));
  }
  if (!has_program("script")) return skip("there is no program script to make a terminal");
  const std::string line = fmt::format("{} --catalog {} find", DARKSHELF_EXECUTABLE, shelf.path("catalog.db").string());
  CHECK(has(run_process({"script", "-qec", line, "/dev/null"}).out, "\x1B["));
  CHECK_FALSE(has(run_process({"script", "-qec", line + " --color never", "/dev/null"}).out, "\x1B["));
}

TEST_CASE("terminal: -q leaves results and errors, -v tells more") {
  ProgramShelf shelf({"A", "B"});
  auto quiet = shelf.seal_command({"A"});
  quiet.emplace_back("-q");
  const Outcome seal = shelf.run(quiet);
  CHECK(seal.exit_code == 0);
  CHECK(seal.err.empty());
  CHECK(has(seal.out, "sealed and read back"));
  CHECK(has(shelf.run({"-q", "scrub", "nowhere"}).err, "no drive is called"));
  auto verbose = shelf.seal_command({"B"});
  verbose.emplace_back("--again");
  const Outcome plain = shelf.run(verbose);
  verbose.emplace_back("-v");
  const Outcome more = shelf.run(verbose);
  CHECK(more.exit_code == 0);
  CHECK(more.err.size() > plain.err.size());
  CHECK(has(shelf.run({"scrub", "A", "-v"}).err, "intact"));
}

TEST_CASE("terminal: names with anything in them stay readable, and nothing else reaches the terminal") {
  ProgramShelf shelf({"A"});
  const std::string name = "2026-05-05 Zoë & Łukasz 写真\x1B[31m\x07 two\nlines";
  const io::Path shoot = shelf.shoots() / name;
  make_file(shoot / "caf\xE9.JPG", 9'000, 1);
  make_file(shoot / "tab\there \x1B]0;title\x07.JPG", 9'000, 2);
  make_file(shoot / "schön.JPG", 9'000, 3);
  io::posix().make_symlink("nowhere\x1B[2J", shoot / "link\x1B[2J");
  const std::string back = shelf.path("back").string(), again = "elsewhere";
  const std::map<std::string, std::string> c = {{"LC_ALL", "C"}};
  std::string all;
  const auto run = [&](const std::vector<std::string>& command, int exit_code) {
    const Outcome outcome = shelf.run(command, c);
    INFO(fmt::format("{}", fmt::join(command, " ")) << "\n" << outcome.out << outcome.err);
    CHECK(outcome.exit_code == exit_code);
    check_printable(outcome);
    all += outcome.out + outcome.err;
  };
  run({"seal", shoot.string(), "--to", "A", "--plan"}, 0);
  run({"seal", shoot.string(), "--to", "A"}, 0);
  run({"seal", shoot.string(), "--to", "A", "-v"}, 0);
  run({}, 0);
  run({"find", "Zoë", "--files"}, 0);
  run({"show", "Zoë"}, 0);
  run({"where", "*.JPG"}, 0);
  run({"status"}, 6);
  run({"restore", "Zoë", "--to", back}, 0);
  make_file(io::Path(back) / name / "other\x1B[1m.JPG", 5, 1);
  rot(io::Path(back) / name / "caf\xE9.JPG", 10, 10);
  run({"restore", "Zoë", "--to", back}, 1);
  make_file(shoot / "new\x1B[1m.JPG", 9'000, 4);
  run({"seal", shoot.string(), "--to", "A"}, 3);
  run({"shoot", "note", "Zoë", "a note\x1B[31m"}, 0);
  run({"show", "Zoë"}, 0);
  run({"shoot", "rename", "Zoë", "bad\x1B[31m"}, 2);
  run({"drive", "lend", "A", "--to", "Jürgen\x1B[31m"}, 0);
  run({"drive", "list"}, 0);
  run({"find"}, 0);
  run({"drive", "return", "A"}, 0);
  run({"find", "no\x1B[31mthing"}, 1);
  run({"scrub", "no\x1B[31mdrive"}, 1);
  run({"inspect", (shelf.volumes("A").front() / "bag-info.txt").string()}, 0);
  shelf.keep();
  for (const io::Entry& entry : io::posix().list(shelf.volumes("A").front() / "data"))
    zero(shelf.volumes("A").front() / "data" / entry.name, 600, 20'000);
  run({"scrub", "A"}, 4);
  run({"repair", "A"}, 0);
  for (const char* readable : {"Zoë & Łukasz 写真", "schön.JPG", "caf\\xE9.JPG", "Jürgen", "\\x1B[31m"})
    CHECK(has(all, readable));
}

TEST_CASE("terminal: no line is wider than the terminal, but for what must not be broken") {
  const std::string long_label = "the drive with the longest label anybody ever wrote on one";
  const std::string long_place = "the second shelf from above behind the door of the cellar at Grandmother's house";
  ProgramShelf shelf({"A", "B"});
  const std::map<std::string, std::string> wide = {{"COLUMNS", "80"}};
  const io::Path year = shelf.path("year of the longest names that photographers give");
  for (const char* name :
       {"2026-01-01 The wedding of Maximiliane and Bartholomäus with all their guests on the lake, second day",
        "2026-02-02 Short",
        "2026-03-03 Landscapes of northern Norway in the deepest winter, with the northern lights"}) {
    for (int i = 0; i < 25; ++i)
      make_picture(year / name / "a folder with a rather long name as well" / fmt::format("IMG_{:04} edited.JPG", i),
                   9'000, 1);
  }
  std::string all;
  const auto run = [&](std::vector<std::string> command, int exit_code) {
    const Outcome outcome = shelf.run(command, wide);
    INFO(fmt::format("{}", fmt::join(command, " ")) << "\n" << outcome.out << outcome.err);
    CHECK(outcome.exit_code == exit_code);
    check_width(outcome);
    all += outcome.out + outcome.err;
  };
  run({"place", "add", long_place, "--offsite", "--note", long_place + " " + long_label}, 0);
  io::posix().make_dir(shelf.path("C"));
  run({"drive", "add", shelf.path("C").string(), "--label", long_label, "--place", long_place, "--note", long_place},
      0);
  run({"seal", year.string(), "--to", "A"}, 2);
  run({"seal", year.string(), "--each", "--to", "A", "--to", long_label}, 0);
  run({"seal", year.string(), "--each", "--to", "A", "--to", long_label}, 0);
  run({}, 0);
  run({"status"}, 6);
  run({"status", "--without", long_place}, 6);
  run({"find"}, 0);
  run({"find", "wedding", "--files"}, 0);
  run({"show", "wedding"}, 0);
  run({"show", long_label}, 0);
  run({"show", "2026-02-02 Short"}, 0);
  run({"where", "IMG_0001*"}, 0);
  run({"place", "list"}, 0);
  run({"drive", "list"}, 0);
  run({"policy", "show"}, 0);
  run({"policy", "set", "copies"}, 2);
  run({"policy", "set", "copies=x"}, 2);
  run({"seal", "x", "--to", "A", "--volume-size", "0"}, 2);
  run({"show", "2026"}, 2);
  run({"copy", "wedding", "--to", "B"}, 0);
  run({"discard", "wedding", "--reason", "x"}, 2);
  shelf.keep();
  for (const io::Path& volume : shelf.volumes("A")) {
    for (const io::Entry& entry : io::posix().list(volume / "data"))
      zero(volume / "data" / entry.name, 50'000, 200'000);
  }
  run({"scrub", "A"}, 5);
  run({"repair", "A"}, 5);
  run({"drive", "show", "A"}, 0);
  run({"status"}, 6);
  run({"restore", "wedding", "--from", "A", "--to", shelf.path("back").string()}, 5);
  run({"copy", "A", "--to", "B"}, 0);
  io::posix().rename(shelf.path("C"), shelf.path("away"));
  run({"scrub", long_label}, 7);
  run({"drive", "eject", "A"}, 0);
  run({"drive", "lend", long_label, "--to", long_place}, 0);
  run({"drive", "list"}, 0);
  run({"find"}, 0);
  run({"seal", year.string(), "--each", "--to", long_label}, 7);
  run({"catalog", "recover", "/"}, 7);
  CHECK(has(all, "…"));

  RawImage image(8 << 20, 1);
  image.put_files(4096, shelf.volumes("B").front());
  const std::string bytes = image.write().string(), to = shelf.path("a folder to rescue into").string();
  run({"rescue", bytes}, 0);
  run({"rescue", bytes, "--to", to}, 0);
  CHECK(has(all, "Next:\n  tar -i -xf "));
  check_width(shelf.run({"rescue"}, wide));
  run({"key", "create", "--no-passphrase"}, 0);
  run({"key", "show"}, 0);
  run({"key", "trust", "x"}, 1);
  run({"catalog", "merge", shelf.path("none").string()}, 1);
  for (const auto& [path, stat] : files_below(shelf.path("B"))) run({"inspect", path.string()}, 0);
}

}  // namespace darkshelf::testing
