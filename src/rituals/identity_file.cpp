#include "rituals/identity_file.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;

std::optional<fd::DriveIdentity> read_identity(io::FileSystem& fs, const io::Path& root, io::ReadMode mode) {
  constexpr std::uint64_t kLimit = 64 << 10;
  const io::Path file = root / std::string(fd::kIdentity);
  const auto stat = fs.stat(file);
  if (!stat || stat->type != io::FileType::kRegular) return {};
  return fd::decode_identity(io::read_text(fs, file, kLimit, mode));
}

std::optional<fd::DriveIdentity> identity_at(io::FileSystem& fs, const io::Path& root) {
  try {
    return read_identity(fs, root);
  } catch (const core::Error&) {
    return {};
  }
}

}  // namespace darkshelf::rituals
