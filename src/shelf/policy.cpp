#include "shelf/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/error.hpp"
#include "core/text.hpp"
#include "shelf/identity.hpp"
#include "shelf/wear.hpp"

namespace darkshelf::shelf {

using core::Code;
using core::Error;

namespace {

constexpr unsigned kMost = 99;
constexpr std::string_view kKeys = "copies, places, offsite, kinds, scrub-every, grace, layout, owner, phone";

unsigned count_from(const std::string& key, const std::string& value) {
  unsigned out = 0;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), out);
  const unsigned least = key == "copies" ? 1 : 0;
  if (value.empty() || failed != std::errc{} || end != value.data() + value.size() || out < least || out > kMost) {
    throw Error(Code::kUsage,
                fmt::format("{} takes a number from {} to {}, not \"{}\"", key, least, kMost, core::printable(value)));
  }
  return out;
}

std::string duration_text(std::chrono::seconds duration) {
  constexpr double kMonth = 30.4375 * 86400;
  const double months = static_cast<double>(duration.count()) / kMonth;
  const auto whole = static_cast<std::int64_t>(months + 0.5);
  if (whole > 0 && std::abs(months - static_cast<double>(whole)) < 1e-6) return fmt::format("{}mo", whole);
  if (duration.count() % 86400 == 0) return fmt::format("{}d", duration.count() / 86400);
  return fmt::format("{}s", duration.count());
}

std::string one_line(const std::string& key, const std::string& value) {
  if (value.size() > 200 || core::printable(value) != value) {
    throw Error(Code::kUsage, fmt::format("{} takes one line of up to 200 characters", key));
  }
  return value;
}

/// Clocks of several machines never quite agree. A check that is further ahead was recorded by a wrong one: nobody
/// knows when it was, and it would pass for fresh until that day comes.
bool is_yet_to_come(const catalog::Copy& copy, core::Time now) {
  return copy.latest_read && *copy.latest_read - now > std::chrono::hours(24);
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
  if (!copy.checked) return Vote::kNeverProven;
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

/// What a shoot of which the person keeps fewer or more copies than usual can have of the rest.
Policy wanted_for(const catalog::Shoot& shoot, Policy policy) {
  policy.copies = shoot.keep_copies.value_or(policy.copies);
  policy.places = std::min(policy.places, policy.copies);
  policy.offsite = std::min(policy.offsite, policy.copies - 1);
  policy.kinds = std::min(policy.kinds, policy.copies);
  return policy;
}

VolumeStatus status_of_volume(catalog::Volume volume, std::vector<CopyView> copies, const Policy& wanted) {
  VolumeStatus status;
  status.volume = std::move(volume);
  count_disks_once(copies);
  std::set<core::Uuid> places;
  std::set<std::string> kinds;
  for (const CopyView& view : copies) {
    if (view.vote != Vote::kCounts) continue;
    ++status.counting;
    kinds.insert(view.drive.kind);
    // One that is away from its off-site place is with the others, wherever that is.
    if (view.drive.away() || (view.here && view.drive.offsite)) continue;
    places.insert(view.drive.place.value_or(core::Uuid{}));
    if (view.drive.offsite) ++status.offsite;
  }
  status.places = std::max(static_cast<unsigned>(places.size()), std::min(status.counting, 1u));
  status.kinds = static_cast<unsigned>(kinds.size());
  const bool met = status.counting >= wanted.copies && status.places >= wanted.places &&
                   status.offsite >= wanted.offsite && status.kinds >= wanted.kinds;
  // One copy is too few, unless one is what somebody asked for.
  status.light = met ? Light::kGreen : status.counting <= 1 ? Light::kRed : Light::kAmber;
  status.copies = std::move(copies);
  return status;
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
      if (view.vote == Vote::kNeverProven) what = fmt::format("a check of {} (never checked)", view.drive.label);
      if (is_yet_to_come(view.copy, now)) {
        what = fmt::format("a check of {} (the last one is dated {}, which is yet to come)", view.drive.label,
                           core::format_date_for_people(*view.copy.latest_read));
      } else if (view.overdue && view.copy.checked) {
        const auto due =
            std::chrono::duration_cast<std::chrono::seconds>(now - *view.copy.checked) - policy.scrub_every;
        what = fmt::format("a check of {} (due since {})", view.drive.label, core::format_duration(due));
      }
      if (!what.empty() && told.insert(what).second) shoot.lacks.push_back(what);
    }
  }
}

