#pragma once
// Whether the journal of an interrupted repair may be carried out; for repair.cpp alone.
//
// Its hashes prove that its bytes are what somebody wrote into it, not that they are what was sealed: that only the
// volume's own checksums tell.

#include "rituals/repair_journal.hpp"

namespace darkshelf::rituals {

/// Throws kCorrupt unless every slice and every file that the journal writes to would be what was sealed afterwards,
/// compared with slices.sha256 and the seal that the catalog knows. So nothing that is intact is overwritten.
void require_sealed_bytes(Context& context, const RepairJournal& journal, const io::Path& journal_folder,
                          const catalog::Volume& volume, const io::Path& volume_folder);

/// The committed journal in `folder`. Throws kCorrupt when it cannot be used: what it would have mended is mended anew.
RepairJournal usable_journal(Context& context, const io::Path& folder, const catalog::Volume& volume,
                             const io::Path& volume_folder);

}  // namespace darkshelf::rituals
