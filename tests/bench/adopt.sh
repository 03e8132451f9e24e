#!/bin/bash
# Measures adopt over very many small files, beside `hashdeep -r` and `git annex add`, and prints a table for docs/performance.md.
# Usage: tests/bench/adopt.sh [FILES] [--runs N] [--binary FILE]
#   FILES          how many, 300,000 unless told: RAW, JPEG and sidecars by their names, 1 to 3 KB each, 1,000 a folder
#   --runs N       of each program, 3 unless told; the table has the medians
#   --binary FILE  use this darkshelf instead of building build/release
# git annex moves files, and takes an hour for 300,000: it works once, on a copy of the first 2,000.
set -uo pipefail
project=$(cd "$(dirname "$0")/../.." && pwd)
export LC_ALL=C.UTF-8
. "$project/cmake/debian.sh"

files=300000 runs=3 binary=
while [ $# -gt 0 ]; do
  case $1 in
    --runs) runs=${2:?--runs wants a number}; shift ;;
    --binary) binary=$(realpath "${2:?--binary wants a file}"); shift ;;
    *[!0-9]*) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) files=$1 ;;
  esac
  shift
done
require_packages "to measure" python3 hashdeep git-annex || exit 1
if [ -z "$binary" ]; then
  require_packages "to build" "${build_packages[@]}" || exit 1
  (cd "$project" && cmake --preset release >/dev/null && cmake --build --preset release --parallel "$(nproc)" >/dev/null) || exit 1
  binary=$project/build/release/bin/darkshelf
fi

work=$(mktemp -d "${TMPDIR:-/var/tmp}/darkshelf-bench.XXXXXX") || exit 1
trap 'cd /; chmod -R u+w "$work"; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

python3 - "$work/drive" "$files" <<'PY'
import os, random, sys
root, count = sys.argv[1], int(sys.argv[2])
chance = random.Random(5)
pool = chance.randbytes(1 << 20)
endings = ["CR2", "JPG", "CR2.xmp", "JPG.txt"]
for i in range(count):
    if i % 1000 == 0:
        folder = f"{root}/{2000 + i // 25000}/{2000 + i // 25000}-{i // 1000 % 12 + 1:02}-{i // 12000 % 28 + 1:02} shoot {i // 1000}"
        os.makedirs(folder)
    size = 1000 + chance.randrange(2000)
    at = chance.randrange(len(pool) - size)
    with open(f"{folder}/IMG_{i // 4:06}.{endings[i % 4]}", "wb") as out:
        out.write(str(i).encode() + pool[at:at + size])
PY
sync
now() { date +%s.%N; }
measure() {  # NAME COMMAND...
  local name=$1 begun ended
  shift
  begun=$(now)
  "$@" >"$work/out" 2>"$work/err" || { echo "$name failed:" >&2; tail -3 "$work/err" >&2; return 1; }
  ended=$(now)
  echo "$name $(awk -v a="$begun" -v b="$ended" 'BEGIN { print b - a }')" >>"$work/times"
}
for run in $(seq "$runs"); do
  rm -f "$work"/c.db*
  measure "darkshelf adopt" "$binary" --catalog "$work/c.db" -q adopt "$work/drive" --label full || exit 1
  measure "darkshelf adopt, again" "$binary" --catalog "$work/c.db" -q adopt "$work/drive" --label full || exit 1
  rm -f "$work"/n.db*
  measure "darkshelf adopt --names-only" "$binary" --catalog "$work/n.db" -q adopt "$work/drive" --label full --names-only || exit 1
  measure "hashdeep -r -c sha256" hashdeep -r -l -c sha256 "$work/drive" || exit 1
done
mkdir "$work/annex" && find "$work/drive" -type f | sort | head -n 2000 | xargs -d '\n' cp --parents -t "$work/annex" && cd "$work/annex" && git init -q . && git annex init bench >/dev/null 2>&1 &&
  measure "git annex add" git -c annex.largefiles=anything annex add --quiet .
cd /
echo "| program | seconds | files/s |"
echo "|---|---|---|"
python3 - "$work/times" "$files" <<'PY'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    name, seconds = line.rsplit(" ", 1)
    rows.setdefault(name, []).append(float(seconds))
for name, seconds in rows.items():
    middle = statistics.median(seconds)
    spread = f" ({min(seconds):.1f} to {max(seconds):.1f})" if len(seconds) > 1 else ""
    files = min(2000, int(sys.argv[2])) if name.startswith("git") else int(sys.argv[2])
    print(f"| `{name}` | {middle:.1f}{spread} | {files / middle:,.0f} |")
PY
stat -c 'catalog: %s bytes' "$work/c.db"
