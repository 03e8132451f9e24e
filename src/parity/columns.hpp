#pragma once
// How slices are kept for computing: cut into columns of a fixed number of bytes, in tower form (gf16/kernels.hpp), the
// same column of all slices side by side. So one column of everything lies together, and any number of threads can work
// on columns of their own. For the .cpp files of this folder alone.

#include <cstdint>

#include "core/bytes.hpp"
#include "gf16/kernels.hpp"

namespace darkshelf::parity {

inline constexpr std::uint64_t kColumnBytes = 256;  // small enough that a transform stays in a second-level cache
inline constexpr std::size_t kColumnHalf = kColumnBytes / 2;
inline constexpr std::uint32_t kDirectGroup =
    128;  // slices of a direct sum: one column of each fits a first-level cache

class ColumnStore {
 public:
  ColumnStore(std::size_t count, std::uint64_t bytes)
      : count_(count), columns_(core::divide_up(bytes, kColumnBytes)), data_(count * columns_ * kColumnBytes) {}

  /// Takes all its memory now, on so many threads: zeroing it can take as long as hashing what goes into it, and would
  /// be done by one thread otherwise, the first to come.
  void populate(unsigned threads);

  std::size_t count() const { return count_; }
  std::uint64_t columns() const { return columns_; }
  std::byte* at(std::uint64_t column, std::size_t index) {
    return data_.data() + (column * count_ + index) * kColumnBytes;
  }
  const std::byte* at(std::uint64_t column, std::size_t index) const {
    return data_.data() + (column * count_ + index) * kColumnBytes;
  }

  /// All columns of one; short bytes are as if zeros followed.
  void put(std::size_t index, core::ByteSpan bytes);
  /// The first into.size() bytes of one.
  void get(std::size_t index, core::MutableByteSpan into) const;
  /// As put, but added to what is there.
  void add(std::size_t index, core::ByteSpan bytes);

 private:
  std::size_t count_;
  std::uint64_t columns_;
  core::AlignedBuffer data_;
};

}  // namespace darkshelf::parity
