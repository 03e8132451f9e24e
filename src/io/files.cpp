#include <fmt/format.h>

#include <cerrno>

#include "core/error.hpp"
#include "core/text.hpp"
#include "io/mounts.hpp"

namespace darkshelf::io {

using core::Code;
using core::Error;

void FileSystem::confine(const Path& /*root*/, const std::string& /*drive*/, const Path& /*folder*/) {}
std::vector<UnreadablePlaces> FileSystem::unreadable_below(const Path& /*folder*/) { return {}; }

bool is_read_error(const Error& error) {
  switch (error.os_error()) {
    case EIO:
    case ENODATA:    // how block devices call a sector that cannot be read, where no page cache makes it EIO
    case EREMOTEIO:  // … one that the disk has given up
    case ETIMEDOUT:  // … and one that takes it too long
    case ENOLINK:
    case EBADMSG:
    case EUCLEAN:
    case EILSEQ:
      return true;
    default:
      return false;
  }
}

Looked look_at(FileSystem& fs, const Path& path) {
  try {
    return {fs.stat(path), false};
  } catch (const Error& error) {
    if (!is_read_error(error)) throw;
    return {{}, true};
  }
}

std::optional<std::vector<Entry>> list_if_readable(FileSystem& fs, const Path& folder) {
  try {
    return fs.list(folder);
  } catch (const Error& error) {
    if (!is_read_error(error)) throw;
    return {};
  }
}

core::Bytes read_file(FileSystem& fs, const Path& path, std::uint64_t limit, ReadMode mode) {
  const auto file = fs.open_read(path, mode);
  const Stat stat = file->stat();
  if (stat.type != FileType::kRegular)
    throw Error(Code::kCorrupt, fmt::format("{} is not a file", core::printable(path.string())));
  const auto too_long = [&] {
    return Error(Code::kCorrupt, fmt::format("{} is longer than the {} such a file can have",
                                             core::printable(path.string()), core::format_size(limit)));
  };
  if (stat.bytes > limit) throw too_long();
  core::Bytes bytes(stat.bytes + 1);  // one more: the file may have grown since
  bytes.resize(file->read_at(0, bytes));
  if (bytes.size() > limit) throw too_long();
  return bytes;
}

std::string read_text(FileSystem& fs, const Path& path, std::uint64_t limit, ReadMode mode) {
  const core::Bytes bytes = read_file(fs, path, limit, mode);
  return std::string(core::as_text(bytes));
}

void write_file_durably(FileSystem& fs, const Path& path, core::ByteSpan bytes, std::optional<std::uint32_t> mode) {
  Path temporary = path;
  temporary += ".new";
  const Path folder = path.parent_path().empty() ? Path(".") : path.parent_path();
  if (const auto left = fs.stat(temporary)) {  // of a run that was killed
    if (left->type == FileType::kDirectory) throw Error::from_os(EISDIR, "write", temporary);
    fs.remove_file(temporary);
  }
  try {
    {
      const auto file = fs.create(temporary);
      if (mode) file->set_mode(*mode);
      file->write_at(0, bytes);
      if (file->stat().bytes != bytes.size()) throw Error::from_os(ENOSPC, "write", temporary);
      file->sync();
    }
    fs.rename(temporary, path);
  } catch (...) {
    try {
      if (fs.stat(temporary)) fs.remove_file(temporary);
    } catch (const Error&) {  // the first error tells more
    }
    throw;
  }
  fs.sync_dir(folder);
}

namespace {

void remove_all(FileSystem& fs, const Path& folder) {
  for (const Entry& entry : fs.list(folder)) {
    if (entry.type == FileType::kDirectory) {
      remove_all(fs, folder / entry.name);
    } else {
      fs.remove_file(folder / entry.name);
    }
  }
  fs.remove_dir(folder);
}

}  // namespace

void remove_tree(FileSystem& fs, const Path& path) {
  const auto stat = fs.stat(path);
  if (!stat) return;
  if (stat->type != FileType::kDirectory) return fs.remove_file(path);
  if (const auto mounts = mounts_in(fs, path); !mounts.empty()) {
    throw Error(core::Code::kFailed,
                fmt::format("something else is mounted at {}: nothing in it is removed",
                            core::printable(mounts.front().string())),
                fmt::format("umount {}", core::shell_quote(mounts.front().string())));
  }
  remove_all(fs, path);
}

void sync_tree(FileSystem& fs, const Path& root) {
  for (const Entry& entry : fs.list(root)) {
    if (entry.type == FileType::kDirectory) sync_tree(fs, root / entry.name);
    if (entry.type == FileType::kRegular) fs.open_read(root / entry.name)->sync();
  }
  fs.sync_dir(root);
}

}  // namespace darkshelf::io
