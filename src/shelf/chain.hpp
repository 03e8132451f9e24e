#pragma once
// Every catalog numbers its seals and tells in each the digest of the one before: what is missing in a row, or stands
// in it twice, shows. Pure.

#include <string>
#include <vector>

#include "catalog/catalog.hpp"

namespace darkshelf::shelf {

/// A volume as one link of its writer's chain.
struct Link {
  core::Uuid volume, writer;
  std::uint64_t sequence = 0;
  std::string seal, previous;  // hex; previous is "" for the first
  std::string folder;
  bool operator==(const Link&) const = default;
};
Link link_of(const catalog::Volume& volume);

enum class ChainBreak {
  kGap,       // numbers of which no volume is known: unseen, or removed everywhere
  kTwice,     // one number, two volumes
  kPrevious,  // the seal before it is of no volume of that writer, although the one before is known
};
std::string_view name_of(ChainBreak kind);
struct ChainFinding {
  ChainBreak kind = ChainBreak::kGap;
  core::Uuid writer;
  std::vector<std::uint64_t> numbers;  // kGap: at most kToldNumbers of them
  std::uint64_t count = 0;             // of all numbers
  std::vector<core::Uuid> volumes;     // that are part of it
  std::string sentence;
};
inline constexpr std::size_t kToldNumbers = 100;

/// `numbered`: numbers that were given to volumes which were never finished are no gaps.
std::vector<ChainFinding> check_chains(std::vector<Link> links, const std::vector<catalog::NumberedSeal>& numbered);
/// Of all that a catalog knows, and of `more` that lies before it.
std::vector<ChainFinding> check_chains(catalog::Catalog& catalog, const std::vector<Link>& more = {});

/// A gap may be a drive that was never seen; the others contradict what was sealed.
inline bool contradicts(const ChainFinding& finding) { return finding.kind != ChainBreak::kGap; }

}  // namespace darkshelf::shelf
