#pragma once
// What the names of paths tell of each other; the file system is not asked.

#include <string>

#include "io/file_system.hpp"

namespace darkshelf::io {

/// Is it this folder, or something below it? Both as canonical() or the same caller gave them: no links, no "..".
/// Nothing lies in a folder without a name.
bool lies_in(const Path& path, const Path& folder);
/// "darkshelf/drive.json" of what lies in the folder; "" of the folder itself.
std::string below(const Path& path, const Path& folder);

}  // namespace darkshelf::io
