// Getting photos back: by shoot, volume, file and pattern, from one drive or several, damaged or absent.

#include "rituals/restore.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <set>

#include "support/damage.hpp"
#include "support/json_lines.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"
#include "support/shelf/slices.hpp"

namespace darkshelf::testing {
namespace {

const std::string kWedding = "2026-06-14_müller-wedding", kHarbour = "2026-09-01_harbour";

/// Names of the files below a folder; each has to be what the source has there.
std::set<std::string> restored(const ProgramShelf& shelf, const io::Path& folder) {
  std::set<std::string> names;
  if (!io::posix().stat(folder)) return names;
  for (const auto& [path, stat] : files_below(folder)) {
    const io::Path source = shelf.shoots() / path.lexically_relative(folder);
    REQUIRE(io::posix().stat(source));
    CHECK(io::posix().stat(source)->mtime_ns == stat.mtime_ns);
    CHECK(io::read_file(io::posix(), path, 1 << 30) == io::read_file(io::posix(), source, 1 << 30));
    names.insert(path.filename().string());
  }
  return names;
}

io::Path payload(const io::Path& volume) { return files_below(volume / "data").begin()->first; }

/// Every second slice of one half of a payload: far more than its parity can mend.
void ruin_half(const io::Path& volume, bool second_half) {
  const io::Path file = payload(volume);
  const std::uint64_t bytes = io::posix().stat(file)->bytes, half = bytes / 2;
  for (std::uint64_t at = second_half ? half : 0; at + 8192 < (second_half ? bytes : half); at += 8192)
    rot(file, at, 8);
}

}  // namespace

TEST_CASE("restore: by pattern, by file, by path, by volume, and from one drive") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  struct Case {
    std::string what;
    std::set<std::string> files;
  };
  Case one =
      GENERATE(Case{"IMG_000[12].CR3", {"IMG_0001.CR3", "IMG_0002.CR3"}}, Case{"DSC00003.JPG", {"DSC00003.JPG"}},
               Case{kHarbour + "/DSC0000[56].*", {"DSC00005.JPG", "DSC00006.JPG"}},
               Case{kWedding + "/raw/IMG_0000.CR3", {"IMG_0000.CR3"}}, Case{"VOLUME", {"IMG_0003.CR3", "IMG_0004.CR3"}},
               Case{"2026-06-14", {"IMG_0000.CR3", "IMG_0001.CR3", "IMG_0002.CR3", "IMG_0003.CR3", "IMG_0004.CR3"}});
  if (one.what == "VOLUME") one.what = shelf.volumes("A").at(1).filename().string();
  CAPTURE(one.what);
  const Outcome restore =
      shelf.run({"--json", "restore", one.what, "--to", shelf.path("back").string(), "--from", "B"});
  INFO(restore.out << restore.err);
  REQUIRE(restore.exit_code == 0);
  CHECK(restored(shelf, shelf.path("back")) == one.files);
  const Json report = object(restore.out, "restore_report");
  CHECK(report.at("files") == one.files.size());
  CHECK(report.at("drives") == Json::array({"B"}));
}

TEST_CASE("restore: what nobody knows, and what could be several") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::string back = shelf.path("back").string();
  CHECK(shelf.run({"restore", "NOTHING*.CR3", "--to", back}).exit_code == 1);
  CHECK(shelf.run({"restore", "2026-", "--to", back}).exit_code == 2);
  CHECK(shelf.run({"restore", "harbour"}).exit_code == 2);
  CHECK(restored(shelf, shelf.path("back")).empty());
}

