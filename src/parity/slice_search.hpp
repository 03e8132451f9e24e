#pragma once
// Finding slices wherever they lie in a file: a CRC-32 that rolls over every offset, and MD5 where it hits. For
// par2_verify.cpp.

#include <cstdint>
#include <functional>
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

  /// Calls found(slice, offset) for every wanted slice in the file; a slice that was found is wanted no more. Takes two
  /// slices of memory. Past the end of the file stand zeros, as behind the last slice of a protected file.
  void search(io::File& file, const core::Work& work, const std::function<void(std::uint32_t, std::uint64_t)>& found);

 private:
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
};

}  // namespace darkshelf::parity
