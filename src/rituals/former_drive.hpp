#pragma once
// A medium that was an archive drive, and was emptied or formatted: what is written to it may destroy what can still be
// rescued.

#include "rituals/context.hpp"

namespace darkshelf::rituals {

/// Throws kWrongDrive when the evidence says that a known drive lay at `root`, which holds none now. From then on its
/// copies count as missing, unless its serial number alone speaks for it.
void require_no_former_drive(Context& context, const io::Path& root);
/// The same of one drive that is nowhere plugged in, wherever something is mounted.
void look_for_former_drive(Context& context, const catalog::Drive& drive);

}  // namespace darkshelf::rituals
