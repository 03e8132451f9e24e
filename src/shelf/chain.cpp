#include "shelf/chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/text.hpp"

namespace darkshelf::shelf {

namespace {

std::string short_of(const core::Uuid& writer) { return writer.text().substr(0, 8); }

/// "4", "4 and 6", "4, 6 and 8 to 11": runs of numbers, as people write them.
std::string told(const std::vector<std::uint64_t>& numbers, std::uint64_t count) {
  constexpr std::size_t kRuns = 8;
  std::vector<std::string> runs;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i;
    while (end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1) ++end;
    runs.push_back(end == i ? std::to_string(numbers[i])
                            : fmt::format("{}{}{}", numbers[i], end == i + 1 ? " and " : " to ", numbers[end]));
    i = end + 1;
  }
  if (runs.size() > kRuns || count > numbers.size()) {
    if (runs.size() > kRuns) runs.resize(kRuns);
    return fmt::format("{}, … ({} in all)", fmt::join(runs, ", "), core::with_commas(count));
  }
  const std::string last = runs.back();
  runs.pop_back();
  return runs.empty() ? last : fmt::format("{} and {}", fmt::join(runs, ", "), last);
}

/// The seals of one writer, by number.
class Chain {
 public:
  Chain(const core::Uuid& writer, const std::vector<const Link*>& links) : writer_(writer) {
    for (const Link* link : links) by_number_[link->sequence].push_back(link);
    for (const auto& [number, same] : by_number_) {
      for (const Link* link : same) numbers_of_[link->seal].insert(number);
    }
  }

  void check(const std::set<std::uint64_t>& never_finished, std::vector<ChainFinding>& out) const {
    gaps(never_finished, out);
    for (const auto& [number, same] : by_number_) {
      if (same.size() > 1) twice(number, same, out);
      for (const Link* link : same) previous(*link, out);
    }
  }

 private:
  void gaps(const std::set<std::uint64_t>& never_finished, std::vector<ChainFinding>& out) const {
    ChainFinding gap{ChainBreak::kGap, writer_, {}, 0, {}, {}};
    std::uint64_t next = 1;
    for (const auto& [number, same] : by_number_) {
      if (number > next) {  // a number is what somebody wrote: nothing is counted one by one that may be huge
        const auto from = never_finished.lower_bound(next), to = never_finished.lower_bound(number);
        gap.count += number - next - static_cast<std::uint64_t>(std::distance(from, to));
        for (std::uint64_t n = next; n < number && gap.numbers.size() < kToldNumbers; ++n) {
          if (!never_finished.contains(n)) gap.numbers.push_back(n);
        }
      }
      next = std::max(next, number + 1);
    }
    if (gap.count == 0) return;
    gap.sentence = fmt::format(
        "Of the seals of catalog {}, number{} {} {} not known here: {} on drives that this catalog has not seen, or "
        "{} removed from all of them.",
        short_of(writer_), gap.count == 1 ? "" : "s", told(gap.numbers, gap.count), gap.count == 1 ? "is" : "are",
        gap.count == 1 ? "the volume lies" : "the volumes lie", gap.count == 1 ? "was" : "were");
    out.push_back(std::move(gap));
  }

  void twice(std::uint64_t number, const std::vector<const Link*>& same, std::vector<ChainFinding>& out) const {
    ChainFinding found{ChainBreak::kTwice, writer_, {number}, 1, {}, {}};
    std::vector<std::string> folders;
    for (const Link* link : same) {
      found.volumes.push_back(link->volume);
      folders.push_back(core::printable(link->folder));
    }
    found.sentence = fmt::format(
        "Number {} of the seals of catalog {} stands on two volumes, {}: one of them was made by somebody else, or by "
        "that catalog after it was brought back from a backup.",
        number, short_of(writer_), fmt::join(folders, " and "));
    out.push_back(std::move(found));
  }

  void previous(const Link& link, std::vector<ChainFinding>& out) const {
    const auto is_sealed_before = [&] {
      // Begun when no seal of this catalog was finished yet.
      if (link.previous.empty()) return begins_in(link.sequence);
      const auto known = numbers_of_.find(link.previous);
      return known != numbers_of_.end() && *known->second.begin() < link.sequence;
    };
    if (link.sequence == 1 ? link.previous.empty() : is_sealed_before()) return;
    // Without the volume before it nothing can be told. One that was begun earlier and finished later stands between.
    if (link.sequence > 1 && !by_number_.contains(link.sequence - 1)) return;
    ChainFinding found{ChainBreak::kPrevious, writer_, {link.sequence}, 1, {link.volume}, {}};
    found.sentence = fmt::format(
        "{} (number {} of catalog {}) says that it was sealed after {}, and {}: it, or the volume before it, was "
        "replaced.",
        core::printable(link.folder), link.sequence, short_of(writer_),
        link.previous.empty() ? "nothing" : "the seal " + link.previous.substr(0, 16) + "…",
        link.sequence == 1 ? "it is the first" : "no earlier volume has that");
    out.push_back(std::move(found));
  }

  /// Nothing below `number` had a seal before it.
  bool begins_in(std::uint64_t number) const {
    return std::all_of(by_number_.begin(), by_number_.lower_bound(number), [](const auto& entry) {
      return std::all_of(entry.second.begin(), entry.second.end(),
                         [](const Link* link) { return link->previous.empty(); });
    });
  }

  core::Uuid writer_;
  std::map<std::uint64_t, std::vector<const Link*>> by_number_;
  std::map<std::string, std::set<std::uint64_t>> numbers_of_;  // of a seal
};

}  // namespace

std::string_view name_of(ChainBreak kind) {
  switch (kind) {
    case ChainBreak::kGap:
      return "gap";
    case ChainBreak::kTwice:
      return "twice";
    case ChainBreak::kPrevious:
      return "previous";
  }
  return "";
}

Link link_of(const catalog::Volume& volume) {
  return {volume.info.volume,        volume.info.writer,        volume.info.sequence,
          core::to_hex(volume.seal), volume.info.previous_seal, volume.folder};
}

std::vector<ChainFinding> check_chains(std::vector<Link> links, const std::vector<catalog::NumberedSeal>& numbered) {
  std::map<core::Uuid, std::vector<const Link*>> by_writer;
  std::set<core::Uuid> known;
  for (const Link& link : links) {
    by_writer[link.writer].push_back(&link);
    known.insert(link.volume);
  }
  std::map<core::Uuid, std::set<std::uint64_t>> never_finished;
  for (const catalog::NumberedSeal& seal : numbered) {
    if (!known.contains(seal.volume)) never_finished[seal.writer].insert(seal.sequence);
  }
  std::vector<ChainFinding> found;
  for (const auto& [writer, of_writer] : by_writer) Chain(writer, of_writer).check(never_finished[writer], found);
  return found;
}

std::vector<ChainFinding> check_chains(catalog::Catalog& catalog, const std::vector<Link>& more) {
  std::vector<Link> links;
  for (const catalog::Volume& volume : catalog.volumes()) links.push_back(link_of(volume));
  for (const Link& link : more) {
    // Whatever its folder is called, a volume with the same seal is the same.
    const bool known = std::any_of(links.begin(), links.end(),
                                   [&](const Link& one) { return one.volume == link.volume && one.seal == link.seal; });
    if (!known) links.push_back(link);
  }
  return check_chains(std::move(links), catalog.numbered_seals());
}

}  // namespace darkshelf::shelf
