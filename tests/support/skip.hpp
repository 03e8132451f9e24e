#pragma once
// Catch2 v2 knows no skipping: a test that cannot run here says why and returns.

#include <iostream>
#include <string>

namespace darkshelf::testing {

inline bool& something_was_skipped() {
  static bool skipped = false;
  return skipped;
}

/// `if (const auto why = LoopDrive::unavailable()) return skip(*why);`
inline void skip(const std::string& reason) {
  something_was_skipped() = true;
  std::cout << "SKIP: " << reason << std::endl;
}

}  // namespace darkshelf::testing
