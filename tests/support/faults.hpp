#pragma once
// What goes wrong with media: a call that fails, a sector that cannot be read, a bit that flips on its way, a disk that
// is full, and the power that goes.

#include <mutex>
#include <set>

#include "support/watched_file_system.hpp"

namespace darkshelf::testing {

/// Thread-safe. Paths are matched by a part of their text, in which * stands for anything; an empty part means every
/// path.
class Faults final : public Watcher {
 public:
  /// The nth call (1: the first) of this name on such a path fails with this errno; every one after it too when
  /// `lasting`.
  void fail(const std::string& call, const std::string& path_part, unsigned nth, int error, bool lasting = false);
  /// Reading these bytes fails with EIO.
  void unreadable(const std::string& path_part, std::uint64_t offset, std::uint64_t bytes);
  /// The byte is read with these bits turned over, `times` times (0: always).
  void flip(const std::string& path_part, std::uint64_t offset, std::uint8_t mask, unsigned times = 0);
  /// After so many bytes more, writes fail with ENOSPC.
  void full_after(std::uint64_t bytes);
  void nothing();  // forget all of it

  void before(const Call& call) override;
  void read(const Call& call, core::MutableByteSpan got) override;

 private:
  struct Failing {
    std::string call, path_part;
    unsigned nth = 1;
    int error = 0;
    bool lasting = false;
    unsigned seen = 0;
  };
  struct Hole {
    std::string path_part;
    std::uint64_t offset = 0, bytes = 0;
  };
  struct Flip {
    std::string path_part;
    std::uint64_t offset = 0;
    std::uint8_t mask = 0;
    unsigned times = 0, done = 0;
  };
  std::mutex mutex_;
  std::vector<Failing> failing_;
  std::vector<Hole> holes_;
  std::vector<Flip> flips_;
  std::optional<std::uint64_t> room_;
};

/// Remembers what of a folder is on the medium: file content as of its last sync, names as of the last sync_dir of
/// their folder. cut() puts the folder back to that. What was never synced is lost, in the worst way a journaling file
/// system allows. Everything that is there in the beginning counts as synced.
class PowerCut final : public Watcher {
 public:
  struct Happened {};  // thrown once the power is gone

  explicit PowerCut(const io::Path& root);
  /// The power goes instead of the nth changing call from now.
  void at(std::uint64_t nth) { left_ = nth; }
  std::uint64_t changes() const { return changes_; }
  bool happened() const { return happened_; }
  /// Puts the folder into the state a restart would find.
  void cut();

  void before(const Call& call) override;
  void after(const Call& call) override;

 private:
  struct Node {
    io::FileType type = io::FileType::kRegular;
    core::Bytes content;  // synced
    std::string link;
    std::uint32_t mode = 0644;
    std::int64_t mtime_ns = 0;
    std::map<std::string, std::shared_ptr<Node>> live, synced;  // of a folder
  };
  using NodePtr = std::shared_ptr<Node>;

  NodePtr load(const io::Path& path);
  NodePtr find(const io::Path& path) const;
  NodePtr parent_of(const io::Path& path) const;
  bool inside(const io::Path& path) const;
  void add_missing_folders(const io::Path& path);
  void write(const NodePtr& node, const io::Path& path) const;

  std::mutex mutex_;
  io::Path root_;
  NodePtr top_;
  std::uint64_t left_ = ~std::uint64_t{0}, changes_ = 0;
  bool happened_ = false;
};

}  // namespace darkshelf::testing
