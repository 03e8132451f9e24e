#pragma once
// The steps of a seal that lie in files of their own; for seal*.cpp and copy.cpp alone.

#include <set>

#include "io/fan_out.hpp"
#include "rituals/elsewhere.hpp"
#include "rituals/examine.hpp"
#include "rituals/photo_records.hpp"
#include "rituals/seal.hpp"

namespace darkshelf::rituals {

/// Decides what to do with a scanned shoot: new, an interrupted seal to go on with, sealed already, changed; cuts and
/// names its volumes. An interrupted seal of the very same files keeps its ids, so that what is on drives already is
/// recognised.
ShootPlan recognise(Context& context, const SealRequest& request, formats::volume::Layout layout,
                    volume::SourceShoot source);

/// Bytes, files and photos of the entries that are left.
void count_again(volume::SourceShoot& source);

/// The plan of a shoot is recorded before the first byte of it is written.
void plan_into_catalog(Context& context, const Plan& plan, const ShootPlan& shoot);

/// Throws kWrongDrive when the drive is read-only, its medium failing, or it is lent, or marked as lost, failed,
/// retired or destroyed.
void require_writable(Context& context, const AttachedDrive& drive);

/// "2026/2026-06-14_smith-wedding_k7f3p_1of7": below darkshelf/.
std::string folder_below(const formats::volume::BagInfo& info);

/// For the report: why a drive dropped out, and what was found of photos on the way.
SealReport::Failure failure_of(const std::string& label, std::exception_ptr error);
void tell_pictures(SealReport& report, const PhotoRecords::Gathered& photos);

/// Which of the drives hold the finished folder of this volume.
std::set<std::size_t> already_in_place(Context& context, const formats::volume::BagInfo& info,
                                       const std::vector<DriveLoad>& drives);

/// `.incoming` folder of a volume on a drive.
io::Path incoming_folder(const AttachedDrive& drive, const core::Uuid& volume);

/// What killed runs left in .incoming, whichever they were; the drive's lock is held, so nobody is at work on it. A
/// volume the catalog knows there and that is not in its place is none of it: a discard was killed before that was
/// recorded, and goes on itself.
std::vector<io::Path> half_made(Context& context, const AttachedDrive& drive);

/// What was written into every live target, complete but not yet proven.
struct WrittenVolume {
  formats::volume::BagInfo info;
  std::vector<formats::volume::Member> members;
  std::string tagmanifest;
  digest::Sha256 seal{};
  std::string signature;  // its file, "" if unsigned
  std::uint64_t bytes_on_drive = 0;
  std::uint64_t bytes_read = 0;
  std::string parity_plan;
  PhotoRecords::Gathered photos;
};

/// One part of a shoot, as it is going to be written: entries in order, without those left out so far.
struct VolumeToWrite {
  formats::volume::BagInfo info;
  std::vector<volume::SourceEntry> entries;
  volume::CutOptions options;
  const sign::SigningKey* key = nullptr;  // signs the seal
  PhotoRecords* photos = nullptr;         // is given what is read; null: nothing is kept of photos
};

/// Promise 2 for one drive: every byte read back with caches bypassed and compared with the seal, every recovery packet
/// checked, and a few recovery slices recomputed by the definition. One thread at a time.
class Proof {
 public:
  Proof(Context& context, io::Path folder);
  Proof(const Proof&) = delete;
  Proof& operator=(const Proof&) = delete;
  ~Proof();

  /// The payload, once it is written, while its parity is still being made; its lists are those that will be written.
  /// Syncs it first. `stop` true ends it early: finish() then reads it. Throws kCorrupt when anything differs.
  void read_payload(const volume::LoadedVolume& lists, const std::function<bool()>& stop);
  /// All that has not been read back yet. Throws kCorrupt when anything differs. Returns whether a cache may have
  /// answered.
  bool finish(const WrittenVolume& written);

 private:
  struct State;
  std::unique_ptr<State> state_;
};
/// All of it, of a folder that was written before.
bool prove(Context& context, const io::Path& folder, const WrittenVolume& written);

/// Reads the source once and writes payload, parity and tag files through `targets` (roots: the incoming folders, which
/// exist and are empty), then syncs every live one. `proofs`, one a target, read the payload back meanwhile; a target
/// that gives back something else is dropped. Entries that changed, vanished or cannot be read are left out and
/// added to info.left_out; when that can only be done from the start (a large file, layout files) nothing is returned:
/// call again with empty folders and the reduced `part`.
std::optional<WrittenVolume> write_volume(Context& context, VolumeToWrite& part, io::FanOut& targets,
                                          const std::vector<std::unique_ptr<Proof>>& proofs);

/// Every file of a volume has the time of its sealing, on every drive, so that one that got lost can be made again as
/// it was; photos of layout files have their own.
void give_sealed_times(io::FileSystem& fs, const io::Path& folder, const formats::volume::BagInfo& info);

/// Moves a proven volume from .incoming to its place: second copy of the seal, rename, fsync of both parents. A bad
/// copy that stands there moves to quarantine with kReplace; with kEmpty nothing may stand there.
enum class Place { kEmpty, kReplace };
void put_in_place(Context& context, const AttachedDrive& drive, const catalog::Volume& volume, Place place);

/// Before the first byte of a copy is written: throws kNoSpace when the target has no room for all that is not there.
void check_room_for_all(Context& context, const std::vector<catalog::Volume>& volumes, const AttachedDrive& target);

/// What prove() compares a folder with when nothing was written just now.
WrittenVolume as_written(const catalog::Volume& volume);

/// The folder of a volume, and the drive it is on: null for one that is staged.
struct CopySource {
  io::Path folder;
  const catalog::Drive* drive = nullptr;  // what has to be mended on the way is recorded as damage on it
};

/// A copy of one volume from `source` (any drive) onto `target`, mended on the way (with `others` where its own parity
/// does not suffice), read back and proven; recorded. A bad copy that stands in its place gives way to the proven one,
/// and is kept in quarantine. Throws kUnrepairable or kCorrupt when the source is to blame, kFailed when what was
/// written does not read back.
struct CopiedBytes {
  std::uint64_t bytes = 0, mended_slices = 0;
  bool mended = false, readback_cached = false, replaced = false;
  std::vector<std::string> helpers;  // labels of others that slices were taken from
  std::string signature;             // that came along
};
CopiedBytes copy_volume(Context& context, const catalog::Volume& volume, const CopySource& source,
                        const Elsewhere& others, const AttachedDrive& target);

/// The same into a folder of this machine, `staged`, which appears only when it is whole; not recorded.
CopiedBytes stage_volume(Context& context, const catalog::Volume& volume, const CopySource& source,
                         const Elsewhere& others, const io::Path& staged);

}  // namespace darkshelf::rituals
