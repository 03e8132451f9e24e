#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "core/error.hpp"
#include "core/text.hpp"
#include "io/file_system.hpp"
#include "io/posix_file.hpp"
#include "io/posix_lock.hpp"
#include "io/posix_stat.hpp"

namespace darkshelf::io {

using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kFatLimit = 0xFFFFFFFF;  // a FAT directory entry has 32 bits for the length

constexpr std::uint32_t kPassingInodes[] = {MSDOS_SUPER_MAGIC, EXFAT_SUPER_MAGIC, FUSE_SUPER_MAGIC, CIFS_SUPER_MAGIC,
                                            SMB2_SUPER_MAGIC};

/// 0 or the error of a call that returned -1.
void must(int result, const char* verb, const Path& path) {
  if (result != 0) throw Error::from_os(errno, verb, path);
}

int open_descriptor(const Path& path, int flags, mode_t mode = 0) {
  return uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
}

/// A file, a device that is one as long as it can be read, or a folder, which says so itself when it is read: nobody
/// waits for whoever writes into a pipe, and nothing reads a terminal.
std::unique_ptr<File> opened(int descriptor, const Path& path, Opened how) {
  auto file = make_posix_file(descriptor, path, how);
  struct stat raw {};
  if (::fstat(descriptor, &raw) != 0) throw Error::from_os(errno, "look at", path);
  if (S_ISREG(raw.st_mode) || S_ISBLK(raw.st_mode) || S_ISDIR(raw.st_mode)) return file;
  throw Error(Code::kCorrupt, core::printable(path.string()) + " is a pipe or a device, and no file");
}

class PosixFileSystem final : public FileSystem {
 public:
  std::unique_ptr<File> open_read(const Path& path, ReadMode mode) override {
    if (mode == ReadMode::kDirect) {
      const int direct = open_descriptor(path, O_RDONLY | O_DIRECT | O_NONBLOCK);
      if (direct >= 0) return opened(direct, path, Opened::kDirectly);
      if (errno != EINVAL && errno != EOPNOTSUPP) throw Error::from_os(errno, "open", path);
    }
    const int descriptor = open_descriptor(path, O_RDONLY | O_NONBLOCK);
    if (descriptor < 0) throw Error::from_os(errno, "open", path);
    auto file = opened(descriptor, path, Opened::kForReading);
    if (mode == ReadMode::kDirect) {  // as near as it gets: written out, then dropped from the cache
      ::fsync(descriptor);
      ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    } else {
      ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    return file;
  }

  std::unique_ptr<File> create(const Path& path) override {
    const int descriptor = open_descriptor(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
    if (descriptor < 0) throw Error::from_os(errno, "create", path);
    return make_posix_file(descriptor, path, Opened::kForWriting);
  }

  std::unique_ptr<File> open_write(const Path& path) override {
    const int descriptor = open_descriptor(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) throw Error::from_os(errno, "open", path);
    return opened(descriptor, path, Opened::kForWriting);
  }

  std::optional<Stat> stat(const Path& path) override { return look(path, AT_SYMLINK_NOFOLLOW); }
  std::optional<Stat> stat_following(const Path& path) override { return look(path, 0); }

  std::vector<Entry> list(const Path& folder) override {
    struct Close {
      void operator()(DIR* stream) const noexcept { ::closedir(stream); }
    };
    const std::unique_ptr<DIR, Close> stream(::opendir(folder.c_str()));
    if (!stream) throw Error::from_os(errno, "list", folder);
    std::vector<Entry> entries;
    for (;;) {
      errno = 0;
      const dirent* raw = ::readdir(stream.get());
      if (raw == nullptr) {
        if (errno != 0) throw Error::from_os(errno, "list", folder);
        break;
      }
      const std::string name = raw->d_name;
      if (name == "." || name == "..") continue;
      entries.push_back({name, type_of(folder / name, raw->d_type)});
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return entries;
  }

  std::string read_link(const Path& path) override {
    std::string target(PATH_MAX, '\0');
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    if (length < 0) throw Error::from_os(errno, "read the link", path);
    target.resize(static_cast<std::size_t>(length));
    return target;
  }

  std::map<std::string, std::string> xattrs(const Path& path) override {
    const ssize_t needed = ::llistxattr(path.c_str(), nullptr, 0);
    if (needed < 0) {
      if (errno == ENOTSUP || errno == EPERM) return {};
      throw Error::from_os(errno, "read the attributes of", path);
    }
    std::string names(static_cast<std::size_t>(needed), '\0');
    const ssize_t got = ::llistxattr(path.c_str(), names.data(), names.size());
    if (got < 0) throw Error::from_os(errno, "read the attributes of", path);
    names.resize(static_cast<std::size_t>(got));
    std::map<std::string, std::string> out;
    for (std::size_t at = 0; at < names.size();) {
      const std::string name = names.c_str() + at;
      at += name.size() + 1;
      if (!name.starts_with("user.")) continue;
      std::string value(XATTR_SIZE_MAX_BYTES, '\0');
      const ssize_t length = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
      if (length < 0) throw Error::from_os(errno, "read the attributes of", path);
      value.resize(static_cast<std::size_t>(length));
      out[name] = std::move(value);
    }
    return out;
  }

  Space space(const Path& path) override {
    struct statvfs raw {};
    must(::statvfs(path.c_str(), &raw), "look at the file system of", path);
    struct statfs kind {};
    must(::statfs(path.c_str(), &kind), "look at the file system of", path);
    Space out;
    out.total = std::uint64_t{raw.f_blocks} * raw.f_frsize;
    out.free = std::uint64_t{raw.f_bavail} * raw.f_frsize;
    out.read_only = (raw.f_flag & ST_RDONLY) != 0;
    if (kind.f_type == MSDOS_SUPER_MAGIC) out.max_file_bytes = kFatLimit;
    const auto type = static_cast<std::uint32_t>(kind.f_type);
    out.lasting_inodes =
        std::find(std::begin(kPassingInodes), std::end(kPassingInodes), type) == std::end(kPassingInodes);
    return out;
  }

  Path canonical(const Path& path) override {
    const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
    if (!resolved) throw Error::from_os(errno, "find", path);
    return Path(resolved.get());
  }

  void make_dir(const Path& path) override { must(::mkdir(path.c_str(), 0777), "make the folder", path); }

  void make_dirs(const Path& path) override {
    if (path.empty() || path == ".") return;
    if (const auto there = stat_following(path)) {
      if (there->type == FileType::kDirectory) return;
      throw Error::from_os(ENOTDIR, "make the folder", path);
    }
    Path parent = path.parent_path();
    make_dirs(parent);
    if (::mkdir(path.c_str(), 0777) != 0) {
      if (errno != EEXIST)
        throw Error::from_os(errno, "make the folder", path);  // another process may have been quicker
      return;
    }
    sync_dir(parent.empty() ? Path(".") : parent);
  }

  void rename(const Path& from, const Path& to) override { must(::rename(from.c_str(), to.c_str()), "rename", from); }
  void remove_file(const Path& path) override { must(::unlink(path.c_str()), "remove", path); }
  void remove_dir(const Path& path) override { must(::rmdir(path.c_str()), "remove the folder", path); }
  void make_symlink(const std::string& target, const Path& path) override {
    must(::symlink(target.c_str(), path.c_str()), "make the link", path);
  }
  void make_hard_link(const Path& existing, const Path& path) override {
    must(::linkat(AT_FDCWD, existing.c_str(), AT_FDCWD, path.c_str(), 0), "make the link", path);
  }
  void set_mtime(const Path& path, std::int64_t mtime_ns) override {
    struct stat now {};
    must(::lstat(path.c_str(), &now), "look at", path);
    const auto times = times_for(now, mtime_ns);
    must(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW), "set the time of", path);
  }
  void set_mode(const Path& path, std::uint32_t mode) override {
    must(::chmod(path.c_str(), mode), "set the mode of", path);
  }
  void set_xattr(const Path& path, const std::string& name, const std::string& value) override {
    must(::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0), "set an attribute of", path);
  }

  void sync_dir(const Path& folder) override {
    const Descriptor descriptor(open_descriptor(folder, O_RDONLY | O_DIRECTORY));
    if (descriptor.number() < 0) throw Error::from_os(errno, "open the folder", folder);
    if (uninterrupted([&] { return ::fsync(descriptor.number()); }) != 0) {
      // Some file systems (FUSE, network) have no fsync of folders; their names are as durable as they make them.
      if (errno != EINVAL && errno != ENOTSUP && errno != ENOSYS)
        throw Error::from_os(errno, "sync the folder", folder);
    }
  }

  std::unique_ptr<Lock> lock(const Path& path, const std::string& what, const std::string& holder) override {
    return take_posix_lock(path, what, holder);
  }

 private:
  static constexpr std::size_t XATTR_SIZE_MAX_BYTES = 65536;

  static std::optional<Stat> look(const Path& path, int flags) {
    struct stat raw {};
    if (::fstatat(AT_FDCWD, path.c_str(), &raw, flags) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return {};
      throw Error::from_os(errno, "look at", path);
    }
    return stat_from(raw);
  }

  FileType type_of(const Path& path, unsigned char kind) {
    switch (kind) {
      case DT_REG:
        return FileType::kRegular;
      case DT_DIR:
        return FileType::kDirectory;
      case DT_LNK:
        return FileType::kSymlink;
      case DT_UNKNOWN:
        break;  // some file systems do not tell
      default:
        return FileType::kOther;
    }
    const auto found = stat(path);
    return found ? found->type : FileType::kOther;
  }
};

}  // namespace

FileSystem& posix() {
  static PosixFileSystem file_system;
  return file_system;
}

void give_to(const Path& path, std::uint32_t user, std::uint32_t group) {
  struct stat now {};
  if (::lstat(path.c_str(), &now) != 0 || now.st_uid != 0) return;
  if (::lchown(path.c_str(), user, group) != 0) return;  // a file system without owners
}

}  // namespace darkshelf::io
