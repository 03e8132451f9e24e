#pragma once
// Putting members of a volume into a folder; for restore.cpp alone.

#include <set>

#include "rituals/mend.hpp"
#include "rituals/restore.hpp"

namespace darkshelf::rituals {

class RestoredFiles {
 public:
  struct Target {
    io::Path root;  // resolved; nothing is written outside of it, through links neither
    io::FileSystem& fs;
  };
  RestoredFiles(Context& context, const Target& target, const SealedSource& source, RestoreReport& report,
                std::vector<std::string>& photo_paths);

  /// Writes the members named by `wanted` and takes those it brought back (or that are there, or are in conflict) from
  /// it; what is lost stays in it.
  void restore(const std::vector<formats::volume::Member>& members, std::set<std::string>& wanted);

 private:
  void restore_file(const formats::volume::Member& member, const io::Path& place);
  void restore_link(const formats::volume::Member& member, const io::Path& place);
  void restore_hard_link(const formats::volume::Member& member, const io::Path& place);
  bool holds_same(const formats::volume::Member& member, const io::Path& place);
  /// False (with a conflict told) when something on the way is no folder.
  bool make_folders(const std::string& path);
  void give_attributes(const formats::volume::Member& member, const io::Path& place);
  void note_once(const std::string& note);

  Context& context_;
  const Target& target_;
  const SealedSource& source_;
  RestoreReport& report_;
  std::vector<std::string>& photo_paths_;
  core::AlignedBuffer buffer_;
};

}  // namespace darkshelf::rituals
