#include "support/shelf/raw_image.hpp"

#include <stdexcept>

#include "support/damage.hpp"
#include "support/shelf/program_shelf.hpp"

namespace darkshelf::testing {

RawImage::RawImage(std::uint64_t bytes, std::uint64_t seed)
    : bytes_(seed == 0 ? core::Bytes(bytes) : seeded_bytes(bytes, seed)) {}

void RawImage::put(std::uint64_t offset, core::ByteSpan content) {
  if (offset + content.size() > bytes_.size()) throw std::runtime_error("the image is too small");
  std::copy(content.begin(), content.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
}

std::uint64_t RawImage::put_files(std::uint64_t offset, const io::Path& folder, std::uint64_t align,
                                  std::uint64_t phase) {
  for (const auto& [path, stat] : files_below(folder)) {
    const core::Bytes content = io::read_file(io::posix(), path, std::uint64_t{1} << 30);
    offset = core::round_up(offset, align) + phase;
    put(offset, content);
    // As file systems do, with zeros up to the end of the sector.
    put(offset + content.size(), core::Bytes(core::round_up(content.size(), 512) - content.size()));
    offset += content.size();
  }
  return offset;
}

std::uint64_t RawImage::put_fragments(std::uint64_t offset, const io::Path& folder, std::uint64_t piece) {
  std::vector<core::Bytes> later;
  for (const auto& [path, stat] : files_below(folder)) {
    const core::Bytes content = io::read_file(io::posix(), path, std::uint64_t{1} << 30);
    for (std::size_t at = 0, n = 0; at < content.size(); at += piece, ++n) {
      const core::ByteSpan part =
          core::ByteSpan(content).subspan(at, std::min<std::size_t>(piece, content.size() - at));
      if (n % 2 == 1) {
        later.emplace_back(part.begin(), part.end());
        continue;
      }
      put(offset, part);
      offset = core::round_up(offset + part.size(), 4096);
    }
  }
  for (const core::Bytes& part : later) {
    put(offset, part);
    offset = core::round_up(offset + part.size(), 4096);
  }
  return offset;
}

io::Path RawImage::write() {
  const io::Path path = temp_ / "image";
  if (io::posix().stat(path)) io::posix().remove_file(path);
  io::posix().create(path)->write_at(0, bytes_);
  return path;
}

std::map<std::string, std::string> contents_below(const io::Path& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& [path, stat] : files_below(folder))
    contents[path.lexically_relative(folder).string()] = io::read_text(io::posix(), path, std::uint64_t{1} << 30);
  return contents;
}

}  // namespace darkshelf::testing
