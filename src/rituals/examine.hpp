#pragma once
// Reading one volume on one drive and comparing every byte with its seal. Never writes. Scrub, repair, copy, restore,
// recover and the proof of a fresh seal all look at volumes through here.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "parity/set_reader.hpp"
#include "rituals/context.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::rituals {

/// kHealed: read wrong, and right when it was read again, so that nothing on the medium is damaged: the bus, the
/// controller or memory changed bytes on their way.
enum class FindingKind { kDamaged, kUnreadable, kMissing, kChanged, kForeign, kLitter, kHealed };
std::string_view name_of(FindingKind kind);

using catalog::SliceRange;

struct FileFinding {
  FindingKind kind = FindingKind::kDamaged;
  std::string path;                 // below the volume's folder
  std::vector<SliceRange> slices;   // payload files: which of the volume's slices
  std::uint64_t bytes = 0;          // bytes concerned (slices × size, or the file)
  std::uint64_t sectors = 0;        // of those, that the medium does not give (io::kSector)
  std::chrono::nanoseconds cost{};  // time lost over them
};

struct Examination {
  core::Uuid volume;
  io::Path folder;
  std::optional<volume::LoadedVolume> loaded;  // nothing: the volume is missing or its tag files cannot be had
  std::string failure;                         // why nothing was loaded
  std::vector<FileFinding> findings;
  std::vector<std::uint32_t> lost;                  // payload slices, ascending
  std::vector<formats::volume::Member> photos_hit;  // members (files) that overlap a lost slice, or whose header does
  std::uint64_t photos_hit_count = 0;               // as people count photos
  parity::PacketScan payload_parity;                // sound recovery slices of the payload set
  bool intact() const;                              // nothing is damaged, missing or too much
  bool repairable() const { return loaded && lost.size() <= payload_parity.recovery.size(); }
  bool readback_cached = false;      // caches could not be bypassed
  std::vector<SliceRange> read;      // of the payload, ascending
  bool everything_else_read = true;  // recovery data too
  bool stopped = false;              // Portion::stop said so
  std::uint64_t bytes_read = 0;
};

enum class Depth {
  kEverything,   // every byte: payload, tag files, recovery data
  kPayloadOnly,  // payload slices and tag files; recovery data only located when something is lost
};

/// Told every intact payload slice (unpadded) from one thread, in slice order but for those that are had only after
/// the file's end was reached, behind a run of unreadable ones: what a proof computes along with the reading.
using SliceObserver = std::function<void(std::uint32_t slice, core::ByteSpan bytes)>;

/// What of a volume a visit reads, when it goes on from another or its time is limited. Tag files always are.
struct Portion {
  std::vector<SliceRange> slices;  // of the payload, ascending
  bool everything_else = true;     // recovery data
  std::function<bool()> stop;      // asked between buffers; true leaves the rest for another visit
};

/// `known`: from the catalog, or nothing (the volume's own seal is believed then). Mismatches are read again before
/// they are believed. Throws kDriveGone (io::DriveGuard sees to it), kCancelled.
Examination examine(Context& context, const io::Path& folder, const core::Uuid& volume,
                    const std::optional<volume::KnownSeal>& known, Depth depth, io::ReadMode mode,
                    const SliceObserver& on_slice = {}, const Portion* portion = nullptr);

/// The seal as the catalog has it.
std::optional<volume::KnownSeal> known_seal(const std::optional<catalog::Volume>& volume);

}  // namespace darkshelf::rituals
