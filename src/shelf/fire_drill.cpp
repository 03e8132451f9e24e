#include "shelf/fire_drill.hpp"

#include <algorithm>
#include <tuple>

#include "shelf/identity.hpp"

namespace darkshelf::shelf {

namespace {

constexpr std::uint64_t kCatalogCopy = 16 << 20;

/// Is there still something of the copy, wherever the drive is?
bool is_somewhere(const CopyView& view) {
  using State = catalog::DriveState;
  const State state = view.drive.state;
  if (view.gone || state == State::kLost || state == State::kFailed || state == State::kDestroyed) return false;
  return view.copy.health != catalog::CopyHealth::kMissing;
}

Outcome outcome_of(const VolumeStatus& volume) {
  if (volume.light == Light::kGreen) return Outcome::kGreen;
  if (volume.counting > 1) return Outcome::kBelow;
  if (volume.counting == 1) return Outcome::kOneCopy;
  return std::any_of(volume.copies.begin(), volume.copies.end(), is_somewhere) ? Outcome::kUncounted : Outcome::kLost;
}

Outcome outcome_of(const ShootStatus& shoot) {
  Outcome worst = Outcome::kGreen;
  for (const VolumeStatus& volume : shoot.volumes) worst = std::min(worst, outcome_of(volume));
  return worst;
}

ShootOutcome outcome_for(const ShootStatus& after, Outcome before) {
  ShootOutcome out{after, outcome_of(after), before, 0};
  for (const VolumeStatus& volume : after.volumes) {
    if (outcome_of(volume) == Outcome::kLost) out.photos_lost += volume.volume.info.photos;
  }
  out.photos_lost = std::min(out.photos_lost, after.shoot.photos);  // a shoot sealed again has photos twice
  return out;
}

/// Volumes that are below the policy.
std::vector<Gap> gaps_in(const Status& status, const Policy& policy) {
  std::vector<Gap> gaps;
  for (const ShootStatus& shoot : status.shoots) {
    const Policy wanted = wanted_for(shoot.shoot, policy);
    for (const VolumeStatus& volume : shoot.volumes) {
      if (volume.light != Light::kGreen) gaps.push_back({&volume, wanted});
    }
  }
  return gaps;
}

/// As if everything that can be fetched was checked just now.
Stock checked_stock(Stock stock, core::Time now) {
  for (catalog::Copy& copy : stock.copies) {
    copy.checked = copy.latest_read = now;
    copy.readback_cached = false;
  }
  return stock;
}

}  // namespace

std::uint64_t room_in(std::uint64_t free, std::uint64_t total) {
  const std::uint64_t kept = kCatalogCopy + total / 100;
  return free > kept ? free - kept : 0;
}

Room room_by_catalog(const Stock& stock) {
  Room room;
  for (const catalog::Drive& drive : stock.drives) {
    if (drive.evidence.bytes == 0) continue;
    std::uint64_t used = 0;  // by all that is kept on its disk
    for (const catalog::Drive& other : stock.drives) {
      if (other.id == drive.id || same_disk(other.evidence, drive.evidence)) used += other.bytes;
    }
    room[drive.id] = room_in(drive.evidence.bytes - std::min(drive.evidence.bytes, used), drive.evidence.bytes);
  }
  return room;
}

std::set<core::Uuid> drives_at(const Stock& stock, const catalog::Place& place,
                               const std::set<core::Uuid>& plugged_in) {
  std::set<core::Uuid> drives;
  for (const catalog::Drive& drive : stock.drives) {
    if (drive.state == catalog::DriveState::kLent && !plugged_in.contains(drive.id)) continue;  // it is elsewhere
    const bool is_here = drive.away() || (drive.offsite && plugged_in.contains(drive.id));
    if (is_here ? !place.offsite : drive.place == place.id) drives.insert(drive.id);
  }
  return drives;
}

FireDrill fire_drill(const Stock& stock, const Policy& policy, core::Time now, const Situation& situation,
                     const Room& room) {
  std::map<core::Uuid, Outcome> before;
  for (const ShootStatus& shoot : status_of(stock, policy, now, {situation.plugged_in, {}}).shoots)
    before[shoot.shoot.id] = outcome_of(shoot);

  FireDrill drill;
  const Status after = status_of(stock, policy, now, situation);
  for (const ShootStatus& shoot : after.shoots) {
    const Outcome was = before.at(shoot.shoot.id);
    drill.shoots.push_back(outcome_for(shoot, was));
    const ShootOutcome& one = drill.shoots.back();
    drill.photos_lost += one.photos_lost;
    drill.lost_before += one.outcome == Outcome::kLost && was == Outcome::kLost ? 1 : 0;
    std::uint64_t* const counts[] = {&drill.lost, &drill.uncounted, &drill.one_copy, &drill.below, &drill.green};
    ++*counts[static_cast<std::size_t>(one.outcome)];
  }
  std::stable_sort(drill.shoots.begin(), drill.shoots.end(), [](const ShootOutcome& a, const ShootOutcome& b) {
    return std::tie(a.outcome, a.status.shoot.date, a.status.shoot.name) <
           std::tie(b.outcome, b.status.shoot.date, b.status.shoot.name);
  });

  std::vector<Gap> lost;
  for (const ShootOutcome& shoot : drill.shoots) {
    Policy one = policy;
    one.copies = 1;
    one.places = one.offsite = one.kinds = 0;
    for (const VolumeStatus& volume : shoot.status.volumes) {
      if (outcome_of(volume) == Outcome::kLost) lost.push_back({&volume, one});
    }
  }
  drill.keep_all = cheapest_fix(stock, lost, situation.without, room);
  drill.keep_policy = cheapest_fix(stock, gaps_in(after, policy), situation.without, room);
  if (drill.keep_policy.needed()) {
    const Stock fresh = checked_stock(stock, now);
    const Status then = status_of(fresh, policy, now, situation);
    drill.keep_policy_once_checked = cheapest_fix(fresh, gaps_in(then, policy), situation.without, room);
  }
  return drill;
}

}  // namespace darkshelf::shelf
