#pragma once
// The three verbs of any PAR2 program over plain files: create, verify, repair. What `darkshelf par2` runs.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/work.hpp"
#include "io/file_system.hpp"

namespace darkshelf::parity {

struct CreateRequest {
  io::Path set;                 // "DIR/NAME.par2" or "DIR/NAME"; protected names are relative to DIR
  std::vector<io::Path> files;  // files or folders (walked); all must lie below DIR
  std::optional<std::uint64_t> slice_bytes;
  std::optional<std::uint32_t> slices;  // default 2,000
  std::optional<double> percent;        // default 5
  std::optional<std::uint32_t> recovery_slices;
  std::uint32_t first_exponent = 0;
  bool plan_only = false;  // nothing is computed or written
};
struct CreateReport {
  std::uint64_t slice_bytes = 0, bytes = 0;
  std::uint32_t slices = 0, recovery_slices = 0;
  std::vector<io::Path> written;
  std::vector<io::Path> skipped_empty;  // empty files are in no PAR2 set
  std::string plan;                     // how it was computed, and why so; some lines
};
CreateReport create_set(io::FileSystem& fs, const CreateRequest& request, const core::Work& work);

enum class FileState { kIntact, kDamaged, kMissing, kMisnamed };
struct VerifiedFile {
  std::string name;  // as the set has it
  io::Path found;    // where the content was found, if other than the name says
  FileState state = FileState::kIntact;
  std::uint64_t bytes = 0;
  std::vector<std::uint32_t> lost;  // slices (numbered within the file) found nowhere
};
struct VerifyReport {
  std::vector<VerifiedFile> files;
  std::uint32_t slices = 0, lost = 0;
  std::uint32_t recovery_slices = 0;                // sound ones
  std::uint64_t damaged_recovery_bytes = 0;         // in no sound packet of the set
  std::vector<std::string> damaged_recovery_files;  // their names
  bool intact() const;                              // every file intact and no recovery bytes damaged
  bool repairable() const { return lost <= recovery_slices; }
};
/// `extra`: files that may hold misnamed content. Slices that moved inside a file (bytes inserted or lost) are found.
/// Names that are absolute or climb out of the folder are refused with Error(kCorrupt).
VerifyReport verify_set(io::FileSystem& fs, const io::Path& set, const std::vector<io::Path>& extra,
                        const core::Work& work);

struct RepairReport {
  VerifyReport before;
  std::vector<std::string> repaired;  // names written anew or renamed
  std::vector<std::string> kept;      // what the damaged originals are called now ("NAME.1")
};
/// Rebuilds damaged and missing files: each is written to a temporary file, compared with its MD5, synced, and only
/// then put in place; the damaged original is kept as NAME.1 (.2 …). Throws Error(kUnrepairable) if too much is lost;
/// nothing is touched.
RepairReport repair_set(io::FileSystem& fs, const io::Path& set, const std::vector<io::Path>& extra,
                        const core::Work& work);

}  // namespace darkshelf::parity
