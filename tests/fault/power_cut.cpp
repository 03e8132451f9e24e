// The power goes at any moment of a seal and of a repair, and what was not synced is lost: nothing that looks sealed is
// not, nothing that was sealed is lost, and the same command finishes.

#include <catch2/catch.hpp>

#include "rituals/make_parcel.hpp"
#include "rituals/repair.hpp"
#include "rituals/scrub.hpp"
#include "support/damage.hpp"
#include "support/process.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"
#include "support/shelf/slices.hpp"

namespace darkshelf::testing {
namespace {

/// Lets a watcher be put in after the drives were made.
struct Later : Watcher {
  Watcher* who = nullptr;
  void before(const Call& call) override {
    if (who != nullptr) who->before(call);
  }
  void after(const Call& call) override {
    if (who != nullptr) who->after(call);
  }
};

std::vector<io::Path> volumes_on(const io::Path& drive) { return volume::volume_folders(io::posix(), drive); }

void require_whole(const io::Path& drive) {
  for (const io::Path& folder : volumes_on(drive)) {
    for (const char* list : {"tagmanifest-sha256.txt", "manifest-sha256.txt"}) {
      ProcessOptions options;
      options.folder = folder;
      const ProcessResult judged = run_process({"sha256sum", "--quiet", "-c", list}, options);
      INFO(folder.string() << ": " << judged.out << judged.err);
      REQUIRE(judged.exit_code == 0);
    }
  }
}

bool intact(Shelf& shelf, const std::string& drive) {
  rituals::Context context = shelf.context();
  const rituals::ScrubReport report = rituals::scrub(context, {drive, false, false, {}});
  return !report.damage() && !report.unfinished_repair && !report.volumes.empty();
}

constexpr std::uint64_t kTries = 40;

}  // namespace

TEST_CASE("power cut: at any moment of a seal") {
  std::uint64_t changes = 0;
  {
    Later later;
    Shelf shelf({"A"}, &later);
    const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 3, 200'000);
    PowerCut power(shelf.path("A"));
    later.who = &power;
    shelf.seal(shoot, {"A"});
    changes = power.changes();
    later.who = nullptr;
    REQUIRE(intact(shelf, "A"));
  }
  REQUIRE(changes > 30);
  const std::uint64_t step = std::max<std::uint64_t>(1, changes / kTries);
  std::uint64_t cuts = 0;
  for (std::uint64_t at = 1; at <= changes; at += step) {
    CAPTURE(at, changes);
    Later later;
    Shelf shelf({"A"}, &later);
    const io::Path shoot = shelf.add_shoot("2026-06-14_wedding", 3, 200'000);
    PowerCut power(shelf.path("A"));
    later.who = &power;
    power.at(at);
    REQUIRE_THROWS_AS(shelf.seal(shoot, {"A"}), PowerCut::Happened);
    power.cut();
    ++cuts;
    require_whole(shelf.path("A"));
    for (const catalog::Copy& copy : shelf.catalog().copies()) {
      const auto volume = shelf.catalog().volume(copy.volume);
      REQUIRE(io::posix().stat(shelf.path("A") / "darkshelf" / volume->folder));  // what the catalog counts is there
    }
    later.who = nullptr;
    shelf.reopen();
    const rituals::SealReport again = shelf.seal(shoot, {"A"});
    REQUIRE(again.failures.empty());
    REQUIRE(volumes_on(shelf.path("A")).size() == 1);
    REQUIRE(intact(shelf, "A"));
  }
  WARN(cuts << " cuts over " << changes << " changes");
}

TEST_CASE("power cut: at any moment of a repair") {
  std::uint64_t changes = 0;
  const auto damage = [](const io::Path& drive) {
    const io::Path folder = volumes_on(drive).front();
    for (const auto& [path, stat] : files_below(folder / "data")) rot(path, 50'000, 9'000);
    rot(folder / "members.jsonl", 20, 5);
    io::posix().remove_file(folder / "photos.sha256");
  };
  const auto repair = [](Shelf& shelf) {
    rituals::Context context = shelf.context();
    return rituals::repair(context, {"A", {}, {}, false}).complete();
  };
  for (std::uint64_t at = 0, step = 1; at <= changes; at += step) {
    CAPTURE(at, changes);
    Later later;
    Shelf shelf({"A"}, &later);
    shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 200'000), {"A"});
    damage(shelf.path("A"));
    PowerCut power(shelf.path("A"));
    later.who = &power;
    if (at == 0) {  // undisturbed, to count
      REQUIRE(repair(shelf));
      changes = power.changes();
      step = std::max<std::uint64_t>(1, changes / kTries);
    } else {
      power.at(at);
      REQUIRE_THROWS_AS(repair(shelf), PowerCut::Happened);
      power.cut();
      later.who = nullptr;
      shelf.reopen();
      REQUIRE(repair(shelf));
    }
    later.who = nullptr;
    require_whole(shelf.path("A"));
    REQUIRE(intact(shelf, "A"));
  }
  REQUIRE(changes > 10);
}

TEST_CASE("power cut: at any moment of a repair from a twin or from a parcel") {
  const bool by_parcel = GENERATE(false, true);
  std::uint64_t changes = 0;
  for (std::uint64_t at = 0, step = 1; at <= changes; at += step) {
    CAPTURE(by_parcel, at, changes);
    Later later;
    Shelf shelf({"A", "B"}, &later);
    shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 200'000), {"A", "B"});
    const io::Path folder = volumes_on(shelf.path("A")).front();
    spoil(slices_of(folder), 10, 70);
    for (const char* list : {"members.jsonl", "photos.sha256"}) io::posix().remove_file(folder / list);
    rituals::RepairRequest request{"A", {}, {}, false};
    if (by_parcel) {
      rituals::Context context = shelf.context();
      rituals::RepairRequest asking = request;
      asking.request = shelf.path("a.request");
      REQUIRE_FALSE(rituals::repair(context, asking).complete());
      const auto asked = rituals::ParcelFile::open(io::posix(), *asking.request, {});
      rituals::make_parcel(context, {asked, "B", shelf.path("a.parcel")});
      request.parcel = rituals::ParcelFile::open(io::posix(), shelf.path("a.parcel"), {});
    } else {
      request.with = "B";
    }
    const auto repair = [&] {
      rituals::Context context = shelf.context();
      return rituals::repair(context, request).complete();
    };
    PowerCut power(shelf.path("A"));
    later.who = &power;
    if (at == 0) {  // undisturbed, to count
      REQUIRE(repair());
      changes = power.changes();
      step = std::max<std::uint64_t>(1, changes / kTries);
    } else {
      power.at(at);
      REQUIRE_THROWS_AS(repair(), PowerCut::Happened);
      power.cut();
      later.who = nullptr;
      shelf.reopen();
      REQUIRE(repair());
    }
    later.who = nullptr;
    require_whole(shelf.path("A"));
    REQUIRE(intact(shelf, "A"));
    REQUIRE(intact(shelf, "B"));
  }
  REQUIRE(changes > 10);
}

}  // namespace darkshelf::testing
