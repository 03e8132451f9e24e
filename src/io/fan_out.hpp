#pragma once
// One stream of writes onto several drives at once.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/file_system.hpp"

namespace darkshelf::io {

/// A set of target folders (one a drive) that receive the same files; thread-safe. A target whose write fails is
/// dropped (its error is kept, its thread idles) and the others go on; when none is left, the last error is thrown to
/// the writer. Every target has one thread; a write returns when every live target has it (bytes need not be copied).
class FanOut {
 public:
  FanOut(FileSystem& fs, std::vector<Path> roots);
  ~FanOut();
  FanOut(const FanOut&) = delete;
  FanOut& operator=(const FanOut&) = delete;

  /// Creates `relative` under every live root (parent folders are made). The File writes to all; read_at reads the
  /// first live target; sync syncs all. It must not outlive the FanOut.
  std::unique_ptr<File> create(const std::string& relative);
  /// Reads a file that was created from the first live target; one that fails is dropped as with a write, and the next
  /// one is asked. From one thread at a time.
  std::size_t read_at(const std::string& relative, std::uint64_t offset, core::MutableByteSpan into);
  /// Runs `step(root)` for every live target, each on its thread; a throw drops that target.
  void for_each(const std::function<void(std::size_t target)>& step);

  std::size_t size() const;
  bool alive(std::size_t target) const;
  const Path& root(std::size_t target) const;
  /// Why a target was dropped; null while it lives.
  std::exception_ptr error(std::size_t target) const;

 private:
  friend class FanOutFile;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace darkshelf::io
