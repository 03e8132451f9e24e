#pragma once
// Thumbnails of photos, in a file of their own beside the catalog: they are many times as large as all the rest, and
// can be made again. formats/catalog/SPEC.md, "Thumbnails".
//
// Every function throws core::Error. Not thread-safe.

#include <memory>
#include <optional>
#include <vector>

#include "core/bytes.hpp"
#include "digest/digest.hpp"
#include "io/file_system.hpp"

namespace darkshelf::catalog {

inline constexpr std::size_t kMostThumbnailBytes = 256 << 10;

/// A JPEG by the SHA-256 of the file it shows.
struct Thumbnail {
  digest::Sha256 of{};
  core::Bytes jpeg;
};

class Thumbnails {
 public:
  /// The file of this catalog ("catalog.db.thumbnails"), made if there is none. One that is damaged, or none of ours,
  /// is moved aside ("….damaged") and a new one begun.
  static Thumbnails for_writing(io::FileSystem& fs, const io::Path& catalog);
  /// Nothing if there is none, or it cannot be used.
  static std::optional<Thumbnails> for_reading(io::FileSystem& fs, const io::Path& catalog);
  Thumbnails(Thumbnails&&) noexcept;
  Thumbnails& operator=(Thumbnails&&) noexcept;
  ~Thumbnails();

  /// In one transaction. Of a file that has one already the first stays. What is no JPEG or too large is passed over.
  void put(const std::vector<Thumbnail>& thumbnails);
  std::optional<core::Bytes> get(const digest::Sha256& of);
  std::uint64_t count();

 private:
  struct State;
  explicit Thumbnails(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace darkshelf::catalog
