#include "parity/file_chains.hpp"

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
      thread_ = std::thread([this] { run(); });
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
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<core::ByteSpan> waiting_;  // the first is being taken in
  std::exception_ptr failure_;
  bool ending_ = false;
};

FileChains::FileChains(digest::Hashes hashes)
    : both_(hashes == digest::Hashes::kPar2AndSha256 && digest::Md5Sha256Stream::is_quick()),
      md5_(std::make_unique<Chain>([this](core::ByteSpan bytes) {
        if (both_) {
          both_state_.update(bytes);
        } else {
          md5_state_.update(bytes);
        }
      })) {
  if (hashes == digest::Hashes::kPar2AndSha256 && !both_)
    sha256_ = std::make_unique<Chain>([this](core::ByteSpan bytes) { sha256_state_.update(bytes); });
}
FileChains::~FileChains() = default;

void FileChains::begin(std::function<void(core::ByteSpan)> sink) {
  sink_ = sink ? std::make_unique<Chain>(std::move(sink)) : nullptr;
}

void FileChains::update(core::ByteSpan bytes) {
  if (sink_) sink_->update(bytes);
  md5_->update(bytes);
  if (sha256_) sha256_->update(bytes);
}

void FileChains::settle(std::size_t pending) {
  for (const auto* chain : {&sink_, &md5_, &sha256_}) {
    if (*chain) (*chain)->settle(pending);
  }
}

FileChains::Digests FileChains::finish() {
  settle(0);
  sink_.reset();
  md5_->stop();
  if (sha256_) sha256_->stop();
  if (both_) {
    const auto [md5, sha256] = both_state_.finish();
    return {md5, sha256};
  }
  Digests digests{md5_state_.finish(), {}};
  if (sha256_) digests.sha256 = sha256_state_.finish();
  return digests;
}

}  // namespace darkshelf::parity
