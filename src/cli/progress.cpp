#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/layout.hpp"
#include "core/text.hpp"

namespace darkshelf::cli {

namespace {

constexpr std::chrono::milliseconds kRenew{200};
constexpr std::chrono::seconds kLine{10};

}  // namespace

TerminalProgress::TerminalProgress(Style style)
    : style_(style), columns_(columns_of(STDERR_FILENO).value_or(kUsualColumns) - 1) {}

void TerminalProgress::begin(std::string_view stage, std::uint64_t total_bytes) {
  const std::lock_guard hold(mutex_);
  stage_ = stage;
  total_ = total_bytes;
  done_ = 0;
  began_ = shown_ = std::chrono::steady_clock::now();
}

void TerminalProgress::advance(std::uint64_t bytes) {
  const std::lock_guard hold(mutex_);
  done_ += bytes;
  const auto now = std::chrono::steady_clock::now();
  if (style_ == Style::kSilent ||
      now - shown_ < (style_ == Style::kRenewed ? std::chrono::milliseconds(kRenew) : std::chrono::milliseconds(kLine)))
    return;
  shown_ = now;
  show();
}

void TerminalProgress::end() { clear(); }

void TerminalProgress::clear() {
  const std::lock_guard hold(mutex_);
  if (!on_screen_) return;
  fmt::print(stderr, "\r{}\r", std::string(columns_, ' '));
  std::fflush(stderr);
  on_screen_ = false;
}

std::string TerminalProgress::text() const {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string figures = core::format_size(done_);
  if (total_ > 0) figures += " of " + core::format_size(std::max(total_, done_));
  figures += fmt::format(", {}/s", core::format_size(static_cast<std::uint64_t>(rate)));
  if (total_ > done_ && rate > 0) {
    const auto left = std::chrono::seconds(static_cast<std::int64_t>(static_cast<double>(total_ - done_) / rate) + 1);
    figures += ", " + core::format_duration(left) + " left";
  }
  const std::size_t room = columns_ - std::min(columns_ - 12, width_of(figures) + 2);
  return shortened(stage_, room) + ": " + figures;
}

void TerminalProgress::show() {
  if (style_ == Style::kRenewed) {
    const std::string line = text();
    fmt::print(stderr, "\r{}{}", line, std::string(columns_ - std::min(columns_, width_of(line)), ' '));
    std::fflush(stderr);
    on_screen_ = true;
  } else {
    fmt::print(stderr, "{}\n", text());
  }
}

}  // namespace darkshelf::cli
