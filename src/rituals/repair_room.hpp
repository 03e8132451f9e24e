#pragma once
// Where a repair puts its journal, and whether there is room for what it is going to write; for repair.cpp alone.

#include "rituals/repair.hpp"

namespace darkshelf::rituals {

/// The folder of journals, made if it is one of --work. Throws kUsage when that cannot be used.
io::Path folder_of_journals(Context& context, const AttachedDrive& drive, const std::optional<io::Path>& work);

/// Throws kNoSpace, before anything is written, with what helps: another folder for the journal if that is enough,
/// room on the drive otherwise.
void require_room(Context& context, const AttachedDrive& drive, const Examination& examination,
                  const std::optional<io::Path>& work, const io::Path& journals);

}  // namespace darkshelf::rituals
