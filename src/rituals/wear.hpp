#pragma once
// Asking the disk below a drive how it is (SMART), and what that means since the last visit.

#include "rituals/context.hpp"
#include "shelf/wear.hpp"

namespace darkshelf::rituals {

struct WearReport {
  std::optional<catalog::Wear> now;  // nothing: the disk did not tell
  shelf::WearVerdict verdict;        // of `now`; where it did not tell, of what the catalog knows of it
  std::string why_not, hint;         // why it did not tell, and what would help: told once a drive
  bool failing() const { return verdict.failing(); }
};

/// Asks the disk of an attached drive, records what it says and tells Context::on_wear. Never fails because of the disk
/// or smartctl.
WearReport look_at_wear(Context& context, const AttachedDrive& drive);

/// The same after work on the drive: what the work itself brought to light is recorded too, and judged against the
/// visit before; only if there is any it is told. A disk that did not answer `before` is not asked again.
WearReport look_again(Context& context, const AttachedDrive& drive, WearReport before);

}  // namespace darkshelf::rituals
