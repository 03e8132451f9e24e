#!/bin/bash
# The kernels of 64-bit Arm, tried on any machine: gf16 and its unit tests are compiled for Arm and run by an emulator.
# Exit code 4: what that needs is not installed.
set -euo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)
compiler=aarch64-linux-gnu-g++ emulator=qemu-aarch64
for needed in "$compiler" "$emulator"; do
  if ! command -v "$needed" >/dev/null; then
    echo "Skipped: $needed is not installed"
    exit 4
  fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/include"
for library in catch2 fmt boost; do ln -s "/usr/include/$library" "$work/include/$library"; done  # headers alone
flags=(-std=c++20 -O1 -ffunction-sections -DFMT_HEADER_ONLY -DBOOST_ALL_NO_LIB -I"$project/src" -I"$project" -I"$project/tests" -isystem "$work/include")
sources=("$project"/src/core/*.cpp "$project"/src/gf16/*.cpp "$project"/tests/unit/gf16/*.cpp "$project"/tests/support/{main,chance}.cpp)
number=0
for source in "${sources[@]}"; do
  echo "$compiler ${flags[*]@Q} -c ${source@Q} -o $work/$((number++)).o"
done | xargs -P "$(nproc)" -d '\n' -I{} bash -c '{}'
# Paths are of no use here, and of Boost.Filesystem only the headers are at hand: what uses it is left out by the linker.
"$compiler" -static -Wl,--gc-sections "$work"/*.o -o "$work/test"
for kernel in scalar neon; do
  echo "$kernel:"
  DARKSHELF_KERNEL=$kernel "$emulator" "$work/test"
done
for source in md5_many sha256_many md5_sha256; do  # compile, at the least
  "$compiler" "${flags[@]}" -c "$project/src/digest/$source.cpp" -o "$work/digest.o"
done
