#pragma once
// Putting the packets of a set where formats/par2/SPEC.md wants them; for set_builder.cpp.

#include <functional>
#include <memory>
#include <vector>

#include "core/work.hpp"
#include "formats/par2/packets.hpp"
#include "io/file_system.hpp"
#include "parity/recovery_plan.hpp"

namespace darkshelf::parity {

/// A .par2 file as laid out. Recovery packets may be written by several threads.
class SetFileWriter {
 public:
  SetFileWriter(std::unique_ptr<io::File> file, formats::par2::FileLayout layout);
  /// All but the recovery packets.
  void write_packets(const std::vector<core::Bytes>& critical, const core::Bytes& creator) const;
  /// Bytes of recovery packet `index`, from `offset` in it on.
  void write_recovery(std::size_t index, std::uint64_t offset, core::ByteSpan bytes) const;

 private:
  std::unique_ptr<io::File> file_;
  formats::par2::FileLayout layout_;
  std::vector<std::uint64_t> recovery_at_;
};

/// All recovery packets of a plan. sums(pass) has finished that pass; called for all of them in order.
void write_recovery(const SetFileWriter& file, const formats::par2::Md5& set_id, const RecoveryPlan& plan,
                    const std::function<const Accumulator&(std::size_t pass)>& sums, const core::Work& work);

}  // namespace darkshelf::parity
