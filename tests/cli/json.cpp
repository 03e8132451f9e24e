// What --json prints is what docs/scripting.md says: every command is run, and every object compared with its table.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "support/damage.hpp"
#include "support/process.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/raw_image.hpp"
#include "support/shelf/slices.hpp"

namespace darkshelf::testing {
namespace {

using Json = nlohmann::json;

struct Field {
  std::string types;  // "string", "null/number" …
  bool always = true;
};
struct Documented {
  std::map<std::string, Field> fields;
  bool open = false;  // a row "…": further fields may follow
};

std::string between(const std::string& text, std::size_t& at, const std::string& left, const std::string& right) {
  const std::size_t begin = text.find(left, at);
  if (begin == std::string::npos) return {};
  const std::size_t end = text.find(right, begin + left.size());
  at = end + right.size();
  return text.substr(begin + left.size(), end - begin - left.size());
}

/// Sections "### `type`, `type`" and the rows of the table below each.
std::map<std::string, Documented> documented_objects() {
  std::ifstream file(std::string(DARKSHELF_SOURCE_DIR) + "/docs/scripting.md");
  std::map<std::string, Documented> objects;
  std::vector<std::string> types;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) types.clear();
    std::size_t at = 0;
    if (line.starts_with("### ")) {
      for (std::string type = between(line, at, "`", "`"); !type.empty(); type = between(line, at, "`", "`")) {
        types.push_back(type);
        objects[type];
      }
    } else if (line.starts_with("| `") && !types.empty()) {
      const std::string name = between(line, at, "`", "`");
      std::string kind = between(line, at, "| ", " |");
      const bool always = !kind.ends_with("?");
      if (!always) kind.pop_back();
      for (const std::string& type : types) objects[type].fields[name] = {kind, always};
    } else if (line.starts_with("| … |")) {
      for (const std::string& type : types) objects[type].open = true;
    }
  }
  return objects;
}

class Checking {
 public:
  Checking() : documented_(documented_objects()) { REQUIRE(documented_.size() > 40); }

  void look_at(const std::string& out) {
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) {
      INFO(line);
      const Json object = Json::parse(line);
      const std::string type = object.at("type");
      CHECK(object.at("schema") == 1);
      seen_.insert(type);
      REQUIRE(documented_.contains(type));
      const Documented& wanted = documented_.at(type);
      for (const auto& [name, value] : object.items()) {
        if (name == "type" || name == "schema") continue;
        INFO(name);
        const auto field = wanted.fields.find(name);
        CHECK((wanted.open || field != wanted.fields.end()));
        if (field == wanted.fields.end()) continue;
        CHECK(fmt::format("/{}/", field->second.types).find(fmt::format("/{}/", value.type_name())) !=
              std::string::npos);
      }
      for (const auto& [name, field] : wanted.fields) {
        INFO(name);
        CHECK((!field.always || object.contains(name)));
      }
    }
  }

  void require_all_seen(const std::set<std::string>& but) {
    for (const auto& [type, object] : documented_) {
      INFO(type);
      CHECK((seen_.contains(type) || but.contains(type)));
    }
  }

 private:
  std::map<std::string, Documented> documented_;
  std::set<std::string> seen_;
};

}  // namespace

