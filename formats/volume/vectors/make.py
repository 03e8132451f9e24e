#!/usr/bin/env python3
"""Makes valid/ and invalid/ from SPEC.md alone: make.py [FOLDER]. Knows nothing of the codec; the same bytes every time."""
import base64
import hashlib
import json
import sys
from pathlib import Path

OUT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
VOLUME, GROUP = "0d9b3c52-7a1e-4f60-9c83-2b4e6d8f1a57", "9c1f22aa-3b4d-4e5f-8a6b-7c8d9e0f1a2b"
SHOOT, WRITER = "5e6f7081-92a3-44b5-86c7-d8e9fa0b1c2d", "77665544-3322-4110-8fed-cba987654321"
FOLDER = b"2026-06-14 Smith wedding"
NAME = "2026-06-14_smith-wedding_1of1"
NOON = 1_781_438_400 * 10**9  # 2026-06-14 12:00 UTC


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def put(path, data):
    path = OUT / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape"))


# ---- members (section 3) and the tar (section 4)

def member(path, kind, mtime=NOON, mode=0o644, data=b"", link=b"", xattrs=None):
    return dict(path=path, type=kind, mtime=mtime, mode=mode, data=data, link=link, xattrs=xattrs or {})


MEMBERS = sorted([
    member(FOLDER, "dir", mode=0o755),
    member(FOLDER + b"/IMG_0001.CR3", "file", NOON + 250_000_000, data=bytes(i * 7 % 251 for i in range(5000)),
           xattrs={"user.comment": b"with\0zero", "user.rating": b"5"}),
    member(FOLDER + b"/IMG_0001.xmp", "file"),
    member(FOLDER + b"/a.JPG", "file", NOON + 1, data=b"abc"),
    member(FOLDER + b"/back\\slash.JPG", "file", mode=0o600, data=b"backslash"),
    member(FOLDER + b"/far.JPG", "file", 2_300_000_000 * 10**9, data=b"2042"),
    member(FOLDER + b"/latin1-\xe9.JPG", "file", NOON + 5, data=b"not UTF-8"),
    member(FOLDER + b"/link", "symlink", mode=0o777, link=b"../elsewhere/a.JPG"),
    member(FOLDER + b"/" + b"n" * 120 + b".JPG", "file", data=b"long"),
    member(FOLDER + b"/new\nline.JPG", "file", data=b"newline"),
    member(FOLDER + b"/old.TIF", "file", -315_000_000 * 10**9, data=b"1960"),
    member(FOLDER + b"/run.sh", "file", mode=0o4751, data=b"#!"),
    member(FOLDER + b"/sub", "dir", mode=0o750, xattrs={"user.a=b\nc \u00f6": b"odd name"}),
    member(FOLDER + b"/sub/Gr\xc3\xb6\xc3\x9fe.JPG", "file", data=b"umlaut"),
    member(FOLDER + b"/sub/hard.CR3", "hardlink", NOON + 250_000_000, link=FOLDER + b"/IMG_0001.CR3"),
], key=lambda m: m["path"])


def is_utf8(data):
    try:
        data.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def readable(data):
    """Bytes that are not UTF-8, control characters and marks that turn the direction of writing as \\xNN."""
    out = ""
    for c in data.decode("utf-8", "surrogateescape"):
        n = ord(c)
        if 0xDC80 <= n <= 0xDCFF:
            out += f"\\x{n - 0xDC00:02X}"
        elif n < 0x20 or 0x7F <= n < 0xA0 or 0x202A <= n <= 0x202E or 0x2066 <= n <= 0x2069:
            out += "".join(f"\\x{b:02X}" for b in c.encode())
        else:
            out += c
    return out


def b64(data):
    return base64.b64encode(data).decode()


def as_field(fields, name, data):
    if is_utf8(data):
        fields[name] = data.decode()
    else:
        fields[name], fields[name + "_b64"] = readable(data), b64(data)


