#pragma once
// For worker_seat.cpp alone.

namespace darkshelf::io {

/// From here on the kernel refuses this process (EPERM) all but memory, threads, clocks, and reading and writing what
/// is open already: no file, no program, no network, no other process. False where the kernel has no such filters.
bool refuse_all_but_work();

}  // namespace darkshelf::io
