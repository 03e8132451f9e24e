#include "parity/slice_check.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "core/error.hpp"

namespace darkshelf::parity {

namespace par2 = formats::par2;
using core::Error;

namespace {

constexpr std::size_t kChunk = 1 << 20;
constexpr std::uint64_t kRun = 1 << 20;  // bytes a thread takes at a time; more where so many slices fill MD5's lanes
constexpr std::uint64_t kMostRun = 32 << 20;  // and no more than this

class Check {
 public:
  Check(io::File& there, const NumberedFile& file, std::uint64_t slice_bytes, const core::Work& work)
      : there_(there), file_(file), slice_bytes_(slice_bytes), work_(work), sound_(file.slice_count) {}

  std::vector<bool> run() {
    const unsigned threads = work_.thread_count();
    const std::uint64_t lanes = digest::md5_lanes().back();
    const std::uint64_t most = std::min(kMostRun, work_.memory / 4 / threads) / slice_bytes_;
    const std::uint64_t wanted = core::round_up(core::divide_up(kRun, slice_bytes_), lanes);
    const std::uint64_t together = std::clamp<std::uint64_t>(wanted, 1, std::max<std::uint64_t>(1, most));
    const std::uint64_t runs = core::divide_up(file_.slice_count, together);
    std::atomic<std::uint64_t> next = 0;
    core::parallel_for(threads, std::min<std::uint64_t>(threads, runs), [&](std::size_t) {
      core::AlignedBuffer buffer(most == 0 ? kChunk : together * slice_bytes_);
      for (std::uint64_t run = next++; run < runs; run = next++) {
        work_.check();
        const auto first = static_cast<std::uint32_t>(run * together);
        const auto end = static_cast<std::uint32_t>(std::min<std::uint64_t>(first + together, file_.slice_count));
        if (most == 0 || !check_run(first, end, buffer.span())) {
          for (std::uint32_t slice = first; slice < end; ++slice) sound_[slice] = is_slice(slice, buffer.span());
        }
        const std::lock_guard guard(telling_);
        work_.told().advance(begin_of(end) - begin_of(first));
      }
    });
    return {sound_.begin(), sound_.end()};
  }

 private:
  /// Where a slice begins; for the one behind the last, where the file ends.
  std::uint64_t begin_of(std::uint32_t slice) const {
    return slice < file_.slice_count ? slice * slice_bytes_ : file_.description.bytes;
  }

  /// False when some of it cannot be read: then slices are to be read one by one.
  bool check_run(std::uint32_t first, std::uint32_t end, core::MutableByteSpan buffer) {
    const auto bytes = buffer.first(begin_of(end) - begin_of(first));
    try {
      const std::size_t got = there_.read_at(begin_of(first), bytes);
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(got), bytes.end(), std::byte{});  // it may be shorter
    } catch (const Error& error) {
      if (!io::is_read_error(error)) throw;
      return false;
    }
    std::vector<digest::SliceDigests> digests(end - first);
    digest::slice_digests(bytes, slice_bytes_, digest::Hashes::kPar2, digests);
    for (std::uint32_t slice = first; slice < end; ++slice) {
      const par2::SliceChecksum& wanted = file_.checksums->slices[slice];
      const digest::SliceDigests& is = digests[slice - first];
      sound_[slice] = is.crc32 == wanted.crc32 && is.md5 == wanted.md5;
    }
    return true;
  }

  /// In pieces, since a set may claim slices of any size. The MD5 is computed only where the cheap CRC fits, since it
  /// has to go through the zeros.
  bool is_slice(std::uint32_t slice, core::MutableByteSpan buffer) {
    const par2::SliceChecksum& wanted = file_.checksums->slices[slice];
    const std::uint64_t begin = begin_of(slice), bytes = begin_of(slice + 1) - begin;
    const auto piece = [&](std::uint64_t left) { return buffer.first(std::min<std::uint64_t>(kChunk, left)); };
    std::uint32_t crc = 0;
    std::uint64_t real = 0;  // the file may have become shorter
    digest::Md5Stream md5;
    try {
      while (real < bytes) {
        work_.check();
        const auto part = piece(std::min<std::uint64_t>(buffer.size(), bytes - real));
        const std::size_t got = there_.read_at(begin + real, part);
        crc = digest::crc32(part.first(got), crc);
        md5.update(part.first(got));
        real += got;
        if (got < part.size()) break;
      }
    } catch (const Error& error) {
      if (!io::is_read_error(error)) throw;
      return false;
    }
    if (digest::crc32_zeros(crc, slice_bytes_ - real) != wanted.crc32) return false;
    std::fill(buffer.begin(), buffer.end(), std::byte{});
    for (std::uint64_t left = slice_bytes_ - real; left > 0;) {
      work_.check();
      const auto part = piece(std::min<std::uint64_t>(buffer.size(), left));
      md5.update(part);
      left -= part.size();
    }
    return md5.finish() == wanted.md5;
  }

  io::File& there_;
  const NumberedFile& file_;
  std::uint64_t slice_bytes_;
  const core::Work& work_;
  std::vector<char> sound_;  // bytes, since threads write to neighbours
  std::mutex telling_;
};

}  // namespace

std::vector<bool> slices_in_place(io::File& there, const NumberedFile& file, std::uint64_t slice_bytes,
                                  const core::Work& work) {
  return Check(there, file, slice_bytes, work).run();
}

}  // namespace darkshelf::parity
