#pragma once
// An image of a medium without a file system, made by hand from the files of volumes.

#include "io/file_system.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {

class RawImage {
 public:
  /// Filled with what follows from the seed; 0: zeros.
  RawImage(std::uint64_t bytes, std::uint64_t seed);

  core::Bytes& bytes() { return bytes_; }
  void put(std::uint64_t offset, core::ByteSpan content);
  /// All files below a folder, one behind the other, each at a multiple of `align` and `phase` more; returns where
  /// they end.
  std::uint64_t put_files(std::uint64_t offset, const io::Path& folder, std::uint64_t align = 4096,
                          std::uint64_t phase = 0);
  /// The same, in pieces of `piece` bytes, every other of which goes behind all the rest.
  std::uint64_t put_fragments(std::uint64_t offset, const io::Path& folder, std::uint64_t piece);
  /// The file it is in, written anew.
  io::Path write();

 private:
  TempDir temp_;
  core::Bytes bytes_;
};

/// Path below the folder to content, of all regular files.
std::map<std::string, std::string> contents_below(const io::Path& folder);

}  // namespace darkshelf::testing
