#pragma once
// Who can help a repair: the drive named behind --with, a parcel, and the drives that are known to hold copies; for
// repair.cpp alone.

#include "rituals/parcel_file.hpp"
#include "rituals/repair.hpp"

namespace darkshelf::rituals {

/// Throws kWrongDrive for a drive that nothing can be written to, or nothing ever is. One whose identity the medium
/// does not give is no case for this: what is wrong with it is told volume by volume.
void require_repairable(const AttachedDrive& drive);

class RepairHelp {
 public:
  /// Throws kUsage when the twin is the drive itself, or neither twin nor parcel has any of its volumes.
  RepairHelp(Context& context, const AttachedDrive& drive, const RepairRequest& request);

  Elsewhere for_volume(const catalog::Volume& volume) const;
  /// What of `volumes` a parcel is for; nothing without one.
  std::optional<std::vector<core::Uuid>> only() const { return only_; }
  /// A sentence about the twin that is no reason to stop; "" if there is none.
  const std::string& note() const { return note_; }
  /// What else helps a volume that could not be mended: "; 2026-B … Type: …", or "".
  std::string what_else(const catalog::Volume& volume, const Examination& examination, bool failing_medium);
  /// The commands it has told of, each once.
  const std::vector<std::string>& commands() const { return commands_; }

 private:
  void require_common_volumes(const std::vector<catalog::Volume>& volumes) const;
  std::string same_disk_note() const;

  Context& context_;
  const AttachedDrive& drive_;
  std::optional<AttachedDrive> twin_;
  std::shared_ptr<const ParcelFile> parcel_;
  std::optional<std::vector<core::Uuid>> only_;
  std::string note_;
  std::vector<std::string> commands_;
};

}  // namespace darkshelf::rituals
