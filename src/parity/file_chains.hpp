#pragma once
// What is done with a whole file from front to back: its hashes, each a chain of steps that wait for one another, and
// writing it. All of it on threads of their own, behind the rest of the work, which then need not wait.

#include <functional>
#include <memory>

#include "core/bytes.hpp"
#include "digest/digest.hpp"

namespace darkshelf::parity {

/// Not thread-safe. Threads begin with the first update of a file and end with finish().
class FileChains {
 public:
  explicit FileChains(digest::Hashes hashes);
  ~FileChains();
  /// Before the first update of a file: also hands its bytes on to `sink`, in order.
  void begin(std::function<void(core::ByteSpan)> sink);
  /// The bytes have to stay as they are until settle() says that they are done with.
  void update(core::ByteSpan bytes);
  /// Waits until all but the last `pending` updates are done with. Rethrows what failed.
  void settle(std::size_t pending);
  struct Digests {
    digest::Md5 md5{};
    digest::Sha256 sha256{};  // zero unless asked for
  };
  /// Of all that was taken in; ready for another file then.
  Digests finish();

 private:
  class Chain;
  bool both_;  // hashes in one chain
  digest::Md5Sha256Stream both_state_;
  digest::Md5Stream md5_state_;
  digest::Sha256Stream sha256_state_;
  /// sha256_: null unless asked for and not along with MD5; sink_: of the current file, or null. Last: their threads
  /// use the states.
  std::unique_ptr<Chain> md5_, sha256_, sink_;
};

}  // namespace darkshelf::parity
