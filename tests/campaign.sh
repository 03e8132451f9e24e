#!/bin/bash
# The long campaigns, for docs/testing.md: random damage, damage by patterns, one failing call of each ritual at every
# place, kills at random, and every fuzzer. Some hours.
#   tests/campaign.sh              all of it
#   tests/campaign.sh --fuzz 600   the fuzzers alone, so many seconds each
#   tests/campaign.sh --no-fuzz    all but the fuzzers
# Ends with exit code 0 if nothing was found.
set -uo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)
export LC_ALL=C.UTF-8
. "$project/cmake/debian.sh"
seconds=600 fuzz=yes runs=yes
case ${1:-} in
  "") ;;
  --fuzz) runs=no seconds=${2:-600} ;;
  --no-fuzz) fuzz=no ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
found=0
if [ "$runs" = yes ]; then
  require_packages "to build and test" "${build_packages[@]}" "${test_packages[@]}" || exit 1
  (cd "$project" && cmake --preset debug >/dev/null && cmake --build --preset debug --parallel "$(nproc)" >/dev/null) || exit 1
  cd "$project/build/debug/bin" || exit 1
  DARKSHELF_CAMPAIGN_RUNS=1000 ./test_ritual 'campaign: damage*,campaign: beyond*' || found=1
  DARKSHELF_PATTERN_RUNS=2000 ./test_ritual 'campaign: whatever*' || found=1
  DARKSHELF_CALLS=0 ./test_fault 'every call*' || found=1
  DARKSHELF_KILLS=500 ./test_fault 'random kills*' || found=1
fi
if [ "$fuzz" = yes ]; then
  require_packages "to fuzz" clang "${build_packages[@]}" || exit 1
  (cd "$project" && cmake --preset fuzz >/dev/null && cmake --build --preset fuzz --target fuzzers --parallel "$(nproc)" >/dev/null) || exit 1
  for fuzzer in "$project"/build/fuzz/bin/fuzz_*; do
    name=${fuzzer##*/fuzz_}
    work=$project/build/fuzz/corpus/$name
    seeds=()
    [ -d "$project/tests/fuzz/corpus/$name" ] && seeds=("$project/tests/fuzz/corpus/$name")
    mkdir -p "$work"
    if (cd "$work" && "$fuzzer" -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 . "${seeds[@]}" \
      "$project"/formats/*/vectors/{valid,invalid,foreign} >"$work.log" 2>&1); then
      echo "fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work.log") inputs in $seconds s, nothing found"
    else
      echo "fuzz $name: a finding, see $work.log"
      found=1
    fi
  done
fi
exit $found
