#pragma once
// Rebuilding lost input slices from the intact ones and any surviving recovery slices.

#include <cstdint>
#include <functional>
#include <vector>

#include "core/bytes.hpp"
#include "core/work.hpp"

namespace darkshelf::parity {

struct ReconstructRequest {
  std::uint64_t slice_bytes = 0;
  std::uint32_t slices = 0;             // in the set
  std::vector<std::uint32_t> lost;      // to rebuild, ascending
  std::vector<std::uint16_t> recovery;  // exponents of the intact recovery slices
  /// Columns [offset, offset + into.size()) of an intact slice, zero-padded past the end of its file. Called for every
  /// slice not in `lost`; a throw ends the work.
  std::function<void(std::uint32_t slice, std::uint64_t offset, core::MutableByteSpan into)> read_slice;
  /// Columns of recovery slice recovery[index].
  std::function<void(std::size_t index, std::uint64_t offset, core::MutableByteSpan into)> read_recovery;
  /// Columns of a rebuilt slice (up to slice_bytes, padding included).
  std::function<void(std::uint32_t slice, std::uint64_t offset, core::ByteSpan bytes)> write_slice;
};

/// Calls come from one thread, slices ascending within a pass over columns. Throws core::Error(kUnrepairable) when
/// there are fewer recovery slices than lost ones or no choice of them can be solved; nothing is written then. What is
/// written must still be compared with its digests by the caller.
void reconstruct(const ReconstructRequest& request, const core::Work& work);

}  // namespace darkshelf::parity
