#pragma once
// Which drive to fetch next, why, and how long it takes. Pure: no I/O but questions to the catalog.

#include "shelf/policy.hpp"

namespace darkshelf::shelf {

/// Why a drive is wanted; the most urgent first.
enum class Cause {
  kFailing,      // its medium is: copy it to another
  kDamaged,      // copies on it are, and nobody mended them
  kOverdue,      // some of its copies count no more: the grace is over, or nobody knows when they were read
  kNeverProven,  // some of its copies were never read back
  kWearing,      // its disk tells of things that get worse
  kDue,          // a check is due, and all still counts
  kIncomplete,   // the last check was cut short
  kLentLong,     // it was lent a year ago
};
std::string_view name_of(Cause cause);

struct Reason {
  Cause cause;
  std::string text;  // "its last check was on 3 Mar 2026, due since 2 months"
};
struct DueDrive {
  catalog::Drive drive;
  std::vector<Reason> reasons;  // the most urgent first; none: it is not due yet
  core::Time due{};             // when its check is (or was); of a lent drive: when it was lent for a year
  std::uint64_t bytes = 0;      // that a check reads
  std::chrono::seconds takes{};
  std::string rate;  // what that goes by: "at 140 MB/s, as its last checks", "at 120 MB/s, assumed"
  bool is_due() const { return !reasons.empty(); }
  std::string why() const;
};

/// What the catalog tells of drives besides the stock.
struct History {
  std::map<core::Uuid, std::vector<catalog::Visit>> visits;  // newest first
  std::map<core::Uuid, core::Time> lent_since;
  std::map<core::Uuid, std::string> wear_news;  // what got worse of those that are not failing; "" if nothing
};
History take_history(catalog::Catalog& catalog, const Stock& stock);

/// Drives with copies that somebody can have: those that are due by urgency, then the others by their date. Drives that
/// are lost, failed, retired or destroyed are nobody's to fetch; of discarded shoots no check is due.
std::vector<DueDrive> due_drives(const Stock& stock, const History& history, const Policy& policy, core::Time now);

}  // namespace darkshelf::shelf
