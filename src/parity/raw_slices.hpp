#pragma once
// Finding slices in the raw bytes of a medium that has lost its file system: at every multiple of 512, a CRC-32 that
// rolls over whole sectors, MD5 where it hits. What follows a slice that was found is tried first: files mostly lie in
// one piece, and are then only hashed, many slices side by side.

#include <functional>
#include <map>
#include <unordered_map>

#include "core/work.hpp"
#include "parity/raw_slice_table.hpp"

namespace darkshelf::parity {

class RawSliceSearch {
 public:
  /// Told once of every slice that is found, with its bytes (without padding) and where they lie.
  using Found = std::function<void(const RawSlice& slice, std::uint64_t offset, core::ByteSpan bytes)>;

  RawSliceSearch(RawSliceTable& table, const core::Work& work, Found found);

  /// Is something that follows a slice found so far looked for here first?
  bool expects(std::uint64_t at) const { return expected_.contains(at); }
  /// Looks for slices that begin in [from, to), where `data` are the bytes of the medium from `base` (a multiple of
  /// 512) on: up to `to` and the longest slice behind it, or to the end of the medium. Returns where to look next.
  std::uint64_t search(core::ByteSpan data, std::uint64_t base, std::uint64_t from, std::uint64_t to);

 private:
  struct Expected {
    RawSlice slice;
    unsigned streak = 1;  // slices to compare at once
  };
  struct Candidate {
    std::size_t sector = 0, one = 0;  // in the window; class
    std::uint32_t first = 0, last = 0;
    formats::par2::Md5 md5{};
  };

  std::uint64_t follow(std::uint64_t at);
  std::uint64_t follow(std::uint64_t at, const Expected& expected);
  bool follow_tail(std::uint64_t at, const RawSlice& slice);
  void expect_behind(const RawSlice& slice, std::uint64_t at, unsigned streak);
  std::uint64_t roll(std::uint64_t from, std::uint64_t to);
  void sum_up(std::size_t first, std::size_t last);
  std::vector<Candidate> candidates(std::size_t first, std::size_t last);
  void hash(std::vector<Candidate>& candidates);
  bool take(const Candidate& candidate);
  void found_by_id(std::uint32_t id, std::uint64_t offset);
  void found_equal(RawSliceTable::Class& one, std::uint32_t state, const formats::par2::Md5& md5, std::uint64_t offset);

  RawSliceTable& table_;
  core::Work work_;
  Found found_;
  CrcShift sector_shift_;
  std::uint32_t sector_zeros_;
  std::multimap<std::uint64_t, Expected> expected_;
  std::uint64_t run_ = 0;            // sectors to roll over at once
  core::ByteSpan data_;              // the window …
  std::uint64_t base_ = 0;           // … and where it begins
  std::vector<std::uint32_t> sums_;  // [i]: plain CRC of the sectors from summed_from_ to i
  std::size_t summed_from_ = 0, summed_to_ = 0;
  std::unordered_map<std::uint64_t, unsigned> misses_;  // by class and first entry: hits whose MD5 did not fit
};

}  // namespace darkshelf::parity
