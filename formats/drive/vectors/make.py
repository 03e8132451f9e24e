#!/usr/bin/env python3
"""Makes valid/ and invalid/ from SPEC.md alone: make.py [FOLDER]. Knows nothing of the codec; the same bytes every time."""
import hashlib
import json
import sys
from pathlib import Path

OUT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
GOOD = {"what": "The identity of an archive drive of darkshelf. Please leave this file where it is.", "format": 1,
        "id": "3f2b8c1e-5d47-4a90-8b6e-1c0d9e7f2a34", "label": "2026-A", "created": "2026-12-31T12:00:00Z", "catalog": "full"}
HASH = hashlib.sha256(b"abcdef").hexdigest()


def put(path, data):
    path = OUT / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def identity(**changes):
    fields = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


def current(name="catalog-12.db", length="6", digest=HASH):
    return f"{name}\n{length}\n{digest}\n"


put("valid/drive.json", identity())
put("valid/drive-own-and-fraction.json", identity(label="Größe „B“ \\ \"x\"", created="1999-01-01T00:00:00.000000001Z", catalog="own"))
put("valid/drive-none.json", identity(label="x" * 240, catalog="none"))
put("valid/CURRENT", current())
put("valid/CURRENT-large", current("catalog-18446744073709551615.db", "9" * 18))
# What a reader takes and a writer never writes: each decodes as the file of the name behind "--as-".
put("valid/lenient/drive--unknown-fields-one-line--as-drive.json",
    json.dumps({"serial": {"a": [1]}, **{key: GOOD[key] for key in reversed(GOOD)}}))
put("valid/lenient/drive--catalog-unknown--as-drive.json", identity(catalog="thumbnails"))
put("valid/lenient/drive--catalog-missing--as-drive.json", identity(catalog=None, what=None))
put("valid/lenient/drive--upper-case-id--as-drive.json", identity(id=GOOD["id"].upper()))
put("valid/lenient/CURRENT--upper-case-hash--as-CURRENT", current(digest=HASH.upper()))

index = ["# file, code, words of the sentence; made by make.py\n"]


def bad(name, data, words, code="corrupt"):
    put(f"invalid/{name}", data)
    index.append(f"{name}\t{code}\t{words}\n")


bad("drive-newer-format.json", identity(format=2), "this drive has format 2 (written by a later darkshelf); this darkshelf knows up to 1", "newer")
bad("drive-format-huge.json", identity(format=2**64 - 1), "this drive has format 18446744073709551615", "newer")
for name, value in {"above-64-bits": 2**64, "negative": -1, "text": "1", "fraction": 1.5, "missing": None}.items():
    bad(f"drive-format-{name}.json", identity(format=value), 'drive.json: has no number "format"')
bad("drive-format-zero.json", identity(format=0), "format, id or created makes no sense")
for name, value in {"short": GOOD["id"][:-1], "no-dashes": "0" * 36, "not-hex": "g" + GOOD["id"][1:], "empty": ""}.items():
    bad(f"drive-id-{name}.json", identity(id=value), "format, id or created makes no sense")
bad("drive-id-missing.json", identity(id=None), 'has no text "id"')
bad("drive-id-number.json", identity(id=7), 'has no text "id"')
for name, value in {"no-zone": "2026-12-31T12:00:00", "hour-24": "2026-12-31T24:00:00Z", "feb-30": "2026-02-30T00:00:00Z",
                    "ten-digits": "2026-12-31T12:00:00.0123456789Z", "year-9999": "9999-12-31T23:59:59Z",
                    "year-0": "0000-01-01T00:00:00Z", "empty": ""}.items():
    bad(f"drive-created-{name}.json", identity(created=value), "format, id or created makes no sense")
bad("drive-label-empty.json", identity(label=""), "the label is empty or too long")
bad("drive-label-too-long.json", identity(label="x" * 241), "the label is empty or too long")
bad("drive-label-array.json", identity(label=["x"]), 'has no text "label"')
bad("drive-array.json", "[" + identity() + "]", "is not a JSON object")
bad("drive-nested-too-deep.json", '{"a":' * 9 + "1" + "}" * 9, "is nested too deep")
bad("drive-cut-off.json", identity()[:-10], "is not a JSON object")
bad("drive-empty.json", "", "is not a JSON object")
bad("drive-not-utf8.json", identity().encode().replace(b"2026-A", b"\xe9"), "is not a JSON object")
bad("drive-surrogate.json", identity().replace("2026-A", "\\ud800"), "is not a JSON object")
bad("drive-something-behind.json", identity() + "x", "is not a JSON object")

WORDS = "is not a name, a length and a SHA-256 on three lines"
for name, value in {"dot-dot": "catalog-/../../x.db", "absolute": "/etc/passwd", "other": "other-1.db", "not-db": "catalog-1.txt",
                    "empty": "", "control": "catalog-\x1b.db", "too-long": "catalog-" + "1" * 250 + ".db", "nul": "catalog-\0.db"}.items():
    bad(f"CURRENT-name-{name}", current(name=value), WORDS)
bad("CURRENT-name-not-utf8", b"catalog-\xe9.db\n" + current().split("\n", 1)[1].encode(), WORDS)
for name, value in {"negative": "-6", "hex": "0x6", "empty": "", "blank": " 6", "19-digits": "1" * 19, "fraction": "6.0"}.items():
    bad(f"CURRENT-length-{name}", current(length=value), WORDS)
for name, value in {"short": HASH[:-2], "long": HASH + "00", "odd": HASH[:-1], "not-hex": "x" * 64, "empty": ""}.items():
    bad(f"CURRENT-hash-{name}", current(digest=value), WORDS)
bad("CURRENT-cut-off", current()[:-1], WORDS)
bad("CURRENT-fourth-line", current() + "\n", WORDS)
bad("CURRENT-empty", "", WORDS)
put("invalid/index.txt", "".join(index))
