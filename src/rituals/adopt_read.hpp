#pragma once
// Files of a drive, each read once: one thread reads ahead, others hash what it read and have metadata and thumbnails
// extracted from it. Memory is bounded.

#include "core/line.hpp"
#include "photo/pool.hpp"
#include "rituals/context.hpp"

namespace darkshelf::rituals {

struct FileToRead {
  io::Path path;
  std::string name;                // below the shoot: its ending tells what it should be
  bool picture = false;            // image digest, and is it what it is named
  bool lead = false;               // the first file of its photo: metadata and a thumbnail as well
  std::vector<io::Path> sidecars;  // of a lead, the most believed first
  bool md5 = false, sha1 = false;  // some list speaks of it
};

struct FileRead {
  std::string problem;  // why it could not be read whole, or that it changed meanwhile; "" if it was read
  io::Stat stat;        // as it was
  digest::Sha256 sha256{};
  std::string md5, sha1;  // hex, where they were asked for
  photo::Extract extract;
  std::string photo;  // its record (photo/record.hpp) as text
};

class FileReader {
 public:
  /// `pool` null: nothing is extracted.
  FileReader(Context& context, photo::Pool* pool);

  /// In the order given. A file that cannot be read, or that changes or goes meanwhile, is told in its `problem`;
  /// throws kDriveGone, kCancelled. Progress is told as it reads.
  std::vector<FileRead> read(const std::vector<FileToRead>& files);

  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  struct Job;
  void digest_of(const Job& job) const;
  void read_one(const FileToRead& file, FileRead& out, core::Line<Job>& line);
  core::Bytes whole(io::File& file, std::uint64_t bytes);
  void stream(io::File& file, const FileToRead& what, FileRead& out);
  const core::Bytes* sidecar(const io::Path& path);

  Context& context_;
  photo::Pool* pool_;
  std::uint64_t most_whole_;                  // a longer file is hashed as it streams by
  std::map<io::Path, core::Bytes> sidecars_;  // read before their turn
  std::uint64_t bytes_read_ = 0;
};

}  // namespace darkshelf::rituals
