#pragma once
// How damage is told: in photos and shoots, with what to do next.

#include "cli/session.hpp"
#include "rituals/scrub.hpp"

namespace darkshelf::cli {

/// Anything but litter and foreign files.
bool is_damage(const rituals::FileFinding& finding);
Json finding_json(const rituals::FileFinding& finding);
void print_damage(Session& session, const catalog::Volume& volume, const rituals::Examination& found);
std::string next_step(const rituals::ScrubReport& report, const std::string& label);

}  // namespace darkshelf::cli
