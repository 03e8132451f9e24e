#pragma once
// Reads with a time limit; for posix_file.cpp alone. A read of a drive that hangs cannot be taken back, and a process
// with a thread in such a read does not end before the drive answers, killed or not. So another process makes the read,
// into memory that both share: whoever waited goes on, or ends, and the helper stays behind until the kernel lets it
// go.

#include <chrono>
#include <cstdint>

#include "core/bytes.hpp"
#include "io/bad_sectors.hpp"

namespace darkshelf::io {

/// What became of one read.
struct HelpedRead {
  std::size_t got = 0;      // bytes from the front of the buffer on that were read
  int error = 0;            // errno of the piece that failed behind them; 0: none, or the file ends there
  bool answered = true;     // false: the time was over before
  bool impossible = false;  // no process can be made here, or somebody killed it: the rest was not asked for
};

/// pread() of `descriptor` by a helper, kReadPiece by kReadPiece; each has the whole time (or up to twice that), since
/// a drive that is slow and answers is not one that hangs. Helpers are kept and used again, except those that hang.
/// Thread-safe.
HelpedRead read_with_helper(int descriptor, std::uint64_t offset, core::MutableByteSpan into,
                            std::chrono::milliseconds within);

}  // namespace darkshelf::io
