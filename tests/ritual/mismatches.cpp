// A mismatch is read again before it is believed, past every cache; what heals is told, and is no damage.

#include <catch2/catch.hpp>

#include "rituals/repair.hpp"
#include "rituals/scrub.hpp"
#include "support/damage.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {
namespace {

using rituals::FindingKind;

std::vector<rituals::FileFinding> findings_of(const rituals::ScrubReport& report) {
  std::vector<rituals::FileFinding> findings;
  for (const auto& copy : report.volumes)
    findings.insert(findings.end(), copy.examination.findings.begin(), copy.examination.findings.end());
  return findings;
}

/// Passes on to Faults, and keeps what was done with one file.
struct Recording : Watcher {
  Faults faults;
  std::string ending;
  std::vector<Call> calls;
  std::mutex mutex;
  void before(const Call& call) override {
    faults.before(call);
    const std::lock_guard hold(mutex);
    if (!ending.empty() && call.path.string().ends_with(ending)) calls.push_back(call);
  }
  void read(const Call& call, core::MutableByteSpan got) override { faults.read(call, got); }
};

}  // namespace

TEST_CASE("mismatches: what heals when it is read again is a finding of its own in every kind of file, and no damage") {
  Recording watcher;
  Shelf shelf({"A"}, &watcher);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 200'000), {"A"});
  const std::string file =
      GENERATE(as<std::string>{}, "_1of1.tar", "+00016.par2", "photos.sha256", "tagmanifest-sha256.txt");
  CAPTURE(file);
  watcher.faults.flip("/A/darkshelf/2026/*" + file, file == "_1of1.tar" ? 70'000 : 100, 0x10, 1);
  rituals::Context context = shelf.context();
  const rituals::ScrubReport report = rituals::scrub(context, {"A", false, false, {}});
  const auto findings = findings_of(report);
  REQUIRE(findings.size() == 1);
  CHECK(findings.front().kind == FindingKind::kHealed);
  CHECK(io::Path(findings.front().path).filename().string().ends_with(file));
  CHECK_FALSE(report.damage());
  CHECK(report.healed == 1);
  CHECK(report.catalog_refreshed);
  const core::Uuid drive = shelf.catalog().find_drive("A")->id;
  REQUIRE(shelf.catalog().open_findings(drive).size() == 1);
  CHECK(shelf.catalog().open_findings(drive).front().kind == "healed");
  for (const catalog::Copy& copy : shelf.catalog().copies()) CHECK(copy.health == catalog::CopyHealth::kGood);
  CHECK(rituals::scrub(context, {"A", false, false, {}}).healed == 0);
  CHECK(shelf.catalog().open_findings(drive).empty());
}

TEST_CASE("mismatches: they are read again from the file opened anew, after other places of it") {
  Recording watcher;
  Shelf shelf({"A"}, &watcher);
  rituals::Context sealing = shelf.context();
  rituals::SealRequest request = shelf.request(shelf.add_shoot("2026-06-14_wedding", 4, 6'000'000), {"A"});
  request.volume_bytes = 64 << 20;
  rituals::seal(sealing, rituals::plan_seal(sealing, request));
  watcher.ending = "_1of1.tar";
  watcher.faults.flip("_1of1.tar", 70'000, 0x10, 1);
  rituals::Context context = shelf.context();
  CHECK(rituals::scrub(context, {"A", false, false, {}}).healed == 1);
  std::size_t opened = 0, first_read = 0, elsewhere = 0;
  for (const Call& call : watcher.calls) {
    if (call.call == "open_read") ++opened;
    if (call.call != "read_at") continue;
    const bool covers = call.offset <= 70'000 && 70'000 < call.offset + call.bytes;
    if (covers && first_read == 0) {
      first_read = opened;
    } else if (covers) {
      CHECK(opened > first_read);
      CHECK(elsewhere > (12u << 20));
      return;
    } else {
      elsewhere += call.bytes;
    }
  }
  FAIL("it was not read again");
}

TEST_CASE("mismatches: what stays wrong is damage, whatever is read in between") {
  Recording watcher;
  Shelf shelf({"A"}, &watcher);
  shelf.seal(shelf.add_shoot("2026-06-14_wedding", 3, 200'000), {"A"});
  watcher.faults.flip("_1of1.tar", 70'000, 0x10);
  rituals::Context context = shelf.context();
  const rituals::ScrubReport report = rituals::scrub(context, {"A", false, false, {}});
  CHECK(report.damage());
  CHECK(report.healed == 0);
  REQUIRE(findings_of(report).size() == 1);
  CHECK(findings_of(report).front().kind == FindingKind::kDamaged);
}

}  // namespace darkshelf::testing
