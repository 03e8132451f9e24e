#pragma once
// Which slices of a file are where they belong: what a verification spends its time on.

#include <vector>

#include "core/work.hpp"
#include "io/file_system.hpp"
#include "parity/set_reader.hpp"

namespace darkshelf::parity {

/// [slice]: whether bytes slice * slice_bytes … of `there`, and zeros behind its end, have the checksums of the set
/// (both: MD5 and CRC-32). A slice that cannot be read is not. Reads every byte once, in runs of slices that go round
/// the threads, so that the reads of all together are nearly sequential.
///
/// When all of them are, the file is the protected one if its length is right: the slices cover it without gaps, each
/// was compared by an MD5 of its own, and behind the last byte both sides count zeros. The MD5 of the whole file, which
/// is one chain of steps that no second core can help with, would tell nothing more.
std::vector<bool> slices_in_place(io::File& there, const NumberedFile& file, std::uint64_t slice_bytes,
                                  const core::Work& work);

}  // namespace darkshelf::parity
