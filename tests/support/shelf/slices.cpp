#include "support/shelf/slices.hpp"

#include <algorithm>

#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {

namespace fv = formats::volume;

fv::BagInfo info_of(const io::Path& volume) {
  return fv::decode_bag_info(io::read_text(io::posix(), volume / "bag-info.txt", 1 << 20));
}

std::vector<Piece> slices_of(const io::Path& volume, const fv::BagInfo& info) {
  std::vector<Piece> pieces;
  for (const auto& [path, stat] : files_below(volume / "data")) {
    for (std::uint64_t at = 0; at < stat.bytes; at += info.slice_bytes)
      pieces.push_back({path, at, std::min(info.slice_bytes, stat.bytes - at)});
  }
  return pieces;
}

std::vector<Piece> slices_of(const io::Path& volume) { return slices_of(volume, info_of(volume)); }

std::vector<Piece> recovery_of(const io::Path& volume, bool tags) {
  std::vector<Piece> pieces;
  for (const auto& [path, stat] : files_below(volume)) {
    const std::string name = path.filename().string();
    if (!name.ends_with(".par2") || (name.find(".tags.") != std::string::npos) != tags) continue;
    const core::Bytes bytes = io::read_file(io::posix(), path, 1 << 30);
    const std::string_view text = core::as_text(bytes);
    for (std::size_t at = text.find("PAR2\0PKT", 0, 8); at != std::string_view::npos;
         at = text.find("PAR2\0PKT", at + 8, 8)) {
      if (text.compare(at + 48, 16, std::string_view("PAR 2.0\0RecvSlic", 16)) == 0)
        pieces.push_back({path, at, core::load_le<std::uint64_t>(bytes.data() + at + 8)});
    }
  }
  return pieces;
}

void spoil(const std::vector<Piece>& pieces, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) rot(pieces.at(i).file, pieces.at(i).offset + pieces.at(i).bytes / 2, 1);
}

}  // namespace darkshelf::testing
