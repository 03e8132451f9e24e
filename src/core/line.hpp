#pragma once
// Jobs that wait in memory for a few threads.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace darkshelf::core {

/// As many wait or are at work as their weights allow, but one always may. Used from one thread.
template <typename Job>
class Line {
 public:
  /// `work` is called from up to `threads` threads at once, which start with the first jobs.
  Line(unsigned threads, std::uint64_t most, std::function<void(Job&)> work)
      : threads_(threads), most_(most), work_(std::move(work)) {}
  /// What still waits is dropped, what is at work is waited for.
  ~Line() {
    {
      const std::lock_guard hold(mutex_);
      jobs_.clear();
    }
    end();
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  /// Waits until there is room. Rethrows what a job threw.
  void put(Job job, std::uint64_t weight) {
    std::unique_lock hold(mutex_);
    room_.wait(hold, [&] { return in_line_ == 0 || in_line_ + weight <= most_ || failed_; });
    if (failed_) std::rethrow_exception(failed_);
    in_line_ += weight;
    jobs_.push_back({std::move(job), weight});
    if (workers_.size() < threads_) workers_.emplace_back([this] { serve(); });
    given_.notify_one();
  }
  /// Waits for all of them. Rethrows what a job threw. Nothing may be put after it.
  void finish() {
    end();
    if (failed_) std::rethrow_exception(failed_);
  }

 private:
  struct Waiting {
    Job job;
    std::uint64_t weight = 0;
  };

  void serve() {
    for (;;) {
      std::unique_lock hold(mutex_);
      given_.wait(hold, [&] { return ended_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      Waiting next = std::move(jobs_.front());
      jobs_.pop_front();
      hold.unlock();
      std::exception_ptr failed;
      try {
        work_(next.job);
      } catch (...) {
        failed = std::current_exception();
      }
      hold.lock();
      if (!failed_) failed_ = failed;
      in_line_ -= next.weight;
      room_.notify_one();
    }
  }
  void end() {
    {
      const std::lock_guard hold(mutex_);
      ended_ = true;
    }
    given_.notify_all();
    workers_.clear();  // joins
  }

  const unsigned threads_;
  const std::uint64_t most_;
  const std::function<void(Job&)> work_;
  std::mutex mutex_;
  std::condition_variable given_, room_;
  std::deque<Waiting> jobs_;
  std::uint64_t in_line_ = 0;
  bool ended_ = false;
  std::exception_ptr failed_;
  std::vector<std::jthread> workers_;
};

}  // namespace darkshelf::core
