#!/usr/bin/env python3
"""Measures seal and scrub of 1 GiB beside what they are held against in docs/performance.md.

    tests/bench/compare.sh --seal           builds darkshelf and calls this
    seal_points.py DARKSHELF FOLDER [ROUNDS]

The source lies in the page cache. In each round the seal takes turns with cp, sync and openssl, the scrub with dd past
the page cache. Before each of them 2 GiB of memory are touched and given back: a virtual machine's host may have taken
unused memory away, and whoever comes first would pay for having it back. Prints a table of medians and quickest runs,
then seals with more and less memory.
"""
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
from pathlib import Path

from par2_points import MIB, run

COPY = 'cp -r "$1" "$2" && sync && cat "$2"/* | openssl dgst -sha256'
TOUCH = """
import mmap
memory = mmap.mmap(-1, 2 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_HUGEPAGE)
for at in range(0, len(memory), 1 << 12):
    memory[at] = 1
"""
READ = 'for one; do dd if="$one" of=/dev/null bs=8M iflag=direct; done'


def raw(noise):
    """A RAW file as far as its structure goes: noise as the strip of a TIFF."""
    entries = [(256, 4, 1, 64), (257, 4, 1, len(noise) // 64), (273, 4, 1, 16 + 2 + 48 + 4), (279, 4, 1, len(noise))]
    return (struct.pack("<4sI8sH", b"II*\0", 16, b"CR\2\0", len(entries)) +
            b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4) + noise)


class Bench:
    def __init__(self, darkshelf, folder):
        self.darkshelf, self.folder = darkshelf, folder
        self.shoot = folder / "source" / "2026-06-14 Smith wedding"
        self.shoot.mkdir(parents=True)
        self.drive = folder / "A"
        source = random.Random(2026)
        for number in range(41):
            (self.shoot / f"DSC_{number:04}.CR2").write_bytes(raw(source.randbytes(25 * MIB - 70)))
        os.environ["DARKSHELF_CATALOG"] = str(folder / "darkshelf.db")

    def run(self, *command):
        """(wall, cpu, peak MiB)"""
        subprocess.run([sys.executable, "-c", TOUCH], check=True)
        return run([str(word) for word in command], self.folder)

    def seal(self, *options):
        if self.drive.exists():
            shutil.rmtree(self.drive)
        for catalog in self.folder.glob("darkshelf.db*"):
            catalog.unlink()
        self.drive.mkdir()
        self.run(self.darkshelf, "init")
        self.run(self.darkshelf, "drive", "add", self.drive, "--label", "A")
        os.sync()
        result = self.run(self.darkshelf, "seal", self.shoot, "--to", "A", "--yes", *options)
        os.sync()
        return result

    def copy(self):
        result = self.run("sh", "-c", COPY, "sh", self.shoot, self.folder / "copy")
        shutil.rmtree(self.folder / "copy")
        os.sync()
        return result

    def scrub(self):
        return self.run(self.darkshelf, "scrub", "A")

    def read(self):
        return self.run("sh", "-c", READ, "sh", *(path for path in self.drive.rglob("*") if path.is_file()
                                                  and path.stat().st_size > MIB))


def row(what, results, note=""):
    walls, cpus, peaks = zip(*results)
    print(f"| {what} | {statistics.median(walls):.2f} | {min(walls):.2f} | {statistics.median(cpus):.2f} |"
          f" {max(peaks):,.0f} | {note} |", flush=True)


def ratio(a, b):
    return statistics.median(x[0] / y[0] for x, y in zip(a, b))


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    bench = Bench(sys.argv[1], Path(sys.argv[2]))
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    seals, copies, scrubs, reads = [], [], [], []
    for _ in range(rounds):
        seals.append(bench.seal())
        copies.append(bench.copy())
        scrubs.append(bench.scrub())
        reads.append(bench.read())
    print("| | wall, s | quickest | CPU, s | peak, MiB | |\n|---|---:|---:|---:|---:|---|")
    row("seal to one drive, read back and proven", seals, f"{ratio(seals, copies):.2f} times the next row")
    row("`cp` + `sync` + `openssl dgst -sha256` of the copy", copies)
    row("scrub", scrubs, f"{ratio(reads, scrubs):.2f} of the rate of the next row")
    row("`dd iflag=direct` of the same files", reads)
    for memory in (256, 512, 1024, 4096):
        row(f"seal, `--memory {memory}MiB`", [bench.seal("--memory", f"{memory}MiB") for _ in range(3)])


if __name__ == "__main__":
    main()
