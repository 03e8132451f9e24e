#!/usr/bin/env python3
"""Makes valid/ and invalid/ from SPEC.md alone: make.py [FOLDER]. Knows nothing of the codec; the same bytes every time."""
import hashlib
import json
import sys
from pathlib import Path

OUT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
DRIVE = "3f2b8c1e-5d47-4a90-8b6e-1c0d9e7f2a34"
VOLUME, OTHER = "7c1d2e3f-0a1b-4c2d-9e3f-4a5b6c7d8e9f", "8c1d2e3f-0a1b-4c2d-9e3f-4a5b6c7d8e9f"
SEAL = hashlib.sha256(b"the seal").hexdigest()
FOLDER = "2026/2026-06-14_smith-wedding_k7f3p_1of7"


def sha(data):
    return hashlib.sha256(data).hexdigest()


def slice_data(number):
    return bytes((number * 7 + i * 13) % 256 for i in range(12 if number != 9 else 5))


LISTS = {"bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", "photos.sha256": b""}


def first(kind, **changes):
    fields = {"darkshelf": kind, "format": 1, "creator": "darkshelf 1", "made": "2026-12-31T12:00:00Z", "drive": DRIVE, "label": "2026-A"}
    if kind == "parcel":
        fields["from"] = "2026-B"
    return changed(fields, changes)


def volume(kind, **changes):
    fields = {"volume": VOLUME, "seal": SEAL, "folder": FOLDER, "slice_bytes": 12}
    if kind == "request":
        fields |= {"needed": 2, "spare": 1}
    return changed(fields, changes)


def tag(kind, name="bagit.txt", **changes):
    fields = {"file": name}
    if kind == "parcel":
        fields["bytes"] = len(LISTS[name])
    fields["sha256"] = sha(LISTS.get(name, b""))
    return changed(fields, changes)


def piece(number, **changes):
    data = slice_data(number)
    return changed({"slice": number, "bytes": len(data), "sha256": sha(data)}, changes)


def changed(fields, changes):
    return {key: value for key, value in {**fields, **changes}.items() if value is not None}


def text(line):
    return line if isinstance(line, str) else json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n"


def head(lines, data=0, **changes):
    before = "".join(text(line) for line in lines)
    return before + text(changed({"end": len(lines), "data": data, "sha256": sha(before.encode())}, changes))


def lines_of(kind, replace={}, extra=()):
    lines = [first(kind), volume(kind), tag(kind), piece(3), piece(4), piece(9)]
    for at, line in replace.items():
        lines[at] = line
    return [line for line in lines if line is not None] + list(extra)


def put(path, data):
    path = OUT / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


BODY = LISTS["bagit.txt"] + slice_data(3) + slice_data(4) + slice_data(9)

put("valid/one.request", head(lines_of("request")))
put("valid/one.parcel", head(lines_of("parcel"), len(BODY)).encode() + BODY)
put("valid/lists-alone.request", head([first("request", label="Größe „B“ \\ \"x\""), volume("request", needed=0, spare=0),
                                       tag("request"), tag("request", "photos.sha256")]))
put("valid/lists-alone.parcel", head([first("parcel", made="1999-01-01T00:00:00.000000001Z"), volume("parcel"), tag("parcel"),
                                      tag("parcel", "photos.sha256")], len(LISTS["bagit.txt"])).encode() + LISTS["bagit.txt"])
put("valid/two-volumes.request", head([first("request"), volume("request", needed=1, spare=0), piece(32767),
                                       volume("request", volume=OTHER, slice_bytes=2**40, needed=1, spare=0), piece(0)]))
# What a reader takes and a writer never writes: each decodes as the file of the name behind "--as-".
put("valid/lenient/request--unknown-fields--as-one.request",
    head(lines_of("request", {0: first("request", hint="x"), 1: volume("request", shoot={"a": [1]}), 3: piece(3, md5="y")}), more=1))
put("valid/lenient/request--upper-case--as-one.request",
    head(lines_of("request", {1: volume("request", seal=SEAL.upper(), volume=VOLUME.upper())})))

index = ["# file, code, words of the sentence; made by make.py\n"]


def bad(name, lines, words, code="corrupt", data=0, **changes):
    content = lines if isinstance(lines, (str, bytes)) else head(lines, data, **changes)
    put(f"invalid/{name}", content)
    index.append(f"{name}\t{code}\t{words}\n")


def bad_line(name, at, line, words, kind="request", **more):
    bad(f"{name}.{kind}", lines_of(kind, {at: line}), words, data=0 if kind == "request" else len(BODY), **more)


