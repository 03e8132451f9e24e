#pragma once
// Test files with content that follows from a seed, and what years do to them. Times of files are kept: rot does not
// touch the clock.

#include <cstdint>

#include "io/file_system.hpp"
#include "support/chance.hpp"

namespace darkshelf::testing {

/// A file of seeded bytes; folders above it are made.
void make_file(const io::Path& path, std::size_t bytes, std::uint64_t seed);

void rot(const io::Path& path, std::uint64_t offset, std::size_t count);  // every byte changes
void zero(const io::Path& path, std::uint64_t offset, std::size_t count);
void cut(const io::Path& path, std::uint64_t bytes);  // to that length

}  // namespace darkshelf::testing
