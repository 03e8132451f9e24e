#pragma once
// Standard PAR2 recovery data beside the shoots of an adopted drive: the one thing that is ever written to one, and
// only when it is asked for. No photo is touched.

#include "rituals/adopt.hpp"

namespace darkshelf::rituals {

/// "NAME.darkshelf.par2" and its volumes, beside the folder NAME.
inline constexpr std::string_view kProtection = ".darkshelf";
/// Is this a file of such a set?
bool is_protection(std::string_view file_name);
/// The set of a shoot, by its folder below the root; "" for the files in no shoot.
io::Path protection_of(const io::Path& root, const std::string& folder);

struct Protected {
  std::string set;            // below the root
  std::uint64_t bytes = 0;    // protected
  std::string problem, next;  // why it was not made, and what to type; "" if it was
  bool there = false;         // it was made before
};
/// A set for each shoot that has none. Throws kWrongDrive for a drive that is mounted read-only, kNoSpace.
std::vector<Protected> protect(Context& context, const AdoptReport& report, double percent);

}  // namespace darkshelf::rituals
