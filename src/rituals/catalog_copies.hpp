#pragma once
// The copies of a catalog that a drive carries: which of them this machine's catalog knows all of, and which were
// written by somebody else. What they hold is never taken in unasked: facts cannot be taken back, and whoever had the
// drive may have written them.

#include "rituals/examine.hpp"

namespace darkshelf::rituals {

/// A copy of a drive, brought beside this machine's catalog: SQLite never reads from a drive, so that a drive that does
/// not answer is the guard's to tell. Removed when it goes.
class BroughtCopy {
 public:
  BroughtCopy(Context& context, const io::Path& copy);
  ~BroughtCopy();
  BroughtCopy(const BroughtCopy&) = delete;
  BroughtCopy& operator=(const BroughtCopy&) = delete;

  const digest::Sha256& sha256() const { return sha256_; }
  /// As Catalog::merge and unknown_in; errors name the copy on the drive.
  catalog::Catalog::Merged merge();
  catalog::Catalog::Merged unknown();

 private:
  template <typename Work>
  catalog::Catalog::Merged naming_it(Work work);
  void remove();

  Context& context_;
  io::Path copy_, local_;
  digest::Sha256 sha256_{};
};

/// n of "catalog-<n>.db" as this program writes it; nothing for any other name.
std::optional<std::uint64_t> copy_number(const std::string& name);
/// Of fifteen digits: no drive is visited as often, and one more is a number still.
inline constexpr std::uint64_t kLastCopy = 999'999'999'999'999;

/// Leaves a note where the copy that CURRENT names knows what is not known here. Nothing is said of damaged ones.
void note_unknown_facts(Context& context, const AttachedDrive& drive);

/// The copies that CURRENT does not name: damaged and unreadable ones, with paths below the drive's root; for those
/// with unknown facts a note is left. `current`: the name in CURRENT, "" if none.
std::vector<FileFinding> examine_other_copies(Context& context, const AttachedDrive& drive, const std::string& current);

/// May it be removed: is all it holds known here, or can nobody read it?
bool is_dispensable(Context& context, const AttachedDrive& drive, const std::string& name);
/// This catalog wrote it, or has found nothing new in it.
void remember_copy(Context& context, const AttachedDrive& drive, const std::string& name, const digest::Sha256& sha256);

}  // namespace darkshelf::rituals