GOOD = head(lines_of("request"))
bad("empty.request", "", "line 1 of the request is cut off")
bad("cut-in-line.request", GOOD[:-9], "line 7 of the request is cut off")
bad("cut-before-end.request", "".join(text(line) for line in lines_of("request")), "line 7 of the request is cut off")
bad("array.request", "[1]\n", "line 1 of the request: is not a JSON object")
bad("not-utf8.request", GOOD.encode().replace(b"2026-A", b"\xe9"), "is not a JSON object")
bad("line-too-long.request", lines_of("request", {0: first("request", hint="x" * 8192)}), "is longer than the 8192 bytes")
bad("nested-too-deep.request", '{"darkshelf":' * 9 + "1" + "}" * 9 + "\n", "is nested too deep")
bad_line("kind-unknown", 0, first("request", darkshelf="letter"), "tells neither a request nor a parcel")
bad_line("kind-missing", 0, first("request", darkshelf=None), 'has no text "darkshelf"')
bad_line("newer-format", 0, first("request", format=2), "this request has format 2; this darkshelf knows up to 1, and it was written by darkshelf 1", code="newer")
bad_line("newer-format", 0, first("parcel", format=2**64 - 1, creator=None), "this parcel has format 18446744073709551615", kind="parcel", code="newer")
bad_line("format-zero", 0, first("request", format=0), 'has a "format" that cannot be')
bad_line("format-negative", 0, first("request", format=-1), 'has no number "format"')
bad_line("creator-missing", 0, first("request", creator=None), 'has no text "creator"')
bad_line("made-no-time", 0, first("request", made="yesterday"), 'has no time "made"')
bad_line("drive-no-id", 0, first("request", drive="2026-A"), 'has no id "drive"')
bad_line("label-empty", 0, first("request", label=""), 'has an empty or too long "label"')
bad_line("label-too-long", 0, first("request", label="x" * 241), 'has an empty or too long "label"')
bad_line("from-missing", 0, {**first("request"), "darkshelf": "parcel"}, 'has no text "from"', kind="parcel")
bad_line("volume-no-id", 1, volume("request", volume="x"), 'has no id "volume"')
bad_line("seal-short", 1, volume("request", seal=SEAL[:-2]), 'has no SHA-256 "seal"')
for name, folder in {"absolute": "/etc/x", "dot-dot": "../x", "nul": "2026/\0", "empty-component": "2026/"}.items():
    bad_line(f"folder-{name}", 1, volume("request", folder=folder), "line 2 of the request")
bad_line("folder-too-deep", 1, volume("request", folder="2026/a/b"), "names no folder of a volume")
bad_line("folder-too-shallow", 1, volume("request", folder="2026"), "names no folder of a volume")
bad_line("folder-too-long", 1, volume("request", folder="2026/" + "x" * 240), "names no folder of a volume")
for name, value in {"zero": 0, "odd": 6, "huge": 2**40 + 4}.items():
    bad_line(f"slice-bytes-{name}", 1, volume("request", slice_bytes=value), 'has a "slice_bytes" that cannot be')
bad_line("needed-above-slices", 1, volume("request", needed=3), "needs another number of slices than it tells of")
bad_line("needed-zero", 1, volume("request", needed=0), "needs another number of slices than it tells of")
bad_line("needed-huge", 1, volume("request", needed=2**32 + 2), 'has a "needed" that cannot be')
bad_line("spare-negative", 1, volume("request", spare=-1), 'has no number "spare"')
bad("needed-without-slices.request", [first("request"), volume("request"), tag("request")], "needs another number of slices")
bad("volume-again.request", lines_of("request", extra=[volume("request"), tag("request")]), "names a volume again")
bad("volume-with-nothing.request", lines_of("request", extra=[volume("request", volume=OTHER, needed=0, spare=0)]), "of which nothing is told")
bad("no-volume.request", [first("request")], "ends it without any volume")
bad("slice-before-volume.request", [first("request"), piece(3)], "stands before any volume")
bad_line("file-not-a-tag-file", 2, {"file": "../../etc/passwd", "sha256": SEAL}, "names no tag file")
bad_line("file-seal", 2, {"file": "tagmanifest-sha256.txt", "sha256": SEAL}, "names no tag file")
bad_line("file-hash-missing", 2, tag("request", sha256=None), 'has no text "sha256"')
bad_line("file-bytes-missing", 2, tag("parcel", bytes=None), 'has no number "bytes"', kind="parcel")
bad_line("file-bytes-huge", 2, tag("parcel", bytes=2**29 + 1), 'has a "bytes" that cannot be', kind="parcel")
bad("file-again.request", lines_of("request", {3: tag("request")}), "names a file again")
bad("file-behind-slice.request", lines_of("request", extra=[tag("request", "photos.sha256")]), "has a file behind slices")
bad_line("slice-above-32767", 5, piece(9, slice=32768), 'has a "slice" that cannot be')
bad_line("slice-text", 5, piece(9, slice="9"), 'has no number "slice"')
bad_line("slice-out-of-order", 5, piece(4), "is a slice out of order")
bad_line("slice-bytes-zero-of-slice", 5, piece(9, bytes=0), 'has a "bytes" that cannot be')
bad_line("slice-longer-than-slices", 5, piece(9, bytes=13), 'has a "bytes" that cannot be')
bad_line("slice-hash-not-hex", 5, piece(9, sha256="g" * 64), 'has no SHA-256 "sha256"')
bad_line("line-unknown", 5, {"recovery": 4, "bytes": 12, "sha256": SEAL}, "is of no known kind")
bad("end-lines-wrong.request", lines_of("request"), "tells another number of lines", end=7)
bad("end-data-in-request.request", lines_of("request"), "tells another length of the data", data=1)
bad("end-data-wrong.parcel", lines_of("parcel"), "tells another length of the data", data=len(BODY) + 1)
bad("end-hash-wrong.request", lines_of("request"), "tells another SHA-256 of the lines before it", sha256=SEAL)
bad("something-behind-end.request", GOOD + "x", "is not the last of the head")
bad("line-changed.request", GOOD.replace('"spare":1', '"spare":0'), "tells another SHA-256 of the lines before it")
put("invalid/index.txt", "".join(index))
