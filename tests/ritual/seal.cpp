// The yearly ritual as a person runs it: what is a shoot, what is left out, where volumes go, and what running it again
// does.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "core/text.hpp"
#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/loop_drive.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/skip.hpp"

namespace darkshelf::testing {
namespace {

const std::string kWedding = "2026-06-14_müller-wedding", kHarbour = "2026-09-01_harbour";
constexpr std::uint64_t kMiB = 1 << 20;

std::vector<std::string> with(std::vector<std::string> command, const std::vector<std::string>& more) {
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

/// Everything below a folder but locks and the catalog copy: path, size, time.
std::map<std::string, std::string> listing(const io::Path& folder) {
  std::map<std::string, std::string> found;
  for (const auto& [path, stat] : files_below(folder)) {
    const std::string below = path.lexically_relative(folder).string();
    if (below == "darkshelf/.lock" || below.starts_with("darkshelf/catalog/")) continue;
    found[below] = fmt::format("{} {}", stat.bytes, stat.mtime_ns);
  }
  return found;
}

std::vector<std::string> names_on(const ProgramShelf& shelf, const std::string& drive) {
  std::vector<std::string> names;
  for (const io::Path& volume : shelf.volumes(drive)) names.push_back(volume.filename().string());
  return names;
}

std::string planned(const std::string& out, const std::string& shoot) {
  for (const Json& one : objects(out, "planned_shoot")) {
    if (one.at("name") == shoot) return one.at("what");
  }
  return "not planned";
}

}  // namespace

TEST_CASE("seal: --to A,B spreads a copy over drives in order, whole volumes only, and every --to is a full copy") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({"full"});
  const io::Path state = shelf.shoots().parent_path();
  // Each has room for a part or two of the five, beside what a drive must keep free.
  LoopDrive first(state, "first", 26 * kMiB), second(state, "second", 64 * kMiB);
  for (const char* name : {"first", "second"}) shelf.must({"drive", "add", shelf.path(name).string(), "--label", name});
  const io::Path big = shelf.shoots() / "2026-02-02_big";
  for (std::uint64_t i = 0; i < 5; ++i) make_file(big / fmt::format("IMG_{}.CR3", i), 900'000, 50 + i);
  const std::vector<std::string> command = {"--json", "seal", big.string(),    "--to", "first,second",
                                            "--to",   "full", "--volume-size", "1MiB"};
  const Outcome plan = shelf.run(with(command, {"--plan"}));
  INFO(plan.out << plan.err);
  REQUIRE(plan.exit_code == 0);
  CHECK(shelf.volumes("full").empty());
  const Outcome seal = shelf.run(command);
  INFO(seal.out << seal.err);
  REQUIRE(seal.exit_code == 0);

  const auto on_full = names_on(shelf, "full"), on_first = names_on(shelf, "first"),
             on_second = names_on(shelf, "second");
  REQUIRE(on_full.size() == 5);
  REQUIRE_FALSE(on_first.empty());
  REQUIRE_FALSE(on_second.empty());
  auto together = on_first;
  together.insert(together.end(), on_second.begin(), on_second.end());
  CHECK(together == on_full);  // in order, nothing twice, nothing missing
  auto copies = shelf.seals("first");
  copies.merge(shelf.seals("second"));
  CHECK(copies == shelf.seals("full"));
  auto trees = shelf.volume_tree("first");
  trees.merge(shelf.volume_tree("second"));
  CHECK(trees == shelf.volume_tree("full"));
  // What was planned is where it went.
  const Json shoot = objects(plan.out, "planned_shoot").at(0);
  for (std::size_t i = 0; i < on_full.size(); ++i) {
    const std::string drive = i < on_first.size() ? "first" : "second";
    CHECK(shoot.at("volumes").at(i).at("drives") == Json::array({drive, "full"}));
  }
  for (const Json& status : objects(shelf.run({"--json", "status"}).out, "shoot_status"))
    CHECK(status.at("copies") == 2);
  shelf.must({"restore", "big", "--to", shelf.path("back").string(), "--from", "full"});
  CHECK(run_process({"diff", "-r", big.string(), (shelf.path("back") / "2026-02-02_big").string()}).exit_code == 0);
}

TEST_CASE("seal: --plan tells volumes, drives and the time it will take, and writes nothing") {
  ProgramShelf shelf({"A", "B"});
  const auto before_a = listing(shelf.path("A")), before_b = listing(shelf.path("B"));
  const auto command = with(shelf.seal_command({"A", "B"}), {"--plan"});
  const Outcome text = shelf.run(command);
  CHECK(text.exit_code == 0);
  CHECK(text.out.find("done around") != std::string::npos);
  CHECK(text.out.find("A: 3 volumes") != std::string::npos);
  const Outcome json = shelf.run(with({"--json"}, command));
  CHECK(object(json.out, "plan").at("photos") == 12);
  CHECK(object(json.out, "plan").at("seconds") > 0);
  const auto shoots = objects(json.out, "planned_shoot");
  REQUIRE(shoots.size() == 2);
  CHECK(shoots[0].at("volumes").size() == 2);
  CHECK(shoots[0].at("what") == "new");
  CHECK(shoots[1].at("volumes").at(0).at("drives") == Json::array({"A", "B"}));
  CHECK(listing(shelf.path("A")) == before_a);
  CHECK(listing(shelf.path("B")) == before_b);
  CHECK(shelf.run({"find"}).exit_code == 1);  // nothing is sealed, nothing half-planned
  CHECK(shelf.run({"--json"}).out.find("\"interrupted\":0") != std::string::npos);
}

TEST_CASE("seal: a year of shoots is asked about, sealed by --each, and skipped when it comes again") {
  ProgramShelf shelf({"A"});
  const io::Path year = shelf.shoots();
  make_file(year / "2026-10-10_third" / "RAW" / "a.NEF", 5000, 1);
  make_file(year / "loose.JPG", 100, 2);
  const std::vector<std::string> each = {"--json", "seal", year.string(),   "--each",
                                         "--to",   "A",    "--volume-size", "1MiB"};
  io::posix().remove_file(year / "loose.JPG");
  const Outcome asked = shelf.run({"seal", year.string(), "--to", "A"});
  CHECK(asked.exit_code == 2);
  CHECK(asked.err.find("--each") != std::string::npos);
  make_file(year / "loose.JPG", 100, 2);
  const Outcome first = shelf.run(each);
  INFO(first.out << first.err);
  REQUIRE(first.exit_code == 0);
  CHECK(objects(first.out, "sealed_volume").size() == 4);
  CHECK(first.err.find("In no shoot: 1 picture") != std::string::npos);
  const auto sealed = shelf.volume_tree("A");

  const Outcome again = shelf.run(each);
  CHECK(again.exit_code == 0);
  CHECK(objects(again.out, "sealed_volume").empty());
  CHECK(object(again.out, "seal_report").at("skipped").size() == 3);

  // One has changed, one is new: the new one is sealed, the change is told and left.
  make_file(year / "2026-11-11_fourth" / "b.JPG", 6000, 3);
  rot(year / kHarbour / "DSC00000.JPG", 5, 1);
  io::posix().set_mtime(year / kHarbour / "DSC00000.JPG", 1'790'000'000'000'000'000);
  make_file(year / kHarbour / "DSC09999.JPG", 500, 4);
  io::posix().remove_file(year / kHarbour / "DSC00001.JPG");
  const Outcome news = shelf.run(each);
  INFO(news.out << news.err);
  CHECK(news.exit_code == 3);  // what is new in a sealed shoot is told, not sealed
  const auto fresh = objects(news.out, "sealed_volume");
  REQUIRE(fresh.size() == 1);
  CHECK(fresh[0].at("folder").get<std::string>().find("fourth") != std::string::npos);
  CHECK(planned(news.out, kHarbour) == "sealed; has news");
  CHECK(news.err.find("changed: " + kHarbour + "/DSC00000.JPG") != std::string::npos);
  CHECK(news.err.find("new: " + kHarbour + "/DSC09999.JPG") != std::string::npos);
  CHECK(news.err.find("no longer there: " + kHarbour + "/DSC00001.JPG") != std::string::npos);
  const auto after = shelf.volume_tree("A");
  for (const auto& [path, what] : sealed) CHECK(after.at(path) == what);

  // --update seals the two; --again everything that is there now.
  shelf.must(with({"seal", (year / kHarbour).string(), "--to", "A"}, {"--update"}));
  CHECK(shelf.volumes("A").size() == 6);
  const Outcome whole = shelf.run({"--json", "seal", (year / kHarbour).string(), "--to", "A", "--again"});
  CHECK(object(whole.out, "seal_report").at("files") == 7);
  CHECK(shelf.volumes("A").size() == 7);
  shelf.must({"restore", "harbour", "--to", shelf.path("back").string()});
  CHECK(io::read_file(io::posix(), shelf.path("back") / kHarbour / "DSC00000.JPG", 1 << 20) ==
        io::read_file(io::posix(), year / kHarbour / "DSC00000.JPG", 1 << 20));
  shelf.require_whole_seals();
}

TEST_CASE("seal: --each=2 takes shoots two levels down, --each=0 takes a year as one") {
  ProgramShelf shelf({"A"});
  const io::Path archive = shelf.path("archive");
  std::uint64_t seed = 1;
  for (const char* shoot : {"2025/2025-01-01_a", "2025/2025-02-02_b", "2026/2026-01-01_c"})
    make_file(archive / shoot / "x.JPG", 3000, ++seed);
  const Outcome deep = shelf.run({"--json", "seal", archive.string(), "--each=2", "--to", "A"});
  INFO(deep.err);
  REQUIRE(deep.exit_code == 0);
  std::vector<std::string> names;
  for (const Json& shoot : objects(deep.out, "planned_shoot")) names.push_back(shoot.at("name"));
  CHECK(names == std::vector<std::string>{"2025-01-01_a", "2025-02-02_b", "2026-01-01_c"});

  const Outcome one = shelf.run({"--json", "seal", shelf.shoots().string(), "--each=0", "--to", "A", "--yes"});
  REQUIRE(one.exit_code == 0);
  CHECK(object(one.out, "seal_report").at("files") == 12);
  CHECK(object(one.out, "planned_shoot").at("name") == "shoots");
}

TEST_CASE("seal: what systems leave behind and what is excluded stays out, and is told") {
  ProgramShelf shelf({"A"});
  const io::Path shoot = shelf.path("in") / "2026-05-05_litter";
  for (const char* name : {"a.JPG", ".DS_Store", "._a.JPG", "Thumbs.db", "Previews.lrdata/x.bin", "old/b.JPG",
                           "keep/c.tmp", "keep/d.JPG", "cat.lrcat"})
    make_file(shoot / name, 2000, 9);
  const Outcome seal =
      shelf.run({"--json", "-v", "seal", shoot.string(), "--to", "A", "--exclude", "*.tmp", "--exclude", "old"});
  INFO(seal.out << seal.err);
  REQUIRE(seal.exit_code == 0);
  CHECK(object(seal.out, "seal_report").at("files") == 3);
  for (const char* told : {".DS_Store: left by", "._a.JPG: left by", "Thumbs.db: left by", "Previews.lrdata: previews",
                           "old: excluded", "keep/c.tmp: excluded"}) {
    CHECK(seal.err.find(told) != std::string::npos);
  }
  shelf.must({"restore", "litter", "--to", shelf.path("back").string()});
  std::vector<std::string> names;
  for (const auto& [path, stat] : files_below(shelf.path("back"))) names.push_back(path.filename().string());
  CHECK(names == std::vector<std::string>{"a.JPG", "cat.lrcat", "d.JPG"});

  make_file(shoot / "cat.lrcat.lock", 1, 1);
  const Outcome open = shelf.run({"seal", shoot.string(), "--to", "A", "--again"});
  CHECK(open.exit_code == 1);
  CHECK(open.err.find("close Lightroom") != std::string::npos);
  CHECK(shelf.volumes("A").size() == 1);
}

TEST_CASE("seal: --date and --name name a shoot, and the same files under another name are told") {
  ProgramShelf shelf({"A"});
  const io::Path shoot = shelf.path("in") / "card dump";
  for (std::uint64_t i = 0; i < 3; ++i) make_file(shoot / fmt::format("a{}.JPG", i), 2000, i);
  shelf.must({"seal", shoot.string(), "--to", "A", "--date", "2020-02-29", "--name", "Anna's birthday"});
  CHECK(names_on(shelf, "A").front().starts_with("2020-02-29_anna-s-birthday_"));
  CHECK(shelf.run({"find", "birthday", "--year", "2020"}).exit_code == 0);
  CHECK(shelf.run({"seal", shoot.string(), "--to", "A", "--date", "29.2.2020", "--again"}).exit_code == 2);
  const auto both =
      shelf.run({"seal", shoot.string(), (shelf.shoots() / kHarbour).string(), "--to", "A", "--name", "x"});
  CHECK(both.exit_code == 2);

  const io::Path twin = shelf.path("in") / "2020-02-29 again";
  REQUIRE(run_process({"cp", "-a", shoot.string(), twin.string()}).exit_code == 0);
  const Outcome told = shelf.run({"seal", twin.string(), "--to", "A"});
  CHECK(told.exit_code == 0);
  CHECK(told.err.find("the same files are sealed as 2020-02-29 Anna's birthday") != std::string::npos);
  CHECK(shelf.volumes("A").size() == 2);  // told, not refused
}

TEST_CASE(
    "seal: parts end at file borders, one extracts after the other into one folder, hard links across them are whole") {
  ProgramShelf shelf({"A"});
  const io::Path shoot = shelf.path("in") / "2026-07-07_parts";
  for (std::uint64_t i = 0; i < 6; ++i) make_file(shoot / fmt::format("IMG_{}.CR3", i), 400'000, 20 + i);
  make_file(shoot / "film.MOV", 2'500'000, 30);
  io::posix().make_hard_link(shoot / "IMG_0.CR3", shoot / "IMG_0b.CR3");  // beside its file
  io::posix().make_hard_link(shoot / "IMG_0.CR3", shoot / "zz.CR3");      // in a later part
  shelf.must({"seal", shoot.string(), "--to", "A", "--volume-size", "1MiB"});
  const auto volumes = shelf.volumes("A");
  REQUIRE(volumes.size() == 5);  // a film of its own, two photos each
  const io::Path out = shelf.path("out");
  io::posix().make_dir(out);
  std::size_t largest = 0, parts = 0;
  ProcessOptions in_out;
  in_out.folder = out;
  for (const io::Path& volume : volumes) {
    for (const auto& [path, stat] : files_below(volume / "data")) {
      REQUIRE(run_process({"tar", "-xf", path.string(), "-C", out.string()}).exit_code == 0);
      largest = std::max<std::size_t>(largest, stat.bytes);
      parts += stat.bytes <= kMiB + 20'000 ? 1 : 0;
    }
    const ProcessResult sums = run_process({"sha256sum", "--quiet", "-c", (volume / "photos.sha256").string()}, in_out);
    INFO(sums.out << sums.err);
    CHECK(sums.exit_code == 0);
  }
  CHECK(parts == 4);
  CHECK(largest > 2'500'000);
  CHECK(run_process({"diff", "-r", shoot.string(), (out / "2026-07-07_parts").string()}).exit_code == 0);
  CHECK(io::posix().stat(out / "2026-07-07_parts" / "IMG_0b.CR3")->links == 2);
  CHECK(io::posix().stat(out / "2026-07-07_parts" / "zz.CR3")->links == 1);
  shelf.must({"restore", "parts", "--to", shelf.path("back").string()});
  CHECK(run_process({"diff", "-r", shoot.string(), (shelf.path("back") / "2026-07-07_parts").string()}).exit_code == 0);
}

TEST_CASE("seal: a drive that was missing catches up from its twin, byte for byte") {
  ProgramShelf shelf({"A", "B"});
  const io::Path away = shelf.path("B.away");
  io::posix().rename(shelf.path("B"), away);
  const Outcome missing = shelf.run(shelf.seal_command({"A", "B"}));
  CHECK(missing.exit_code == 7);
  CHECK(shelf.volumes("A").empty());  // the plan failed: nothing is done by halves
  shelf.must(shelf.seal_command({"A"}));
  io::posix().rename(away, shelf.path("B"));
  const Outcome plan = shelf.run(with({"--json"}, with(shelf.seal_command({"A", "B"}), {"--plan"})));
  CHECK(planned(plan.out, kWedding) == "sealed; 2 volumes to copy");
  shelf.must(shelf.seal_command({"A", "B"}));
  CHECK(shelf.volume_tree("A") == shelf.volume_tree("B"));
  CHECK(shelf.volumes("A").size() == ProgramShelf::kVolumes);
  // To B alone, A unplugged: nothing left to do.
  shelf.must(shelf.seal_command({"B"}));
  // A third drive, when no holder is here, is told which drive is wanted.
  io::posix().make_dir(shelf.path("C"));
  shelf.must({"drive", "add", shelf.path("C").string(), "--label", "C"});
  io::posix().rename(shelf.path("A"), shelf.path("A.away"));
  io::posix().rename(shelf.path("B"), away);
  const Outcome nobody = shelf.run(shelf.seal_command({"C"}));
  CHECK(nobody.exit_code == 7);
  CHECK(nobody.err.find("is not plugged in") != std::string::npos);
  CHECK(shelf.volumes("C").empty());
}

TEST_CASE("seal: a drive that drops out in mid-seal is told, and the same command finishes it byte for byte") {
  if (const auto why = LoopDrive::unavailable()) return skip(*why);
  ProgramShelf shelf({"A"});
  LoopDrive small(shelf.shoots().parent_path(), "B", 64 * kMiB);
  shelf.must({"drive", "add", shelf.path("B").string(), "--label", "B"});
  // No file may get larger than half a payload: as a medium that fails while it is written.
  ProcessOptions killed;
  killed.environment = {{"DARKSHELF_STOP_AT", "seal.volume-recorded"}};
  const Outcome stopped = shelf.run(shelf.seal_command({"A", "B"}), killed.environment);
  REQUIRE(stopped.signal == 9);
  small.unplug();
  shelf.must(shelf.seal_command({"A"}));  // goes on with the drive that is left
  small.plug();
  shelf.must(shelf.seal_command({"A", "B"}));
  CHECK(shelf.volume_tree("A") == shelf.volume_tree("B"));
  CHECK(shelf.volumes("A").size() == ProgramShelf::kVolumes);
  CHECK(shelf.leftovers("B").empty());
  CHECK(shelf.run({"scrub", "B"}).exit_code == 0);
}

TEST_CASE("seal: drives are judged before anything is written") {
  ProgramShelf shelf({"A", "B"});
  const auto code = [&](const std::vector<std::string>& drives) {
    return shelf.run(shelf.seal_command(drives)).exit_code;
  };
  CHECK(code({"A", "A"}) == 2);
  CHECK(code({"A,B", "B"}) == 2);
  CHECK(code({"nowhere"}) == 1);
  shelf.must({"drive", "mark", "B", "failed"});
  CHECK(code({"A", "B"}) == 7);
  shelf.must({"drive", "mark", "B", "found"});
  CHECK(shelf.run({"seal", shelf.path("A").string(), "--to", "A", "--yes"}).exit_code == 2);
  CHECK(shelf.run({"seal", (shelf.shoots() / "nothing").string(), "--to", "A"}).exit_code == 1);
  CHECK(shelf.volumes("A").empty());
  // Two drives on one disk are sealed, and it is told that they count once.
  const Outcome both = shelf.run(shelf.seal_command({"A", "B"}));
  CHECK(both.exit_code == 0);
  CHECK(both.err.find("count as one copy") != std::string::npos);
  CHECK(object(shelf.run({"--json", "status"}).out, "status").at("red") == 2);
}

}  // namespace darkshelf::testing
