#pragma once
// Metadata, thumbnails and digests by processes of our own, a few side by side. A file that makes a decoder crash, hang
// or ask for all memory costs its own answer and nothing else.

#include <memory>
#include <string>

#include "io/file_system.hpp"
#include "io/worker.hpp"
#include "photo/extract.hpp"
#include "photo/group.hpp"

namespace darkshelf::photo {

struct PoolOptions {
  unsigned workers = 0;                               // 0: as many as there are CPUs, 8 at most
  io::WorkerLimits limits;                            // of each
  std::uint64_t most_bytes = std::uint64_t{1} << 30;  // of a picture; a larger one is told as Failure::kTooLarge
  io::Path program;                                   // empty: darkshelf-photo, which belongs to this program
};

class Pool {
 public:
  /// Starts nothing yet: workers come when they are needed.
  explicit Pool(PoolOptions options = {});
  ~Pool();  // ends them
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Thread-safe; waits for a free worker, so ask from as many threads as there are workers. Never throws for what is
  /// in the files: what went wrong stands in the answer. Throws core::Error(kIo) when there is no memory to share.
  ///
  /// A worker that fails after it served other files is replaced and the file tried once more, since the fault may be
  /// what those left behind.
  Extract extract(const Request& request);

  /// The same of photo.files[file] below `root`, read through `fs` with all its sidecars. A sidecar that cannot be read
  /// is a problem of the answer; throws what `fs` throws for the picture.
  Extract extract_file(io::FileSystem& fs, const io::Path& root, const Photo& photo, std::size_t file,
                       const Wanted& wanted = {});

  /// How many workers it may have.
  unsigned size() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace darkshelf::photo
