#!/usr/bin/env python3
"""No source, script or build file is longer than 400 lines: what grows beyond that is split by meaning.

Usage: check_lengths.py PROJECT_ROOT
"""
import pathlib
import sys

LIMIT = 400
PATTERNS = ["*.cpp", "*.hpp", "*.py", "*.sh", "*.cmake", "CMakeLists.txt"]
FOLDERS = ["src", "formats", "tests", "cmake", "examples"]


def main():
    root = pathlib.Path(sys.argv[1])
    files = [path for folder in FOLDERS for pattern in PATTERNS for path in sorted((root / folder).rglob(pattern))]
    long = []
    for path in files:
        lines = path.read_bytes().count(b"\n")
        if lines > LIMIT:
            long.append(f"{path.relative_to(root)}: {lines} lines, {LIMIT} are allowed")
    print("\n".join(long))
    print(f"{len(files)} files looked at, {len(long)} too long")
    return 1 if long or not files else 0


sys.exit(main())
