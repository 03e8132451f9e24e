#!/bin/bash
# How large a catalog gets and how long it takes to find something in it; prints tables for docs/performance.md.
# Usage: tests/bench/catalog/catalog.sh [FOLDER] [--photos N] [--build FOLDER]
# The catalog is made in a temporary folder (in FOLDER, if told), which is removed in the end; --photos 1000000.
set -uo pipefail
export LC_ALL=C.UTF-8
project=$(cd "$(dirname "$0")/../../.." && pwd)
. "$project/cmake/debian.sh"
photos=1000000 build='' folder=${TMPDIR:-/var/tmp}
while [ $# -gt 0 ]; do
  case $1 in
    --photos) photos=${2:?--photos wants a number}; shift ;;
    --build) build=$(realpath "${2:?--build wants a folder}") || exit 1; shift ;;
    -*) sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) folder=$1 ;;
  esac
  shift
done
if [ -z "$build" ]; then
  require_packages "to build" "${build_packages[@]}" "${bench_packages[@]}" || exit 1
  build=$project/build/bench
  (cd "$project" && cmake --preset bench >/dev/null &&
    cmake --build --preset bench --target make_catalog queries darkshelf >/dev/null) || exit 1
fi
work=$(mktemp -d "$folder/darkshelf-catalog.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs; $(date -u +%F)"
echo
"$build/bin/make_catalog" "$work/catalog.db" --photos "$photos" || exit 1
echo
"$build/bin/queries" "$work/catalog.db" || exit 1

# row ARGUMENTS…: the program from start to end, its output thrown away; the first of ten runs does not count.
row() {
  local times='' began ended status i
  for ((i = 0; i < 10; i++)); do
    began=$(date +%s%N)
    "$build/bin/darkshelf" --catalog "$work/catalog.db" find "$@" >/dev/null 2>"$work/said"
    status=$?
    ended=$(date +%s%N)
    [ $i = 0 ] || times+="$((ended - began))"$'\n'
  done
  [ $status = 0 ] || { cat "$work/said" >&2; echo "darkshelf find $* ended with $status" >&2; }
  printf '%s' "$times" | sort -n | awk -v told="$*" '{t[NR] = $1 / 1e6}
    END {printf "| darkshelf find %s | %.0f | %.0f |\n", told, t[int((NR + 1) / 2)], t[NR]}'
}

echo
echo "| the program from start to end | median of 9, ms | worst, ms |"
echo "|---|---:|---:|"
row wedding
row DSC_0123
row portrait --year 2019
row wedding --type nef
row dsc --on Archive-12B
