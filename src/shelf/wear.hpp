#pragma once
// What a disk says of its wear: understanding smartctl, and judging what changed since the last visit. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "catalog/wear.hpp"

namespace darkshelf::shelf {

/// The answer of `smartctl --json --all DEVICE`.
struct SmartAnswer {
  enum class Kind {
    kRead,      // the disk has told
    kDenied,    // this user may not ask it
    kAbsent,    // it does not tell: a virtual disk, a USB bridge that passes nothing on, SMART switched off
    kNonsense,  // this is no answer of smartctl
  };
  Kind kind = Kind::kNonsense;
  catalog::Wear wear;   // but `read`
  std::string message;  // smartctl's own words, "" if it has none
};
/// Nothing in `json` is trusted: fields of other types, sizes or names are as if they were not there.
SmartAnswer smart_answer(std::string_view json);

struct WearVerdict {
  std::vector<std::string> causes;  // why the medium is failing, each visit anew: "12 reallocated sectors, 0 at …"
  std::vector<std::string> news;    // other things that changed since the last visit
  std::vector<std::string> worse;   // those of the news that tell of the medium, not of cable or air
  bool failing() const { return !causes.empty(); }
  /// "12 reallocated sectors, 0 at the last check on 3 Mar 2026; …"; "" if it is not failing.
  std::string why() const;
};
/// `earlier`: what was read at earlier visits, newest first; readings of other disks are passed over. Failing is a
/// disk that says so itself, that has sectors it cannot read, or whose count of sectors or blocks lost for good has
/// grown since darkshelf first saw it.
WearVerdict judge_wear(const std::vector<catalog::Wear>& earlier, const catalog::Wear& now);
/// As the last of them tells, all by itself; not failing if there are none.
WearVerdict judge_wear(const std::vector<catalog::Wear>& newest_first);

/// "34,120 hours, 34 °C, 12 reallocated sectors": what a person may want to know of it.
std::string describe_wear(const catalog::Wear& wear);

}  // namespace darkshelf::shelf
