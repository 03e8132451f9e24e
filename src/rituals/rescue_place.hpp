#pragma once
// May this medium be rescued to that folder, and what does the catalog know of it? For rescue.cpp.

#include "rituals/rescue.hpp"
#include "rituals/rescue_store.hpp"
#include "rituals/rescue_volumes.hpp"

namespace darkshelf::rituals {

/// What tells the medium from others, on one line. Throws kNotFound, or kUsage for what is no device or image.
std::string identity_of(io::FileSystem& fs, const io::Path& source);

/// Throws kInUse when something of the medium is mounted for writing, kUsage when `to` lies on it or is an archive.
void require_free(io::FileSystem& fs, const RescueRequest& request);

/// Throws kUsage when what was begun in `to` is the rescue of another medium, or something else stands there.
void require_same(const RescueProgress& progress, const std::string& identity, const io::Path& to, bool began,
                  io::FileSystem& fs);

/// The folder, or the nearest above it that is there.
io::Path existing(io::FileSystem& fs, const io::Path& folder);

/// What the volume of this payload may take, parity and lists included.
std::uint64_t room_for(const CarvedSet& payload);

/// May these be the lists of this payload?
bool has_shape_of(const volume::LoadedVolume& lists, const CarvedSet& payload);
/// Do the first slices of it that were found have the hashes in these lists, whose shape fits?
bool tells_of(const volume::LoadedVolume& lists, const FoundSlices& payload, io::RawMedium& medium);

/// Which drive it must have been, and which of its volumes left no trace.
void compare_with_catalog(RescueContext& context, const io::Path& source, RescueReport& report);

}  // namespace darkshelf::rituals
