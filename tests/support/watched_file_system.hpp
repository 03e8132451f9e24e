#pragma once
// A file system that passes every call on and tells a watcher before and after: the base of the faulty ones.

#include "io/file_system.hpp"

namespace darkshelf::testing {

/// One call on its way down. `call` is the function's name in io::FileSystem or io::File.
struct Call {
  std::string call;
  io::Path path;
  io::Path to;  // of rename and make_hard_link
  std::uint64_t offset = 0, bytes = 0;
};

class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void before(const Call&) {}  // may throw in place of the call
  virtual void after(const Call&) {}   // it went well
  /// How many bytes of a read_at or write_at are to be done. Fewer: a read that ends early, a write that ends with
  /// ENOSPC in its middle.
  virtual std::uint64_t reach(const Call& call) { return call.bytes; }
  virtual void read(const Call&, core::MutableByteSpan /*got*/) {}  // may change what was read
  virtual void space(io::Space&) {}                                 // may tell of another file system
};

class WatchedFileSystem : public io::FileSystem {
 public:
  WatchedFileSystem(io::FileSystem& below, Watcher& watcher) : below_(below), watcher_(watcher) {}

  std::unique_ptr<io::File> open_read(const io::Path& path, io::ReadMode mode) override;
  std::unique_ptr<io::File> create(const io::Path& path) override;
  std::unique_ptr<io::File> open_write(const io::Path& path) override;
  std::optional<io::Stat> stat(const io::Path& path) override;
  std::optional<io::Stat> stat_following(const io::Path& path) override;
  std::vector<io::Entry> list(const io::Path& folder) override;
  std::string read_link(const io::Path& path) override;
  std::map<std::string, std::string> xattrs(const io::Path& path) override;
  io::Space space(const io::Path& path) override;
  io::Path canonical(const io::Path& path) override;
  void make_dir(const io::Path& path) override;
  void make_dirs(const io::Path& path) override;
  void rename(const io::Path& from, const io::Path& to) override;
  void remove_file(const io::Path& path) override;
  void remove_dir(const io::Path& path) override;
  void make_symlink(const std::string& target, const io::Path& path) override;
  void make_hard_link(const io::Path& existing, const io::Path& path) override;
  void set_mtime(const io::Path& path, std::int64_t mtime_ns) override;
  void set_mode(const io::Path& path, std::uint32_t mode) override;
  void set_xattr(const io::Path& path, const std::string& name, const std::string& value) override;
  void sync_dir(const io::Path& folder) override;
  std::unique_ptr<io::Lock> lock(const io::Path& path, const std::string& what, const std::string& holder) override;

 private:
  template <typename Work>
  auto watched(const Call& call, Work work);

  io::FileSystem& below_;
  Watcher& watcher_;
};

}  // namespace darkshelf::testing
