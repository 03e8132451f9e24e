#pragma once
// How far long work is: a line that renews itself on a terminal, otherwise a line every ten seconds.

#include <chrono>
#include <mutex>
#include <string>

#include "core/work.hpp"

namespace darkshelf::cli {

class TerminalProgress final : public core::Progress {
 public:
  enum class Style { kSilent, kLines, kRenewed };
  explicit TerminalProgress(Style style);
  ~TerminalProgress() override { clear(); }

  void begin(std::string_view stage, std::uint64_t total_bytes) override;
  void advance(std::uint64_t bytes) override;
  void end() override;
  /// Takes the renewed line away, so that something else can be printed.
  void clear();

 private:
  std::string text() const;
  void show();

  Style style_;
  std::size_t columns_;  // of a line that is renewed: one less than the terminal has
  std::mutex mutex_;
  std::string stage_;
  std::uint64_t total_ = 0, done_ = 0;
  std::chrono::steady_clock::time_point began_, shown_;
  bool on_screen_ = false;
};

}  // namespace darkshelf::cli
