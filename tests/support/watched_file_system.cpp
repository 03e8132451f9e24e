#include "support/watched_file_system.hpp"

#include <cerrno>
#include <type_traits>

#include "core/error.hpp"

namespace darkshelf::testing {

namespace {

template <typename Work>
auto between(Watcher& watcher, const Call& call, Work work) {
  watcher.before(call);
  if constexpr (std::is_void_v<decltype(work())>) {
    work();
    watcher.after(call);
  } else {
    auto result = work();
    watcher.after(call);
    return result;
  }
}

class WatchedFile final : public io::File {
 public:
  WatchedFile(std::unique_ptr<io::File> below, Watcher& watcher) : below_(std::move(below)), watcher_(watcher) {}

  std::size_t read_at(std::uint64_t offset, core::MutableByteSpan into) override {
    const Call call{"read_at", path(), {}, offset, into.size()};
    const std::size_t got =
        between(watcher_, call, [&] { return below_->read_at(offset, into.first(watcher_.reach(call))); });
    watcher_.read(call, into.first(got));
    return got;
  }
  void write_at(std::uint64_t offset, core::ByteSpan bytes) override {
    const Call call{"write_at", path(), {}, offset, bytes.size()};
    between(watcher_, call, [&] {
      const core::ByteSpan part = bytes.first(watcher_.reach(call));
      below_->write_at(offset, part);
      if (part.size() < bytes.size()) throw core::Error::from_os(ENOSPC, "write", path());
    });
  }
  void truncate(std::uint64_t bytes) override {
    between(watcher_, {"truncate", path(), {}, 0, bytes}, [&] { below_->truncate(bytes); });
  }
  void sync() override {
    between(watcher_, {"sync", path(), {}, 0, 0}, [&] { below_->sync(); });
  }
  io::Stat stat() override { return below_->stat(); }
  void set_mtime(std::int64_t mtime_ns) override {
    between(watcher_, {"set_mtime", path(), {}, 0, 0}, [&] { below_->set_mtime(mtime_ns); });
  }
  void set_mode(std::uint32_t mode) override {
    between(watcher_, {"set_mode", path(), {}, 0, 0}, [&] { below_->set_mode(mode); });
  }
  bool is_direct() const override { return below_->is_direct(); }
  const io::Path& path() const override { return below_->path(); }

 private:
  std::unique_ptr<io::File> below_;
  Watcher& watcher_;
};

}  // namespace

template <typename Work>
auto WatchedFileSystem::watched(const Call& call, Work work) {
  return between(watcher_, call, work);
}

std::unique_ptr<io::File> WatchedFileSystem::open_read(const io::Path& path, io::ReadMode mode) {
  return watched({"open_read", path, {}, 0, 0}, [&]() -> std::unique_ptr<io::File> {
    return std::make_unique<WatchedFile>(below_.open_read(path, mode), watcher_);
  });
}
std::unique_ptr<io::File> WatchedFileSystem::create(const io::Path& path) {
  return watched({"create", path, {}, 0, 0}, [&]() -> std::unique_ptr<io::File> {
    return std::make_unique<WatchedFile>(below_.create(path), watcher_);
  });
}
std::unique_ptr<io::File> WatchedFileSystem::open_write(const io::Path& path) {
  return watched({"open_write", path, {}, 0, 0}, [&]() -> std::unique_ptr<io::File> {
    return std::make_unique<WatchedFile>(below_.open_write(path), watcher_);
  });
}
std::optional<io::Stat> WatchedFileSystem::stat(const io::Path& path) {
  return watched({"stat", path, {}, 0, 0}, [&] { return below_.stat(path); });
}
std::optional<io::Stat> WatchedFileSystem::stat_following(const io::Path& path) {
  return watched({"stat_following", path, {}, 0, 0}, [&] { return below_.stat_following(path); });
}
std::vector<io::Entry> WatchedFileSystem::list(const io::Path& folder) {
  return watched({"list", folder, {}, 0, 0}, [&] { return below_.list(folder); });
}
std::string WatchedFileSystem::read_link(const io::Path& path) {
  return watched({"read_link", path, {}, 0, 0}, [&] { return below_.read_link(path); });
}
std::map<std::string, std::string> WatchedFileSystem::xattrs(const io::Path& path) {
  return watched({"xattrs", path, {}, 0, 0}, [&] { return below_.xattrs(path); });
}
io::Space WatchedFileSystem::space(const io::Path& path) {
  io::Space space = watched({"space", path, {}, 0, 0}, [&] { return below_.space(path); });
  watcher_.space(space);
  return space;
}
io::Path WatchedFileSystem::canonical(const io::Path& path) {
  return watched({"canonical", path, {}, 0, 0}, [&] { return below_.canonical(path); });
}
void WatchedFileSystem::make_dir(const io::Path& path) {
  watched({"make_dir", path, {}, 0, 0}, [&] { below_.make_dir(path); });
}
void WatchedFileSystem::make_dirs(const io::Path& path) {
  watched({"make_dirs", path, {}, 0, 0}, [&] { below_.make_dirs(path); });
}
void WatchedFileSystem::rename(const io::Path& from, const io::Path& to) {
  watched({"rename", from, to, 0, 0}, [&] { below_.rename(from, to); });
}
void WatchedFileSystem::remove_file(const io::Path& path) {
  watched({"remove_file", path, {}, 0, 0}, [&] { below_.remove_file(path); });
}
void WatchedFileSystem::remove_dir(const io::Path& path) {
  watched({"remove_dir", path, {}, 0, 0}, [&] { below_.remove_dir(path); });
}
void WatchedFileSystem::make_symlink(const std::string& target, const io::Path& path) {
  watched({"make_symlink", path, {}, 0, 0}, [&] { below_.make_symlink(target, path); });
}
void WatchedFileSystem::make_hard_link(const io::Path& existing, const io::Path& path) {
  watched({"make_hard_link", existing, path, 0, 0}, [&] { below_.make_hard_link(existing, path); });
}
void WatchedFileSystem::set_mtime(const io::Path& path, std::int64_t mtime_ns) {
  watched({"set_mtime", path, {}, 0, 0}, [&] { below_.set_mtime(path, mtime_ns); });
}
void WatchedFileSystem::set_mode(const io::Path& path, std::uint32_t mode) {
  watched({"set_mode", path, {}, 0, 0}, [&] { below_.set_mode(path, mode); });
}
void WatchedFileSystem::set_xattr(const io::Path& path, const std::string& name, const std::string& value) {
  watched({"set_xattr", path, {}, 0, 0}, [&] { below_.set_xattr(path, name, value); });
}
void WatchedFileSystem::sync_dir(const io::Path& folder) {
  watched({"sync_dir", folder, {}, 0, 0}, [&] { below_.sync_dir(folder); });
}
std::unique_ptr<io::Lock> WatchedFileSystem::lock(const io::Path& path, const std::string& what,
                                                  const std::string& holder) {
  return watched({"lock", path, {}, 0, 0}, [&] { return below_.lock(path, what, holder); });
}

}  // namespace darkshelf::testing
