#pragma once
// What would be left if some drives were gone, and the least that has to be copied today so that it would be enough.
// Pure: no I/O.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "shelf/policy.hpp"

namespace darkshelf::shelf {

/// What would be left of a shoot, by the worst of its volumes; worst first.
enum class Outcome {
  kLost,       // of some volume no copy would be anywhere
  kUncounted,  // copies would be left, but of some volume none that counts: overdue, damaged, lent …
  kOneCopy,    // one good copy of some volume
  kBelow,      // several, and still less than the policy asks for
  kGreen,
};
struct ShootOutcome {
  ShootStatus status;  // after the loss
  Outcome outcome = Outcome::kGreen;
  Outcome before = Outcome::kGreen;  // without the loss
  std::uint64_t photos_lost = 0;     // photos of the volumes that would be lost
};

/// What is put on one drive by a fix.
struct FixTarget {
  std::optional<catalog::Drive> drive;  // nothing: a new one
  std::string kind;                     // a new one's
  bool offsite = false;                 // a new one is kept off-site; always at a place of its own
  std::vector<catalog::Volume> volumes;
  std::uint64_t bytes = 0;
  std::uint64_t needed = 0;  // how large a new drive has to be, with what is kept free
};
struct Fix {
  std::vector<FixTarget> targets;
  std::uint64_t bytes = 0;  // all that is copied
  /// No copying helps these: nothing is left to copy from, no drives are enough, or they are adopted and not sealed.
  std::vector<catalog::Volume> beyond;
  bool needed() const { return !targets.empty(); }
};

/// Free bytes for volumes, of drives of which that is known; what must stay free is not among them.
using Room = std::map<core::Uuid, std::uint64_t>;
/// A drive keeps free its largest volume, besides a part that depends on its size; what is left for volumes of `free`.
std::uint64_t room_in(std::uint64_t free, std::uint64_t total);
/// By the sizes that are known of drives and copies. Drives whose size is not known are left out.
Room room_by_catalog(const Stock& stock);

struct FireDrill {
  std::vector<ShootOutcome> shoots;  // worst first, then by date
  std::uint64_t lost = 0, uncounted = 0, one_copy = 0, below = 0, green = 0;
  std::uint64_t photos_lost = 0;
  std::uint64_t lost_before = 0;  // shoots among the lost ones that are lost already
  Fix keep_all;                   // so that nothing would be lost for good
  Fix keep_policy;                // so that the policy would be met
  /// The same, once everything that can be fetched and was not found damaged is checked, and found good.
  Fix keep_policy_once_checked;
};
/// `situation.without` are the drives that are gone.
FireDrill fire_drill(const Stock& stock, const Policy& policy, core::Time now, const Situation& situation,
                     const Room& room);

/// The drives that go with a place: those that are kept there; and where the place is not off-site also those that are
/// here instead of at their off-site place: they are with the others, wherever that is. Lent ones are elsewhere.
std::set<core::Uuid> drives_at(const Stock& stock, const catalog::Place& place, const std::set<core::Uuid>& plugged_in);

/// Volumes that have to get further copies, and where these may go; cheapest_fix.cpp.
struct Gap {
  const VolumeStatus* volume = nullptr;
  Policy wanted;
};
/// The fewest new drives, then the fewest bytes, then the fewest drives that make every gap meet what it wants. It is
/// the least for small shelves (up to about 16 drives with room, and a search that ends); else it is a good one.
Fix cheapest_fix(const Stock& stock, const std::vector<Gap>& gaps, const std::set<core::Uuid>& gone, const Room& room);

}  // namespace darkshelf::shelf
