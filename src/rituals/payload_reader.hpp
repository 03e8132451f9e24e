#pragma once
// Reading the payload of a volume slice by slice and comparing it with slices.sha256; for examine.cpp alone.

#include "rituals/examine.hpp"

namespace darkshelf::rituals {

/// Names that operating systems leave on drives by themselves.
bool is_litter(const std::string& name);

/// What becomes of errors while a drive is read (promise 4): an unreadable place is damage, a drive that answers
/// nothing is gone.
class DriveWatch {
 public:
  /// After a read that worked: where, so that it can be asked again.
  void good(io::File& file, std::uint64_t offset);
  /// After a read error. Returns when the drive still answers; throws kDriveGone when it does not.
  void failed(const core::Error& error);

 private:
  io::File* last_file_ = nullptr;
  std::uint64_t last_offset_ = 0;
  unsigned in_a_row_ = 0;
};

/// Is this error about one place of the medium, rather than about the whole drive or the program?
bool is_read_error(const core::Error& error);

/// Compares every slice, or those of the portion; fills findings, lost, read, stopped, bytes_read and readback_cached
/// of `out`, whose volume is loaded.
void read_payload(Context& context, io::ReadMode mode, const SliceObserver& on_slice, const Portion* portion,
                  Examination& out);

}  // namespace darkshelf::rituals
