#pragma once
// What parity cannot mend, as a request to whoever has a twin.

#include "formats/parcel/parcel.hpp"
#include "rituals/examine.hpp"

namespace darkshelf::rituals {

struct WrittenRequest {
  io::Path file;
  std::uint64_t volumes = 0, slices = 0, files = 0;  // slices: with those to spare
  std::uint64_t bytes = 0;                           // of the parcel that is asked for, without tag files
  std::uint64_t file_bytes = 0;                      // of the request
  std::vector<std::string> twins;                    // "2026-B (at bank box)": known to hold copies
};

/// What a volume lacks beyond its parity: all lost slices, of which some suffice, and tag files that cannot be made
/// again. Nothing when it lacks nothing, or is not there at all.
std::optional<formats::parcel::Part> lacking(Context& context, const AttachedDrive& drive,
                                             const catalog::Volume& volume, const Examination& examination);

WrittenRequest write_request(Context& context, const AttachedDrive& drive, std::vector<formats::parcel::Part> parts,
                             const io::Path& file);

}  // namespace darkshelf::rituals
