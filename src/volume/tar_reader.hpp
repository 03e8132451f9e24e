#pragma once
// Small tars that came from a drive: the thumbnails of a volume. Payloads are not read by this (docs/decisions/0004).

#include <cstdint>
#include <functional>
#include <string>

#include "core/bytes.hpp"
#include "io/file_system.hpp"

namespace darkshelf::volume {

/// Tells path and content of every plain file in a tar, in order, until `file` gives false. A file of more than `most`
/// bytes is passed over. Throws core::Error(kCorrupt) where it is no tar, or one that breaks off; what came before is
/// told by then. Paths are whatever the tar says.
void read_small_tar(io::File& tar, std::uint64_t most,
                    const std::function<bool(const std::string& path, core::Bytes content)>& file);

}  // namespace darkshelf::volume
