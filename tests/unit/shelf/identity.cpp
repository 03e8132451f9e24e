#include "shelf/identity.hpp"

#include <catch2/catch.hpp>

namespace darkshelf::testing {
namespace {

using catalog::Evidence;
using shelf::Claim;

constexpr std::uint64_t kTB = 1'000'000'000'000;

Evidence evidence(const std::string& fs_id, const std::string& serial, std::uint64_t bytes) {
  Evidence evidence;
  evidence.fs_id = fs_id;
  evidence.serial = serial;
  evidence.bytes = bytes;
  evidence.path = "/mnt/a";
  return evidence;
}

}  // namespace

TEST_CASE("identity: evidence that both sides know has to fit, what one does not know tells nothing") {
  core::SteadyWorld world({}, 1);
  catalog::Drive known;
  known.id = world.new_id();
  known.evidence = evidence("fs-1", "S1", 4 * kTB);
  formats::drive::DriveIdentity claimed;
  claimed.id = known.id;
  const auto judge = [&](const Evidence& now) { return shelf::judge(claimed, known, now); };
  CHECK(judge(known.evidence).claim == Claim::kFits);
  Evidence elsewhere = known.evidence;
  elsewhere.path = "/media/b";
  elsewhere.disk = "8:32";
  elsewhere.model = "another USB box";
  CHECK(judge(elsewhere).claim == Claim::kFits);
  CHECK(judge(evidence("", "", 0)).claim == Claim::kFits);
  CHECK(judge(evidence("fs-1", "S1", 4 * kTB - kTB / 50)).claim == Claim::kFits);
  CHECK(judge(evidence("fs-1", "S1", 4 * kTB - kTB / 20)).claim == Claim::kMoved);
  CHECK(judge(evidence("fs-1", "S1", 4 * kTB + kTB / 20)).claim == Claim::kMoved);

  const auto moved = judge(evidence("fs-2", "S2", 8 * kTB));
  CHECK(moved.claim == Claim::kMoved);
  REQUIRE(moved.differences.size() == 3);
  CHECK(moved.differences[0] == "file system fs-1 → fs-2");
  CHECK(moved.differences[1] == "serial S1 → S2");
  CHECK(moved.differences[2].starts_with("size "));

  CHECK(shelf::judge(claimed, {}, known.evidence).claim == Claim::kUnknown);
  claimed.id = world.new_id();
  CHECK(judge(known.evidence).claim == Claim::kUnknown);
}

TEST_CASE("identity: a disk with another file system than the known one was formatted, unless that is told") {
  core::SteadyWorld world({}, 1);
  std::vector<catalog::Drive> drives(1);
  drives[0].id = world.new_id();
  drives[0].label = "2026-A";
  drives[0].evidence = evidence("fs-1", "S1", 4 * kTB);
  const auto was = [&](const Evidence& now, const std::vector<core::Uuid>& there = {}) {
    return shelf::formatted_over(drives, now, there).has_value();
  };
  CHECK(was(evidence("fs-2", "S1", 4 * kTB)));
  CHECK(was(evidence("fs-2", "S1", 4 * kTB - kTB / 10)));  // another kind of file system
  CHECK_FALSE(was(evidence("fs-2", "S1", 2 * kTB)));       // another partition
  CHECK_FALSE(was(evidence("fs-1", "S1", 4 * kTB)));       // the same file system: told elsewhere
  CHECK_FALSE(was(evidence("fs-2", "S2", 4 * kTB)));       // another disk
  CHECK_FALSE(was(evidence("fs-2", "", 4 * kTB)));
  CHECK_FALSE(was(evidence("fs-2", "S1", 4 * kTB), {drives[0].id}));  // it is still there, beside this
  using State = catalog::DriveState;
  for (const State state : {State::kFailed, State::kRetired, State::kDestroyed}) {
    drives[0].state = state;
    CHECK_FALSE(was(evidence("fs-2", "S1", 4 * kTB)));
  }
  for (const State state : {State::kLost, State::kLent}) {
    drives[0].state = state;
    CHECK(was(evidence("fs-2", "S1", 4 * kTB)));
  }
}

TEST_CASE("identity: an image with another file system was formatted, too, and one without files emptied") {
  core::SteadyWorld world({}, 1);
  std::vector<catalog::Drive> drives(1);
  drives[0].id = world.new_id();
  drives[0].evidence = evidence("fs-1", "", kTB);
  drives[0].evidence.disk = "loop:/a.img";
  drives[0].evidence.path = "/media/A";
  Evidence now = evidence("fs-2", "", kTB);
  now.disk = "loop:/a.img";
  CHECK(shelf::formatted_over(drives, now, {}));
  now.disk = "loop:/b.img";
  CHECK_FALSE(shelf::formatted_over(drives, now, {}));
  drives[0].evidence.disk = now.disk = "8:16";  // the next disk gets this number, too
  CHECK_FALSE(shelf::formatted_over(drives, now, {}));

  const auto was = [&](const std::string& fs_id, const std::string& path, const std::string& mount_point) {
    Evidence here = evidence(fs_id, "", kTB);
    here.path = path;
    return shelf::emptied(drives, here, mount_point, {}).has_value();
  };
  CHECK(was("fs-1", "/media/A", "/media/A"));
  CHECK(was("fs-1", "/mnt", "/mnt"));                // mounted elsewhere
  CHECK_FALSE(was("fs-1", "/mnt/photos", "/mnt"));   // a folder beside
  CHECK_FALSE(was("fs-1", "/media", "/media"));      // it was a folder of this one
  CHECK(was("fs-1", "/media/A", "/media"));          // that very folder
  CHECK_FALSE(was("fs-2", "/media/A", "/media/A"));  // another drive at the same place
  CHECK_FALSE(was("", "/media/A", "/media/A"));      // knowing nothing is not being alike
  drives[0].state = catalog::DriveState::kDestroyed;
  CHECK_FALSE(was("fs-1", "/media/A", "/media/A"));
}

TEST_CASE("identity: one disk is told by what names it for good, else by its file system or while it is attached") {
  const auto on = [](const std::string& disk, const std::string& fs_id, std::uint64_t bytes) {
    Evidence out = evidence(fs_id, "", bytes);
    out.disk = disk;
    return out;
  };
  CHECK(shelf::same_disk(on("8:16", "fs-1", kTB), on("8:32", "fs-1", kTB)));  // attached in another order
  CHECK(shelf::same_disk(on("8:16", "fs-1", kTB), on("8:16", "fs-2", kTB)));  // two partitions
  CHECK_FALSE(shelf::same_disk(on("8:16", "fs-1", kTB), on("8:32", "fs-2", kTB)));
  CHECK_FALSE(shelf::same_disk(on("8:16", "fs-1", kTB), on("8:32", "fs-1", 2 * kTB)));
  CHECK_FALSE(shelf::same_disk(on("8:16", "", kTB), on("8:32", "", kTB)));  // knowing nothing is not being alike
  CHECK(shelf::same_disk(on("123456", "fs-1", kTB), on("123456", "fs-2", kTB)));
  CHECK_FALSE(shelf::same_disk(on("123456", "fs-1", kTB), on("123457", "fs-1", kTB)));  // a clone
  CHECK_FALSE(shelf::same_disk(on("loop:/a.img", "fs-1", kTB), on("loop:/b.img", "fs-1", kTB)));
  CHECK_FALSE(shelf::same_disk(on("", "", 0), on("", "", 0)));
}

}  // namespace darkshelf::testing
