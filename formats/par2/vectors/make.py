#!/usr/bin/env python3
"""Makes the vectors of valid/ and invalid/, from ../SPEC.md alone and with nothing of darkshelf.

Usage: make.py [FOLDER]     (FOLDER: this script's own)
"""
import hashlib
import pathlib
import struct
import sys
import zlib

MAGIC = b"PAR2\0PKT"
MAIN = b"PAR 2.0\0Main\0\0\0\0"
FILE_DESC = b"PAR 2.0\0FileDesc"
IFSC = b"PAR 2.0\0IFSC\0\0\0\0"
RECV_SLIC = b"PAR 2.0\0RecvSlic"
CREATOR = b"PAR 2.0\0Creator\0"

CREATE_TEXT = b"darkshelf"
VOLUME_TEXT = b"darkshelf 1 (cold archive of photographs, PAR2 2.0)"
MOST_COPIES = 4


# --- SPEC "Arithmetic" ---------------------------------------------------------------------------------------------

def double(x):
    x <<= 1
    return x ^ 0x1100B if x & 0x10000 else x


POWERS = [1]
while len(POWERS) < 65535:
    POWERS.append(double(POWERS[-1]))
LOGS = {power: log for log, power in enumerate(POWERS)}
SLICE_LOGS = [n for n in range(1, 65535) if all(n % prime for prime in (3, 5, 17, 257))]
assert len(SLICE_LOGS) == 32768


def times(a, b):
    return POWERS[(LOGS[a] + LOGS[b]) % 65535] if a and b else 0


assert times(0x1234, 0x5678) == 0x6324 and times(0xFFFF, 0xFFFF) == 0x0733
assert times(2, 0x8000) == 0x100B and times(2, 0x8805) == 1


