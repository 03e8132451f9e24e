#!/usr/bin/env python3
"""Checks what the sources include against the layer table below, which is the one of docs/architecture.md.

Usage: check_layers.py PROJECT_ROOT
"""
import pathlib
import re
import sys

# From the bottom up. A folder includes itself and what stands on a line above its own, nothing else.
LAYERS = [
    ["core"],
    ["digest", "gf16", "io"],
    ["formats"],
    ["sign", "parity", "photo"],
    ["volume"],
    ["catalog"],
    ["shelf"],
    ["rituals"],
    ["cli"],
]

# Below in the table, and yet not for this folder: what is pure stays pure.
PURE = {
    "formats": ["gf16", "io"],
    "sign": ["gf16", "io"],
    "photo": ["gf16"],
    "shelf": ["gf16", "io", "parity", "volume"],
}

# Headers of the system and of other libraries that are the business of one folder alone.
ONLY_IN = {
    "io": r"(fcntl|unistd|dirent|mntent|poll|termios|sys/(stat|statvfs|statfs|vfs|xattr|file|mman|mount|uio|ioctl|"
          r"sysmacros|wait|socket|prctl|resource|time)|spawn|linux/.*|blkid/.*)\.h|boost/filesystem/(operations|fstream|directory)\.hpp|boost/filesystem\.hpp"
          r"|filesystem|fstream",
    "volume": r"archive(_entry)?\.h",
    "catalog": r"SQLiteCpp/.*|sqlite3\.h",
    "digest": r"openssl/.*|zlib\.h",
    "sign": r"sodium(/.*)?(\.h)?",
    "photo": r"exiv2/.*|libheif/.*|jpeglib\.h|jerror\.h|turbojpeg\.h",
    "cli": r"CLI/.*|iostream",
}
# What a folder may use from another's list all the same, with the reason.
EXCEPTIONS = {
    ("core", "unistd.h"): "process ids and random numbers for World and stop points",
    ("core", "fstream"): "the log of stop points, in test builds",
    ("cli", "unistd.h"): "isatty",
    ("cli", "termios.h"): "terminal width, passphrases that are not shown",
    ("cli", "sys/ioctl.h"): "terminal width",
    ("core", "sys/mman.h"): "large buffers of memory, no file",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def level_of(folder):
    for level, folders in enumerate(LAYERS):
        if folder in folders:
            return level
    return None


def owner_of(header):
    for folder, pattern in ONLY_IN.items():
        if re.fullmatch(pattern, header):
            return folder
    return None


def problems_in(path, folder, root):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        quote, header = found.groups()
        place = f"{path.relative_to(root)}:{number}"
        if quote == '"':
            target = header.split("/")[0]
            if "/" not in header or level_of(target) is None:
                yield f'{place}: "{header}" is not written from src/ or the project\'s root'
            elif target != folder and level_of(target) >= level_of(folder):
                yield f"{place}: {folder} includes {header}, but {target} does not stand below {folder}"
            elif target in PURE.get(folder, []):
                yield f"{place}: {folder} includes {header}, but {folder} is pure: it does not use {target}"
        else:
            owner = owner_of(header)
            if owner and owner != folder and (folder, header) not in EXCEPTIONS:
                yield f"{place}: <{header}> is for {owner} alone, not for {folder}"


def main():
    root = pathlib.Path(sys.argv[1])
    problems, files = [], 0
    homes = [(path, path.name) for path in sorted((root / "src").iterdir()) if path.is_dir()]
    for home, folder in homes + [(root / "formats", "formats")]:
        if level_of(folder) is None:
            problems.append(f"src/{folder} is not in the layer table")
            continue
        for path in sorted(home.rglob("*.[ch]pp")):
            files += 1
            problems += problems_in(path, folder, root)
    print("\n".join(problems))
    print(f"{files} files looked at, {len(problems)} problems")
    return 1 if problems or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
