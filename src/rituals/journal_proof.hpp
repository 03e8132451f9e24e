#pragma once
// Whether the journal of an interrupted repair may be carried out; for repair.cpp alone.
//
// Its hashes prove that its bytes are what somebody wrote into it, not that they are what was sealed: that only the
// volume's own checksums tell.

#include "rituals/elsewhere.hpp"
#include "rituals/repair_journal.hpp"

namespace darkshelf::rituals {

/// The committed journal in `folder`. Every slice and every file that it writes to would be what was sealed afterwards,
/// compared with slices.sha256 and the seal that the catalog knows; so nothing that is intact is overwritten. Throws
/// kCorrupt when it would not, or is damaged: what it would have mended is mended anew. What keeps it from being
/// compared is no verdict: kUnrepairable where the volume's lists cannot be had (`elsewhere` may have them), and what
/// reading throws.
RepairJournal usable_journal(Context& context, const io::Path& folder, const catalog::Volume& volume,
                             const io::Path& volume_folder, const Elsewhere& elsewhere);

}  // namespace darkshelf::rituals