def recovery_data(slices, exponent):
    words = [0] * (len(slices[0]) // 2)
    for number, data in enumerate(slices):
        factor = POWERS[SLICE_LOGS[number] * exponent % 65535]
        for at, word in enumerate(struct.unpack(f"<{len(words)}H", data)):
            words[at] ^= times(word, factor)
    return struct.pack(f"<{len(words)}H", *words)


# --- SPEC "Packets" ------------------------------------------------------------------------------------------------

def md5(data):
    return hashlib.md5(data).digest()


def padded(data, unit=4):
    return data + bytes(-len(data) % unit)


def packet(set_id, kind, body, length=None):
    length = 64 + len(body) if length is None else length
    return MAGIC + struct.pack("<Q", length) + md5(set_id + kind + body) + set_id + kind + body


class Set:
    """All packets of a set over files {name: bytes}."""

    def __init__(self, files, slice_bytes, exponents, text=CREATE_TEXT):
        described = []
        for name, data in files.items():
            head = md5(data[:16384])
            file_id = md5(head + struct.pack("<Q", len(data)) + name)
            described.append((file_id, name, data, head))
        described.sort(key=lambda file: file[0][::-1])
        self.ids = [file[0] for file in described]
        body = main_body(slice_bytes, self.ids)
        self.id = md5(body)
        self.slice_bytes = slice_bytes
        self.main = packet(self.id, MAIN, body)
        self.descriptions, self.checksums, slices = [], [], []
        for file_id, name, data, head in described:
            self.descriptions.append(packet(self.id, FILE_DESC, description_body(file_id, data, head, name)))
            own = [padded(data[at:at + slice_bytes], slice_bytes) for at in range(0, len(data), slice_bytes)]
            self.checksums.append(packet(self.id, IFSC, checksums_body(file_id, own)))
            slices += own
        self.critical = [self.main] + self.descriptions + self.checksums
        self.recovery = [self.recovery_packet(e, recovery_data(slices, e)) for e in exponents]
        self.creator = packet(self.id, CREATOR, padded(text))
        self.first = exponents[0]

    def recovery_packet(self, exponent, data):
        return packet(self.id, RECV_SLIC, struct.pack("<I", exponent) + data)

    # --- SPEC "Writing" --------------------------------------------------------------------------------------------

    def index(self):
        return self.critical + [self.creator]

    def volume(self):
        out, count = [], len(self.recovery)
        share = min(MOST_COPIES, count.bit_length()) * len(self.critical)
        owed = following = 0
        for recovery in self.recovery:
            out.append(recovery)
            owed += share
            while owed >= count:
                out.append(self.critical[following])
                following = (following + 1) % len(self.critical)
                owed -= count
        return out + [self.creator]

    def volume_name(self, base):
        return f"{base}.vol{self.first:05}+{len(self.recovery):05}.par2"


def main_body(slice_bytes, ids, others=(), count=None):
    return struct.pack("<QI", slice_bytes, len(ids) if count is None else count) + b"".join(list(ids) + list(others))


def description_body(file_id, data, head, name):
    return file_id + md5(data) + head + struct.pack("<Q", len(data)) + padded(name)


def checksums_body(file_id, slices):
    return file_id + b"".join(md5(data) + struct.pack("<I", zlib.crc32(data)) for data in slices)


# --- the sets ------------------------------------------------------------------------------------------------------

def pattern(length):
    """Bytes without a short period, from a formula that a test repeats: x -> 69069 x + 1, the top byte."""
    out, x = bytearray(), 1
    for _ in range(length):
        x = (69069 * x + 1) % 2**32
        out.append(x >> 24)
    return bytes(out)


TWO_FILES = {b"abc.txt": b"abc", b"sub/d.bin": bytes(range(256)) * 2}
TAR_NAME = b"data/2026-06-14_smith-wedding_1of1.tar"


def two_files(exponents=(0, 1, 2)):
    return Set(TWO_FILES, 256, list(exponents))


def valid():
    two = two_files()
    yield "two-files.par2", two.index()
    yield two.volume_name("two-files"), two.volume()

    tar = Set({TAR_NAME: pattern(20001)}, 512, list(range(20)), VOLUME_TEXT)
    base = TAR_NAME[5:-4].decode()
    yield f"{base}.par2", tar.index()
    yield tar.volume_name(base), tar.volume()

    late = two_files(range(12000, 12003))
    yield late.volume_name("late-exponents"), late.volume()
    everything = two.volume()
    yield "reverse-order.par2", everything[::-1]
    yield "repeated-packets.par2", [each for each in everything for _ in range(2)]
    junk = [b"", b"PAR2", MAGIC, MAGIC[:7] * 3, b"\0" * 100, pattern(333), two.main[:90]]
    yield "junk-between.par2", [part for i, each in enumerate(everything) for part in (junk[i % len(junk)], each)]
    yield "odd-alignment.par2", [part for i, each in enumerate(everything) for part in (b"x" * (i % 3 + 1), each)]
    unknown = packet(two.id, b"darkshelf test\0\0", b"of a later program  ")
    yield "unknown-type.par2", [unknown] + everything
    other = Set({b"other": b"other"}, 8, [0])
    yield "another-set-behind.par2", everything + other.volume()


def invalid():
    two = two_files()
    sound = two.index()

    def main(name, body):
        return f"main-{name}.par2", [packet(md5(body), MAIN, body)]

    def header(name, length):
        return f"header-{name}.par2", [MAGIC + struct.pack("<Q", length) + two.main[16:]]

    def described(name, data, head, path):
        body = description_body(md5(path), data, head, path)
        return f"description-{name}.par2", [packet(two.id, FILE_DESC, body)]

    # One rule broken; nothing else in the file.
    yield "packet-md5-wrong.par2", [two.main[:16] + bytes([two.main[16] ^ 1]) + two.main[17:]]
    yield "packet-cut-off.par2", [two.main[:-4]]
    yield header("length-below-64", 60)
    yield header("length-zero", 0)
    yield "header-length-odd.par2", [packet(two.id, CREATOR, b"darkshelf\0")]
    yield header("length-beyond-file", 112)
    yield header("length-huge", 2**64 - 4)
    yield header("length-above-limit", 2**40 + 4)
    yield main("slice-zero", main_body(0, two.ids))
    yield main("slice-odd", main_body(258, two.ids))
    yield main("more-files-than-ids", main_body(256, two.ids, count=3))
    yield main("count-huge", main_body(256, two.ids, count=2**32 - 1))
    yield main("id-cut-off", main_body(256, two.ids)[:-4])
    yield main("too-short", struct.pack("<Q", 256))
    yield described("without-name", b"abc", md5(b"abc"), b"")
    yield described("name-all-nul", b"abc", md5(b"abc"), b"\0\0\0\0")
    yield described("name-with-nul", b"abc", md5(b"abc"), b"abc\0.txt")
    yield described("two-md5-differ", b"abc", md5(b"abd"), b"abc.txt")
    yield "description-too-short.par2", [packet(two.id, FILE_DESC, bytes(52))]
    yield "checksums-none.par2", [packet(two.id, IFSC, two.ids[0])]
    yield "checksums-cut-off.par2", [packet(two.id, IFSC, checksums_body(two.ids[0], [bytes(256)])[:-4])]
    yield "recovery-without-data.par2", [two.recovery_packet(0, b"")]
    yield "recovery-exponent-65535.par2", [two.recovery_packet(65535, bytes(256))]
    yield "recovery-exponent-65536.par2", [two.recovery_packet(65536, bytes(256))]

    # Every packet is sound for itself; the set is not, or not all of it.
    yield "set-checksums-too-many.par2", sound[:3] + [
        packet(two.id, IFSC, checksums_body(two.ids[0], [bytes(256)] * 3))] + sound[4:]
    yield "set-recovery-of-other-size.par2", sound + [two.recovery_packet(0, bytes(260)), two.recovery[1]]
    yield "set-without-main.par2", sound[1:]
    yield "set-without-description.par2", sound[:2] + sound[3:]
    yield "set-without-checksums.par2", sound[:3] + sound[5:]
    body = main_body(256, two.ids[:1], two.ids[1:])
    yield "set-with-other-files.par2", [packet(md5(body), MAIN, body)] + [
        packet(md5(body), each[48:64], each[64:]) for each in sound[1:]]
    for name, path in (("name-climbs", b"../evil"), ("name-climbs-inside", b"sub/../../evil"),
                       ("name-absolute", b"/tmp/evil"), ("name-folder", b"evil/"), ("name-dot", b"./evil"),
                       ("name-double-slash", b"sub//evil")):
        yield f"set-{name}.par2", Set({path: b"evil"}, 4, [0]).index()
    yield "set-too-many-slices.par2", huge_file()


def huge_file():
    """One file of 2^63 bytes in slices of 4, by what its packets say."""
    path, head = b"huge", md5(b"huge")
    file_id = md5(head + struct.pack("<Q", 2**63) + path)
    body = main_body(4, [file_id])
    described = file_id + md5(b"whole") + head + struct.pack("<Q", 2**63) + path
    return [packet(md5(body), MAIN, body), packet(md5(body), FILE_DESC, described)]


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    for kind, vectors in (("valid", valid()), ("invalid", invalid())):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, packets in vectors:
            (folder / kind / name).write_bytes(b"".join(packets))


if __name__ == "__main__":
    main()
