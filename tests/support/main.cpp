// Catch2's main, compiled once for all test executables. Exit codes: 0 passed, 1 failed, 77 skipped (skip.hpp).
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "support/skip.hpp"

int main(int count, char* arguments[]) {
  const int failures = Catch::Session().run(count, arguments);
  if (failures != 0) return 1;
  return darkshelf::testing::something_was_skipped() ? 77 : 0;
}
