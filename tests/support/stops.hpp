#pragma once
// Ctrl-C in the midst of reading.

#include <atomic>
#include <memory>

#include "core/work.hpp"
#include "support/faults.hpp"

namespace darkshelf::testing {

/// Asks to stop at the n-th read of a payload; 0: never.
class StopsAtRead final : public Watcher {
 public:
  void before(const Call& call) override {
    if (call.call != "read_at" || !call.path.string().ends_with(".tar") || wanted_ == 0) return;
    if (++reads_ == wanted_) cancel_->request();
  }
  const core::Cancel* after(unsigned reads) {
    wanted_ = reads;
    reads_ = 0;
    cancel_ = std::make_unique<core::Cancel>();
    return cancel_.get();
  }

 private:
  std::atomic<unsigned> wanted_ = 0, reads_ = 0;
  std::unique_ptr<core::Cancel> cancel_;
};

}  // namespace darkshelf::testing
