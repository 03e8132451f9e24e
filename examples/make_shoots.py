#!/usr/bin/env python3
"""Lays out two shoots for examples/first-archive.sh: real photos from two Debian packages, and filler.

Usage: make_shoots.py FOLDER

The real photos are those of rawtran-doc (a Canon RAW file) and forensics-samples-files (phone and camera JPEGs, films). The
filler is noise from a fixed seed in files that are JPEG and RAW as far as their structure goes, with a camera and a time in
them, under the names a camera and a RAW program would give. The same call makes the same bytes and times every time. Exit code 77: the packages' files are not there.
"""
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

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


def tiff(camera, moment, strip=b""):
    """A TIFF with camera and time, and `strip` as its image if there is one."""
    make, model = (text.encode() + b"\0" for text in camera)
    taken = time.strftime("%Y:%m:%d %H:%M:%S", time.gmtime(moment)).encode() + b"\0"
    texts = 16 + 2 + 12 * (10 if strip else 4) + 4
    exif = texts + len(make) + len(model) + len(taken)
    data = exif + 2 + 12 + 4 + len(taken)
    entries = [(271, 2, len(make), texts), (272, 2, len(model), texts + len(make)),
               (306, 2, len(taken), texts + len(make) + len(model)), (34665, 4, 1, exif)]
    if strip:
        entries += [(256, 4, 1, 64), (257, 4, 1, len(strip) // 64), (258, 3, 1, 8), (259, 3, 1, 1),
                    (273, 4, 1, data), (279, 4, 1, len(strip))]

    def directory(rows):
        return struct.pack("<H", len(rows)) + b"".join(struct.pack("<HHII", *row) for row in sorted(rows)) + bytes(4)

    return (b"II*\0\x10\0\0\0CR\2\0\0\0\0\0" + directory(entries) + make + model + taken +
            directory([(36867, 2, len(taken), exif + 2 + 12 + 4)]) + taken + strip)


def jpeg(camera, moment, scan):
    """Bytes of `scan` as the coded data of a grey JPEG; decoders show noise."""
    def segment(marker, content):
        return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content

    return (b"\xFF\xD8" + segment(0xE1, b"Exif\0\0" + tiff(camera, moment)) + segment(0xDB, b"\0" + b"\x10" * 64) +
            segment(0xC0, struct.pack(">BHHB", 8, 480, 640, 1) + b"\1\x11\0") +
            segment(0xC4, b"\0" + b"\0\0\7" + bytes(13) + bytes(range(7))) +
            segment(0xC4, b"\x10" + b"\1" + bytes(15) + b"\0") + segment(0xDA, b"\1\1\0\0\x3F\0") +
            scan.replace(b"\xFF", b"\xFE") + b"\xFF\xD9")


class Shoot:
    """Files get times that follow each other, with nanoseconds, as a camera's would."""

    def __init__(self, folder, started, camera):
        self.folder, self.seconds, self.camera = folder, started, camera
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
        noise = self.random.randbytes(self.random.randrange(size // 2, size + size // 2))
        make = jpeg if path.suffix == ".JPG" else tiff
        path.write_bytes(make(self.camera, self.seconds, noise))
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

        wedding = Shoot(target / WEDDING, 1781430000, ("Canon", "Canon EOS R6"))
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

        island = Shoot(target / ISLAND, 1785660000, ("NIKON CORPORATION", "NIKON D700"))
        island.real("phare des baleines.CR2", raw / "IMG_5952.CR2")
        for film in sorted(samples.glob("movie*/*.mp4")):
            island.real(f"films/{film.name}", film)
        for number in range(1, 51):
            island.filler(f"été/Île_{number:03}.NEF", 1_200_000)
            island.filler(f"été/Île_{number:03}.JPG", 250_000)
        for number in range(1, 21):
            island.filler(f"灯台/灯台_{number:03}.JPG", 300_000)
        island.finish()


main()
