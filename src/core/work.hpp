#pragma once
// Long work: stopping it, telling how far it is, sharing it over threads, and (in test builds) dying at a named step.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace darkshelf::core {

/// Set from a signal handler or another thread; looked at between buffers. Thread-safe.
class Cancel {
 public:
  void request() noexcept { requested_.store(true, std::memory_order_relaxed); }
  bool requested() const noexcept { return requested_.load(std::memory_order_relaxed); }
  /// Throws Error(kCancelled) once requested.
  void check() const {
    if (requested()) throw Error(Code::kCancelled, "stopped");
  }

 private:
  std::atomic<bool> requested_{false};
};

/// Told by the engine, rendered by the cli. Calls come from one thread at a time.
class Progress {
 public:
  virtual ~Progress() = default;
  /// A stage such as "writing 3 of 7", with its total in bytes (0: unknown).
  virtual void begin(std::string_view stage, std::uint64_t total_bytes) = 0;
  virtual void advance(std::uint64_t bytes) = 0;
  virtual void end() = 0;
};
Progress& no_progress();

/// What every long ritual is handed.
struct Work {
  const Cancel* cancel = nullptr;
  Progress* progress = nullptr;
  std::uint64_t memory = std::uint64_t{2} << 30;  // bytes the ritual's buffers may take together
  unsigned threads = 0;                           // 0: as many as there are CPUs

  void check() const {
    if (cancel != nullptr) cancel->check();
  }
  Progress& told() const { return progress != nullptr ? *progress : no_progress(); }
  unsigned thread_count() const;
};

/// Calls body(i) for i in [0, count) on up to `threads` threads, each i once. Rethrows the first exception after all
/// threads have stopped. Nothing shared is needed for count < 2 or threads < 2.
void parallel_for(unsigned threads, std::size_t count, const std::function<void(std::size_t)>& body);

/// A named step of a ritual. Builds with DARKSHELF_STOP_POINTS send themselves SIGKILL (or DARKSHELF_STOP_SIGNAL, a
/// number) when DARKSHELF_STOP_AT names it ("name" or "name:3" for the third time it is reached), and append the name
/// to the file DARKSHELF_STOP_LOG; release builds do nothing.
void stop_point(std::string_view name);

}  // namespace darkshelf::core
