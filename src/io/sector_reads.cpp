#include "io/sector_reads.hpp"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

namespace darkshelf::io {

using core::Error;

namespace {

constexpr unsigned kErrorsBeforeSteps = 8;
constexpr std::uint64_t kFirstStep = 8 * kSector;
constexpr std::uint64_t kLongestStep = std::uint64_t{256} << 20;
constexpr std::uint64_t kShortRead = 64 << 10;  // of so little every sector is asked for
constexpr std::size_t kSecondTries = 32;        // in one read; a stretch of more bad sectors is no passing trouble

std::uint64_t sector_of(std::uint64_t offset) { return offset / kSector * kSector; }

}  // namespace

/// One read that met with something unreadable.
class SectorReads::Walk {
 public:
  using Clock = std::chrono::steady_clock;

  Walk(SectorReads& reads, std::uint64_t offset, core::MutableByteSpan into, std::uint64_t file_bytes, Run run,
       Clock::time_point began)
      : reads_(reads),
        offset_(offset),
        into_(into),
        end_(std::min(offset + into.size(), std::max(file_bytes, offset))),
        pos_(offset),
        run_(run),
        known_(reads.drive_.bad().within(*reads.path_, offset, into.size())),
        began_(began) {}

  /// A read of `bytes` from pos_ on failed like this.
  void failed(std::uint64_t bytes, const Error& error) {
    const std::uint64_t start = pos_;
    bytes = std::min(bytes, end_ - pos_);
    if (bytes > 0 && sector_of(pos_) == sector_of(pos_ + bytes - 1)) return bad_sector(pos_ + bytes);
    if (error.offset() && *error.offset() > pos_) pos_ = std::min(sector_of(*error.offset()), end_);
    pos_ = std::max(pos_, start);
    suspect_ = std::min(start + bytes, sector_of(pos_) + kReadPiece);
  }

  std::size_t run() {
    while (pos_ < end_) {
      if (reads_.patience_.cancel != nullptr) reads_.patience_.cancel->check();
      if (run_.jump != 0) {
        step_over();
      } else if (!take_known()) {
        go_on();
      }
    }
    second_try();
    if (!fresh_.empty() || second_try_ > 0)
      reads_.drive_.bad().add(*reads_.path_, fresh_, second_try_, Clock::now() - began_);
    std::vector<BadStretch> all = known_;
    all.insert(all.end(), fresh_.begin(), fresh_.end());
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
    if (all.empty()) return end_ - offset_;
    for (const BadStretch& one : all) {
      const auto part = into_.subspan(one.offset - std::min(one.offset, offset_));
      std::fill_n(part.begin(), std::min<std::uint64_t>(one.bytes, part.size()), std::byte{});
    }
    throw UnreadableSectors(*reads_.path_, std::move(all));
  }

  Run unfinished() const { return run_.jump != 0 ? Run{end_, run_.jump, run_.left} : Run{}; }

 private:
  std::uint64_t sector_end(std::uint64_t at) const { return std::min(sector_of(at) + kSector, end_); }

  /// Reads [at, at + bytes) into its place. The drive is asked whether it is still there when that fails.
  bool try_read(std::uint64_t at, std::uint64_t bytes, bool again = false) {
    try {
      reads_.file_.read_at(at, into_.subspan(at - offset_, bytes));
      reads_.drive_.good(reads_.path_, at, reads_.file_.is_direct());
      return true;
    } catch (const Error& error) {
      reads_.drive_.failed(error, again);
      if (!is_read_error(error)) throw;
      error_ = error;
      return false;
    }
  }

  void bad(std::uint64_t from, std::uint64_t to, bool asked) {
    if (from >= to) return;
    const bool joins = !fresh_.empty() && fresh_.back().offset + fresh_.back().bytes == from;
    if (joins && fresh_.back().asked == asked) {
      fresh_.back().bytes += to - from;
    } else {
      fresh_.push_back({from, to - from, asked});
    }
  }

  bool take_known() {
    for (const BadStretch& one : known_) {
      if (one.offset > pos_ || one.offset + one.bytes <= pos_) continue;
      pos_ = one.offset + one.bytes;
      return true;
    }
    return false;
  }

  /// Sector by sector where one of them has to be bad; behind it in reads that double.
  void go_on() {
    std::uint64_t limit = end_;
    for (const BadStretch& one : known_) {
      if (one.offset > pos_) limit = std::min(limit, one.offset);
    }
    const bool one_by_one = suspect_ > pos_ || stride_ <= kSector;
    const std::uint64_t bytes = std::min(limit, one_by_one ? sector_end(pos_) : sector_of(pos_) + stride_) - pos_;
    if (try_read(pos_, bytes)) {
      pos_ += bytes;
      in_a_row_ = 0;
      if (suspect_ <= pos_) stride_ = std::min<std::uint64_t>(2 * stride_, kReadPiece);
    } else {
      failed(bytes, *error_);
    }
  }

