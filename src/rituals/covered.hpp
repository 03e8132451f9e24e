#pragma once
// Is everything in a folder on the shelf, by content, whatever it is called there?

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "core/work.hpp"
#include "io/file_system.hpp"
#include "shelf/policy.hpp"

namespace darkshelf::rituals {

/// How the content of a file is kept; best first.
enum class Cover {
  kSafe,        // as the policy asks
  kFewer,       // on good copies, fewer than it asks for
  kUncounted,   // on copies none of which counts: on drives that are lost or lent, overdue, damaged …
  kDiscarded,   // it was copied, and then deleted by its owner
  kNever,       // never copied
  kUnreadable,  // it could not be read, or changed meanwhile
};
inline constexpr std::size_t kCovers = 6;
std::string_view name_of(Cover cover);

struct CoveredFile {
  std::string below;  // path below the folder
  std::uint64_t bytes = 0;
  Cover cover = Cover::kNever;
  std::string shoot;  // in which it was sealed; "" if in none
  std::string why;    // "1 good copy, the policy asks for 3", "discarded on 3 Mar 2026: blurred"
};
struct CoverCount {
  std::uint64_t photos = 0, files = 0, bytes = 0;
  std::vector<CoveredFile> first;  // a few
};
struct CoveredReport {
  io::Path folder;
  std::array<CoverCount, kCovers> counts;  // by Cover; a photo counts by the worst of its pictures
  std::uint64_t photos = 0, files = 0, bytes = 0, links = 0, left_out = 0;
  std::uint64_t bytes_read = 0;
  const CoverCount& of(Cover cover) const { return counts[static_cast<std::size_t>(cover)]; }
  bool all_safe() const { return files > 0 && of(Cover::kSafe).files == files; }
};

struct CoveredRequest {
  io::Path folder;
  std::function<void(const CoveredFile&)> on_file = {};  // told each that is not safe, if set
};
/// Every file is read once, and only if the catalog knows one of its length. Links are not followed. Throws kNotFound,
/// kUsage.
CoveredReport covered(io::FileSystem& fs, catalog::Catalog& catalog, const core::Work& work, core::Time now,
                      const shelf::Situation& situation, const CoveredRequest& request);

}  // namespace darkshelf::rituals
