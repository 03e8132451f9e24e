#pragma once
// Another program, run to its end or to its limits. No shell is asked, and nothing of it is believed.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/file_system.hpp"

namespace darkshelf::io {

struct ProcessLimits {
  std::chrono::milliseconds time{10'000};
  std::size_t bytes = 1 << 20;  // of what it prints
  std::function<bool()> stop;   // asked several times a second; true ends it
};
enum class ProcessEnd {
  kExited,   // by itself, with `exit_code`
  kKilled,   // by a signal that was not ours
  kTooLong,  // its time was over
  kTooMuch,  // it printed more than it may
  kStopped,  // `stop` said so
};
struct ProcessRun {
  ProcessEnd end = ProcessEnd::kExited;
  int exit_code = -1;
  std::string out;  // stdout, as far as it came; stderr is not kept
};

/// Where a program lies: in an absolute folder of PATH, else where system programs are (/usr/sbin is in no user's
/// PATH).
std::optional<Path> find_program(const std::string& name);

/// Runs a program with these arguments, stdin empty, texts in English. One that goes beyond its limits is killed with
/// all it started; one that cannot be killed (the kernel waits for a disk that does not answer) is left alone.
/// Throws when it cannot be started.
ProcessRun run_program(const Path& program, const std::vector<std::string>& arguments, const ProcessLimits& limits);

}  // namespace darkshelf::io
