#pragma once
// A request or a parcel as a file.

#include <map>

#include "formats/parcel/parcel.hpp"
#include "rituals/elsewhere.hpp"
#include "volume/volume_reader.hpp"

namespace darkshelf::rituals {

class ParcelFile {
 public:
  /// Reads and checks all of it: the head, the length, and every hash of what follows. Throws kNotFound, kUsage (it is
  /// neither), kCorrupt (cut short or damaged on the way), kNewerFormat.
  static std::shared_ptr<const ParcelFile> open(io::FileSystem& fs, const io::Path& path, const core::Work& work);

  const formats::parcel::Parcel& head() const { return head_; }
  bool is_of(const core::Uuid& volume) const { return slices_.contains(volume); }
  /// False when it has no such slice of that length.
  bool read_slice(const core::Uuid& volume, std::uint32_t slice, core::MutableByteSpan into) const;
  /// Tag files of a volume, by name.
  std::map<std::string, std::string> tag_text(const core::Uuid& volume) const;

 private:
  struct Place {
    std::uint64_t offset = 0, bytes = 0;
  };
  void check_data(std::uint64_t offset, const core::Work& work);
  Place check_piece(std::uint64_t& offset, std::uint64_t bytes, const digest::Sha256& sha256);

  formats::parcel::Parcel head_;
  std::unique_ptr<io::File> file_;
  std::map<core::Uuid, std::map<std::uint32_t, Place>> slices_;
  std::map<core::Uuid, std::map<std::string, Place>> files_;
};

/// What is known of a volume, with where else its tag files may be had.
volume::KnownSeal with_elsewhere(volume::KnownSeal known, const core::Uuid& volume, const Elsewhere& elsewhere);

/// A new file that did not stand there: written durably. What stands there is replaced only if it is a request or
/// parcel itself; anything else, and a place in an archive, is refused with kUsage.
void require_place_for_parcel(io::FileSystem& fs, const io::Path& path);

}  // namespace darkshelf::rituals
