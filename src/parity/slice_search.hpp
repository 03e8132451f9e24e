#pragma once
// Finding slices wherever they lie in a file: a CRC-32 that rolls over every offset, and MD5 where it hits. For
// par2_verify.cpp.

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/work.hpp"
#include "formats/par2/packets.hpp"
#include "io/file_system.hpp"

namespace darkshelf::parity {

class SliceSearch {
 public:
  explicit SliceSearch(std::uint64_t slice_bytes);
  void want(std::uint32_t slice, const formats::par2::SliceChecksum& checksum);
  bool empty() const { return wanted_.empty(); }

  /// Offsets of a file where a slice may begin.
  struct Range {
    std::uint64_t begin = 0, end = 0;
  };
  /// Calls found(slice, offset) for every wanted slice that begins in the ranges; a slice that was found is wanted no
  /// more. Takes two slices of memory. Past the end of the file stand zeros, as behind the last slice of a protected
  /// file. A file made to keep us hashing is left at some point.
  void search(io::File& file, std::span<const Range> ranges, const core::Work& work,
              const std::function<void(std::uint32_t, std::uint64_t)>& found);

 private:
  void search_range(io::File& file, std::uint64_t length, const Range& range, const core::Work& work,
                    const std::function<void(std::uint32_t, std::uint64_t)>& found);
  struct Wanted {
    std::uint32_t slice;
    formats::par2::Md5 md5;
  };
  std::uint32_t roll(std::uint32_t state, std::byte out, std::byte in) const;

  std::uint64_t slice_bytes_;
  std::uint32_t zeros_crc_;  // CRC-32 of a slice of zeros: tells plain states from checksums
  std::array<std::uint32_t, 256> table_, leaving_;
  std::unordered_multimap<std::uint32_t, Wanted> wanted_;  // by plain state
  std::vector<bool> likely_;                               // of the low 16 bits
  core::Bytes window_;
  std::uint64_t wasted_ = 0, wasted_limit_ = 0;  // bytes hashed for nothing, in this file
};

}  // namespace darkshelf::parity
