#pragma once
// Lists of checksums that lie on a drive already: read without trust, and believed where they say what is read.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rituals/context.hpp"

namespace darkshelf::rituals {

enum class Checksum { kMd5, kSha1, kSha256 };

/// A file somebody's list speaks of.
struct Listed {
  std::size_t list = 0;  // which one
  Checksum kind = Checksum::kMd5;
  std::string hex;  // lower case
};

/// What reading the drive says of a list.
struct ListVerdict {
  std::string path;           // of the list, below the root
  std::int64_t mtime_ns = 0;  // its date
  std::uint64_t agree = 0, unread = 0, missing = 0;
  std::vector<std::string> differ;  // below the root: damaged since, or changed
  std::string problem;              // why nothing of it could be used; "" if it could
};

/// By its name: *.md5, *.sha1, *.sha256, SHA256SUMS and their like, hashdeep's, *.mhl, the manifests of a bag.
bool is_checksum_list(const std::string& name);

class ChecksumLists {
 public:
  /// What is on the drive: paths below its root.
  explicit ChecksumLists(std::set<std::string> there) : there_(std::move(there)) {}
  /// Takes in a list that lies at `path` below the root. Any text may come.
  void add(const std::string& path, const std::string& text, std::int64_t mtime_ns);
  void add_unreadable(const std::string& path, const std::string& problem);
  /// What is said of a file below the root.
  const std::vector<Listed>& of(const std::string& path) const;
  bool wants(const std::string& path, Checksum kind) const;

  /// The file was read; what was not asked for is empty.
  void read(const std::string& path, const std::string& md5, const std::string& sha1, const std::string& sha256);
  const std::vector<ListVerdict>& verdicts() const { return verdicts_; }

 private:
  void say(std::size_t list, const std::string& named, const std::string& hex);
  std::string resolved(const std::string& list, std::string named) const;
  void take_lines(std::size_t list, std::string_view text);
  void take_hashdeep(std::size_t list, std::string_view text);
  void take_mhl(std::size_t list, std::string_view text);

  std::set<std::string> there_;
  std::vector<ListVerdict> verdicts_;
  std::map<std::string, std::vector<Listed>> files_;
};

}  // namespace darkshelf::rituals