TEST_CASE("json: what every command prints is what docs/scripting.md says") {
  ProgramShelf shelf({"A", "B", "C"});
  Checking checking;
  const auto run = [&](std::vector<std::string> command, int exit_code, const io::Path& catalog = {}) {
    command.insert(command.begin(), "--json");
    const Outcome outcome = shelf.run(command, {}, catalog);
    INFO(fmt::format("darkshelf {}", fmt::join(command, " ")) << "\n" << outcome.out << outcome.err);
    CHECK(outcome.exit_code == exit_code);
    checking.look_at(outcome.out);
  };
  const io::Path other = shelf.path("other.db");
  run({"init"}, 0, other);
  run({}, 0);
  for (const char* verb : {"add", "rename"}) {
    if (std::string(verb) == "add") {
      run({"place", "add", "home"}, 0);
    } else {
      run({"place", "rename", "home", "home/shelf 2"}, 0);
    }
  }
  run({"place", "list"}, 0);
  io::posix().make_dir(shelf.path("D"));
  run({"drive", "add", shelf.path("D").string(), "--label", "D", "--place", "home/shelf 2"}, 0);
  run({"policy", "show"}, 0);
  run({"policy", "set", "copies=2"}, 0);

  run({"key", "create", "--no-passphrase", "--name", "Anna"}, 0);
  run({"key", "show"}, 0);

  // A name that is not UTF-8, and a file that cannot be sealed.
  make_file(shelf.shoots() / "2026-09-01_harbour" / "caf\xE9.JPG", 900, 70);
  std::vector<std::string> seal = shelf.seal_command({"A", "B"});
  seal.push_back("--plan");
  run(seal, 0);
  seal.pop_back();
  run(seal, 0);
  run(seal, 0);
  run({"status"}, 6);
  run({"work", "add", shelf.shoots().string()}, 0);
  run({"work", "list"}, 0);
  run({"status"}, 6);
  run({}, 0);
  run({"work", "remove", shelf.shoots().string()}, 0);
  run({"covered", shelf.shoots().string()}, 6);
  run({"due", "--ics", shelf.path("drives.ics").string()}, 0);
  run({"status", "--without", "A"}, 6);
  run({"find", "harbour"}, 0);
  run({"find", "harbour", "--files"}, 0);
  run({"find", "nothing"}, 1);
  run({"where", "*.JPG"}, 0);
  run({"show", "harbour"}, 0);
  run({"show", shelf.volumes("A").front().filename().string()}, 0);
  run({"show", "A"}, 0);
  run({"shoot", "rename", "harbour", "The harbour"}, 0);
  run({"shoot", "note", "harbour", "album ordered"}, 0);
  run({"shoot", "keep", "harbour", "--copies", "3"}, 0);
  run({"drive", "list"}, 0);
  run({"drive", "rename", "D", "D2"}, 0);
  run({"drive", "move", "D2", "--place", "home/shelf 2"}, 0);
  run({"drive", "lend", "D2", "--to", "Anna"}, 0);
  run({"drive", "return", "D2"}, 0);
  run({"drive", "mark", "D2", "lost"}, 0);
  run({"drive", "mark", "D2", "found"}, 0);
  run({"drive", "accept", shelf.path("D").string(), "--as", "moved"}, 0);
  run({"drive", "show", "D2"}, 0);
  run({"drive", "lend", "D2", "--to", "Anna"}, 0);
  run({"scrub", "D2"}, 0);  // leaves a note
  run({"drive", "return", "D2"}, 0);
  run({"drive", "eject", "D2"}, 0);
  run({"copy", "harbour", "--to", "C"}, 0);
  shelf.keep();

  shelf.damage("A");
  make_file(shelf.path("A") / "darkshelf" / "stray", 5, 1);
  make_file(shelf.path("A") / "darkshelf" / ".DS_Store", 5, 1);
  run({"scrub", "A"}, 4);
  run({"restore", "harbour", "--to", shelf.path("back").string()}, 0);
  run({"repair", "A"}, 0);
  run({"repair", "A", "--discard"}, 0);
  run({"repair", "A", "--tidy"}, 0);
  run({"scrub", "A"}, 0);
  const std::string doubled = shelf.volumes("A").front().string();
  REQUIRE(run_process({"cp", "-a", doubled, doubled + "x"}).exit_code == 0);
  run({"scrub", "A"}, 0);
  io::remove_tree(io::posix(), doubled + "x");
  checking.look_at(shelf.run({"--json", "scrub", "A"}, {{"DARKSHELF_LOOK_FIRST_ABOVE", "0"}}).out);
  for (const auto& [path, stat] : files_below(shelf.path("A") / "darkshelf"))
    checking.look_at(shelf.run({"--json", "inspect", path.string()}).out);

  // More than parity can mend: from a twin, and by request and parcel.
  const std::string request = shelf.path("a.request").string(), parcel = shelf.path("a.parcel").string();
  spoil(slices_of(shelf.volumes("A").front()), 0, 60);
  run({"repair", "A", "--request", request}, 5);
  run({"repair", shelf.path("B").string(), "--parcel", request}, 0);
  run({"inspect", request}, 0);
  run({"inspect", parcel}, 0);
  run({"repair", "A", "--parcel", parcel}, 0);
  spoil(slices_of(shelf.volumes("A").front()), 0, 60);
  run({"repair", "A", "--with", "B"}, 0);

  const std::string set = (shelf.path("p") / "s.par2").string(), one = (shelf.path("p") / "one.CR2").string(),
                    two = (shelf.path("p") / "two.CR2").string();
  make_file(one, 50'000, 80);
  make_file(two, 60'000, 81);
  run({"par2", "create", "-b", "50", "-r", "40", set, one, two}, 0);
  rot(one, 10, 10);
  io::posix().rename(two, shelf.path("p") / "three");
  run({"par2", "verify", set, (shelf.path("p") / "three").string()}, 4);
  run({"par2", "repair", set, (shelf.path("p") / "three").string()}, 0);

  for (const auto& [path, stat] : files_below(shelf.path("A") / "darkshelf" / "keys")) {
    run({"key", "trust", path.string(), "--name", "Anna M."}, 0);
    run({"inspect", path.string()}, 0);
  }
  run({"inspect", shelf.path("signing.key").string()}, 0);
  run({"key", "sign", "A"}, 0);
  RawImage image(8 << 20, 1);
  image.put_files(4096, shelf.volumes("A").front());
  const std::string bytes = image.write().string();
  run({"rescue", bytes}, 0);
  run({"rescue", bytes, "--to", shelf.path("rescued").string()}, 0);
  checking.look_at(shelf.run({"--json", "rescue"}).out);

  // Drives that were full already.
  const io::Path full = shelf.path("full");
  io::posix().make_dir(full);
  REQUIRE(run_process({"cp", "-a", shelf.shoots().string(), (full / "caf\xE9").string()}).exit_code == 0);
  REQUIRE(run_process({"bash", "-c", "cd " + full.string() + "/c*/*harbour && md5sum *.JPG > list.md5"}).exit_code ==
          0);
  run({"adopt", full.string(), "--label", "full", "--names-only"}, 0);
  run({"adopt", full.string(), "--label", "full", "--protect"}, 0);
  REQUIRE(run_process({"cp", "-a", full.string(), shelf.path("full2").string()}).exit_code == 0);
  io::posix().remove_file(shelf.path("full2") / "caf\xE9" / "2026-09-01_harbour" / "DSC00003.JPG");
  make_file(shelf.path("full2") / "caf\xE9" / "2026-09-01_harbour" / "DSC00003.JPG", 999, 3);
  run({"adopt", shelf.path("full2").string(), "--label", "full2"}, 0);
  rot(full / "caf\xE9" / "2026-09-01_harbour" / "DSC00002.JPG", 5, 5);
  run({"scrub", "full"}, 4);

  run({"discard", "harbour", "--from", "A", "--reason", "blurred"}, 0);
  run({"catalog", "verify"}, 0);
  run({"catalog", "merge", other.string()}, 0);
  run({"catalog", "recover", shelf.path("B").string()}, 0, shelf.path("new.db"));

  // A drive that lacks a volume of the row, seen by a catalog that knows nothing else.
  REQUIRE(shelf.volumes("C").size() == 1);
  shelf.lose_catalog_copies("C");
  run({"catalog", "recover", shelf.path("C").string()}, 0, shelf.path("gap.db"));

  // A volume that only an absent drive holds; one whose copy cannot be read.
  io::posix().rename(shelf.path("B"), shelf.path("away"));
  run({"copy", "harbour", "--from", "C", "--to", "A"}, 0);
  run({"scrub", "B"}, 7);
  io::posix().rename(shelf.path("D"), shelf.path("away, too"));
  run({"copy", "harbour", "--from", "C", "--to", "D2", "--via", shelf.path("between").string()}, 7);
  checking.require_all_seen({"left_out", "drive_failed", "copy_failed", "copy_absent",  // tests/fault has those
                             "rescue_device"});                                         // there may be no disks here
}

}  // namespace darkshelf::testing
