#pragma once
// What verify learns and repair needs; for par2_*.cpp alone.

#include <optional>
#include <utility>

#include "parity/par2_files.hpp"
#include "parity/set_reader.hpp"

namespace darkshelf::parity {

/// Where an intact slice lies.
struct SlicePlace {
  io::Path file;
  std::uint64_t offset = 0;
};

/// One file, however many paths lead to it: device and inode.
using FileIdentity = std::pair<std::uint64_t, std::uint64_t>;
inline FileIdentity identity_of(const io::Stat& stat) { return {stat.device, stat.inode}; }

struct SetState {
  PacketScan scan;
  std::vector<NumberedFile> files;
  io::Path folder;  // names are relative to it
  VerifyReport report;
  std::vector<std::optional<SlicePlace>> slices;  // by number
};

SetState look_at_set(io::FileSystem& fs, const io::Path& set, const std::vector<io::Path>& extra,
                     const core::Work& work);

/// Whether a file is the protected one; reads all of it, or says no at once where the length differs. All slices in
/// place prove it (slice_check.hpp) together with the digest of the head; the MD5 of all of it decides where checksums
/// of slices are missing, or where the set holds two packets about the file that differ, since they may come from two
/// versions of it.
bool is_whole_file(io::File& there, const NumberedFile& file, const SetState& state, const core::Work& work);

/// A name from a set as a path below `folder`; throws kCorrupt when it would lead out of it.
io::Path place_of(const io::Path& folder, const std::string& name);

}  // namespace darkshelf::parity
