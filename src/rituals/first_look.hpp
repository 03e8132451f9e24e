#pragma once
// What is known of a drive after a minute, before hours of reading: whether all lists are there, and what a random
// sample of the slices says.

#include "rituals/examine.hpp"

namespace darkshelf::rituals {

struct FirstLook {
  std::uint64_t volumes = 0;                // whose lists were read
  std::vector<core::Uuid> unsound_lists;    // those with a list that is damaged, missing or unreadable
  std::uint64_t slices = 0, slices_of = 0;  // picked at random and read, of all there are
  std::uint64_t slices_bad = 0;
  struct Hit {
    core::Uuid volume;
    FileFinding finding;
  };
  std::vector<Hit> hits;  // the bad slices
  /// Had one of so many slices been bad, the sample would have found one with a chance of 99 %; 0: it says nothing.
  std::uint64_t one_in() const;
};

/// How many slices tell with 99 % that fewer than one of a thousand is bad.
inline constexpr std::uint64_t kSampleSlices = 4603;

/// Reads the lists and the index of the recovery data of all volumes, in this order, and then up to kSampleSlices
/// slices (5 % of them at most) in the order in which they lie there: in rounds that each go over the whole drive, so
/// that one that `stop` cuts short still speaks of all of it. Throws kCancelled, kDriveGone.
FirstLook look_first(Context& context, const AttachedDrive& drive, const std::vector<catalog::Volume>& volumes,
                     const std::function<bool()>& stop);

}  // namespace darkshelf::rituals
