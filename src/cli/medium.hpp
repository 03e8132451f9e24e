#pragma once
// What a scrub tells of the medium itself and of the way to it, apart from what it found on it.

#include "cli/session.hpp"
#include "rituals/scrub.hpp"

namespace darkshelf::cli {

/// At once, while everything else is still being read.
void print_first_look(Output& out, const catalog::Drive& drive, const rituals::FirstLook& look);
/// Sectors that cannot be read and what they cost, bytes that healed when they were read again, a clock that is behind.
void print_medium(Output& out, const rituals::ScrubReport& report);
/// For scrub_report.
void put_medium(Json& object, const rituals::ScrubReport& report);
/// " (3 sectors, 12 s)" behind a file that is told as unreadable; "" if there are none.
std::string sectors_of(const rituals::FileFinding& finding);

}  // namespace darkshelf::cli