/// Throws Error(kUsage) for a key or a value that makes no sense.
void apply(Policy& policy, const std::string& key, const std::string& value) {
  if (key == "copies") {
    policy.copies = count_from(key, value);
  } else if (key == "places") {
    policy.places = count_from(key, value);
  } else if (key == "offsite") {
    policy.offsite = count_from(key, value);
  } else if (key == "kinds") {
    policy.kinds = count_from(key, value);
  } else if (key == "scrub-every") {
    const auto every = core::parse_duration(value);
    if (every.count() <= 0) throw Error(Code::kUsage, "scrub-every takes a length of time above 0, such as 12mo");
    policy.scrub_every = every;
  } else if (key == "grace") {
    policy.grace = core::parse_duration(value);
  } else if (key == "layout") {
    const auto layout = formats::volume::layout_from(value);
    if (!layout)
      throw Error(Code::kUsage, fmt::format("layout takes tar or files, not \"{}\"", core::printable(value)));
    policy.layout = *layout;
  } else if (key == "owner") {
    policy.owner = one_line(key, value);
  } else if (key == "phone") {
    policy.phone = one_line(key, value);
  } else {
    throw Error(Code::kUsage, fmt::format("the policy has no \"{}\"; it has {}", core::printable(key), kKeys));
  }
}

}  // namespace

Policy policy_from(const std::map<std::string, std::string>& set) {
  Policy policy;
  for (const auto& [key, value] : set) {
    try {
      apply(policy, key, value);
    } catch (const Error&) {
      // Set by a later darkshelf, on another machine: what this one does not understand it leaves at its default.
    }
  }
  return policy;
}

void check_policy(const std::map<std::string, std::string>& changes) {
  Policy policy;
  for (const auto& [key, value] : changes) {
    try {
      apply(policy, key, value);
    } catch (const Error& error) {
      throw Error(error.code(), error.what(), "darkshelf help policy set");
    }
  }
}

std::map<std::string, std::string> to_text(const Policy& policy) {
  return {{"copies", std::to_string(policy.copies)},
          {"places", std::to_string(policy.places)},
          {"offsite", std::to_string(policy.offsite)},
          {"kinds", std::to_string(policy.kinds)},
          {"scrub-every", duration_text(policy.scrub_every)},
          {"grace", duration_text(policy.grace)},
          {"layout", std::string(formats::volume::name_of(policy.layout))},
          {"owner", policy.owner},
          {"phone", policy.phone}};
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

Status status_of(catalog::Catalog& catalog, const Policy& policy, core::Time now, const Situation& situation) {
  std::map<core::Uuid, catalog::Drive> drives;
  for (catalog::Drive& drive : catalog.drives()) drives.emplace(drive.id, std::move(drive));
  std::map<core::Uuid, std::vector<CopyView>> copies;
  std::set<core::Uuid> overdue;
  std::map<core::Uuid, bool> failing;
  for (const catalog::Copy& copy : catalog.copies()) {
    CopyView view{copy, drives.at(copy.drive)};
    if (copy.health != catalog::CopyHealth::kGood) {
      const auto [at, fresh] = failing.emplace(copy.drive, false);
      if (fresh) at->second = is_failing(catalog, copy.drive);
      view.failing = at->second;
    }
    view.here = situation.plugged_in.contains(copy.drive);
    view.vote = vote_for(copy, view.drive, situation.without.contains(copy.drive), policy, now, view.overdue);
    const bool due = view.overdue || view.vote == Vote::kNeverProven;
    if (due && is_reachable(view.drive.state)) overdue.insert(copy.drive);
    copies[copy.volume].push_back(std::move(view));
  }
  std::map<core::Uuid, std::vector<catalog::Volume>> volumes;
  for (catalog::Volume& volume : catalog.volumes()) volumes[volume.info.shoot].push_back(std::move(volume));

  Status status;
  for (catalog::Shoot& shoot : catalog.shoots()) {
    if (shoot.discarded) continue;
    ShootStatus out;
    const Policy wanted = wanted_for(shoot, policy);
    out.counting = out.places = out.offsite = out.kinds = ~0u;
    out.all_attached = true;
    for (catalog::Volume& volume : volumes[shoot.id]) {
      VolumeStatus one = status_of_volume(volume, copies[volume.info.volume], wanted);
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
    out.shoot = std::move(shoot);
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
  for (const catalog::Drive& drive : catalog.drives()) {  // by label
    if (is_reachable(drive.state) && drive.volumes > 0 && is_failing(catalog, drive.id))
      status.failing_drives.push_back(drive);
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
