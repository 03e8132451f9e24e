#include "parity/file_chains.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace darkshelf::parity {

namespace {

constexpr std::size_t kWorthThread = 512 << 10;  // less is hashed at once: most files of a set may be small

}  // namespace

/// One of them; `take` is called for all bytes in order.
class FileChains::Chain {
 public:
  explicit Chain(std::function<void(core::ByteSpan)> take) : take_(std::move(take)) {}
  ~Chain() { stop(); }

  void update(core::ByteSpan bytes) {
    if (!thread_.joinable()) {
      if (bytes.size() < kWorthThread) return take_(bytes);
      ending_ = false;
      thread_ = std::jthread([this] { run(); });
    }
    const std::lock_guard guard(mutex_);
    waiting_.push_back(bytes);
    changed_.notify_all();
  }

  void settle(std::size_t pending) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.size() <= pending; });
    if (failure_) std::rethrow_exception(failure_);
  }

  void stop() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard guard(mutex_);
      ending_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const core::ByteSpan bytes = waiting_.front();
      const bool failed = failure_ != nullptr;
      lock.unlock();
      std::exception_ptr failure;
      try {
        if (!failed) take_(bytes);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      if (failure) failure_ = failure;
      waiting_.pop_front();
      changed_.notify_all();
    }
  }

  std::function<void(core::ByteSpan)> take_;
  std::jthread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<core::ByteSpan> waiting_;  // the first is being taken in
  std::exception_ptr failure_;
  bool ending_ = false;
};

/// SHA-256 of parts of what comes by.
class FileChains::Parts {
 public:
  void part(std::uint64_t begin, std::uint64_t end) { to_come_.emplace_back(begin, end); }
  void update(core::ByteSpan bytes) {
    const std::uint64_t first = position_, last = position_ += bytes.size();
    while (!to_come_.empty() && to_come_.front().first < last) {
      const auto [begin, end] = to_come_.front();
      const std::uint64_t from = std::max(begin, first), to = std::min(end, last);
      sha256_.update(bytes.subspan(from - first, to - from));
      if (end > last) return;
      done_.push_back(sha256_.finish());
      to_come_.pop_front();
    }
  }
  std::vector<digest::Sha256> finish() {
    position_ = 0;
    if (!to_come_.empty()) sha256_.finish();  // of one that was begun
    to_come_.clear();
    return std::exchange(done_, {});
  }

 private:
  std::deque<std::pair<std::uint64_t, std::uint64_t>> to_come_;
  std::uint64_t position_ = 0;
  digest::Sha256Stream sha256_;
  std::vector<digest::Sha256> done_;
};

FileChains::FileChains(digest::Hashes hashes, std::uint64_t slice_bytes, bool at_once)
    : sha256_wanted_(hashes == digest::Hashes::kPar2AndSha256),
      slices_(sha256_wanted_ && at_once && slice_bytes % 64 == 0) {
  const auto tell_parts = [this](auto& state) {
    const std::lock_guard guard(hold_);
    for (const auto& [begin, end] : std::exchange(told_, {})) state.part(begin, end);
  };
  if (sha256_wanted_ && at_once) {
    all_state_ = std::make_unique<digest::Md5Sha256Stream>(slices_ ? slice_bytes : 0);
    all_ = std::make_unique<Chain>([this, tell_parts](core::ByteSpan bytes) {
      tell_parts(*all_state_);
      all_state_->update(bytes);
    });
    return;
  }
  md5_ = std::make_unique<Chain>([this](core::ByteSpan bytes) { md5_state_.update(bytes); });
  if (!sha256_wanted_) return;
  sha256_ = std::make_unique<Chain>([this](core::ByteSpan bytes) { sha256_state_.update(bytes); });
  parts_state_ = std::make_unique<Parts>();
  parts_ = std::make_unique<Chain>([this, tell_parts](core::ByteSpan bytes) {
    tell_parts(*parts_state_);
    parts_state_->update(bytes);
  });
}
FileChains::~FileChains() = default;

void FileChains::begin(std::function<void(core::ByteSpan)> sink) {
  sink_ = sink ? std::make_unique<Chain>(std::move(sink)) : nullptr;
}

void FileChains::part(std::uint64_t begin, std::uint64_t end) {
  const std::lock_guard guard(hold_);
  told_.emplace_back(begin, end);
}

void FileChains::update(core::ByteSpan bytes) {
  for (const auto* chain : {&sink_, &all_, &md5_, &sha256_, &parts_}) {
    if (*chain) (*chain)->update(bytes);
  }
}

void FileChains::settle(std::size_t pending) {
  for (const auto* chain : {&sink_, &all_, &md5_, &sha256_, &parts_}) {
    if (*chain) (*chain)->settle(pending);
  }
}

FileChains::Digests FileChains::finish() {
  settle(0);
  sink_.reset();
  for (const auto* chain : {&all_, &md5_, &sha256_, &parts_}) {
    if (*chain) (*chain)->stop();
  }
  told_.clear();
  if (all_) {
    digest::Md5Sha256Stream::Digests all = all_state_->finish();
    return {all.md5, all.sha256, std::move(all.slices), std::move(all.parts)};
  }
  Digests digests{md5_state_.finish(), {}, {}, {}};
  if (sha256_) digests.sha256 = sha256_state_.finish();
  if (parts_) digests.parts = parts_state_->finish();
  return digests;
}

}  // namespace darkshelf::parity