def line_of(m, place):
    fields = {}
    as_field(fields, "path", m["path"])
    fields["type"] = m["type"]
    if m["type"] == "file":
        fields["bytes"], fields["sha256"] = len(m["data"]), sha256(m["data"])
    fields["mtime_ns"], fields["mode"] = m["mtime"], f"{m['mode']:04o}"
    if m["type"] == "symlink":
        as_field(fields, "target", m["link"])
    if m["type"] == "hardlink":
        as_field(fields, "link_to", m["link"])
    if m["xattrs"]:
        fields["xattrs_b64"] = {name: b64(value) for name, value in sorted(m["xattrs"].items())}
    fields.update(place)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"


def records(m):
    name = m["path"] + (b"/" if m["type"] == "dir" else b"")
    seconds, rest = divmod(m["mtime"], 10**9)
    found = []
    if not (is_utf8(name) and is_utf8(m["link"])):
        found.append((b"hdrcharset", b"BINARY"))
    if not name.isascii() or len(name) > 100 and len(name.rsplit(b"/", 1)[1]) > 100:
        found.append((b"path", name))
    if m["link"] and (not m["link"].isascii() or len(m["link"]) > 100):
        found.append((b"linkpath", m["link"]))
    if rest or seconds < 0 or seconds >= 2**31 - 1:
        fraction = f".{rest:09}".rstrip("0") if rest else ""
        found.append((b"mtime", f"{seconds}{fraction}".encode()))
    for key, value in sorted(m["xattrs"].items(), reverse=True):
        name = b"".join(bytes([c]) if 32 < c < 127 and c not in b"%=" else b"%%%02X" % c for c in key.encode())
        found.append((b"SCHILY.xattr." + name, value))
    text = b""
    for key, value in found:
        length = len(key) + len(value) + 3
        while length != len(str(length)) + len(key) + len(value) + 3:
            length = len(str(length)) + len(key) + len(value) + 3
        text += str(length).encode() + b" " + key + b"=" + value + b"\n"
    return text


def block(name, mode, size, seconds, kind, link=b""):
    prefix = b""
    if len(name) > 100:
        prefix, _, name = name.rpartition(b"/")
        if prefix.endswith(b"/PaxHeader"):
            prefix, name = prefix[:-10], (b"PaxHeader/" + name)[:97]
        name = name if len(name) <= 100 else name[:98]  # a record tells it; libarchive clips it here like this
    if seconds >= 0:
        mtime = b"%011o " % seconds
    else:
        mtime = (seconds % 2**88).to_bytes(11, "big") + b" "
    head = name.ljust(100, b"\0") + b"%06o \0" % mode + b"000000 \0" * 2 + b"%011o " % size + mtime
    rest = kind + link[:100].ljust(100, b"\0") + b"ustar\x0000" + bytes(64) + b"000000 \0" * 2 + prefix.ljust(155, b"\0")
    total = sum(head) + 8 * 32 + sum(rest)
    return (head + b"%06o\0 " % total + rest).ljust(512, b"\0")


def filled(data):
    return data + bytes(-len(data) % 512)


def tar_of(members):
    tar, places = b"", []
    kinds = {"file": b"0", "dir": b"5", "symlink": b"2", "hardlink": b"1"}
    for m in members:
        start = len(tar)
        name = m["path"] + (b"/" if m["type"] == "dir" else b"")
        seconds = m["mtime"] // 10**9
        text = records(m)
        if text:
            above, _, last = m["path"].rpartition(b"/")
            extended = (above + b"/" if above else b"") + b"PaxHeader/" + last
            tar += block(extended, m["mode"] & 0o777, len(text), min(max(seconds, 0), 2**31 - 1), b"x") + filled(text)
        tar += block(name, m["mode"], len(m["data"]), seconds, kinds[m["type"]], m["link"])
        places.append({"header_offset": start, "offset": len(tar)})
        tar += filled(m["data"])
    return tar + bytes(1024), places


# ---- lists of hashes (section 2.1)

def hash_line(digest, path):
    if any(c in path for c in b"\\\n\r"):
        path = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
        return b"\\" + digest.encode() + b"  " + path + b"\n"
    return digest.encode() + b"  " + path + b"\n"


def hash_list(entries):
    return b"".join(hash_line(digest, path) for path, digest in sorted(entries.items()))


