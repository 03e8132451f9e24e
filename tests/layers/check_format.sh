#!/bin/bash
# Every C++ file is as clang-format writes it. Usage: check_format.sh PROJECT_ROOT. Exit 4: skipped, with the reason.
cd "$1" || exit 1
if ! command -v clang-format >/dev/null; then
  echo "skipped: clang-format is not installed"
  exit 4
fi
version=$(clang-format --version | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
if [ "$version" != 14 ]; then
  echo "skipped: clang-format is version $version, and the layout is that of version 14"
  exit 4
fi
mapfile -d '' -t files < <(find src formats tests \( -name '*.cpp' -o -name '*.hpp' \) -print0)
[ "${#files[@]}" -gt 0 ] || { echo "no C++ file found"; exit 1; }
bad=0
for file in "${files[@]}"; do
  if ! clang-format --dry-run -Werror "$file" >/dev/null 2>&1; then
    echo "not formatted: $file"
    bad=$((bad + 1))
  fi
done
echo "${#files[@]} files looked at, $bad not formatted"
[ "$bad" -eq 0 ] || { echo "clang-format -i puts them right"; exit 1; }
