#pragma once
// Other programs, and darkshelf itself, run as a person would run them.

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "io/file_system.hpp"

namespace darkshelf::testing {

struct ProcessOptions {
  std::map<std::string, std::string> environment;  // added to this process's own; empty value: removed
  io::Path folder;                                 // empty: this process's own
  std::string input;
  std::chrono::seconds timeout{120};  // then it is killed
  std::uint64_t file_limit = 0;       // bytes the largest file may get (RLIMIT_FSIZE), 0: none
};
struct ProcessResult {
  int exit_code = -1;  // -1 when a signal ended it
  int signal = 0;
  std::string out, err;
};

/// Runs a program found on the PATH to its end. Throws when it cannot be started.
ProcessResult run_process(const std::vector<std::string>& arguments, const ProcessOptions& options = {});
/// Is there such a program?
bool has_program(const std::string& name);

}  // namespace darkshelf::testing
