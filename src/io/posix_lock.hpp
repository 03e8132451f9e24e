#pragma once
// A lock file that tells who holds it; for posix.cpp alone.

#include <memory>
#include <string>

#include "io/file_system.hpp"

namespace darkshelf::io {

std::unique_ptr<Lock> take_posix_lock(const Path& path, const std::string& what, const std::string& holder);

}  // namespace darkshelf::io
