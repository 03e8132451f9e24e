#!/bin/bash
# How fast photos are read, beside exiftool in the same run; prints a table for docs/performance.md.
# Usage: tests/bench/photos/photos.sh [COUNT] [--build FOLDER]      COUNT files of each kind, 200 unless told
# The files: the CR2 of rawtran-doc, and the phone's JPEGs of forensics-samples-files, under as many names.
set -uo pipefail
project=$(cd "$(dirname "$0")/../../.." && pwd)
. "$project/cmake/debian.sh"
count=200 build=
while [ $# -gt 0 ]; do
  case $1 in
    --build) build=$(realpath "${2:?--build wants a folder}"); shift ;;
    *[!0-9]*) sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) count=$1 ;;
  esac
  shift
done
require_packages "to measure" libimage-exiftool-perl rawtran-doc forensics-samples-files python3 || exit 1
if [ -z "$build" ]; then
  require_packages "to build" "${build_packages[@]}" "${bench_packages[@]}" || exit 1
  build=$project/build/bench
  (cd "$project" && cmake --preset bench >/dev/null && cmake --build --preset bench --target photo_rates >/dev/null) || exit 1
fi
rates=$build/bin/photo_rates
work=$(mktemp -d "${TMPDIR:-/var/tmp}/darkshelf-photos.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/raw" "$work/jpeg"
phone=(/usr/share/forensics-samples/original-files/pic*/IMG_20*.jpg)
for ((i = 0; i < count; i++)); do
  ln -s /usr/share/doc/rawtran/IMG_5952.CR2 "$work/raw/IMG_$i.CR2"
  ln -s "${phone[i % ${#phone[@]}]}" "$work/jpeg/IMG_$i.jpg"
done

# row WHAT KIND COMMAND…: a row of files and MB a second by the wall clock; a first run brings the files into memory.
row() {
  local what=$1 kind=$2
  shift 2
  local bytes began ended
  bytes=$(find -L "$work/$kind" -type f -printf '%s\n' | awk '{sum += $1} END {print sum}')
  "$@" >"$work/out" 2>&1 || true
  began=$(date +%s.%N)
  "$@" >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
  ended=$(date +%s.%N)
  awk -v w="$what" -v k="$kind" -v n="$count" -v b="$bytes" -v s="$began" -v e="$ended" \
    'BEGIN {printf "| %s | %s | %.2f | %.0f | %.0f |\n", w, k, e - s, n / (e - s), b / (e - s) / 1e6}'
}

echo "$count files of each kind; $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs; exiftool $(exiftool -ver); $(date -u +%F)"
echo
echo "| what | files | wall, s | files/s | MB/s |"
echo "|---|---|---:|---:|---:|"
for kind in raw jpeg; do
  files=("$work/$kind"/*)
  row "darkshelf: metadata, thumbnail, digest, is it as named" $kind "$rates" "${files[@]}"
  row "the same, one worker" $kind "$rates" --workers 1 "${files[@]}"
  row "darkshelf: metadata and is it as named" $kind "$rates" --no-thumbnails --no-digests "${files[@]}"
  row "darkshelf: the same, one worker" $kind "$rates" --workers 1 --no-thumbnails --no-digests "${files[@]}"
  row "exiftool: metadata" $kind exiftool -q -q -json "${files[@]}"
  row "exiftool -fast2: metadata without makers' notes" $kind exiftool -q -q -fast2 -json "${files[@]}"
done
