#pragma once
// Removing what macOS and Windows have left in darkshelf/ on a drive, and nothing else.

#include "rituals/context.hpp"

namespace darkshelf::rituals {

struct TidyReport {
  struct Entry {
    std::string path;  // below the drive's root
    std::uint64_t bytes = 0;
    std::string why;  // why it was left; "" for what was removed
    bool failed = false;
  };
  catalog::Drive drive;
  std::vector<Entry> removed, left;
  std::uint64_t bytes = 0;  // free now
};
/// Goes through darkshelf/ alone, but for quarantine, journals and volumes on their way. Never touched: what a seal
/// lists, whatever it is called; volumes whose lists cannot be had; names that are not litter's; a file "._NAME" whose
/// bytes are not macOS's. Links are removed, never followed. Throws kWrongDrive for a read-only drive, kFailed for a
/// failing medium.
TidyReport tidy(Context& context, const std::string& drive);

}  // namespace darkshelf::rituals
