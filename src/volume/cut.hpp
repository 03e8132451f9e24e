#pragma once
// Cutting a shoot into volumes at file borders, and the sizes that follow from it.

#include <cstdint>
#include <vector>

#include "volume/scan.hpp"

namespace darkshelf::volume {

struct CutOptions {
  formats::volume::Layout layout = formats::volume::Layout::kTar;
  std::uint64_t volume_bytes = std::uint64_t{8} << 30;
  double parity_percent = 10;
};

struct Sizes {
  std::uint64_t payload_bytes = 0;  // tar: upper bound, exact when nothing is left out while sealing
  std::uint64_t slice_bytes = 0;    // max(4096, payload / 32768 rounded up to 4096); layout files: until the slices fit
  std::uint32_t slices = 0, recovery_slices = 0;  // max(16, percent), never more than 65535
  std::uint64_t bytes_on_drive = 0;               // estimate of everything, parity and tag files included (upper bound)
  std::uint64_t largest_file = 0;                 // largest single file the volume puts on a drive
};

struct CutVolume {
  std::vector<std::size_t>
      entries;  // into SourceShoot::entries; folders stand in every part that has something in them
  Sizes sizes;
};

/// At least one volume. A file larger than the volume size gets one of its own; no file is ever cut; hard links stay
/// with the file they name, or become full copies (the member's type is changed to kFile in `shoot`) when a part border
/// falls between. Layout files refuses names that no BagIt reader and other system can take (%, \, control characters,
/// not UTF-8, a Windows-reserved name) with Error(kUsage) naming the file and `--layout tar`; symlinks and empty
/// folders are kept in members.jsonl alone.
std::vector<CutVolume> cut_into_volumes(SourceShoot& shoot, const CutOptions& options);

Sizes sizes_for(const std::vector<formats::volume::Member>& members, const CutOptions& options);

}  // namespace darkshelf::volume
