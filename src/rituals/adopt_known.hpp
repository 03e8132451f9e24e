#pragma once
// What the catalog knows already when a drive is adopted: what was taken in from it before, and shoots of other drives.

#include "rituals/context.hpp"
#include "rituals/sealed_files.hpp"
#include "volume/scan.hpp"

namespace darkshelf::rituals {

/// A volume that was taken in from this folder before.
struct KnownPart {
  catalog::Volume volume;
  catalog::Copy copy;
  std::vector<formats::volume::Member> members;
};
/// What is known on a drive, by folder.
using KnownFolders = std::map<std::string, std::vector<KnownPart>>;
KnownFolders known_folders(Context& context, const catalog::Drive& drive);

/// A shoot the catalog knows, with all paths of it; for the rule of the same shoot (rituals/recognise.cpp).
class KnownShoots {
 public:
  explicit KnownShoots(catalog::Catalog& catalog);
  /// Same folder name, and one path at least with equal size and time.
  std::optional<core::Uuid> same_as(const volume::SourceShoot& source);
  void add(const core::Uuid& shoot, const std::string& folder, const volume::SourceShoot& source);

 private:
  using Members = std::map<std::string, std::pair<std::uint64_t, std::int64_t>>;  // bytes, time
  const Members& members_of(const core::Uuid& shoot);
  catalog::Catalog& catalog_;
  std::multimap<std::string, core::Uuid> by_name_;
  std::map<core::Uuid, Members> members_;
};

/// Times of one file as two file systems, or one of them in summer and in winter, tell them.
bool same_time(std::int64_t a, std::int64_t b);

}  // namespace darkshelf::rituals
