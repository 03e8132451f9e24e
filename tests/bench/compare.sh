#!/bin/bash
# Measures seal, scrub, find and the par2 commands, beside Debian's par2 in the same run, and prints a table for
# docs/performance.md.  Usage: tests/bench/compare.sh [MIB] [--fine] [--par2 FILE.csv] [--seal] [--binary FILE]
#   MIB            size of the shoot, 1024 unless told
#   --fine         also Debian's par2 with as many slices as a seal has (about an hour for 1024)
#   --par2 FILE    instead of that: par2 commands alone over many shapes, a line of CSV a run (par2_points.py; a quarter of an hour)
#   --seal         instead of that: seal and scrub of 1 GiB beside cp, openssl and dd (seal_points.py; some minutes)
#   --binary FILE  use this darkshelf instead of building build/release
# $PAR2: another par2 than Debian's, with the options of par2cmdline.
set -uo pipefail
project=$(cd "$(dirname "$0")/../.." && pwd)
export LC_ALL=C.UTF-8
. "$project/cmake/debian.sh"

mib=1024 fine=no seal=no binary= points=
peer=${PAR2:-par2}
while [ $# -gt 0 ]; do
  case $1 in
    --fine) fine=yes ;;
    --par2) points=$(realpath "${2:?--par2 wants a file}"); shift ;;
    --seal) seal=yes ;;
    --binary) binary=$(realpath "${2:?--binary wants a file}"); shift ;;
    *[!0-9]*) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) mib=$1 ;;
  esac
  shift
done
peer_package=(par2)
[ -n "${PAR2:-}" ] && peer_package=()
require_packages "to measure" python3 "${peer_package[@]}" || exit 1
if [ -z "$binary" ]; then
  require_packages "to build" "${build_packages[@]}" || exit 1
  (cd "$project" && cmake --preset release >/dev/null && cmake --build --preset release --parallel "$(nproc)" >/dev/null) || exit 1
  binary=$project/build/release/bin/darkshelf
fi

work=$(mktemp -d "${TMPDIR:-/var/tmp}/darkshelf-bench.XXXXXX") || exit 1
trap 'cd /; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
if [ -n "$points" ]; then
  python3 "$project/tests/bench/par2_points.py" "$binary" "$peer" "$work" "$points"
  exit
fi
if [ "$seal" = yes ]; then
  python3 "$project/tests/bench/seal_points.py" "$binary" "$work"
  exit
fi
export DARKSHELF_CATALOG=$work/darkshelf.db
shoot="$work/source/2026-06-14 Smith wedding" par2_file=$work/par2/data.bin
mkdir -p "$shoot" "$work/par2" "$work/A" "$work/B"

# measure WHAT COMMAND…: one row of the table. A command that fails ends the run: its figure would mean nothing.
measure() {
  local what=$1
  shift
  python3 - "$what" "$mib" "$work/output" "$@" <<'END' || exit 1
import os, sys, time
what, mib, log, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
began = time.monotonic()
child = os.fork()
if child == 0:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.execvp(command[0], command)
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - began
if status != 0:
    sys.exit(f"{what}: failed with exit code {os.waitstatus_to_exitcode(status)}\n{open(log, errors='replace').read()}")
rate = f"{mib / wall:,.0f}" if wall > 0.1 else "-"
print(f"| {what} | {wall:.2f} | {usage.ru_utime + usage.ru_stime:.2f} | {rate} | {usage.ru_maxrss / 1024:,.0f} |", flush=True)
END
}

python3 - "$shoot" "$par2_file" "$mib" <<'END' || exit 1
import os, pathlib, random, struct, sys

def raw(noise):
    """A RAW file as far as its structure goes: noise as the strip of a TIFF."""
    entries = [(256, 4, 1, 64), (257, 4, 1, len(noise) // 64), (273, 4, 1, 16 + 2 + 48 + 4), (279, 4, 1, len(noise))]
    return (struct.pack("<4sI8sH", b"II*\0", 16, b"CR\2\0", len(entries)) +
            b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4) + noise)


shoot, whole, mib = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
source = random.Random(2026)
with open(whole, "wb") as out:
    for number in range(mib // 4):
        block = raw(source.randbytes((4 << 20) - 70))
        out.write(block)
        (shoot / f"DSC_{number:04}.CR2").write_bytes(block)
END
sync
quiet() { "$@" >"$work/output" 2>&1 || { cat "$work/output" >&2; exit 1; }; }
quiet "$binary" init
quiet "$binary" drive add "$work/A" --label A
quiet "$binary" drive add "$work/B" --label B

echo "$mib MiB in $((mib / 4)) files; $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs;" \
  "$(stat -f -c %T "$work") under $work; $("$peer" -V | head -n 1); $(date -u +%F)"
echo
echo "| what | wall, s | CPU, s | MiB/s | peak memory, MiB |"
echo "|---|---:|---:|---:|---:|"
measure "darkshelf seal, one drive, read back and proven" "$binary" seal "$shoot" --to A
measure "darkshelf copy to a second drive, proven" "$binary" copy --missing --to B
measure "darkshelf scrub" "$binary" scrub A
measure "darkshelf find, by shoot" "$binary" find wedding
measure "darkshelf find, by file name" "$binary" find DSC_0001 --files
cd "$work/par2" || exit 1
measure "darkshelf par2 create, 2,000 slices, 10 %" "$binary" par2 create -b 2000 -r 10 ours.par2 data.bin
measure "darkshelf par2 verify" "$binary" par2 verify ours.par2
rm -f ours*.par2
measure "$peer create, 2,000 slices, 10 %" "$peer" create -q -q -b2000 -r10 theirs.par2 data.bin
measure "$peer verify" "$peer" verify -q -q theirs.par2
rm -f theirs*.par2
if [ "$fine" = yes ]; then
  measure "darkshelf par2 create, 32,000 slices, 10 %" "$binary" par2 create -b 32000 -r 10 ours.par2 data.bin
  rm -f ours*.par2
  measure "$peer create, 32,000 slices, 10 %" "$peer" create -q -q -b32000 -r10 theirs.par2 data.bin
fi
