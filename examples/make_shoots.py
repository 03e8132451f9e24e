#!/usr/bin/env python3
"""Lays out two shoots for examples/first-archive.sh: real photos from two Debian packages, and filler.

Usage: make_shoots.py FOLDER

The real photos are those of rawtran-doc (a Canon RAW file) and forensics-samples-files (phone and camera JPEGs, films). The
filler is random bytes from a fixed seed, under the names a camera and a RAW program would give. The same call makes the
same bytes and times every time. Exit code 77: the packages' files are not there.
"""
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

RAW = pathlib.Path("usr/share/doc/rawtran")
SAMPLES = pathlib.Path("usr/share/forensics-samples/original-files")
WEDDING = "2026-06-14 Smith wedding"
ISLAND = "2026-08-02 Île de Ré"


def unpack(package, folder):
    """Debian images for containers leave out /usr/share/doc when they install: take such files from the package itself."""
    subprocess.run(["apt-get", "-q", "download", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    for deb in pathlib.Path(folder).glob(f"{package}_*.deb"):
        subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)


def find_root(package, path, folder):
    if pathlib.Path("/", path).is_dir() and any(pathlib.Path("/", path).iterdir()):
        return pathlib.Path("/")
    try:
        unpack(package, folder)
    except (OSError, subprocess.CalledProcessError):
        pass
    if not pathlib.Path(folder, path).is_dir():
        print(f"skipped: the photos of the package {package} are not there (/{path})")
        sys.exit(77)
    return pathlib.Path(folder)


class Shoot:
    """Files get times that follow each other, with nanoseconds, as a camera's would."""

    def __init__(self, folder, started):
        self.folder, self.seconds = folder, started
        self.random = random.Random(folder.name)

    def _timed(self, path):
        self.seconds += self.random.randrange(1, 40)
        moment = self.seconds * 10**9 + self.random.randrange(10**9)
        os.utime(path, ns=(moment, moment))

    def real(self, name, source):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
        self._timed(path)

    def filler(self, name, size):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.random.randbytes(self.random.randrange(size // 2, size + size // 2)))
        self._timed(path)

    def sidecar(self, name, rating):
        path = self.folder / name
        path.write_text(
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="{rating}"/></rdf:RDF></x:xmpmeta>\n',
            encoding="utf-8")
        self._timed(path)

    def finish(self):
        for path in sorted((p for p in self.folder.rglob("*") if p.is_dir()), reverse=True):
            self._timed(path)
        self._timed(self.folder)


def main():
    target = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        raw = find_root("rawtran-doc", RAW, scratch) / RAW
        samples = find_root("forensics-samples-files", SAMPLES, scratch) / SAMPLES

        wedding = Shoot(target / WEDDING, 1781430000)
        for photo in sorted(samples.glob("pic*/IMG*")):
            wedding.real(photo.name, photo)
        for number in range(1, 81):
            wedding.filler(f"Trauung/DSC_{number:04}.CR2", 800_000)
            wedding.filler(f"Trauung/DSC_{number:04}.JPG", 200_000)
            wedding.sidecar(f"Trauung/DSC_{number:04}.xmp", number % 6)
        for number in range(1, 61):
            wedding.filler(f"Feier – Gäste/Gast_{number:04}_größer.CR2", 800_000)
            wedding.filler(f"Feier – Gäste/Gast_{number:04}_größer.JPG", 200_000)
        wedding.finish()

        island = Shoot(target / ISLAND, 1785660000)
        island.real("phare des baleines.CR2", raw / "IMG_5952.CR2")
        for film in sorted(samples.glob("movie*/*.mp4")):
            island.real(f"films/{film.name}", film)
        for number in range(1, 51):
            island.filler(f"été/Île_{number:03}.RAF", 1_200_000)
            island.filler(f"été/Île_{number:03}.JPG", 250_000)
        for number in range(1, 21):
            island.filler(f"灯台/灯台_{number:03}.JPG", 300_000)
        island.finish()


main()
