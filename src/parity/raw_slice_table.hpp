#pragma once
// The slices that are looked for in the raw bytes of a medium: millions of them, of hundreds of sets, by the CRC-32 of
// their whole sectors. For raw_slices.cpp, and for whoever fills it.

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "parity/crc_shift.hpp"
#include "parity/set_reader.hpp"

namespace darkshelf::parity {

inline constexpr std::uint64_t kSectorBytes = 512;  // files of every file system begin at multiples of it

/// A slice of one of the sets.
struct RawSlice {
  std::uint32_t set = 0, slice = 0;
};

class RawSliceTable {
 public:
  /// The slices of all files whose checksums are known. A set whose slices are no whole sectors, or longer than
  /// kLongestRawSlice, has none that could be found. Returns the set's number.
  std::uint32_t add_set(const std::vector<NumberedFile>& files, std::uint64_t slice_bytes);
  /// After the last set: ready for the search. Slices of zeros count as found, wherever they are.
  void settle();
  /// What add_set() and settle() take for one slice, about.
  static constexpr std::uint64_t kBytesEach = 48;

  bool is_found(const RawSlice& slice) const { return found_[id_of(slice)]; }
  /// As an earlier run found it.
  void mark_found(const RawSlice& slice, std::uint64_t offset) {
    found_[id_of(slice)] = true;
    phases_ |= 1u << (offset / kSectorBytes % 8);
  }
  /// Of all slices of a set, zeros where they are not known. Valid until the next add_set().
  std::span<const formats::par2::Md5> md5s_of(std::uint32_t set) const {
    return std::span(md5s_).subspan(sets_[set].base, sets_[set].count);
  }
  std::uint32_t found_in(std::uint32_t set) const;
  std::uint64_t slice_bytes(std::uint32_t set) const { return sets_[set].slice_bytes; }
  /// Without the zeros behind the end of its file.
  std::uint64_t length_of(const RawSlice& slice) const;
  std::uint64_t longest() const { return longest_; }

 private:
  friend class RawSliceSearch;

  struct File {
    std::uint32_t first = 0, count = 0;
    std::uint64_t bytes = 0;
    std::uint32_t next = kNone;  // the file behind it by name: written behind it, too
  };
  struct Set {
    std::uint32_t base = 0, count = 0;  // ids of its slices
    std::uint64_t slice_bytes = 0;
    std::vector<File> files;  // by first slice
  };
  struct Entry {
    std::uint32_t state = 0, id = 0;  // plain CRC of the whole sectors of slice `id`
  };
  /// Slices that cover the same number of sectors and are as long with the zeros that PAR2 adds.
  struct Class {
    std::uint64_t sectors = 0, slice_bytes = 0;
    bool tail = false;        // fewer sectors than the slice has
    std::uint32_t zeros = 0;  // CRC-32 of as many sectors of zeros
    CrcShift shift{0};
    std::vector<Entry> entries;          // by state, then MD5
    std::vector<bool> settled;           // by the first entry of a state: nothing is left to find
    std::vector<std::uint32_t> buckets;  // by the upper bits of the state: where its entries begin
    std::vector<std::uint64_t> filter;   // by the lower bits
    unsigned bucket_shift = 31;
    std::uint32_t filter_mask = 0;
    bool may_hold(std::uint32_t state) const {
      const std::uint32_t bit = state & filter_mask;
      return (filter[bit >> 6] >> (bit & 63) & 1) != 0;
    }
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  std::uint32_t id_of(const RawSlice& slice) const { return sets_[slice.set].base + slice.slice; }
  RawSlice slice_of(std::uint32_t id) const;
  const File& file_of(const RawSlice& slice) const;
  void index(Class& one);
  /// Entries with this state: [first, last).
  std::pair<std::uint32_t, std::uint32_t> find(const Class& one, std::uint32_t state) const;

  std::vector<Set> sets_;
  std::vector<formats::par2::Md5> md5s_;  // by id
  std::vector<bool> found_;
  unsigned phases_ = 1;  // bit n: slices were found at n sectors behind a multiple of eight
  std::vector<Class> classes_;
  std::unordered_map<std::uint64_t, std::size_t> class_by_shape_;
  std::unordered_map<std::uint64_t, CrcShift> padding_;  // takes the zeros off the CRC of a padded slice
  std::uint64_t longest_ = 0;
};

}  // namespace darkshelf::parity
