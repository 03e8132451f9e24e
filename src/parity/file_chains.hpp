#pragma once
// The hashes over a whole file, each a chain of steps that wait for one another, on threads of their own: they run
// behind the rest of the work, which then need not wait for them.

#include <memory>

#include "core/bytes.hpp"
#include "digest/digest.hpp"

namespace darkshelf::parity {

/// Not thread-safe. Threads begin with the first update of a file and end with finish().
class FileChains {
 public:
  explicit FileChains(digest::Hashes hashes);
  ~FileChains();
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
  digest::Md5Stream md5_state_;
  digest::Sha256Stream sha256_state_;
  std::unique_ptr<Chain> md5_, sha256_;  // sha256_: null unless asked for. Last: their threads use the states
};

}  // namespace darkshelf::parity
