#include "parity/columns.hpp"

#include <algorithm>
#include <cstring>

#include "core/work.hpp"

namespace darkshelf::parity {

namespace {

struct alignas(gf16::kRegionUnit) OneColumn {
  std::byte bytes[kColumnBytes];
};

/// A column in tower form, at `to`.
void convert(std::byte* to, core::ByteSpan bytes, std::uint64_t at) {
  const std::uint64_t left = at < bytes.size() ? bytes.size() - at : 0;
  if (left >= kColumnBytes) {
    gf16::kernel().to_tower(to, to + kColumnHalf, bytes.data() + at, kColumnHalf);
  } else if (left == 0) {
    std::memset(to, 0, kColumnBytes);
  } else {
    OneColumn padded{};
    std::memcpy(padded.bytes, bytes.data() + at, left);
    gf16::kernel().to_tower(to, to + kColumnHalf, padded.bytes, kColumnHalf);
  }
}

}  // namespace

void ColumnStore::populate(unsigned threads) {
  constexpr std::size_t kPart = 32 << 20;  // whole huge pages
  core::parallel_for(threads, core::divide_up(data_.size(), kPart),
                     [&](std::size_t part) { data_.populate(part * kPart, kPart); });
}

void ColumnStore::put(std::size_t index, core::ByteSpan bytes) {
  for (std::uint64_t column = 0; column < columns_; ++column) convert(at(column, index), bytes, column * kColumnBytes);
}

void ColumnStore::add(std::size_t index, core::ByteSpan bytes) {
  constexpr gf16::Scalar kOne = 1;
  for (std::uint64_t column = 0; column * kColumnBytes < bytes.size(); ++column) {
    OneColumn fresh;
    convert(fresh.bytes, bytes, column * kColumnBytes);
    std::byte* to = at(column, index);
    const std::byte* from = fresh.bytes;
    gf16::kernel().add(&to, 1, &from, 1, &kOne, kColumnBytes);
  }
}

void ColumnStore::get(std::size_t index, core::MutableByteSpan into) const {
  for (std::uint64_t offset = 0; offset < into.size(); offset += kColumnBytes) {
    const std::byte* from = at(offset / kColumnBytes, index);
    if (into.size() - offset >= kColumnBytes) {
      gf16::kernel().from_tower(into.data() + offset, from, from + kColumnHalf, kColumnHalf);
    } else {
      OneColumn whole;
      gf16::kernel().from_tower(whole.bytes, from, from + kColumnHalf, kColumnHalf);
      std::memcpy(into.data() + offset, whole.bytes, into.size() - offset);
    }
  }
}

}  // namespace darkshelf::parity
