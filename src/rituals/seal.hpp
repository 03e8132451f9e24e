#pragma once
// The yearly ritual: plan → write → read back → prove → declare.

#include "rituals/pictures.hpp"
#include "sign/sign.hpp"
#include "volume/cut.hpp"
#include "volume/scan.hpp"

namespace darkshelf::rituals {

struct SealRequest {
  std::vector<io::Path> shoots;
  std::vector<std::vector<std::string>> targets;  // each --to: drives in order; together one full copy
  unsigned each = 0;                              // --each[=DEPTH]: every subfolder at that depth is a shoot
  bool as_one = false;                            // --each=0: each argument is one shoot even if it looks like a year
  std::string date, name;                         // for a single shoot; "" : from the folder
  double parity_percent = 10;
  std::uint64_t volume_bytes = std::uint64_t{8} << 30;
  std::optional<formats::volume::Layout> layout;  // nothing: the policy's
  std::vector<std::string> excludes;
  bool update = false;  // seal new and changed files of shoots that are sealed already
  bool again = false;   // seal everything once more
};

enum class ShootPlanKind {
  kNew,
  kResumed,  // an earlier seal of it was interrupted
  kUpdated,
  kAgain,
  kSealed,         // sealed already, nothing to do
  kMissingCopies,  // sealed already, but not on every drive named: copied from a drive that is here
};
struct ShootPlan {
  ShootPlanKind kind = ShootPlanKind::kNew;
  volume::SourceShoot source;
  std::vector<volume::CutVolume> volumes;
  std::vector<formats::volume::BagInfo> infos;  // one a volume, without what only sealing knows
  std::string fingerprint;                      // of what is sealed and how: tells whether a plan can be resumed
  core::Uuid group;                             // the shoot as sealed by this plan
  core::Time planned{};
  std::vector<std::vector<std::size_t>> drives;   // a volume: indices into Plan::drives
  std::optional<core::Uuid> same_as;              // shoot it was recognised as
  std::vector<std::string> added, changed, gone;  // against what is sealed
  std::vector<core::Uuid> to_copy;                // kMissingCopies: volumes
  PictureLook pictures;                           // of what is going to be sealed
  std::vector<std::string> notes;                 // "the same files are sealed as …", where its date comes from
};
struct DriveLoad {
  AttachedDrive drive;
  std::uint64_t bytes = 0, volumes = 0;  // that this plan puts there
  std::uint64_t free = 0, reserve = 0;   // reserve: largest volume + catalog copy + 1 %
};
struct Plan {
  std::vector<ShootPlan> shoots;
  std::vector<DriveLoad> drives;
  std::vector<io::Path> loose;                     // pictures in no shoot
  std::vector<std::string> notes;                  // "2026-A and 2026-B are on one disk: they count once"
  std::uint64_t bytes = 0, photos = 0, files = 0;  // of the source
  std::chrono::seconds estimate{};                 // until done
  std::string parity_plan;                         // how parity of the largest volume will be computed, for -v
  SealRequest request;
};
/// Looks at everything, writes nothing but drive visits. Throws kUsage (year folder, target inside a source, empty
/// shoot, …), kNotFound, kNoSpace (needed and free, a drive each), kDriveAbsent, kWrongDrive.
Plan plan_seal(Context& context, const SealRequest& request);

struct SealedVolume {
  formats::volume::BagInfo info;
  digest::Sha256 seal{};
  std::vector<std::string> drives;  // labels it was proven on
  std::uint64_t bytes_on_drive = 0;
  bool resumed = false;   // stood there already, proven again
  std::string signed_by;  // id of the key, "" if it is unsigned
};
struct SealReport {
  std::vector<SealedVolume> volumes;
  std::vector<std::string> skipped;                // shoots sealed already
  std::vector<formats::volume::LeftOut> left_out;  // changed, vanished or unreadable while sealing: exit 3
  struct Failure {
    std::string drive, sentence;
    core::Code code = core::Code::kFailed;
    std::string hint = {};
  };
  std::vector<Failure> failures;             // drives that dropped out; the others count
  std::vector<PictureFinding> pictures;      // sealed as they are, and not what their names say
  std::uint64_t photos_read = 0;             // of which metadata are kept
  std::string without_metadata;              // why nothing could be read from any photo; "" if it could
  std::vector<std::string> readback_cached;  // drives whose reads could not bypass caches
  std::vector<std::string> cleaned;          // half-made volumes of an earlier run that were removed
  std::uint64_t bytes_read = 0, bytes_written = 0;
  std::string parity_plan;  // how parity was computed, for -v
};
/// `key`: what signs every seal; null leaves them unsigned.
SealReport seal(Context& context, Plan plan, const sign::SigningKey* key = nullptr);

}  // namespace darkshelf::rituals
