#pragma once
// Putting members of a volume into a folder, and which folders nothing is put into.

#include <set>

#include "rituals/mend.hpp"
#include "rituals/restore.hpp"

namespace darkshelf::rituals {

/// Throws kUsage when the folder is the archive of a drive, or lies in one.
void refuse_archive(io::FileSystem& fs, const io::Path& folder);
/// The same for a folder that need not be there yet, by any path, through links too. What lies below a drive's
/// darkshelf/ is written by seal and its like alone: anything else there looks like damage, or is cleaned away.
void refuse_archive_around(io::FileSystem& fs, const io::Path& folder);

/// Where the bytes of members are had.
class MemberSource {
 public:
  virtual ~MemberSource() = default;
  virtual void read_member(const formats::volume::Member& member, std::uint64_t offset,
                           core::MutableByteSpan into) const = 0;
  /// Those that hard links may name.
  virtual const std::vector<formats::volume::Member>& members() const = 0;
};
class SealedMembers final : public MemberSource {
 public:
  explicit SealedMembers(const SealedSource& source) : source_(source) {}
  void read_member(const formats::volume::Member& member, std::uint64_t offset,
                   core::MutableByteSpan into) const override {
    source_.read_member(member, offset, into);
  }
  const std::vector<formats::volume::Member>& members() const override { return source_.volume().members; }

 private:
  const SealedSource& source_;
};

class RestoredFiles {
 public:
  struct Target {
    io::Path root;  // resolved; nothing is written outside of it, through links neither
    io::FileSystem& fs;
  };
  RestoredFiles(Context& context, const Target& target, const MemberSource& source, RestoreReport& report,
                std::vector<std::string>& photo_paths);

  /// Writes the members named by `wanted` and takes those it brought back (or that are there, are in conflict, or have
  /// names the target cannot hold) from it; what is lost stays in it.
  void restore(const std::vector<formats::volume::Member>& members, std::set<std::string>& wanted);

 private:
  void restore_member(const formats::volume::Member& member, std::vector<const formats::volume::Member*>& folders);
  void restore_file(const formats::volume::Member& member, const io::Path& place);
  void restore_link(const formats::volume::Member& member, const io::Path& place);
  void restore_hard_link(const formats::volume::Member& member, const io::Path& place);
  bool holds_same(const formats::volume::Member& member, const io::Path& place);
  /// False (with a conflict told) when something on the way is no folder.
  bool make_folders(const std::string& path);
  io::Path temporary_for(const formats::volume::Member& member, const io::Path& place) const;
  void give_attributes(const formats::volume::Member& member, const io::Path& place);
  void note_once(const std::string& note);

  Context& context_;
  const Target& target_;
  const MemberSource& source_;
  RestoreReport& report_;
  std::vector<std::string>& photo_paths_;
  core::AlignedBuffer buffer_;
};

}  // namespace darkshelf::rituals
