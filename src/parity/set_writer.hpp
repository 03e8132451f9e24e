#pragma once
// Putting the packets of a set where formats/par2/SPEC.md wants them; for set_builder.cpp.

#include <functional>
#include <vector>

#include "core/work.hpp"
#include "formats/par2/packets.hpp"
#include "io/file_system.hpp"
#include "parity/recovery_plan.hpp"
#include "parity/set_builder.hpp"

namespace darkshelf::parity {

/// One .par2 file.
struct SetFileContents {
  const std::vector<core::Bytes>& critical;
  const core::Bytes& creator;
  formats::par2::Md5 set_id{};
  const RecoveryPlan* plan = nullptr;  // null: an index file, without recovery packets
  /// Sums of a pass, finished; called for all passes in order.
  std::function<const Accumulator&(std::size_t pass)> sums;
};

/// Writes it and returns its length and, if asked for, its SHA-256: of the bytes as they were meant, where they are
/// made from front to back, else as `file` gives them back.
WrittenSetFile write_set_file(io::File& file, const SetFileContents& contents, digest::Hashes hashes,
                              const core::Work& work);

}  // namespace darkshelf::parity
