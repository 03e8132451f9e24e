// find as it is typed: what it answers, which copy it names first, and that the command it names does what it says.

#include <catch2/catch.hpp>

#include "support/filler.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {

namespace {

/// A shoot of three RAW files, with a rating and a keyword for the first, sealed on A (at home) and B (off-site).
struct Shoot {
  Shoot() : shelf({"A", "B"}), folder(shelf.path("in") / "2026-06-14 Smith wedding") {
    for (int i = 0; i < 3; ++i)
      make_picture(folder / ("IMG_000" + std::to_string(i) + ".CR2"), 5000, static_cast<std::uint64_t>(i));
    io::posix()
        .create(folder / "IMG_0001.xmp")
        ->write_at(0, core::as_bytes(R"(<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf=)"
                                     R"("http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description )"
                                     R"(xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4" xmp:Label="Red" )"
                                     R"(xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>)"
                                     R"(Île de Ré</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF>)"
                                     R"(</x:xmpmeta>)"));
    shelf.must({"place", "add", "home"});
    shelf.must({"place", "add", "bank", "--offsite"});
    shelf.must({"drive", "move", "A", "--place", "home"});
    shelf.must({"drive", "move", "B", "--place", "bank"});
    shelf.must({"seal", folder.string(), "--to", "A", "--to", "B"});
    shelf.must({"drive", "return", "B"});
  }
  /// Files that match; -1: nothing was found.
  int matching(std::vector<std::string> words) {
    words.insert(words.begin(), {"--json", "find"});
    const Outcome outcome = shelf.run(words);
    INFO(outcome.err);
    if (outcome.exit_code == 1) return -1;
    REQUIRE(outcome.exit_code == 0);
    return object(outcome.out, "shoot").at("matching_files");
  }

  ProgramShelf shelf;
  io::Path folder;
};

}  // namespace

TEST_CASE("find: by camera, keyword, label, rating, day and type as they are typed") {
  Shoot one;
  CHECK(one.matching({"smith"}) == 0);  // the shoot is called so
  CHECK(one.matching({"--camera", "eos r6"}) == 4);
  CHECK(one.matching({"--camera", "nikon"}) == -1);
  CHECK(one.matching({"--keyword", "ile de re"}) == 2);
  CHECK(one.matching({"--label", "RED"}) == 2);
  CHECK(one.matching({"--rating", "4"}) == 2);
  CHECK(one.matching({"--rating", "3+"}) == 2);
  CHECK(one.matching({"--rating", "5"}) == -1);
  CHECK(one.matching({"--rating", "3-"}) == -1);
  CHECK(one.matching({"--rating", "rejected"}) == -1);
  CHECK(one.matching({"--type", "xmp", "--keyword", "Île de Ré"}) == 1);
  CHECK(one.matching({"--year", "2026"}) == 0);
  CHECK(one.matching({"--year", "2025"}) == -1);
  CHECK(one.matching({"bank", "--type", "cr2"}) == 3);  // a place where it is kept
  for (const char* wrong : {"6", "4*", "", "four", "-1"}) {
    INFO(wrong);
    CHECK(one.shelf.run({"find", "--rating", wrong}).exit_code == 2);
  }
  CHECK(one.shelf.run({"find", "--at", "moon"}).exit_code == 1);
  CHECK(one.shelf.run({"find", "--on", "moon"}).exit_code == 1);
  CHECK(one.shelf.run({"find", std::string(10'000, 'x')}).exit_code == 1);
  std::vector<std::string> many(2000, "word");
  many.insert(many.begin(), "find");
  CHECK(one.shelf.run(many).exit_code == 2);
  const Json shown = object(one.shelf.run({"--json", "show", "smith"}).out, "shoot");
  CHECK(shown.at("cameras") == Json::array({"Canon EOS R6"}));
  CHECK(shown.at("keywords") == Json::array({"Île de Ré"}));
  CHECK(shown.at("first_day") == "2026-06-14");
}

TEST_CASE("find: the nearest copy that is healthy comes first, and the command that is told gets it back") {
  Shoot one;
  const auto answer = [&] { return object(one.shelf.run({"--json", "find", "smith"}).out, "shoot"); };
  const auto labels = [&] {
    std::vector<std::string> told;
    const Json shoot = answer();
    for (const Json& drive : shoot.at("drives")) told.push_back(drive.at("drive"));
    return told;
  };
  CHECK(answer().at("plug_in") == "");
  io::posix().rename(one.shelf.path("A"), one.shelf.path("away A"));
  io::posix().rename(one.shelf.path("B"), one.shelf.path("away B"));
  CHECK(labels() == std::vector<std::string>{"A", "B"});  // home before the bank
  CHECK(answer().at("plug_in") == "A");
  one.shelf.must({"drive", "lend", "A", "--to", "Anna"});
  CHECK(labels() == std::vector<std::string>{"B", "A"});
  CHECK(answer().at("plug_in") == "B");
  one.shelf.must({"drive", "mark", "B", "lost"});
  CHECK(answer().at("restore") == "");  // nobody can fetch either
  one.shelf.must({"drive", "mark", "B", "found"});
  io::posix().rename(one.shelf.path("away B"), one.shelf.path("B"));
  const Json file = object(one.shelf.run({"--json", "find", "IMG_0002", "--files"}).out, "shoot");
  CHECK(file.at("plug_in") == "");
  std::string command = file.at("restore");
  REQUIRE(command.starts_with("darkshelf restore "));
  const io::Path back = one.shelf.path("back");
  command.replace(command.rfind("DIR"), 3, back.string());
  const std::string arguments = command.substr(std::string("darkshelf restore ").size());
  const std::string quoted = arguments.substr(0, arguments.rfind(" --to"));
  REQUIRE(quoted.starts_with('\''));
  one.shelf.must({"restore", quoted.substr(1, quoted.size() - 2), "--to", back.string()});
  CHECK(io::read_file(io::posix(), back / "2026-06-14 Smith wedding" / "IMG_0002.CR2", 1 << 20) ==
        io::read_file(io::posix(), one.folder / "IMG_0002.CR2", 1 << 20));
  CHECK_FALSE(io::posix().stat(back / "2026-06-14 Smith wedding" / "IMG_0001.CR2"));
}

}  // namespace darkshelf::testing
