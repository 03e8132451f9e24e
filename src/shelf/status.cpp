// The shelf against its policy: which copies count, and what of every shoot is lacking.

#include <fmt/format.h>

#include <algorithm>

#include "shelf/adopted_copies.hpp"
#include "shelf/identity.hpp"
#include "shelf/policy.hpp"
#include "shelf/wear.hpp"

namespace darkshelf::shelf {

namespace {

/// Clocks of several machines never quite agree. A check that is further ahead was recorded by a wrong one: nobody
/// knows when it was, and it would pass for fresh until that day comes.
bool is_yet_to_come(const catalog::Copy& copy, core::Time now) {
  return copy.latest_read && *copy.latest_read - now > std::chrono::hours(24);
}

/// Written through a cache, and read on the same day: what answered may still have been the cache.
bool is_checked_too_soon(const catalog::Copy& copy) {
  return copy.readback_cached && copy.checked && core::format_date(*copy.checked) <= core::format_date(copy.made);
}

bool is_reachable(catalog::DriveState state) { return state == catalog::DriveState::kOnShelf; }

Vote vote_for(const catalog::Copy& copy, const catalog::Drive& drive, bool gone, const Policy& policy, core::Time now,
              bool& overdue) {
  if (gone) return Vote::kLost;
  switch (drive.state) {
    case catalog::DriveState::kLent:
      return Vote::kLent;
    case catalog::DriveState::kLost:
      return Vote::kLost;
    case catalog::DriveState::kFailed:
      return Vote::kFailed;
    case catalog::DriveState::kRetired:
      return Vote::kRetired;
    case catalog::DriveState::kDestroyed:
      return Vote::kDestroyed;
    case catalog::DriveState::kOnShelf:
      break;
  }
  if (copy.health != catalog::CopyHealth::kGood) return Vote::kDamaged;
  if (!copy.checked || copy.names_only || is_checked_too_soon(copy)) return Vote::kNeverProven;
  if (is_yet_to_come(copy, now)) {
    overdue = true;
    return Vote::kOverdue;
  }
  const auto age = now - *copy.checked;
  overdue = age > policy.scrub_every;
  return age > policy.scrub_every + policy.grace ? Vote::kOverdue : Vote::kCounts;
}

/// Copies on one physical disk count once: the one checked last.
void count_disks_once(std::vector<CopyView>& copies) {
  std::vector<CopyView*> kept;
  for (CopyView& view : copies) {
    if (view.vote != Vote::kCounts) continue;
    const auto other = std::find_if(kept.begin(), kept.end(), [&](const CopyView* one) {
      return same_disk(one->drive.evidence, view.drive.evidence);
    });
    if (other == kept.end()) {
      kept.push_back(&view);
    } else if (*view.copy.checked > *(*other)->copy.checked) {
      (*other)->vote = Vote::kSameDisk;
      *other = &view;
    } else {
      view.vote = Vote::kSameDisk;
    }
  }
}

void tell_lacks(ShootStatus& shoot, const Policy& policy, core::Time now) {
  const auto lack = [&](unsigned have, unsigned want, const char* one, const char* many) {
    if (have < want)
      shoot.lacks.push_back(want - have == 1 ? std::string(one) : fmt::format("{} {}", want - have, many));
  };
  lack(shoot.counting, policy.copies, "1 more copy", "more copies");
  lack(shoot.offsite, policy.offsite, "a copy off-site", "copies off-site");
  lack(shoot.places, policy.places, "another place", "other places");
  lack(shoot.kinds, policy.kinds, "another kind of drive", "other kinds of drives");
  std::set<std::string> told;
  for (const VolumeStatus& volume : shoot.volumes) {
    for (const CopyView& view : volume.copies) {
      std::string what;
      if (view.vote == Vote::kDamaged)
        what = view.failing ? fmt::format("a copy of {} to another drive (it is failing)", view.drive.label)
                            : fmt::format("a repair of {}", view.drive.label);
      if (view.vote == Vote::kNeverProven) {
        what = fmt::format("a check of {} ({})", view.drive.label,
                           view.copy.checked ? "on a later day: a cache may have answered" : "never checked");
      }
      if (is_yet_to_come(view.copy, now)) {
        what = fmt::format("a check of {} (the last one is dated {}, which is yet to come)", view.drive.label,
                           core::format_date_for_people(*view.copy.latest_read));
      } else if (view.overdue && view.copy.checked) {
        const auto due =
            std::chrono::duration_cast<std::chrono::seconds>(now - *view.copy.checked) - policy.scrub_every;
        what = fmt::format("a check of {} (due since {}", view.drive.label, core::format_duration(due));
        what += view.vote == Vote::kCounts
                    ? fmt::format("; it counts until {})",
                                  core::format_date_for_people(*view.copy.checked + policy.scrub_every + policy.grace))
                    : ")";
      }
      if (!what.empty() && told.insert(what).second) shoot.lacks.push_back(what);
    }
  }
}

}  // namespace

Policy wanted_for(const catalog::Shoot& shoot, Policy policy) {
  policy.copies = shoot.keep_copies.value_or(policy.copies);
  policy.places = std::min(policy.places, policy.copies);
  policy.offsite = std::min(policy.offsite, policy.copies - 1);
  policy.kinds = std::min(policy.kinds, policy.copies);
  return policy;
}

Count count_copies(std::vector<CopyView>& copies, const Policy& wanted) {
  Count count;
  count_disks_once(copies);
  std::set<core::Uuid> places;
  std::set<std::string> kinds;
  for (const CopyView& view : copies) {
    if (view.vote != Vote::kCounts) continue;
    ++count.counting;
    kinds.insert(view.drive.kind);
    // One that is away from its off-site place is with the others, wherever that is.
    if (view.drive.away() || (view.here && view.drive.offsite)) continue;
    places.insert(view.drive.place.value_or(core::Uuid{}));
    if (view.drive.offsite) ++count.offsite;
  }
  count.places = std::max(static_cast<unsigned>(places.size()), std::min(count.counting, 1u));
  count.kinds = static_cast<unsigned>(kinds.size());
  const bool met = count.counting >= wanted.copies && count.places >= wanted.places &&
                   count.offsite >= wanted.offsite && count.kinds >= wanted.kinds;
  // One copy is too few, unless one is what somebody asked for.
  count.light = met ? Light::kGreen : count.counting <= 1 ? Light::kRed : Light::kAmber;
  return count;
}

std::string why_failing(catalog::Catalog& catalog, const core::Uuid& drive) {
  const WearVerdict wear = judge_wear(catalog.wear(drive));
  if (wear.failing()) return wear.why();
  const std::vector<catalog::Finding> open = catalog.open_findings(drive);
  const bool unreadable =
      std::any_of(open.begin(), open.end(), [](const catalog::Finding& one) { return one.kind == "unreadable"; });
  return unreadable ? "a check met places on it that cannot be read" : "";
}
bool is_failing(catalog::Catalog& catalog, const core::Uuid& drive) { return !why_failing(catalog, drive).empty(); }

std::set<core::Uuid> Stock::discarded_volumes() const {
  std::set<core::Uuid> gone, found;
  for (const catalog::Shoot& shoot : shoots) {
    if (shoot.discarded) gone.insert(shoot.id);
  }
  for (const catalog::Volume& volume : volumes) {
    if (gone.contains(volume.info.shoot)) found.insert(volume.info.volume);
  }
  return found;
}

Stock take_stock(catalog::Catalog& catalog) {
  Stock stock{catalog.drives(),
              catalog.shoots(),
              catalog.volumes(catalog::Volumes::kAll),
              catalog.copies(catalog::Volumes::kAll),
              {}};
  join_adopted(catalog, stock);
  for (const catalog::Drive& drive : stock.drives) {
    if (drive.volumes == 0) continue;
    if (std::string why = why_failing(catalog, drive.id); !why.empty()) stock.failing.emplace(drive.id, std::move(why));
  }
  return stock;
}

Stock take_stock(catalog::Catalog& catalog, std::vector<catalog::Shoot> shoots) {
  Stock stock{catalog.drives(), std::move(shoots), {}, {}, {}};
  std::set<core::Uuid> holding;
  for (const catalog::Shoot& shoot : stock.shoots) {
    for (catalog::Volume& volume : catalog.volumes_of(shoot.id, catalog::Volumes::kAll)) {
      for (const catalog::Copy& copy : catalog.copies_of(volume.info.volume)) {
        holding.insert(copy.drive);
        stock.copies.push_back(copy);
      }
      stock.volumes.push_back(std::move(volume));
    }
  }
  join_adopted(catalog, stock);
  for (const core::Uuid& drive : holding) {
    if (std::string why = why_failing(catalog, drive); !why.empty()) stock.failing.emplace(drive, std::move(why));
  }
  return stock;
}

Status status_of(catalog::Catalog& catalog, const Policy& policy, core::Time now, const Situation& situation) {
  return status_of(take_stock(catalog), policy, now, situation);
}

Status status_of(const Stock& stock, const Policy& policy, core::Time now, const Situation& situation) {
  std::map<core::Uuid, catalog::Drive> drives;
  for (const catalog::Drive& drive : stock.drives) drives.emplace(drive.id, drive);
  const std::set<core::Uuid> discarded = stock.discarded_volumes();
  std::map<core::Uuid, std::vector<CopyView>> copies;
  std::set<core::Uuid> overdue;
  for (const catalog::Copy& copy : stock.copies) {
    if (discarded.contains(copy.volume)) continue;  // nobody needs to read what is on its way out
    CopyView view{copy, drives.at(copy.drive)};
    view.failing = stock.failing.contains(copy.drive);
    view.here = situation.plugged_in.contains(copy.drive);
    view.gone = situation.without.contains(copy.drive);
    view.vote = vote_for(copy, view.drive, view.gone, policy, now, view.overdue);
    const bool due = view.overdue || view.vote == Vote::kNeverProven;
    if (due && is_reachable(view.drive.state)) overdue.insert(copy.drive);
    copies[copy.volume].push_back(std::move(view));
  }
  std::map<core::Uuid, std::vector<catalog::Volume>> volumes;
  for (const catalog::Volume& volume : stock.volumes) volumes[volume.info.shoot].push_back(volume);

  Status status;
  for (const catalog::Shoot& shoot : stock.shoots) {
    const auto parts = volumes.find(shoot.id);
    if (shoot.discarded || parts == volumes.end()) continue;
    ShootStatus out;
    const Policy wanted = wanted_for(shoot, policy);
    out.counting = out.places = out.offsite = out.kinds = ~0u;
    out.all_attached = true;
    for (catalog::Volume& volume : parts->second) {
      VolumeStatus one;
      one.volume = std::move(volume);
      one.copies = std::move(copies[one.volume.info.volume]);
      static_cast<Count&>(one) = count_copies(one.copies, wanted);
      out.light = std::max(out.light, one.light);
      out.counting = std::min(out.counting, one.counting);
      out.places = std::min(out.places, one.places);
      out.offsite = std::min(out.offsite, one.offsite);
      out.kinds = std::min(out.kinds, one.kinds);
      for (const CopyView& view : one.copies) out.all_attached &= view.vote != Vote::kCounts || view.here;
      out.volumes.push_back(std::move(one));
    }
    out.all_attached &= out.counting > 0;
    status.all_attached += out.all_attached ? 1 : 0;
    out.shoot = shoot;
    tell_lacks(out, wanted, now);
    (out.light == Light::kGreen ? status.green : out.light == Light::kAmber ? status.amber : status.red) += 1;
    status.shoots.push_back(std::move(out));
  }
  std::stable_sort(status.shoots.begin(), status.shoots.end(), [](const ShootStatus& a, const ShootStatus& b) {
    return std::tie(b.light, a.shoot.date, a.shoot.name) < std::tie(a.light, b.shoot.date, b.shoot.name);
  });
  for (const core::Uuid& id : overdue) status.overdue_drives.push_back(drives.at(id));
  std::sort(status.overdue_drives.begin(), status.overdue_drives.end(),
            [](const auto& a, const auto& b) { return a.label < b.label; });
  for (const catalog::Drive& drive : stock.drives) {  // by label
    if (is_reachable(drive.state) && stock.failing.contains(drive.id)) status.failing_drives.push_back(drive);
  }
  return status;
}

std::string freshness(const CopyView& copy, core::Time now) {
  if (!copy.copy.checked) return "never checked since it was copied";
  if (is_yet_to_come(copy.copy, now)) {
    return fmt::format("checked on {}, which is yet to come: overdue",
                       core::format_date_for_people(*copy.copy.latest_read));
  }
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - *copy.copy.checked);
  const std::string when =
      age < std::chrono::hours(24) ? "checked today" : fmt::format("checked {} ago", core::format_duration(age));
  return copy.overdue ? when + ", overdue" : when;
}

}  // namespace darkshelf::shelf
