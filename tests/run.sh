#!/bin/bash
# Builds darkshelf and runs every test, on a fresh Debian 12: installs what is missing, configures the debug preset, builds,
# runs ctest. Arguments go to ctest:  tests/run.sh -L unit   tests/run.sh -R '^ritual: seal'
# Without root (or sudo) it works when the packages of cmake/debian.sh are there.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
. cmake/debian.sh

require_packages "to build" "${build_packages[@]}" catch2 python3 || exit 1
require_packages "for some tests" "${test_packages[@]}" ||
  echo "Going on without: the tests that need them are skipped and counted below." >&2

# mkfs, mount and losetup live here, and a plain user's PATH lacks it.
export PATH="$PATH:/usr/sbin:/sbin"

options=()
command -v ccache >/dev/null && options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake --preset debug "${options[@]}" || exit 1
cmake --build --preset debug --parallel "${JOBS:-$(nproc)}" || exit 1

# ctest's own summary comes last; before it, what it does not tell: counts by kind and why something was skipped.
log=build/debug/ctest.log
junit=$PWD/build/debug/ctest.xml
rm -f "$junit"
ctest --test-dir build/debug --parallel 2 --output-on-failure --no-tests=error --output-junit "$junit" "$@" 2>&1 |
  tee "$log" | sed -u '/^[0-9]*% tests passed/,$d'
status=${PIPESTATUS[0]}
[ -s "$junit" ] && python3 tests/summary.py "$junit"
echo
sed -n '/^[0-9]*% tests passed/,$p' "$log"
exit "$status"
