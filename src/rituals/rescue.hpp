#pragma once
// Volumes back from a medium that has lost its file system: formatted, partly overwritten, or its beginning gone. The
// medium is read as plain bytes and never written to.

#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "core/work.hpp"
#include "io/block_devices.hpp"
#include "io/raw_medium.hpp"

namespace darkshelf::rituals {

/// As a Context, but there may be no catalog on this machine.
struct RescueContext {
  io::FileSystem& fs;
  core::World& world;
  core::Work work;
  catalog::Catalog* catalog = nullptr;
};

struct RescueRequest {
  io::Path source;                    // a device or an image of one
  std::optional<io::Path> to;         // nothing: only look
  std::vector<digest::Sha256> seals;  // --seal
};

enum class RescueState {
  kRescuable,     // enough of it was found; without a folder to write to no more is done
  kRescued,       // every byte of it was written, read back and fits its own lists
  kPayloadOnly,   // its photos were written and fit the parity's MD5; the lists of the volume are lost
  kBeyond,        // more is lost than the parity can rebuild
  kWithoutLists,  // the lists that tell what it must be like cannot be rebuilt
  kFailed         // enough of it was found, and its files could not be written
};
std::string_view name_of(RescueState state);
enum class SealCompared { kNot, kFits, kDiffers };

struct RescuedVolume {
  std::string name;  // "2026-06-14_smith-wedding_1of7"
  std::optional<formats::volume::BagInfo> info;
  std::uint64_t bytes = 0;                            // of the payload
  std::uint32_t slices = 0, found = 0, recovery = 0;  // recovery slices that are sound
  RescueState state = RescueState::kRescuable;
  std::string failure;  // why not, in a sentence
  SealCompared seal = SealCompared::kNot;
  std::string seal_hex;       // once it is rebuilt
  io::Path folder;            // where it was put
  std::uint32_t rebuilt = 0;  // slices, from parity
  bool there_before = false;  // by an earlier run
};

struct RescueReport {
  std::uint64_t bytes = 0;             // of the medium
  std::vector<RescuedVolume> volumes;  // by name
  std::vector<std::string> was;        // labels of the drive that this must have been, by its serial
  std::vector<std::string> not_found;  // volumes the catalog knows on it, of which nothing was found
  std::uint64_t other_sets = 0;        // PAR2 sets of other things
  std::uint64_t without_index = 0;     // sets of which no index was found: what they protected is not known
  std::uint64_t unusable_sets = 0;     // sets whose file names no file system can hold, or lead elsewhere
  std::uint64_t bad_bytes = 0;         // could not be read
  std::uint64_t read_anew = 0;         // could not be read by the runs before, and now were
  std::uint64_t needed = 0;            // to write all of it
  std::string label;                   // of the drive that the folder has become; "" if nothing was written
  bool resumed = false;
  std::string damage;  // why what an earlier run had learnt was looked for again; ""
};

/// Two passes over the medium: PAR2 packets, then the slices they tell of, which are written to the folder as they are
/// found; then tag files and payloads are rebuilt. What was learnt is kept in `to`/rescue, and the same request goes
/// on where it stopped; once it is finished, it asks again for what could not be read. Throws kInUse (mounted for
/// writing, or another process rescues to the same folder), kUsage (no medium; `to` is on it), kNoSpace (told before
/// any volume is written), kDriveGone, kCancelled.
RescueReport rescue(RescueContext& context, const RescueRequest& request);

/// A disk of this machine, and which known drive it may be.
struct RescueDevice {
  io::BlockDevice device;
  std::vector<std::string> was;   // labels: its serial is known
  std::vector<std::string> like;  // labels: as large as these, whose serials are not known
};
std::vector<RescueDevice> rescue_devices(RescueContext& context, const io::DeviceTree& tree = {});

}  // namespace darkshelf::rituals
