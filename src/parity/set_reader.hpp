#pragma once
// Reading PAR2 sets: whatever sound packets are in whatever files, in any order, at any offset.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/work.hpp"
#include "formats/par2/packets.hpp"
#include "io/file_system.hpp"

namespace darkshelf::parity {

/// Where one sound recovery slice lies.
struct RecoveryLocation {
  std::size_t file = 0;  // into PacketScan::files
  std::uint64_t data_offset = 0;
  std::uint16_t exponent = 0;
};
/// Bytes of a scanned file that belong to no sound packet of the set.
struct BadRange {
  std::size_t file = 0;
  std::uint64_t offset = 0, bytes = 0;
  bool unreadable = false;  // the medium gave an error there
};

/// All that was learnt from a list of .par2 files.
struct PacketScan {
  std::vector<io::Path> files;
  formats::par2::Md5 set_id{};
  std::optional<formats::par2::Main> main;
  std::map<formats::par2::Md5, formats::par2::FileDescription> descriptions;
  std::map<formats::par2::Md5, formats::par2::FileSlices> slices;
  std::set<formats::par2::Md5> contradicted;  // files with two descriptions, or checksums, that differ
  std::vector<RecoveryLocation> recovery;     // one per exponent, ascending
  std::string creator;
  std::vector<BadRange> bad;  // damaged, unknown or foreign bytes between the sound packets
};

/// Scans files in order; the first sound packet's set id wins, other sets are bad ranges. Files that cannot be opened
/// are one bad range of 0 bytes with unreadable set. Memory is bounded by the critical packets (at most ~4 MB a set)
/// and a run of recovery packets (at most 9 MiB), whose MD5s are computed side by side.
PacketScan scan_packets(io::FileSystem& fs, const std::vector<io::Path>& files, io::ReadMode mode,
                        const core::Work& work);

/// The .par2 files that belong with `any` (an index, or any volume of the set): itself first, the rest by name.
std::vector<io::Path> files_of_set(io::FileSystem& fs, const io::Path& any);

/// The protected files with their place in the numbering. Throws core::Error(kCorrupt) when main or a description is
/// missing.
struct NumberedFile {
  formats::par2::FileDescription description;
  std::uint32_t first_slice = 0;
  std::uint32_t slice_count = 0;
  const formats::par2::FileSlices* checksums = nullptr;  // null when the packet is missing
};
std::vector<NumberedFile> numbered_files(const PacketScan& scan);

}  // namespace darkshelf::parity
