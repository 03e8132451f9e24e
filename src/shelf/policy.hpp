#pragma once
// The policy and whether the shelf keeps it: decisions over catalog rows. Pure: no I/O.

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "core/text.hpp"

namespace darkshelf::shelf {

struct Policy {
  unsigned copies = 3, places = 2, offsite = 1, kinds = 1;
  std::chrono::seconds scrub_every = core::parse_duration("12mo");
  std::chrono::seconds grace = core::parse_duration("3mo");  // after it an overdue copy no longer counts
  formats::volume::Layout layout = formats::volume::Layout::kTar;
  std::string owner, phone;  // for START-HERE
};
/// Defaults with what was set; what is not understood (a later darkshelf set it) is left out.
Policy policy_from(const std::map<std::string, std::string>& set);
/// Throws Error(kUsage) naming an unknown key or a value that makes no sense, with the possible ones.
void check_policy(const std::map<std::string, std::string>& changes);
/// Every key with its value in force, as `policy set` takes them back.
std::map<std::string, std::string> to_text(const Policy& policy);

enum class Light { kGreen, kAmber, kRed };  // keeps the policy; below it; one good copy or none

/// Why a copy does not count, in the words of `status`.
enum class Vote { kCounts, kOverdue, kDamaged, kNeverProven, kLent, kLost, kFailed, kRetired, kDestroyed, kSameDisk };

struct CopyView {
  catalog::Copy copy;
  catalog::Drive drive;
  Vote vote = Vote::kCounts;
  bool gone = false;     // its drive is taken to be (Situation::without)
  bool overdue = false;  // checked longer ago than scrub_every (still counts until grace is over)
  bool failing = false;  // its drive is
  bool here = false;     // its drive is plugged in now, whatever the catalog says of its place
};
/// Has a drive sectors that the last check of them could not read, or does its disk say that it is failing? Then it is
/// not repaired but copied.
bool is_failing(catalog::Catalog& catalog, const core::Uuid& drive);
/// For a person; "" if it is not.
std::string why_failing(catalog::Catalog& catalog, const core::Uuid& drive);
/// What copies of the same bytes are worth together.
struct Count {
  unsigned counting = 0, places = 0, offsite = 0, kinds = 0;
  Light light = Light::kGreen;
};
struct VolumeStatus : Count {
  catalog::Volume volume;
  std::vector<CopyView> copies;
};
struct ShootStatus {
  catalog::Shoot shoot;
  std::vector<VolumeStatus> volumes;
  Light light = Light::kGreen;                                // the worst of its volumes
  unsigned counting = 0, places = 0, offsite = 0, kinds = 0;  // the least of its volumes
  bool all_attached = false;                                  // every counting copy is on a drive that is plugged in
  std::vector<std::string> lacks;  // "1 more copy", "a copy off-site", "a check of 2026-A (due since 3 months)"
};
struct Status {
  std::vector<ShootStatus> shoots;  // worst first, then by date
  std::uint64_t green = 0, amber = 0, red = 0;
  std::uint64_t all_attached = 0;  // shoots of which every copy that counts is plugged in
  std::vector<catalog::Drive> overdue_drives;
  std::vector<catalog::Drive> failing_drives;  // see is_failing; they are neither lent nor marked
  bool met() const { return amber == 0 && red == 0; }
};
/// What the catalog cannot know.
struct Situation {
  std::set<core::Uuid> plugged_in;
  std::set<core::Uuid> without;  // drives that are taken to be gone
};
/// All that the policy goes by, as the catalog knows it.
struct Stock {
  std::vector<catalog::Drive> drives;  // by label
  std::vector<catalog::Shoot> shoots;
  std::vector<catalog::Volume> volumes;
  std::vector<catalog::Copy> copies;
  std::map<core::Uuid, std::string> failing;  // drives that hold something and whose medium is failing, and why

  std::set<core::Uuid> discarded_volumes() const;  // of shoots that are
};
/// The one place where decisions of this folder ask the catalog.
Stock take_stock(catalog::Catalog& catalog);
/// The same of these shoots alone.
Stock take_stock(catalog::Catalog& catalog, std::vector<catalog::Shoot> shoots);

/// Discarded shoots are left out.
Status status_of(const Stock& stock, const Policy& policy, core::Time now, const Situation& situation = {});
Status status_of(catalog::Catalog& catalog, const Policy& policy, core::Time now, const Situation& situation = {});

/// What a shoot of which the person keeps fewer or more copies than usual can have of the rest.
Policy wanted_for(const catalog::Shoot& shoot, Policy policy);
/// Copies on one physical disk count once, the one checked last: others among them lose their vote.
Count count_copies(std::vector<CopyView>& copies, const Policy& wanted);

/// Words for a copy's freshness: "checked 12 days ago", "checked 14 months ago, overdue", "never checked since it was
/// copied".
std::string freshness(const CopyView& copy, core::Time now);

}  // namespace darkshelf::shelf
