// Policy, fire drill and its fixes against a slow and obvious reading of the rules, on shelves made by chance.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "shelf/fire_drill.hpp"
#include "unit/shelf/plain_shelf.hpp"

namespace darkshelf::testing {
namespace {

using catalog::CopyHealth;
using catalog::DriveState;
using shelf::Light;
using shelf::Outcome;

constexpr std::uint64_t kShelves = 400;

const shelf::ShootStatus& shoot_in(const std::vector<shelf::ShootStatus>& shoots, std::size_t number) {
  const auto at = std::find_if(shoots.begin(), shoots.end(),
                               [&](const auto& shoot) { return shoot.shoot.id == plain_id('s', number); });
  REQUIRE(at != shoots.end());
  return *at;
}

Outcome plain_outcome(const PlainShelf& shelf, const PlainVolume& volume, bool with_loss) {
  const PlainCount count = plain_count(shelf, volume, with_loss);
  if (count.met) return Outcome::kGreen;
  if (count.counting >= 2) return Outcome::kBelow;
  if (count.counting == 1) return Outcome::kOneCopy;
  for (const PlainCopy& copy : volume.copies) {
    const PlainDrive& drive = shelf.drives[static_cast<std::size_t>(copy.drive)];
    if (with_loss && drive.gone) continue;
    const bool may_exist =
        drive.state == DriveState::kOnShelf || drive.state == DriveState::kLent || drive.state == DriveState::kRetired;
    if (may_exist && copy.health != CopyHealth::kMissing) return Outcome::kUncounted;
  }
  return Outcome::kLost;
}

}  // namespace

TEST_CASE("oracle: copies, places, kinds and colours are what the rules say, on shelves made by chance") {
  std::map<Light, unsigned> seen;
  for (std::uint64_t seed = 0; seed < kShelves; ++seed) {
    const PlainShelf plain = PlainShelf::make(seed, 9, 6);
    for (const bool with_loss : {false, true}) {
      CAPTURE(seed, with_loss);
      const shelf::Status status =
          shelf::status_of(stock(plain), policy(plain), plain_now(), situation(plain, with_loss));
      std::size_t shoots = 0;
      std::set<core::Uuid> overdue;
      for (std::size_t s = 0; s < plain.shoots.size(); ++s) {
        if (plain.shoots[s].discarded) continue;
        ++shoots;
        CAPTURE(s);
        PlainCount least{99, 99, 99, 99, true};
        bool attached = true;
        unsigned fewest = 99;
        for (const PlainVolume& volume : plain.volumes) {
          if (volume.shoot != static_cast<int>(s)) continue;
          const PlainCount count = plain_count(plain, volume, with_loss);
          if (!count.met) fewest = std::min(fewest, count.counting);
          least = {std::min(least.counting, count.counting), std::min(least.places, count.places),
                   std::min(least.offsite, count.offsite), std::min(least.kinds, count.kinds), least.met && count.met};
          for (const PlainCopy& copy : volume.copies) {
            const PlainDrive& drive = plain.drives[static_cast<std::size_t>(copy.drive)];
            if (drive.state != DriveState::kOnShelf || (with_loss && drive.gone)) continue;
            const bool bad = copy.health != CopyHealth::kGood;
            const bool unproven = !copy.checked || (copy.cached && !plain_counts(plain, copy, with_loss) && !bad &&
                                                    copy.latest >= -24 && *copy.checked <= plain.every + plain.grace);
            const bool late = copy.checked && (*copy.checked > plain.every || copy.latest < -24);
            if (!bad && (unproven || late)) overdue.insert(plain_id('d', static_cast<std::size_t>(copy.drive)));
          }
          // Of those on one disk the others may be unplugged.
          std::map<int, PlainCopy> by_disk;
          for (const PlainCopy& copy : volume.copies) {
            const int disk = plain.drives[static_cast<std::size_t>(copy.drive)].disk;
            if (!plain_counts(plain, copy, with_loss)) continue;
            if (!by_disk.contains(disk) || *copy.checked < *by_disk[disk].checked) by_disk[disk] = copy;
          }
          for (const auto& [disk, copy] : by_disk)
            attached = attached && plain.drives[static_cast<std::size_t>(copy.drive)].plugged;
        }
        const shelf::ShootStatus& told = shoot_in(status.shoots, s);
        CHECK(told.counting == least.counting);
        CHECK(told.places == least.places);
        CHECK(told.offsite == least.offsite);
        CHECK(told.kinds == least.kinds);
        CHECK(told.all_attached == (attached && least.counting > 0));
        const Light light = least.met ? Light::kGreen : fewest <= 1 ? Light::kRed : Light::kAmber;
        CHECK(told.light == light);
        ++seen[light];
      }
      CHECK(status.shoots.size() == shoots);
      std::set<core::Uuid> told;
      for (const catalog::Drive& drive : status.overdue_drives) told.insert(drive.id);
      CHECK(told == overdue);
    }
  }
  for (const Light light : {Light::kGreen, Light::kAmber, Light::kRed}) CHECK(seen[light] > 100);
}

TEST_CASE("oracle: a fire drill tells what would be lost, and what would be left") {
  std::map<Outcome, unsigned> seen;
  for (std::uint64_t seed = 0; seed < kShelves; ++seed) {
    CAPTURE(seed);
    const PlainShelf plain = PlainShelf::make(seed + 10'000, 8, 5);
    const shelf::FireDrill drill =
        shelf::fire_drill(stock(plain), policy(plain), plain_now(), situation(plain, true), {});
    std::uint64_t photos = 0, counts[5] = {};
    for (std::size_t s = 0; s < plain.shoots.size(); ++s) {
      if (plain.shoots[s].discarded) continue;
      Outcome worst = Outcome::kGreen, before = Outcome::kGreen;
      for (const PlainVolume& volume : plain.volumes) {
        if (volume.shoot != static_cast<int>(s)) continue;
        worst = std::min(worst, plain_outcome(plain, volume, true));
        before = std::min(before, plain_outcome(plain, volume, false));
        if (plain_outcome(plain, volume, true) == Outcome::kLost) photos += volume.photos;
      }
      ++counts[static_cast<std::size_t>(worst)];
      ++seen[worst];
      const auto told = std::find_if(drill.shoots.begin(), drill.shoots.end(),
                                     [&](const auto& one) { return one.status.shoot.id == plain_id('s', s); });
      REQUIRE(told != drill.shoots.end());
      CHECK(told->outcome == worst);
      CHECK(told->before == before);
    }
    CHECK(drill.photos_lost == photos);
    CHECK(drill.lost == counts[0]);
    CHECK(drill.uncounted == counts[1]);
    CHECK(drill.one_copy == counts[2]);
    CHECK(drill.below == counts[3]);
    CHECK(drill.green == counts[4]);
  }
  for (int outcome = 0; outcome < 5; ++outcome) CHECK(seen[static_cast<Outcome>(outcome)] > 30);
}

namespace {

/// What a fix costs, in the order in which that counts.
using Cost = std::tuple<std::size_t, std::uint64_t, std::size_t>;  // new drives, bytes, drives

PlainCopy fresh_copy(std::size_t drive) {
  PlainCopy copy;
  copy.drive = static_cast<int>(drive);
  copy.checked = copy.latest = copy.made = 0;
  return copy;
}

/// Copies are made on drives that are at their places.
void put_back(PlainDrive& drive) { drive.here = drive.plugged = false; }

bool can_be_copied(const PlainShelf& shelf, const PlainVolume& volume) {
  return std::any_of(volume.copies.begin(), volume.copies.end(), [&](const PlainCopy& copy) {
    return shelf.drives[static_cast<std::size_t>(copy.drive)].state == DriveState::kOnShelf &&
           (copy.health == CopyHealth::kGood || copy.health == CopyHealth::kDamaged);
  });
}

/// May a copy of the volume be put on the drive? One that has or had it, by itself or by its disk, wants a check or a
/// repair instead.
bool is_free_for(const PlainShelf& shelf, const PlainVolume& volume, std::size_t target) {
  const PlainDrive& drive = shelf.drives[target];
  if (drive.state != DriveState::kOnShelf || drive.gone || drive.failing || drive.room == 0) return false;
  return std::none_of(volume.copies.begin(), volume.copies.end(), [&](const PlainCopy& copy) {
    const PlainDrive& other = shelf.drives[static_cast<std::size_t>(copy.drive)];
    return copy.drive == static_cast<int>(target) || (!other.gone && other.disk == drive.disk);
  });
}

/// Everything is tried: each volume on each set of drives, with 0, 1, 2 … new ones of every kind.
std::optional<Cost> cheapest(const PlainShelf& plain, const std::vector<std::size_t>& gaps, bool only_something) {
  for (std::size_t fresh = 0; fresh <= 3; ++fresh) {
    std::optional<Cost> best;
    std::size_t mixes = 1;
    for (std::size_t i = 0; i < fresh; ++i) mixes *= 4;
    for (std::size_t mix = 0; mix < mixes; ++mix) {
      PlainShelf shelf = plain;
      std::size_t kinds = mix;
      for (std::size_t i = 0; i < fresh; ++i) {
        PlainDrive drive;
        drive.place = 101 + 2 * static_cast<int>(i);
        drive.disk = 100 + static_cast<int>(i);
        drive.kind = static_cast<int>(kinds % 4);
        drive.room = ~std::uint64_t{0};
        kinds /= 4;
        shelf.drives.push_back(drive);
      }
      const std::size_t all = shelf.drives.size();
      std::vector<std::vector<std::size_t>> ways(gaps.size());  // sets of drives, as bits
      for (std::size_t g = 0; g < gaps.size(); ++g) {
        const PlainVolume& volume = shelf.volumes[gaps[g]];
        for (std::size_t set = 1; set < (std::size_t{1} << all); ++set) {
          PlainShelf after = shelf;
          PlainVolume with = volume;
          bool allowed = true;
          for (std::size_t d = 0; d < all; ++d) {
            if ((set >> d & 1) == 0) continue;
            allowed = allowed && is_free_for(shelf, volume, d);
            with.copies.push_back(fresh_copy(d));
            // Copies that are there stay where they are; the new one goes back with its drive.
            PlainDrive moved = after.drives[d];
            put_back(moved);
            after.drives.push_back(moved);
            with.copies.back().drive = static_cast<int>(after.drives.size() - 1);
          }
          if (!allowed) continue;
          const PlainCount count = plain_count(after, with, true);
          if (only_something ? count.counting > 0 : count.met) ways[g].push_back(set);
        }
      }
      std::vector<std::size_t> at(gaps.size(), 0);
      const bool possible = std::none_of(ways.begin(), ways.end(), [](const auto& way) { return way.empty(); });
      while (possible) {
        std::vector<std::uint64_t> sum(all, 0), largest(all, 0);
        std::uint64_t bytes = 0;
        for (std::size_t g = 0; g < gaps.size(); ++g) {
          const std::uint64_t size = shelf.volumes[gaps[g]].bytes;
          for (std::size_t d = 0; d < all; ++d) {
            if ((ways[g][at[g]] >> d & 1) == 0) continue;
            sum[d] += size;
            largest[d] = std::max(largest[d], size);
            bytes += size;
          }
        }
        bool fits = true;
        std::size_t used = 0;
        std::set<int> disks;
        for (std::size_t d = 0; d < all; ++d) {
          if (sum[d] == 0) continue;
          ++used;
          fits = fits && sum[d] + largest[d] <= shelf.drives[d].room && disks.insert(shelf.drives[d].disk).second;
        }
        if (fits && (!best || Cost{fresh, bytes, used} < *best)) best = Cost{fresh, bytes, used};
        std::size_t g = 0;
        while (g < gaps.size() && ++at[g] == ways[g].size()) at[g++] = 0;
        if (g == gaps.size()) break;
      }
    }
    if (best) return best;
  }
  return {};
}

shelf::Room room_on(const PlainShelf& plain) {
  shelf::Room room;
  for (std::size_t d = 0; d < plain.drives.size(); ++d) {
    if (plain.drives[d].room > 0) room[plain_id('d', d)] = plain.drives[d].room;
  }
  return room;
}

Cost cost_of(const shelf::Fix& fix) {
  std::size_t fresh = 0;
  std::uint64_t bytes = 0;
  for (const shelf::FixTarget& target : fix.targets) {
    fresh += target.drive ? 0 : 1;
    for (const catalog::Volume& volume : target.volumes) bytes += volume.bytes_on_drive;
  }
  CHECK(bytes == fix.bytes);
  return {fresh, bytes, fix.targets.size()};
}

/// The fix carried out: what lies where afterwards.
PlainShelf carried_out(PlainShelf plain, const shelf::Fix& fix) {
  const std::vector<std::string> kinds = {"hdd", "ssd", "flash", "nas"};
  for (const shelf::FixTarget& target : fix.targets) {
    std::size_t number = plain.drives.size();
    if (target.drive) {
      for (std::size_t d = 0; d < plain.drives.size(); ++d) {
        if (plain_id('d', d) == target.drive->id) number = d;
      }
      put_back(plain.drives[number]);
    } else {
      PlainDrive drive;
      drive.place = 201 + 2 * static_cast<int>(number);
      drive.disk = 200 + static_cast<int>(number);
      drive.kind = static_cast<int>(std::find(kinds.begin(), kinds.end(), target.kind) - kinds.begin());
      plain.drives.push_back(drive);
    }
    for (const catalog::Volume& volume : target.volumes) {
      for (std::size_t v = 0; v < plain.volumes.size(); ++v) {
        if (plain_id('v', v) == volume.info.volume) plain.volumes[v].copies.push_back(fresh_copy(number));
      }
    }
  }
  return plain;
}

}  // namespace

TEST_CASE("oracle: a fire drill's fix, carried out, is enough, and none is cheaper") {
  unsigned fixes = 0, with_new = 0, without_new = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    const PlainShelf plain = PlainShelf::make(seed + 20'000, 4, 2);
    const shelf::FireDrill drill =
        shelf::fire_drill(stock(plain), policy(plain), plain_now(), situation(plain, true), room_on(plain));
    // Once all is checked and well, the fix for that is enough, too.
    PlainShelf checked = plain;
    for (PlainVolume& volume : checked.volumes) {
      for (PlainCopy& copy : volume.copies) copy = {copy.drive, copy.health, 0, 0, 0, false};
    }
    const PlainShelf then = carried_out(checked, drill.keep_policy_once_checked);
    for (const PlainVolume& volume : then.volumes) {
      const bool matters = !then.shoots[static_cast<std::size_t>(volume.shoot)].discarded &&
                           can_be_copied(plain, volume) && drill.keep_policy.needed();
      if (matters) CHECK(plain_count(then, volume, true).met);
    }
    for (const bool policy_met : {true, false}) {
      CAPTURE(policy_met);
      const shelf::Fix& fix = policy_met ? drill.keep_policy : drill.keep_all;
      std::vector<std::size_t> gaps;
      std::set<core::Uuid> beyond;
      for (std::size_t v = 0; v < plain.volumes.size(); ++v) {
        const PlainVolume& volume = plain.volumes[v];
        const Outcome outcome = plain_outcome(plain, volume, true);
        if (plain.shoots[static_cast<std::size_t>(volume.shoot)].discarded) continue;
        if (policy_met ? outcome == Outcome::kGreen : outcome != Outcome::kLost) continue;
        if (can_be_copied(plain, volume)) {
          gaps.push_back(v);
        } else {
          beyond.insert(plain_id('v', v));
        }
      }
      std::set<core::Uuid> told_beyond;
      for (const catalog::Volume& volume : fix.beyond) told_beyond.insert(volume.info.volume);
      CHECK(told_beyond == beyond);
      REQUIRE(fix.needed() == !gaps.empty());
      if (gaps.empty()) continue;
      ++fixes;

      const PlainShelf after = carried_out(plain, fix);
      for (const std::size_t v : gaps) {
        const PlainCount count = plain_count(after, after.volumes[v], true);
        CHECK((policy_met ? count.met : count.counting > 0));
      }
      const shelf::Status status = shelf::status_of(stock(after), policy(after), plain_now(), situation(after, true));
      for (const shelf::ShootStatus& shoot : status.shoots) {
        for (const shelf::VolumeStatus& volume : shoot.volumes) {
          if (policy_met && !beyond.contains(volume.volume.info.volume)) CHECK(volume.light == Light::kGreen);
        }
      }
      const auto best = cheapest(plain, gaps, !policy_met);
      REQUIRE(best.has_value());
      CHECK(cost_of(fix) == *best);
      ++(std::get<0>(*best) > 0 ? with_new : without_new);
    }
  }
  CHECK(fixes > 150);
  CHECK(with_new > 50);
  CHECK(without_new > 20);
}

TEST_CASE("oracle: a fix for a large shelf is found soon, and is enough") {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    CAPTURE(seed);
    PlainShelf plain = PlainShelf::make(seed + 30'000, 60, 400);
    for (PlainDrive& drive : plain.drives) drive.room *= 20;
    const shelf::FireDrill drill =
        shelf::fire_drill(stock(plain), policy(plain), plain_now(), situation(plain, true), room_on(plain));
    const PlainShelf after = carried_out(plain, drill.keep_policy);
    std::set<core::Uuid> beyond;
    for (const catalog::Volume& volume : drill.keep_policy.beyond) beyond.insert(volume.info.volume);
    for (std::size_t v = 0; v < after.volumes.size(); ++v) {
      if (after.shoots[static_cast<std::size_t>(after.volumes[v].shoot)].discarded) continue;
      if (!beyond.contains(plain_id('v', v))) CHECK(plain_count(after, after.volumes[v], true).met);
    }
  }
}

}  // namespace darkshelf::testing
