#pragma once
// Thumbnails of photos: in a file beside the catalog, and on each drive those of its own volumes, a tar a volume. So a
// lent drive carries no other client's, what is there is written once, and anybody can look at them.

#include "rituals/photo_records.hpp"

namespace darkshelf::rituals {

/// Keeps what was gathered while a volume was made. They are a convenience: what goes wrong is a note, no failure.
void keep_thumbnails(Context& context, const core::Uuid& volume, const std::vector<formats::volume::Member>& members,
                     const std::vector<PhotoRecords::Thumbnail>& thumbnails, ThumbnailSpool& spool);

/// Puts those of each volume on the drive there ("darkshelf/catalog/thumbnails/NAME.tar") that has none yet, and
/// removes those of volumes that it no longer holds. What goes wrong is a note, no failure.
void write_thumbnails(Context& context, const AttachedDrive& drive);

/// Takes in what lies on a drive, of volumes that the catalog knows. Nothing of it is trusted. How many there were.
std::uint64_t take_thumbnails(Context& context, const io::Path& root);

}  // namespace darkshelf::rituals
