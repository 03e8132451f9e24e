#pragma once
// Reading the payload of a volume slice by slice and comparing it with slices.sha256; for those who look at volumes or
// take from them.

#include "rituals/examine.hpp"

namespace darkshelf::rituals {

/// Compares every slice, or those of the portion; fills findings, lost, read, stopped, bytes_read and readback_cached
/// of `out`, whose volume is loaded.
void read_payload(Context& context, io::ReadMode mode, const SliceObserver& on_slice, const Portion* portion,
                  Examination& out);

}  // namespace darkshelf::rituals
