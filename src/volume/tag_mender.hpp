#pragma once
// Rebuilding tag files in memory from the tags PAR2 set; for volume_reader.cpp alone.

#include <map>
#include <string>
#include <vector>

#include "core/work.hpp"
#include "io/file_system.hpp"

namespace darkshelf::volume {

/// The sealed text of each of `broken` (names in the folders of all copies at hand), rebuilt from `set` (their .par2
/// files) and whatever slices of the tag files are intact in one of them. Throws kUnrepairable or kCorrupt when it
/// cannot be done. The caller compares with the seal.
std::map<std::string, std::string> mend_tag_files(io::FileSystem& fs, const std::vector<io::Path>& folders,
                                                  const std::vector<io::Path>& set,
                                                  const std::vector<std::string>& broken, io::ReadMode mode,
                                                  const core::Work& work);

}  // namespace darkshelf::volume