TEST_CASE("restore: a shoot that lies on several drives comes from all of them, and the absent ones are named") {
  ProgramShelf shelf({"A", "B", "C"});
  shelf.must(shelf.seal_command({"A"}));
  const auto volumes = shelf.volumes("A");
  shelf.must({"copy", volumes[0].filename().string(), "--to", "B"});
  shelf.must({"copy", volumes[1].filename().string(), "--to", "C"});
  shelf.must({"place", "add", "bank box"});
  shelf.must({"drive", "move", "C", "--place", "bank box"});
  const auto unplug = [&](const char* drive) { io::posix().rename(shelf.path(drive), shelf.path("away") / drive); };
  io::posix().make_dir(shelf.path("away"));
  unplug("A");
  const std::vector<std::string> command = {"--json", "restore", kWedding, "--to", shelf.path("back").string()};

  SECTION("both are here") {
    const Outcome restore = shelf.run(command);
    INFO(restore.out << restore.err);
    CHECK(restore.exit_code == 0);
    CHECK(restored(shelf, shelf.path("back")).size() == 5);
    CHECK(object(restore.out, "restore_report").at("drives").size() == 2);
  }
  SECTION("one is here: its part comes back, the same command again brings the rest") {
    unplug("C");
    const Outcome half = shelf.run(command);
    CHECK(half.exit_code == 7);
    CHECK(restored(shelf, shelf.path("back")) == std::set<std::string>{"IMG_0000.CR3", "IMG_0001.CR3", "IMG_0002.CR3"});
    CHECK(object(half.out, "restore_report").at("absent").size() == 1);
    io::posix().rename(shelf.path("away") / "C", shelf.path("C"));
    const Outcome rest = shelf.run(command);
    CHECK(rest.exit_code == 0);
    CHECK(object(rest.out, "restore_report").at("files") == 2);
    CHECK(object(rest.out, "restore_report").at("already_there") == 3);
    CHECK(restored(shelf, shelf.path("back")).size() == 5);
  }
  SECTION("none is here: it is told which to fetch from where") {
    unplug("B");
    unplug("C");
    const Outcome nothing = shelf.run(command);
    CHECK(nothing.exit_code == 7);
    for (const char* told : {"A", "B", "C (at bank box)", "plug one of them in"})
      CHECK(nothing.err.find(told) != std::string::npos);
    CHECK(restored(shelf, shelf.path("back")).empty());
  }
}

TEST_CASE("restore: two copies that are both ruined make one whole between them") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  ruin_half(shelf.volumes("A")[0], false);
  ruin_half(shelf.volumes("B")[0], true);
  const auto tree_a = shelf.volume_tree("A"), tree_b = shelf.volume_tree("B");
  CHECK(shelf.run({"scrub", "A"}).exit_code == 5);
  CHECK(shelf.run({"scrub", "B"}).exit_code == 5);
  // The photo in the middle is hit on both, but no slice is.
  const Outcome whole = shelf.run({"--json", "restore", kWedding, "--to", shelf.path("back").string()});
  INFO(whole.out << whole.err);
  CHECK(restored(shelf, shelf.path("back")).size() == 5);
  CHECK(whole.exit_code == 0);
  CHECK(object(whole.out, "restore_report").at("drives").size() == 2);
  CHECK(shelf.volume_tree("A") == tree_a);
  CHECK(shelf.volume_tree("B") == tree_b);
}

TEST_CASE("restore: two copies that are both ruined, without parity, give all that is whole on one of them") {
  ProgramShelf shelf({"A", "B"});
  shelf.must(shelf.seal_command({"A", "B"}));
  ruin_half(shelf.volumes("A")[0], false);
  ruin_half(shelf.volumes("B")[0], true);
  for (const char* drive : {"A", "B"})
    io::posix().remove_file(recovery_of(shelf.volumes(drive)[0], false).front().file);
  for (const char* drive : {"A", "B"}) {
    const auto slices = slices_of(shelf.volumes(drive)[0]);
    spoil(slices, slices.size() / 2, slices.size() / 2 + 1);
  }
  const auto tree_a = shelf.volume_tree("A"), tree_b = shelf.volume_tree("B");
  const Outcome restore = shelf.run({"--json", "restore", kWedding, "--to", shelf.path("back").string()});
  INFO(restore.out << restore.err);
  // The photo in the middle is hit in the same place on both.
  const auto names = restored(shelf, shelf.path("back"));
  CHECK(names.size() == 4);
  CHECK(restore.exit_code == 5);
  CHECK(object(restore.out, "restore_report").at("lost") == Json::array({kWedding + "/raw/IMG_0001.CR3"}));
  CHECK(object(restore.out, "restore_report").at("drives").size() == 2);
  CHECK(shelf.volume_tree("A") == tree_a);
  CHECK(shelf.volume_tree("B") == tree_b);
}