  void bad_sector(std::uint64_t end) {
    bad(pos_, end, true);
    pos_ = end;
    stride_ = kSector;
    suspect_ = 0;
    if (++in_a_row_ >= kErrorsBeforeSteps && into_.size() > kShortRead) run_ = {0, kFirstStep, kFirstStep};
  }

  /// Everything in front of pos_ is bad: one sector some way on is asked for.
  void step_over() {
    const std::uint64_t probe = pos_ + run_.left;
    if (probe >= end_) {
      bad(pos_, end_, false);
      run_.left -= end_ - pos_;
      pos_ = end_;
      return;
    }
    if (!try_read(probe, sector_end(probe) - probe)) {
      bad(pos_, probe, false);
      bad(probe, sector_end(probe), true);
      pos_ = sector_end(probe);
      run_.jump = run_.left = std::min(2 * run_.jump, kLongestStep);
      return;
    }
    // Back to where the run ends, which lies in between.
    std::uint64_t low = pos_, high = probe;
    while (low < high) {
      const std::uint64_t middle = std::max(low, sector_of(low + (high - low) / 2));
      if (try_read(middle, std::min(sector_end(middle), high) - middle)) {
        high = middle;
      } else {
        low = std::min(sector_end(middle), high);
      }
    }
    bad(pos_, low, false);
    pos_ = low;
    run_ = {};
    in_a_row_ = 0;
    stride_ = kSector;
  }

  void second_try() {
    std::size_t sectors = 0;
    for (const BadStretch& one : fresh_) sectors += one.asked ? core::divide_up(one.bytes, kSector) : 0;
    if (sectors == 0 || sectors > kSecondTries) return;
    if (reads_.patience_.pause.count() > 0) std::this_thread::sleep_for(reads_.patience_.pause);
    for (const BadStretch& one : std::exchange(fresh_, {})) {
      const std::uint64_t end = one.offset + one.bytes;
      for (std::uint64_t at = one.offset; at < end; at = std::min(sector_end(at), end)) {
        if (!one.asked) {
          bad(at, end, false);
          break;
        }
        if (reads_.patience_.cancel != nullptr) reads_.patience_.cancel->check();
        const std::uint64_t upto = std::min(sector_end(at), end);
        if (try_read(at, upto - at, true)) {
          ++second_try_;
        } else {
          bad(at, upto, true);
        }
      }
    }
  }

  SectorReads& reads_;
  std::uint64_t offset_;
  core::MutableByteSpan into_;
  std::uint64_t end_, pos_;
  Run run_;
  std::vector<BadStretch> known_, fresh_;
  std::optional<Error> error_;
  std::uint64_t suspect_ = 0;  // one sector in front of it is bad
  std::uint64_t stride_ = kReadPiece;
  unsigned in_a_row_ = 0;
  std::uint64_t second_try_ = 0;
  Clock::time_point began_;
};

std::uint64_t SectorReads::file_bytes() {
  try {
    return file_.stat().bytes;
  } catch (const Error& error) {
    drive_.failed(error);
    throw;
  }
}

std::size_t SectorReads::read(std::uint64_t offset, core::MutableByteSpan into) {
  Run run;
  {
    const std::lock_guard hold(mutex_);
    run = std::exchange(run_, {});
  }
  if (run.end != offset || into.size() <= kShortRead) run = {};
  const auto began = Walk::Clock::now();
  std::optional<Error> first;
  if (run.jump == 0 && drive_.bad().within(*path_, offset, into.size()).empty()) {
    try {
      const std::size_t got = file_.read_at(offset, into);
      if (got > 0) {
        drive_.good(path_, offset, file_.is_direct());
        drive_.bad().sound(*path_, offset, got);
      }
      return got;
    } catch (const Error& error) {
      drive_.failed(error, false);
      if (!is_read_error(error)) throw;
      first = error;
    }
  }
  Walk walk(*this, offset, into, file_bytes(), run, began);
  if (first) walk.failed(into.size(), *first);
  const auto keep_run = [&] {
    const std::lock_guard hold(mutex_);
    run_ = walk.unfinished();
  };
  try {
    const std::size_t got = walk.run();
    keep_run();
    return got;
  } catch (const UnreadableSectors&) {
    keep_run();
    throw;
  }
}

}  // namespace darkshelf::io
