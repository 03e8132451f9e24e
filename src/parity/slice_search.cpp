#include "parity/slice_search.hpp"

#include <algorithm>
#include <cstring>

namespace darkshelf::parity {

namespace {

constexpr std::uint64_t kStep = 1 << 20;

}  // namespace

// The CRC of a message of known length is linear once start value and final inversion are taken off ("plain state"):
// the CRC of as many zeros. A byte that leaves the window then takes away what that byte and a window of zeros behind
// it would give.
SliceSearch::SliceSearch(std::uint64_t slice_bytes)
    : slice_bytes_(slice_bytes), zeros_crc_(digest::crc32_zeros(0, slice_bytes)), likely_(65536) {
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) state = (state & 1) != 0 ? state >> 1 ^ 0xEDB88320u : state >> 1;
    table_[byte] = state;
  }
  for (std::uint32_t byte = 0; byte < 256; ++byte) leaving_[byte] = ~digest::crc32_zeros(~table_[byte], slice_bytes);
}

void SliceSearch::want(std::uint32_t slice, const formats::par2::SliceChecksum& checksum) {
  const std::uint32_t state = checksum.crc32 ^ zeros_crc_;
  wanted_.emplace(state, Wanted{slice, checksum.md5});
  likely_[state & 0xFFFF] = true;
}

std::uint32_t SliceSearch::roll(std::uint32_t state, std::byte out, std::byte in) const {
  const std::uint32_t next = state >> 8 ^ table_[(state ^ std::to_integer<std::uint32_t>(in)) & 0xFF];
  return next ^ leaving_[std::to_integer<std::uint8_t>(out)];
}

void SliceSearch::search(io::File& file, std::span<const Range> ranges, const core::Work& work,
                         const std::function<void(std::uint32_t, std::uint64_t)>& found) {
  const std::uint64_t length = file.stat().bytes;
  wasted_ = 0;
  wasted_limit_ = 16 * length + (64 << 20);
  for (const Range& range : ranges) search_range(file, length, range, work, found);
}

void SliceSearch::search_range(io::File& file, std::uint64_t length, const Range& range, const core::Work& work,
                               const std::function<void(std::uint32_t, std::uint64_t)>& found) {
  // Bytes [start, start + window.size()) of the file, zeros behind its end.
  const std::uint64_t end = std::min(range.end, length);
  if (range.begin >= end || wanted_.empty() || wasted_ > wasted_limit_) return;
  window_.resize(2 * slice_bytes_ + std::min(kStep, end - range.begin) + 1);
  core::Bytes& window = window_;
  std::uint64_t start = range.begin;
  const auto fill = [&](std::size_t from) {
    const std::size_t got =
        start + from < length ? file.read_at(start + from, core::MutableByteSpan(window).subspan(from)) : 0;
    std::memset(window.data() + from + got, 0, window.size() - from - got);
  };
  fill(0);
  const auto whole = [&](std::size_t at) { return digest::crc32({window.data() + at, slice_bytes_}) ^ zeros_crc_; };
  std::uint64_t offset = start;
  std::uint32_t state = whole(0);
  while (offset < end && !wanted_.empty() && wasted_ < wasted_limit_) {
    std::size_t at = offset - start;
    bool hit = false;
    if (likely_[state & 0xFFFF]) {
      const auto [first, last] = wanted_.equal_range(state);
      if (first != last) {
        const formats::par2::Md5 md5 = digest::md5({window.data() + at, slice_bytes_});
        wasted_ += slice_bytes_;
        for (auto it = first; it != last;) {
          if (it->second.md5 == md5) {
            found(it->second.slice, offset);
            it = wanted_.erase(it);
            hit = true;
          } else {
            ++it;
          }
        }
      }
    }
    const std::uint64_t step = hit ? slice_bytes_ : 1;
    if (hit) wasted_ -= slice_bytes_;
    if (at + step + slice_bytes_ > window.size() - 1) {
      work.check();
      std::memmove(window.data(), window.data() + at, window.size() - at);
      const std::size_t kept = window.size() - at;
      start = offset;
      at = 0;
      fill(kept);
    }
    state = hit ? whole(at + step) : roll(state, window[at], window[at + slice_bytes_]);
    offset += step;
  }
}

}  // namespace darkshelf::parity
