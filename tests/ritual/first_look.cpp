// What a scrub says of a large drive after a minute: its lists, and a random sample of its slices.

#include "rituals/first_look.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "core/error.hpp"
#include "rituals/scrub.hpp"
#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {
namespace {

/// Reads of payloads and of lists, in order.
struct Order : Watcher {
  struct Read {
    bool payload = false;
    io::Path path;
    std::uint64_t offset = 0;
  };
  std::vector<Read> reads;
  std::mutex mutex;
  void before(const Call& call) override {
    const std::string path = call.path.string();
    const bool payload = path.ends_with(".tar"), list = path.ends_with("slices.sha256") || path.ends_with(".par2");
    const std::lock_guard hold(mutex);
    if (call.call == "read_at" && (payload || list)) reads.push_back({payload, call.path, call.offset});
  }
};

struct Setting {
  Setting() {
    for (const char* name : {"2026-01-01_a", "2026-02-02_b", "2026-03-03_c"})
      shelf.seal(shelf.add_shoot(name, 4, 400'000), {"A"});
    volumes = shelf.catalog().volumes_on(shelf.catalog().find_drive("A")->id);
    for (const catalog::Volume& volume : volumes) slices += volume.info.slices;
  }
  rituals::ScrubRequest request() {
    rituals::ScrubRequest request{"A", false, false, {}};
    request.look_first_above = 0;
    request.on_first_look = [this](const catalog::Drive&, const rituals::FirstLook& told) { look = told; };
    return request;
  }
  io::Path payload(const catalog::Volume& volume) const {
    return shelf.path("A") / "darkshelf" / volume.folder / "data" / (formats::volume::base_name(volume.info) + ".tar");
  }
  Order order;
  Shelf shelf{{"A"}, &order};
  std::vector<catalog::Volume> volumes;
  std::uint64_t slices = 0;
  rituals::FirstLook look;
};

}  // namespace

TEST_CASE("first look: the odds are those of the sample") {
  rituals::FirstLook look;
  CHECK(look.one_in() == 0);
  look.slices = rituals::kSampleSlices;
  CHECK(look.one_in() == 1000);
  look.slices = 46;
  CHECK(look.one_in() == 10);
}

TEST_CASE("first look: lists of all volumes, then slices in the order in which they lie there, then everything") {
  Setting setting;
  setting.order.reads.clear();
  rituals::Context context = setting.shelf.context();
  const rituals::ScrubReport report = rituals::scrub(context, setting.request());
  CHECK_FALSE(report.damage());
  CHECK(setting.look.volumes == setting.volumes.size());
  CHECK(setting.look.unsound_lists.empty());
  CHECK(setting.look.slices_of == setting.slices);
  CHECK(setting.look.slices == setting.slices / 20);
  CHECK(setting.look.slices_bad == 0);
  std::set<io::Path> lists;
  std::vector<Order::Read> sampled;
  for (const Order::Read& read : setting.order.reads) {
    if (!read.payload && sampled.empty()) lists.insert(read.path);
    if (read.payload && sampled.size() < setting.look.slices) sampled.push_back(read);
  }
  CHECK(lists.size() >= 3 * setting.volumes.size());  // two indexes and the digests of each
  unsigned turns = 0;
  for (std::size_t i = 1; i < sampled.size(); ++i)
    turns += sampled[i].path == sampled[i - 1].path && sampled[i].offset < sampled[i - 1].offset ? 1 : 0;
  CHECK(turns <= 8);
  // It does not count as read: the check goes over everything in one go.
  for (const auto& copy : report.volumes) {
    REQUIRE(copy.examination.read.size() == 1);
    CHECK(copy.examination.read.front().count == copy.volume.info.slices);
  }
}

TEST_CASE("first look: what it finds bad is told first, and known even if nobody gets to it") {
  Setting setting;
  const catalog::Volume& bad = setting.volumes.back();
  rot(setting.payload(bad), 0, bad.info.payload_bytes);
  rituals::ScrubRequest request = setting.request();
  rituals::Context context = setting.shelf.context();
  SECTION("all is read") {
    const rituals::ScrubReport report = rituals::scrub(context, request);
    CHECK(report.volumes.front().volume.info.volume == bad.info.volume);
  }
  SECTION("Ctrl-C comes before") {
    core::Cancel cancel;
    context.work.cancel = &cancel;
    request.on_first_look = [&](const catalog::Drive&, const rituals::FirstLook& told) {
      setting.look = told;
      cancel.request();
    };
    try {
      rituals::scrub(context, request);
      FAIL("it should have stopped");
    } catch (const core::Error& error) {
      CHECK(error.code() == core::Code::kCancelled);
      CHECK(std::string(error.what()) == "stopped before a volume of A was read to the end");
    }
    for (const catalog::Copy& copy : setting.shelf.catalog().copies())
      CHECK(copy.health ==
            (copy.volume == bad.info.volume ? catalog::CopyHealth::kDamaged : catalog::CopyHealth::kGood));
    CHECK_FALSE(setting.shelf.catalog().open_findings(setting.shelf.catalog().find_drive("A")->id).empty());
  }
  CHECK(setting.look.slices_bad > 0);
  CHECK(setting.look.hits.size() == setting.look.slices_bad);
}

TEST_CASE("first look: lists that are not sound are told, and a small drive needs no first look") {
  Setting setting;
  const catalog::Volume& bad = setting.volumes.back();
  rot(setting.shelf.path("A") / "darkshelf" / bad.folder / "members.jsonl", 10, 3);
  rituals::Context context = setting.shelf.context();
  rituals::scrub(context, setting.request());
  CHECK(setting.look.unsound_lists == std::vector<core::Uuid>{bad.info.volume});
  setting.look = {};
  rituals::ScrubRequest request = setting.request();
  request.look_first_above = std::uint64_t{1} << 30;
  CHECK(rituals::scrub(context, request).first_look.volumes == 0);
  CHECK(setting.look.volumes == 0);
}

TEST_CASE("first look: is told in a sentence, before everything is read") {
  ProgramShelf shelf({"A"});
  shelf.must(shelf.seal_command({"A"}));
  const std::map<std::string, std::string> always = {{"DARKSHELF_LOOK_FIRST_ABOVE", "0"}};
  const Outcome sound = shelf.run({"scrub", "A"}, always);
  INFO(sound.out << sound.err);
  CHECK(sound.exit_code == 0);
  CHECK(sound.out.starts_with("First look: the lists of 3 volumes are sound, and so are "));
  CHECK(sound.out.find(" slices been bad, this would have found it with 99 %.") != std::string::npos);
  shelf.damage("A");
  const Outcome damaged = shelf.run({"scrub", "A"}, always);
  INFO(damaged.out << damaged.err);
  CHECK(damaged.exit_code == 4);
  CHECK(damaged.out.starts_with("First look: the lists of 2 of 3 volumes are not sound"));
}

}  // namespace darkshelf::testing
