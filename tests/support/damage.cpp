#include "support/damage.hpp"

#include <functional>
#include <stdexcept>

namespace darkshelf::testing {

namespace {

void change(const io::Path& path, const std::function<void(io::File&)>& how) {
  io::FileSystem& fs = io::posix();
  const auto before = fs.stat(path);
  if (!before) throw std::runtime_error("nothing to damage at " + path.string());
  how(*fs.open_write(path));
  fs.set_mtime(path, before->mtime_ns);
}

}  // namespace

void make_file(const io::Path& path, std::size_t bytes, std::uint64_t seed) {
  io::posix().make_dirs(path.parent_path());
  io::posix().create(path)->write_at(0, seeded_bytes(bytes, seed));
}

void rot(const io::Path& path, std::uint64_t offset, std::size_t count) {
  change(path, [&](io::File& file) {
    core::Bytes bytes(count);
    if (file.read_at(offset, bytes) != count) throw std::runtime_error("no such bytes in " + path.string());
    for (std::byte& byte : bytes) byte ^= std::byte{0x5A};
    file.write_at(offset, bytes);
  });
}

void zero(const io::Path& path, std::uint64_t offset, std::size_t count) {
  change(path, [&](io::File& file) { file.write_at(offset, core::Bytes(count)); });
}

void cut(const io::Path& path, std::uint64_t bytes) {
  change(path, [&](io::File& file) { file.truncate(bytes); });
}

}  // namespace darkshelf::testing