TEST_CASE("restore: mended on the way, the drive untouched, what stands in the way is never overwritten") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  shelf.damage("A");
  const auto damaged = shelf.volume_tree("A");
  const io::Path back = shelf.path("back");
  make_file(back / kHarbour / "DSC00002.JPG", 50, 1);             // another photo of that name
  io::posix().make_dirs(back / kHarbour / "DSC00004.JPG" / "x");  // a folder where a photo belongs
  const core::Bytes mine = io::read_file(io::posix(), back / kHarbour / "DSC00002.JPG", 100);
  const Outcome restore = shelf.run({"--json", "restore", kWedding, kHarbour, "--to", back.string()});
  INFO(restore.out << restore.err);
  CHECK(restore.exit_code == 1);
  const Json report = object(restore.out, "restore_report");
  CHECK(report.at("conflicts") ==
        Json::array({(back / kHarbour / "DSC00002.JPG").string(), (back / kHarbour / "DSC00004.JPG").string()}));
  CHECK(report.at("mended_slices") > 0);
  CHECK(report.at("files") == 10);
  CHECK(io::read_file(io::posix(), back / kHarbour / "DSC00002.JPG", 100) == mine);
  CHECK(io::posix().stat(back / kHarbour / "DSC00004.JPG" / "x"));
  CHECK(shelf.volume_tree("A") == damaged);
  io::posix().remove_file(back / kHarbour / "DSC00002.JPG");
  io::remove_tree(io::posix(), back / kHarbour / "DSC00004.JPG");
  shelf.must({"restore", kHarbour, "--to", back.string()});
  CHECK(restored(shelf, back).size() == 12);
}

