#pragma once
// Single slices, recovery packets and lists of a volume on a drive, to be spoilt.

#include <string>
#include <vector>

#include "formats/volume/tag_files.hpp"
#include "io/file_system.hpp"

namespace darkshelf::testing {

/// A slice, or a recovery packet.
struct Piece {
  io::Path file;
  std::uint64_t offset = 0, bytes = 0;
};
formats::volume::BagInfo info_of(const io::Path& volume);
/// In the order of the files' paths; of layout tar that is the order of the slices.
std::vector<Piece> slices_of(const io::Path& volume, const formats::volume::BagInfo& info);
std::vector<Piece> slices_of(const io::Path& volume);
/// Packets of type RecvSlic, in order, found by their magic and type (PAR2 2.0, "Packet Header").
std::vector<Piece> recovery_of(const io::Path& volume, bool tags);
/// Some bytes of pieces [begin, end).
void spoil(const std::vector<Piece>& pieces, std::size_t begin, std::size_t end);

}  // namespace darkshelf::testing
