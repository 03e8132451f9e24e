#pragma once
// Pictures by the dozen for tests that need many: real ones as far as their structure goes, with a camera and a time in
// them, and noise for an image.

#include "io/file_system.hpp"

namespace darkshelf::testing {

/// A JPEG (".JPG") of about so many bytes, 500 at least; a RAW file built as TIFF (".CR2", ".NEF" …) of exactly so
/// many, or 400 where that is less; of any other ending random bytes. The same seed gives the same file.
void make_picture(const io::Path& path, std::size_t bytes, std::uint64_t seed);

}  // namespace darkshelf::testing
