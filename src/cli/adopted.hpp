#pragma once
// How what was adopted stands beside everything else, for `adopt` and for whoever asks of the drive later.

#include "catalog/catalog.hpp"
#include "cli/session.hpp"
#include "rituals/scrub.hpp"

namespace darkshelf::cli {

/// The only copies, what is elsewhere and not here, what differs; and where all of the drive is elsewhere, whether it
/// may be retired by the policy. Text and JSON.
void tell_standing(Session& session, const catalog::Drive& drive, const std::vector<catalog::ShootStanding>& standing);

/// What a check says of what was adopted; nothing where nothing was. Returns the exit code it amounts to.
int tell_adopted_check(Session& session, const rituals::ScrubReport& report);

}  // namespace darkshelf::cli
