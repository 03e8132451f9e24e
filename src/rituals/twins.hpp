#pragma once
// The other copies of a volume, and how they help one that went bad.

#include <set>

#include "rituals/examine.hpp"

namespace darkshelf::rituals {

/// How the copy of a volume on a drive was found last; nothing when the catalog knows of none there.
std::optional<catalog::CopyHealth> health_on(Context& context, const core::Uuid& volume, const core::Uuid& drive);

/// The plugged-in drive with the healthiest copy, `without` aside. Missing copies are none.
std::optional<AttachedDrive> best_twin(Context& context, const core::Uuid& volume, const std::set<core::Uuid>& without);

/// Are the volume's folder, its tagmanifest and all payload files there, each of the length it was sealed with? Nothing
/// is read; what cannot be looked at is not there.
bool has_all_files(Context& context, const AttachedDrive& drive, const catalog::Volume& volume);

/// Is there anything at this place? A drive that does not answer has nothing.
bool is_there(Context& context, const io::Path& place);

/// No copy is known on any other drive than these.
bool all_copies_on(Context& context, const core::Uuid& volume, const std::set<core::Uuid>& drives);

/// Another drive that holds a copy of a volume its own parity cannot mend, and the command that uses it.
struct HelpingDrive {
  std::string who;      // "2026-B (at bank box) holds a good copy"
  std::string command;  // "" when there is none
  bool plugged_in = false;
};
/// The best of the known copies, on other drives than `tried`. A volume that is there is mended from it, one that is
/// missing is copied anew; to a `failing_medium` nothing is written any more: the good copy goes to another drive.
HelpingDrive helper_for(Context& context, const catalog::Volume& volume, const catalog::Drive& drive,
                        const std::vector<core::Uuid>& tried, const Examination& examination, bool failing_medium);

}  // namespace darkshelf::rituals
