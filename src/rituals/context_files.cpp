#include <fmt/format.h>

#include "core/text.hpp"
#include "rituals/context.hpp"

namespace darkshelf::rituals {

digest::Sha256 sha256_of(Context& context, const io::Path& path, io::ReadMode mode) {
  const auto file = context.fs.open_read(path, mode);
  core::AlignedBuffer buffer(4 << 20);
  digest::Sha256Stream sha256;
  std::uint64_t offset = 0;
  for (std::size_t got = 0; (got = file->read_at(offset, buffer.span())) != 0; offset += got) {
    context.work.check();
    sha256.update(buffer.span().first(got));
  }
  return sha256.finish();
}

std::uint64_t tree_bytes(io::FileSystem& fs, const io::Path& folder) {
  const auto stat = fs.stat(folder);
  if (!stat || stat->type != io::FileType::kDirectory) return stat ? stat->bytes : 0;
  std::uint64_t bytes = 0;
  for (const io::Entry& entry : fs.list(folder)) {
    if (entry.type == io::FileType::kDirectory) bytes += tree_bytes(fs, folder / entry.name);
    if (entry.type == io::FileType::kRegular) bytes += fs.stat(folder / entry.name)->bytes;
  }
  return bytes;
}

std::string photos_and_files(std::uint64_t photos, std::uint64_t files) {
  return fmt::format("{} ({})", core::count_of(photos, "photo"), core::count_of(files, "file"));
}

}  // namespace darkshelf::rituals