TEST_CASE("restore: --as-sealed brings back the state of that day, without it the newest of every path") {
  Shelf shelf({"A"});
  const io::Path shoot = shelf.add_shoot("2026-05-05_dunes", 3, 10'000);
  const auto on = [](const char* day) { return *core::parse_time(std::string(day) + "T12:00:00Z"); };
  shelf.world().set_now(on("2027-01-10"));
  shelf.seal(shoot, {"A"});
  io::posix().remove_file(shoot / "IMG_0001.CR3");
  make_file(shoot / "IMG_0001.CR3", 12'345, 99);  // developed again
  make_file(shoot / "IMG_0009.CR3", 4'000, 98);   // and one more
  const core::Bytes newer = io::read_file(io::posix(), shoot / "IMG_0001.CR3", 1 << 20);
  shelf.world().set_now(on("2027-02-20"));
  rituals::Context context = shelf.context();
  rituals::SealRequest update = shelf.request(shoot, {"A"});
  update.update = true;
  rituals::seal(context, rituals::plan_seal(context, update));

  const auto restore = [&](const char* day) {
    rituals::RestoreRequest request;
    request.what = {"dunes"};
    request.to = shelf.path(std::string("back-") + (day != nullptr ? day : "now"));
    if (day != nullptr) request.as_sealed = on(day);
    rituals::restore(context, request);
    return request.to / "2026-05-05_dunes";
  };
  const io::Path first = restore("2027-01-31"), now = restore(nullptr);
  CHECK(files_below(first).size() == 3);
  CHECK(io::posix().stat(first / "IMG_0001.CR3")->bytes == 11'000);
  CHECK(files_below(now).size() == 4);
  CHECK(io::read_file(io::posix(), now / "IMG_0001.CR3", 1 << 20) == newer);
  CHECK_THROWS_WITH(restore("2026-12-31"), Catch::Contains("not sealed yet"));
}

TEST_CASE("restore: the version sealed last comes back, though the clock was set back between") {
  const bool again = GENERATE(false, true);
  Shelf shelf({"A"});
  const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 2, 20'000);
  shelf.seal(shoot, {"A"});
  io::posix().remove_file(shoot / "IMG_0001.CR3");
  make_file(shoot / "IMG_0001.CR3", 33'000, 77);
  shelf.world().set_now(*core::parse_time("2020-01-01T12:00:00Z"));
  rituals::Context context = shelf.context();
  rituals::SealRequest request = shelf.request(shoot, {"A"});
  (again ? request.again : request.update) = true;
  CHECK(rituals::seal(context, rituals::plan_seal(context, request)).volumes.size() == 1);
  for (const char* what : {"2026-06-14_wedding", "IMG_0001.CR3"}) {
    const io::Path back = shelf.path(std::string("back of ") + what);
    CHECK(rituals::restore(context, {{what}, back, "", {}}).lost.empty());
    CHECK(io::posix().stat(back / "2026-06-14_wedding" / "IMG_0001.CR3")->bytes == 33'000);
  }
  CHECK(context.catalog.shoots().front().bytes == 20'000 + 33'000);
  // Nothing is new, and nothing changed, against what was sealed last.
  const rituals::Plan plan = rituals::plan_seal(context, shelf.request(shoot, {"A"}));
  CHECK(plan.shoots.front().kind == rituals::ShootPlanKind::kSealed);
  CHECK(plan.shoots.front().changed.empty());
}

TEST_CASE("restore: a shoot that is sealed again after it was discarded is there again, whatever the clock says") {
  Shelf shelf({"A"});
  const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 2, 20'000);
  shelf.seal(shoot, {"A"});
  shelf.catalog().record_shoot_discarded(shelf.catalog().shoots().front().id, "a test");
  CHECK(shelf.catalog().shoots().front().discarded);
  shelf.world().set_now(*core::parse_time("2020-01-01T12:00:00Z"));
  rituals::Context context = shelf.context();
  rituals::SealRequest request = shelf.request(shoot, {"A"});
  request.again = true;
  rituals::seal(context, rituals::plan_seal(context, request));
  for (const catalog::Shoot& known : shelf.catalog().shoots()) {
    if (known.groups.size() > 1) CHECK_FALSE(known.discarded);
  }
}

TEST_CASE("restore: where a volume's lists are beyond repair the catalog's are used, and every hash still counts") {
  ProgramShelf shelf({"A"});
  const bool files = GENERATE(false, true);
  CAPTURE(files);
  shelf.must(
      {"seal", (shelf.shoots() / "2026-09-01_harbour").string(), "--to", "A", "--layout", files ? "files" : "tar"});
  const io::Path volume = shelf.volumes("A").front();
  for (const auto& [path, stat] : files_below(volume)) {
    if (path.string().find(".tags.") != std::string::npos) io::posix().remove_file(path);
  }
  rot(volume / "slices.sha256", 5, 3);
  rot(volume / "members.jsonl", 5, 3);
  const bool damaged = GENERATE(false, true);
  CAPTURE(damaged);
  if (damaged) {
    const auto payload = files_below(volume / "data");
    const auto largest = std::max_element(payload.begin(), payload.end(),
                                          [](const auto& a, const auto& b) { return a.second.bytes < b.second.bytes; });
    rot(largest->first, largest->second.bytes / 2, 1);
  }
  const io::Path back = shelf.path("back");
  const Outcome restored = shelf.run({"restore", "harbour", "--to", back.string()});
  INFO(restored.out << restored.err);
  CHECK(restored.exit_code == (damaged ? 5 : 0));
  const auto sources = files_below(shelf.shoots() / "2026-09-01_harbour");
  std::size_t same = 0;
  for (const auto& [path, stat] : files_below(back / "2026-09-01_harbour")) {
    const io::Path source =
        shelf.shoots() / "2026-09-01_harbour" / path.lexically_relative(back / "2026-09-01_harbour");
    CHECK(io::read_file(io::posix(), path, 1 << 20) == io::read_file(io::posix(), source, 1 << 20));
    ++same;
  }
  CHECK(same == sources.size() - (damaged ? 1 : 0));
}

}  // namespace darkshelf::testing
