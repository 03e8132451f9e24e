#pragma once
// What a shoot's pictures look like before it is sealed: an archive that faithfully keeps what ransomware or a dying
// card left is no archive.

#include "rituals/context.hpp"
#include "rituals/photo_records.hpp"

namespace darkshelf::rituals {

struct PictureLook {
  std::uint64_t looked_at = 0;           // files with a picture's name
  std::vector<PictureFinding> findings;  // by their first bytes: empty, zeros, encrypted, something else
  std::string edits_missing;             // "2,412 RAW, 0 sidecars: your edits are not in this folder"; "" if nothing

  /// So many are no pictures that something happened to all of them.
  bool is_alarming() const;
};

/// Reads the first bytes of every picture. What cannot be read is passed over: sealing tells.
PictureLook look_at_pictures(Context& context, const volume::SourceShoot& source);

/// The median day on which its photos were taken by what they say themselves, of some spread over the shoot; "" if they
/// do not tell.
std::string capture_date(Context& context, photo::Pool& pool, const volume::SourceShoot& source);

}  // namespace darkshelf::rituals