def slices_of(data, size):
    return "".join(sha256(data[at:at + size]) + "\n" for at in range(0, len(data), size))


# ---- bag-info.txt (section 2.2)

def bag_info(left_out=(), **changes):
    values = {
        "Bagging-Date": "2026-12-31", "Payload-Oxum": "4096.1", "External-Description": "Smith wedding",
        "Bag-Count": "1 of 1", "Bag-Group-Identifier": GROUP, "Internal-Sender-Identifier": VOLUME,
        "Darkshelf-Format": "1", "Darkshelf-Volume": VOLUME, "Darkshelf-Group": GROUP, "Darkshelf-Shoot": SHOOT,
        "Darkshelf-Shoot-Name": "2026-06-14 Smith wedding", "Darkshelf-Shoot-Date": "2026-06-14",
        "Darkshelf-Title": "Smith wedding", "Darkshelf-Part": "1", "Darkshelf-Parts": "1", "Darkshelf-Layout": "tar",
        "Darkshelf-Content-Bytes": "3", "Darkshelf-Content-Files": "1", "Darkshelf-Photos": "1",
        "Darkshelf-Slice-Bytes": "4096", "Darkshelf-Slices": "1", "Darkshelf-Recovery-Slices": "16",
        "Darkshelf-Tag-Slice-Bytes": "4096", "Darkshelf-Tag-Recovery-Slices": "6", "Darkshelf-Writer": WRITER,
        "Darkshelf-Sequence": "1", "Darkshelf-Previous-Seal": "",
        "Darkshelf-Creator": "darkshelf 1 (cold archive of photographs, PAR2 2.0)",
        "Darkshelf-Sealed": "2026-12-31T12:00:00Z",
    }
    for label, value in changes.items():
        values[label.replace("_", "-")] = value
    text = "".join(f"{label}: {value}\n" for label, value in values.items() if value is not None)
    for path, reason in left_out:
        text += f"Darkshelf-Left-Out: {path}\nDarkshelf-Left-Out-Because: {reason}\n"
    return text


