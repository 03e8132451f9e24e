#pragma once
// The whole program behind main().

namespace darkshelf::cli {

/// Parses, runs and returns the exit code; throws nothing.
int run_program(int argc, char** argv);

}  // namespace darkshelf::cli
