#pragma once
// How the wear of a drive's disk is told.

#include "cli/session.hpp"
#include "rituals/wear.hpp"

namespace darkshelf::cli {

/// What changed since the last visit, whether the medium is failing, and (once) why the disk does not tell.
void tell_wear(Output& out, const catalog::Drive& drive, const rituals::WearReport& report);
/// The counts of a reading by their names, null where the disk does not tell.
Json wear_json(const catalog::Wear& wear);
/// "The medium is failing: do not write to it. Next: darkshelf copy …".
std::string next_for_failing(const catalog::Drive& drive);

}  // namespace darkshelf::cli