def make_valid():
    tar, places = tar_of(MEMBERS)
    put("valid/payload.tar", tar)
    members = "".join(line_of(m, place) for m, place in zip(MEMBERS, places))
    put("valid/members-tar.jsonl", members)
    content = {m["path"]: m["data"] for m in MEMBERS if m["type"] == "file"}
    content.update({m["path"]: content[m["link"]] for m in MEMBERS if m["type"] == "hardlink"})
    put("valid/photos.sha256", hash_list({path: sha256(data) for path, data in content.items()}))
    put("valid/slices.sha256", slices_of(tar, 4096))
    manifest = hash_list({b"data/" + NAME.encode() + b".tar": sha256(tar)})
    put("valid/manifest-sha256.txt", manifest)
    bagit = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    put("valid/bagit.txt", bagit)
    files = [m for m in MEMBERS if m["type"] == "file"]
    info = bag_info(Payload_Oxum=f"{len(tar)}.1", Darkshelf_Content_Bytes=str(sum(len(m["data"]) for m in files)),
                    Darkshelf_Content_Files=str(len(content)), Darkshelf_Photos="10",
                    Darkshelf_Slices=str(-(-len(tar) // 4096)))
    put("valid/bag-info-tar.txt", info)
    sealed = {b"members.jsonl": members, b"slices.sha256": slices_of(tar, 4096), b"bagit.txt": bagit, b"bag-info.txt": info}
    sealed = {name: text.encode() for name, text in sealed.items()}
    sealed.update({b"photos.sha256": hash_list({p: sha256(d) for p, d in content.items()}), b"manifest-sha256.txt": manifest})
    for end in ("", ".vol00000+00016", ".tags", ".tags.vol00000+00006"):  # only as names here: their bytes are PAR2's
        sealed[f"{NAME}{end}.par2".encode()] = end.encode()
    put("valid/tagmanifest-sha256.txt", hash_list({name: sha256(data) for name, data in sealed.items()}))

    plain = [member(b"plain", "dir", mode=0o755), member(b"plain/a.JPG", "file", data=b"abc"),
             member(b"plain/b.CR3", "file", data=b"b" * 9000), member(b"plain/e.xmp", "file"),
             member(b"plain/link", "symlink", mode=0o777, link=b"no-\xe9")]
    numbers = [{}, {"first_slice": 3}, {}, {}, {}]
    put("valid/members-files.jsonl", "".join(line_of(m, n) for m, n in zip(plain, numbers)))
    put("valid/bag-info-files.txt", bag_info(
        [("plain/gone.CR3", "vanished while it was sealed"), ("plain/new\\x0Aline \\x5C \\xE9", "changed while it was sealed")],
        Darkshelf_Layout="files", Payload_Oxum="9003.3", Darkshelf_Shoot_Date="", Darkshelf_Part="2", Darkshelf_Parts="3",
        Bag_Count="2 of 3", Darkshelf_Shoot_Name="pl\\x5CxE9in", Darkshelf_Title="Größe – 大", Darkshelf_Sequence="18",
        External_Description="Größe – 大", Darkshelf_Previous_Seal=sha256(b"before"), Darkshelf_Slices="4",
        Darkshelf_Sealed="2026-12-31T12:00:00.123456789Z"))

    # What a reader takes and a writer never writes: each decodes as the file of the name behind "--as-".
    wild = MEMBERS[3]
    put("valid/lenient/members--unknown-field-and-order--as-one.jsonl", json.dumps({
        "camera": {"model": ["X"]}, "mode": "644", "mtime_ns": wild["mtime"], "sha256": sha256(wild["data"]).upper(),
        "bytes": 3, "type": "file", "path": "not this one", "path_b64": b64(wild["path"])}) + " \n")
    put("valid/lenient/one.jsonl", line_of(wild, {}))
    put("valid/lenient/manifest--star-and-upper-case--as-one.txt", f"{sha256(b'abc').upper()} *data/a.tar\n")
    put("valid/lenient/one.txt", f"{sha256(b'abc')}  data/a.tar\n")
    put("valid/lenient/bag-info--unknown-labels--as-bag.txt",
        bag_info().replace("Bagging-Date", "Source-Organization: Studio\nContact-Name:\nBagging-Date"))
    put("valid/lenient/bag.txt", bag_info())


def make_invalid():
    index = ["# file, code, words of the sentence; made by make.py\n"]

    def bad(name, data, words, code="corrupt"):
        put(f"invalid/{name}", data)
        index.append(f"{name}\t{code}\t{words}\n")

    good = dict(path="s/a.JPG", type="file", bytes=3, sha256=sha256(b"abc"), mtime_ns=1, mode="0644")

    def of(**changes):
        fields = {**good, **changes}
        return json.dumps({key: value for key, value in fields.items() if value is not None}) + "\n"

    for name, path in {"dot-dot": "s/../../etc/passwd", "dot": "./a", "absolute": "/etc/passwd", "empty": "", "nul": "s/a\0b",
                       "empty-component": "s//a", "slash-at-end": "s/a/"}.items():
        bad(f"members-path-{name}.jsonl", of(path=path), "is no path inside a volume")
    bad("members-path-b64-dot-dot.jsonl", of(path_b64=b64(b"s/../x")), "is no path inside a volume")
    bad("members-path-b64-is-no-base64.jsonl", of(path_b64="abc"), "is not base64")
    bad("members-path-missing.jsonl", of(path=None), "has no path")
    bad("members-path-number.jsonl", of(path=7), "has no path")
    for name, value in {"negative": -1, "fraction": 3.0, "text": "3", "above-64-bits": 2**64, "missing": None}.items():
        bad(f"members-bytes-{name}.jsonl", of(bytes=value), 'has no number "bytes"')
    for name, value in {"above-63-bits": 2**63, "below-63-bits": -2**63 - 1, "text": "now"}.items():
        bad(f"members-mtime-{name}.jsonl", of(mtime_ns=value), 'has no number "mtime_ns"')
    for name, value in {"number": 420, "empty": "", "not-octal": "0898", "six-digits": "100644", "sign": "-644"}.items():
        bad(f"members-mode-{name}.jsonl", of(mode=value), "mode")
    bad("members-sha256-short.jsonl", of(sha256="ab" * 31), "is no SHA-256")
    bad("members-sha256-long.jsonl", of(sha256="ab" * 33), "is no SHA-256")
    bad("members-sha256-not-hex.jsonl", of(sha256="zz" * 32), "is no SHA-256")
    bad("members-type-unknown.jsonl", of(type="socket"), "unknown type")
    bad("members-offset-negative.jsonl", of(offset=-512), 'has no number "offset"')
    bad("members-header-offset-above-64-bits.jsonl", of(header_offset=2**70), 'has no number "header_offset"')
    bad("members-first-slice-too-large.jsonl", of(first_slice=65536), '"first_slice" is out of range')
    bad("members-symlink-without-target.jsonl", of(type="symlink"), "a link to nothing")
    bad("members-symlink-with-nul.jsonl", of(type="symlink", target="a\0b"), "a link to nothing")
    bad("members-hardlink-dot-dot.jsonl", of(type="hardlink", link_to="../../etc/passwd"), "is no path inside a volume")
    bad("members-xattrs-array.jsonl", of(xattrs_b64=[]), '"xattrs_b64" is no object')
    bad("members-xattr-trusted.jsonl", of(xattrs_b64={"trusted.overlay": "eQ=="}), "an attribute is not understood")
    bad("members-xattr-no-base64.jsonl", of(xattrs_b64={"user.x": "y"}), "an attribute is not understood")
    bad("members-xattr-name-too-long.jsonl", of(xattrs_b64={"user." + "x" * 251: ""}), "an attribute is not understood")
    bad("members-duplicate-path.jsonl", of() + of(), "not in order, or one stands twice")
    bad("members-out-of-order.jsonl", of(path="s/b") + of(path="s/a"), "not in order, or one stands twice")
    bad("members-line-cut-off.jsonl", of() + of(path="s/b")[:-20], "line 2: is cut off")
    bad("members-no-newline-at-end.jsonl", of()[:-1], "is cut off")
    bad("members-empty-line.jsonl", of() + "\n", "line 2: is not a JSON object")
    bad("members-array.jsonl", "[1,2]\n", "is not a JSON object")
    bad("members-nested-too-deep.jsonl", '{"a":' + "[" * 1000 + "\n", "is nested too deep")
    bad("members-not-utf8.jsonl", b'{"path":"s/\xe9","type":"dir","mtime_ns":1,"mode":"0755"}\n', "is not a JSON object")
    bad("members-two-objects.jsonl", of()[:-1] + of(), "is not a JSON object")

    def info(name, words, code="corrupt", **changes):
        bad(f"bag-info-{name}.txt", bag_info(**changes), words, code)

    info("newer-format", "a volume of format 2 (written by later 9)", "newer", Darkshelf_Format="2", Darkshelf_Creator="later 9")
    info("format-zero", "Darkshelf-Format", Darkshelf_Format="0")
    info("format-missing", "Darkshelf-Format", Darkshelf_Format=None)
    info("format-negative", "Darkshelf-Format", Darkshelf_Format="-1")
    info("volume-no-uuid", "Darkshelf-Volume", Darkshelf_Volume=VOLUME[:-1])
    info("group-missing", "Darkshelf-Group", Darkshelf_Group=None)
    info("part-zero", "Darkshelf-Part", Darkshelf_Part="0")
    info("part-above-parts", "Darkshelf-Part", Darkshelf_Part="2")
    info("parts-too-many", "Darkshelf-Parts", Darkshelf_Parts="100001")
    info("layout-unknown", "Darkshelf-Layout", Darkshelf_Layout="zip")
    for name, value in {"no-dot": "4096", "no-files": "4096.", "no-bytes": ".1", "text": "many.1", "above-64-bits": f"{2**64}.1",
                        "tail": "4096.1x", "negative": "-1.1"}.items():
        info(f"oxum-{name}", "Payload-Oxum", Payload_Oxum=value)
    info("content-bytes-above-64-bits", "Darkshelf-Content-Bytes", Darkshelf_Content_Bytes=str(2**64))
    info("slice-bytes-zero", "Darkshelf-Slice-Bytes", Darkshelf_Slice_Bytes="0")
    info("slice-bytes-odd", "Darkshelf-Slice-Bytes", Darkshelf_Slice_Bytes="4098")
    info("slice-bytes-huge", "Darkshelf-Slice-Bytes", Darkshelf_Slice_Bytes=str(2**40 + 4))
    info("slices-too-many", "Darkshelf-Slices", Darkshelf_Slices="32769")
    info("recovery-slices-too-many", "Darkshelf-Recovery-Slices", Darkshelf_Recovery_Slices="65536")
    info("tag-slice-bytes-zero", "Darkshelf-Tag-Slice-Bytes", Darkshelf_Tag_Slice_Bytes="0")
    info("number-with-blank", "Darkshelf-Photos", Darkshelf_Photos=" 1")
    info("shoot-date-no-day", "Darkshelf-Shoot-Date", Darkshelf_Shoot_Date="2026-02-30")
    info("shoot-date-year-3000", "Darkshelf-Shoot-Date", Darkshelf_Shoot_Date="3000-01-01")
    info("sealed-no-time", "Darkshelf-Sealed", Darkshelf_Sealed="yesterday")
    info("sealed-year-9999", "Darkshelf-Sealed", Darkshelf_Sealed="9999-12-31T23:59:59Z")
    info("previous-seal-short", "Darkshelf-Previous-Seal", Darkshelf_Previous_Seal="abcd")
    bad("bag-info-duplicate-label.txt", bag_info() + f"Darkshelf-Volume: {GROUP}\n", "Darkshelf-Volume")
    bad("bag-info-duplicate-oxum.txt", bag_info() + "Payload-Oxum: 1.1\n", "Payload-Oxum")
    bad("bag-info-left-out-without-reason.txt", bag_info() + "Darkshelf-Left-Out: s/a\n", "Darkshelf-Left-Out")
    bad("bag-info-last-line-cut-off.txt", bag_info()[:-1], "is cut off or too long")
    bad("bag-info-no-label.txt", "just words\n" + bag_info(), 'line 1: is not "Label: value"')
    bad("bag-info-empty.txt", "", "Darkshelf-Format")

    digest = sha256(b"abc")

    def listed(name, text, words):
        bad(f"manifest-{name}.txt", text, words)

    for name, path in {"dot-dot": "data/../../x", "absolute": "/etc/passwd", "dot": "./a", "nul": "data/a\0b", "slash-at-end": "data/"}.items():
        listed(f"path-{name}", f"{digest}  {path}\n", "is no path inside a volume")
    listed("escaped-dot-dot", f"\\{digest}  ../a\\nb\n", "is no path inside a volume")
    listed("duplicate-path", f"{digest}  a\n" * 2, "line 2 of a list of hashes: paths are not in order, or one stands twice")
    listed("out-of-order", f"{digest}  b\n{digest}  a\n", "not in order, or one stands twice")
    listed("hash-short", f"{digest[:-2]}  a\n", 'is not "SHA-256  path"')
    listed("hash-long", f"{digest}00  a\n", 'is not "SHA-256  path"')
    listed("hash-not-hex", f"{'g' * 64}  a\n", 'is not "SHA-256  path"')
    listed("one-blank", f"{digest} a\n", 'is not "SHA-256  path"')
    listed("no-path", f"{digest}  \n", 'is not "SHA-256  path"')
    listed("last-line-cut-off", f"{digest}  a", "is cut off or too long")
    listed("empty-line", f"{digest}  a\n\n", 'is not "SHA-256  path"')
    listed("unknown-escape", f"\\{digest}  a\\tb\n", "an unknown escape")
    listed("escape-at-end", f"\\{digest}  a\\\n", "ends in a backslash")

    bad("slices-length.sha256", digest + "\n" + digest, "no multiple of 65 bytes")
    bad("slices-not-hex.sha256", digest + "\n" + "x" * 64 + "\n", "slices.sha256 line 2: is no SHA-256")
    bad("slices-crlf.sha256", digest + "\r" + digest + "\n", "slices.sha256 line 1: is no SHA-256")
    put("invalid/index.txt", "".join(index))


make_valid()
make_invalid()
