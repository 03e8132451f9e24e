#!/usr/bin/env python3
"""Measures whole par2 commands and writes one line of CSV for each run.

    tests/bench/compare.sh --par2 FILE.csv     builds darkshelf and calls this
    par2_points.py DARKSHELF PAR2 FOLDER FILE.csv [EXPERIMENT...]

At each point darkshelf and PAR2 (a par2cmdline or what takes its options) get the same data, slices and redundancy,
and take turns. The data is random and lies in the page cache; a command is timed as a process of its own, by wall
clock, by CPU, and by the peak of its resident memory as the kernel counts it. PAR2 is left out where it would take
more than a minute or so: its time grows with slices x recovery slices x bytes of a slice.
"""
import csv
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

MIB = 1 << 20
FIELDS = ["experiment", "command", "program", "mib", "slices", "redundancy", "memory_mib", "threads", "run", "wall_s",
          "cpu_s", "peak_mib", "load"]
PEER_LIMIT = 100  # seconds
PEER_RATE = 5e9  # bytes x recovery slices a second that par2cmdline does on two cores; only to leave points out


def run(command, folder):
    """(wall, cpu, peak MiB) of a command; one that fails ends the measurement, since its figures would mean nothing."""
    began = time.monotonic()
    with open(folder / "output", "wb") as out:
        child = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
        _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - began
    if status != 0:
        sys.exit(f"{command} failed:\n{(folder / 'output').read_text(errors='replace')}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def remove(folder, pattern):
    for path in folder.glob(pattern):
        path.unlink()


class Bench:
    def __init__(self, ours, peer, folder, out):
        self.ours, self.peer, self.folder = ours, peer, folder
        self.file = open(out, "w", newline="")
        self.writer = csv.DictWriter(self.file, FIELDS)
        self.writer.writeheader()
        self.data_mib = 0

    def data(self, mib):
        """data.bin of this size, in the page cache."""
        path = self.folder / "data.bin"
        if self.data_mib != mib:
            source = random.Random(2026)
            with open(path, "wb") as out:
                for _ in range(mib // 4):
                    out.write(source.randbytes(4 * MIB))
            self.data_mib = mib
        with open(path, "rb") as whole:
            while whole.read(16 * MIB):
                pass

    def programs(self, point, ours_only):
        recovery = point["slices"] * point["redundancy"] / 100
        seconds = point["mib"] * MIB * recovery / PEER_RATE * 2 / point["threads"]
        return ["darkshelf"] if ours_only or seconds > PEER_LIMIT else ["darkshelf", "par2"]

    def command(self, program, verb, point):
        if program == "darkshelf":
            common = [self.ours, "par2", verb, "-m", f"{point['memory_mib']}MiB", "-t", str(point["threads"])]
        else:
            common = [self.peer, verb, "-q", "-q", f"-m{point['memory_mib']}", f"-t{point['threads']}"]
        if verb != "create":
            return common + ["set.par2"]
        return common + [f"-b{point['slices']}", f"-r{point['redundancy']}", "set.par2", "data.bin"]

    def measure(self, experiment, verb, mib, slices, redundancy=10, memory_mib=2048, threads=2, runs=3, ours_only=False,
                lost=0):
        point = dict(mib=mib, slices=slices, redundancy=redundancy, memory_mib=memory_mib, threads=threads)
        self.data(mib)
        if verb != "create":
            remove(self.folder, "set*.par2")
            run(self.command("darkshelf", "create", {**point, "memory_mib": 2048, "threads": 2}), self.folder)
        programs = self.programs(point, ours_only)
        took = {program: 0 for program in programs}
        for number in range(1, runs + 1):
            for program in programs:
                if program != "darkshelf" and number > 1 and took[program] > 8:
                    continue  # once is enough for what takes so long
                if verb == "create":
                    remove(self.folder, "set*.par2")
                if verb == "repair":
                    self.damage(mib, slices, lost)
                load = os.getloadavg()[0]  # what else went on, this measurement included
                wall, cpu, peak = run(self.command(program, verb, point), self.folder)
                took[program] = wall
                row = dict(experiment=experiment, command=verb, program=program, **point, run=number,
                           wall_s=f"{wall:.3f}", cpu_s=f"{cpu:.3f}", peak_mib=f"{peak:.0f}", load=f"{load:.1f}")
                self.writer.writerow(row)
                self.file.flush()
                print(",".join(str(row[field]) for field in FIELDS), flush=True)
                if verb == "repair":
                    self.restore()

    def damage(self, mib, slices, lost):
        """One byte in each of so many slices, in a copy that takes the place of the data."""
        data, sound = self.folder / "data.bin", self.folder / "sound.bin"
        data.rename(sound)
        shutil.copyfile(sound, data)
        slice_bytes = -(-mib * MIB // slices // 4) * 4
        with open(data, "r+b") as file:
            for number in random.Random(7).sample(range(slices - 1), lost):
                file.seek(number * slice_bytes + slice_bytes // 2)
                byte = file.read(1)
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([byte[0] ^ 0xFF]))

    def restore(self):
        """What was repaired has to be what it was."""
        if subprocess.run(["cmp", "-s", "data.bin", "sound.bin"], cwd=self.folder).returncode != 0:
            sys.exit("what was repaired is not what it was")
        remove(self.folder, "data.bin*")
        (self.folder / "sound.bin").rename(self.folder / "data.bin")


def bars(b):
    """The shapes docs/performance.md holds against its bars."""
    for slices in (32000, 8000, 2000):
        b.measure("bars", "create", 1024, slices, runs=5, ours_only=True)
    b.measure("bars", "verify", 1024, 2000, runs=5)
    b.measure("bars", "repair", 1024, 32000, runs=5, ours_only=True, lost=3000)


def slices(b):
    for count in (500, 1000, 2000, 4000, 8000, 16000, 32768):
        b.measure("slices", "create", 128, count)
    for count in (500, 2000, 8000, 32768):
        b.measure("slices", "verify", 128, count)
    b.measure("slices", "repair", 128, 2000, lost=150)
    b.measure("slices", "repair", 128, 32768, lost=3000, ours_only=True)
    for count in (500, 1000, 4000, 16000, 32768):
        b.measure("slices", "create", 1024, count, ours_only=True)


def redundancy(b):
    for percent in (5, 10, 20, 30):
        b.measure("redundancy", "create", 128, 2000, redundancy=percent)
    for percent in (5, 10, 20, 30):
        b.measure("redundancy", "create", 1024, 32768, redundancy=percent, ours_only=True)


def memory(b):
    for mib in (256, 512, 1024, 2048, 4096):
        b.measure("memory", "create", 1024, 32000, memory_mib=mib, ours_only=True)
        b.measure("memory", "verify", 1024, 32000, memory_mib=mib, ours_only=True, runs=1)
        b.measure("memory", "repair", 1024, 32000, memory_mib=mib, ours_only=True, runs=1, lost=3000)


def threads(b):
    for count in (1, 2):
        b.measure("threads", "create", 128, 2000, threads=count)
        for slices_now in (2000, 32768):
            b.measure("threads", "create", 1024, slices_now, threads=count, ours_only=True)
        b.measure("threads", "verify", 1024, 32768, threads=count, ours_only=True)


def sizes(b):
    for mib in (64, 256):
        b.measure("sizes", "create", mib, 2000)
    for mib in (64, 256, 1024, 4096, 8192):
        b.measure("sizes", "create", mib, 32768, ours_only=True, runs=3 if mib < 4096 else 1)


EXPERIMENTS = [bars, slices, redundancy, memory, threads, sizes]


def main():
    ours, peer, folder, out, *chosen = sys.argv[1:]
    os.environ["DARKSHELF_CATALOG"] = str(Path(folder) / "none.db")
    bench = Bench(ours, peer, Path(folder), out)
    for experiment in EXPERIMENTS:
        if not chosen or experiment.__name__ in chosen:
            experiment(bench)


if __name__ == "__main__":
    main()
