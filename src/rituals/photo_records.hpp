#pragma once
// What photos say of themselves, gathered while their bytes pass by on their way onto drives: nothing is read twice
// but sidecars, and no ritual waits for a decoder longer than until memory is free again.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/volume/tag_files.hpp"
#include "photo/pool.hpp"
#include "rituals/context.hpp"
#include "volume/scan.hpp"

namespace darkshelf::rituals {

/// A file that is not what its name says, or that a decoder died of.
struct PictureFinding {
  std::string path;    // as in members.jsonl
  std::string reason;  // continues "IMG_0001.CR2 …"
  bool lost = true;    // false: a picture all the same, of another kind
};

/// Bytes of thumbnails in a file of their own until the digests of their photos are known. Thread-safe.
class ThumbnailSpool {
 public:
  /// The file lies beside the catalog and is removed in the end; one of a run that was killed is replaced.
  explicit ThumbnailSpool(Context& context);
  ~ThumbnailSpool();
  ThumbnailSpool(const ThumbnailSpool&) = delete;
  ThumbnailSpool& operator=(const ThumbnailSpool&) = delete;

  struct At {
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;  // 0: there is none
  };
  At put(core::ByteSpan jpeg);
  core::Bytes get(At at);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class PhotoRecords {
 public:
  /// `entries`: all of the shoot, so that a sidecar is found whichever part it falls into. `memory`: what files that
  /// wait for a decoder may take together; one at least always may.
  PhotoRecords(Context& context, photo::Pool& pool, ThumbnailSpool& spool,
               const std::vector<volume::SourceEntry>& entries, std::uint64_t memory);
  ~PhotoRecords();
  PhotoRecords(const PhotoRecords&) = delete;
  PhotoRecords& operator=(const PhotoRecords&) = delete;

  /// Is it a picture, so that its content should be given?
  bool wants(const std::string& path) const;
  /// The content of a file, which is copied; waits while too much is waiting. Files that are no pictures are passed
  /// over. Given a second time it is looked at again.
  void give(const std::string& path, core::ByteSpan content);
  /// The same of a file that was not read whole: it is read again if it is not too long.
  void give_long(const volume::SourceEntry& entry);

  struct Thumbnail {
    std::string path;  // of the photo's first file
    ThumbnailSpool::At at;
  };
  struct Gathered {
    std::vector<Thumbnail> thumbnails;
    std::vector<PictureFinding> findings;
    std::uint64_t photos = 0;        // of which metadata are known
    std::string without_a_worker;    // why none could be started; "" if they could
    std::string without_thumbnails;  // why some could not be kept; "" if they could
  };
  /// Waits for all, and writes what is known into `members` (Member::photo).
  Gathered finish(std::vector<formats::volume::Member>& members);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace darkshelf::rituals
