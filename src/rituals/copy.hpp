#pragma once
// Another copy of sealed volumes: byte-identical, mended from parity on the way, read back and proven.

#include <set>

#include "rituals/examine.hpp"

namespace darkshelf::rituals {

struct CopyRequest {
  std::vector<std::string> what;  // DRIVE, SHOOT or VOLUME
  bool missing = false;           // --missing: everything that lacks a copy by the policy
  std::string from;               // DRIVE; "": any that is plugged in
  std::string to;                 // DRIVE
  std::optional<io::Path> via;    // --via DIR: volumes wait here when source and target cannot be plugged in together
};
struct CopiedVolume {
  catalog::Volume volume;
  std::string from;  // label
  std::uint64_t mended_slices = 0;
  std::vector<std::string> helpers;  // labels of other copies it was mended from
  bool mended = false, already_there = false;
  bool replaced = false;  // a bad copy stood there; it is kept in quarantine
};
struct CopyReport {
  std::string to;
  std::vector<CopiedVolume> volumes;
  std::vector<std::pair<catalog::Volume, std::string>> failed;  // and why
  std::vector<catalog::Volume> absent;                          // on no drive that is plugged in
  std::vector<std::string> left;                                // drives that left meanwhile, or do not answer: why
  std::vector<CopiedVolume> staged;                             // wait in --via for the target, which is not here
  std::set<core::Uuid> kept;                                    // failed ones that wait in --via all the same
  std::vector<catalog::Volume> waiting;                         // --via has no room for them yet
  bool readback_cached = false;
  std::string not_refreshed;  // why the catalog copy on the drive is not; "" if it is
  std::uint64_t bytes = 0;
};
/// With `via` and the target not plugged in, volumes are copied into DIR/darkshelf-via, whole and mended, and from
/// there to the target when the same command is typed with the target plugged in.
CopyReport copy(Context& context, const CopyRequest& request);

/// A drive by its label, its id, or the path where it is mounted.
std::optional<catalog::Drive> named_drive(Context& context, const std::string& text);
/// The volumes of a drive, a volume, or those of a shoot. Throws kNotFound, kUsage.
std::vector<catalog::Volume> volumes_named(Context& context, const std::string& text);

}  // namespace darkshelf::rituals
