#pragma once
// On the machine where a twin can be plugged in: reads what a request asks for, and puts it into a parcel. The drive
// tells all that is needed; no catalog has to know it.

#include "rituals/parcel_file.hpp"

namespace darkshelf::rituals {

struct MakeParcelRequest {
  std::shared_ptr<const ParcelFile> asked;
  std::string drive;  // DRIVE: label, beginning of the id, or path; "": any that is plugged in and holds a copy
  io::Path to;        // the parcel
};
struct MadeParcel {
  io::Path file;
  std::vector<std::string> from;  // labels
  std::uint64_t volumes = 0, slices = 0, files = 0;
  std::uint64_t bytes = 0;     // of the parcel
  std::uint64_t mended = 0;    // slices that were damaged here too, and were mended on the way
  std::uint64_t short_of = 0;  // slices and files that are needed, and that no copy here has
};
/// Nothing is written but the parcel. Every slice is compared with the seal that the request names. Throws kUsage (the
/// drive is the damaged one), kNotFound (that drive has no copy), kDriveAbsent (none here has), kUnrepairable (nothing
/// that is asked for can be read).
MadeParcel make_parcel(Context& context, const MakeParcelRequest& request);

}  // namespace darkshelf::rituals
