#pragma once
// What is done with a whole file from front to back: its hashes, each a chain of steps that wait for one another, and
// writing it. All of it on threads of their own, behind the rest of the work, which then need not wait.

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/bytes.hpp"
#include "digest/digest.hpp"

namespace darkshelf::parity {

/// Not thread-safe. Threads begin with the first update of a file and end with finish().
class FileChains {
 public:
  /// `slice_bytes`: of the slices whose SHA-256 shall be computed along with that of the file, if that is possible.
  FileChains(digest::Hashes hashes, std::uint64_t slice_bytes, bool at_once = digest::Md5Sha256Stream::is_possible());
  ~FileChains();
  bool has_slices() const { return slices_; }  // they are computed
  /// Before the first update of a file: also hands its bytes on to `sink`, in order.
  void begin(std::function<void(core::ByteSpan)> sink);
  /// Bytes [begin, end) of the file, none of which was taken in yet, have a SHA-256 of their own, too. In order, begin
  /// a multiple of 64, none empty. Not without SHA-256.
  void part(std::uint64_t begin, std::uint64_t end);
  /// The bytes have to stay as they are until settle() says that they are done with.
  void update(core::ByteSpan bytes);
  /// Waits until all but the last `pending` updates are done with. Rethrows what failed.
  void settle(std::size_t pending);
  struct Digests {
    digest::Md5 md5{};
    digest::Sha256 sha256{};             // zero unless asked for
    std::vector<digest::Sha256> slices;  // if has_slices()
    std::vector<digest::Sha256> parts;
  };
  /// Of all that was taken in; ready for another file then.
  Digests finish();

 private:
  class Chain;
  class Parts;
  bool sha256_wanted_, slices_;
  std::mutex hold_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> told_;  // parts that the chains have not heard of
  std::unique_ptr<digest::Md5Sha256Stream> all_state_;         // where the CPU can do that
  digest::Md5Stream md5_state_;                                // else these three, a thread each
  digest::Sha256Stream sha256_state_;
  std::unique_ptr<Parts> parts_state_;
  /// all_ or the next three; sink_: of the current file, or null. Last: their threads use the states.
  std::unique_ptr<Chain> all_, md5_, sha256_, parts_, sink_;
};

}  // namespace darkshelf::parity
