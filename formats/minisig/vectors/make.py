#!/usr/bin/env python3
"""Makes valid/ and invalid/ from SPEC.md alone: make.py [FOLDER]. Knows nothing of the codec; the same bytes every time.

Ed25519 is written out from RFC 8032, section 5.1: slow, and good for vectors only.
"""
import base64
import functools
import hashlib
import sys
from pathlib import Path

OUT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE_Y = 4 * pow(5, P - 2, P) % P


def x_of(y):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if x * x % P != xx:
        x = x * pow(2, (P - 1) // 4, P) % P
    return P - x if x % 2 else x


def plus(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + t, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, P - 2, P) % P


def times(n, point):
    out = (0, 1)
    while n:
        if n & 1:
            out = plus(out, point)
        point, n = plus(point, point), n >> 1
    return out


def packed(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


BASE = (x_of(BASE_Y), BASE_Y)


def number(data):
    return int.from_bytes(data, "little")


def expanded(seed):
    h = hashlib.sha512(seed).digest()
    return (number(h[:32]) & (1 << 254) - 8) | 1 << 254, h[32:]


@functools.lru_cache
def public(seed):
    return packed(times(expanded(seed)[0], BASE))


@functools.lru_cache
def ed25519(seed, message):
    a, prefix = expanded(seed)
    r = number(hashlib.sha512(prefix + message).digest()) % L
    big_r = packed(times(r, BASE))
    k = number(hashlib.sha512(big_r + public(seed) + message).digest()) % L
    return big_r + ((r + k * a) % L).to_bytes(32, "little")


SEED, KEY_ID = bytes(range(32)), bytes.fromhex("817f6e5d4c3b2a19")  # shown as 192A3B4C5D6E7F81
PUBLIC = public(SEED)
MESSAGE = b"abc\n"
SALT = bytes(range(100, 132))
PASSPHRASE = "correct horse \u00fc"
N, R, PAR, OPERATIONS, MEMORY = 1024, 8, 1, 32768, 1 << 20  # the cheapest that libsodium derives from these two
BLAKE = hashlib.blake2b(MESSAGE).digest()


def b64(data):
    return base64.b64encode(data).decode()


def put(path, data):
    path = OUT / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def public_file(comment="public key 192A3B4C5D6E7F81", algorithm=b"Ed", key=PUBLIC, line=None):
    return f"untrusted comment: {comment}\n{line or b64(algorithm + KEY_ID + key)}\n"


def secret_file(passphrase=PASSPHRASE, comment="secret key", algorithm=b"Ed", kdf=None, checksum_kind=b"B2"):
    clear = KEY_ID + SEED + PUBLIC
    if passphrase is None:
        fields, secret = b"\0\0" + checksum_kind + bytes(32 + 16), clear + bytes(32)
    else:
        clear += hashlib.blake2b(b"Ed" + clear, digest_size=32).digest()
        stream = hashlib.scrypt(passphrase.encode(), salt=SALT, n=N, r=R, p=PAR, dklen=104, maxmem=1 << 26)
        secret = bytes(a ^ b for a, b in zip(clear, stream))
        fields = b"Sc" + checksum_kind + SALT + OPERATIONS.to_bytes(8, "little") + MEMORY.to_bytes(8, "little")
    return f"untrusted comment: {comment}\n{b64(algorithm + (kdf or fields[:2]) + fields[2:] + secret)}\n"


def signature_file(comment="signature", trusted="darkshelf test\t\u00e9", algorithm=b"ED", blob=None, other=None):
    one = ed25519(SEED, BLAKE if algorithm == b"ED" else MESSAGE)
    both = ed25519(SEED, one + trusted.encode())
    line = blob or b64(algorithm + KEY_ID + one)
    return f"untrusted comment: {comment}\n{line}\ntrusted comment: {trusted}\n{other or b64(both)}\n"


put("valid/message.txt", MESSAGE)
put("valid/test.pub", public_file())
put("valid/test-empty-comment.pub", public_file(comment=""))
put("valid/test.key", secret_file())
put("valid/test-no-passphrase.key", secret_file(None))
put("valid/message.txt.minisig", signature_file())
put("valid/message-legacy.txt.minisig", signature_file(algorithm=b"Ed", comment="legacy", trusted="legacy"))
put("valid/message-long-comments.txt.minisig", signature_file("x" * 1000, "y" * 8000))
# What a reader takes and a writer never writes: each decodes as the file of the name behind "--as-".
put("valid/lenient/crlf--as-test.pub", public_file().replace("\n", "\r\n"))
put("valid/lenient/no-last-line-end--as-test.key", secret_file().rstrip("\n"))
put("valid/lenient/crlf--as-message.txt.minisig", signature_file().replace("\n", "\r\n"))
put("valid/lenient/no-last-line-end--as-message.txt.minisig", signature_file().rstrip("\n"))

index = ["# file, code, words of the sentence; made by make.py\n"]


def bad(name, data, words):
    put(f"invalid/{name}", data)
    index.append(f"{name}\tcorrupt\t{words}\n")


good = b64(b"Ed" + KEY_ID + PUBLIC)
bad("public-empty.pub", "", "has 0 lines where 2 belong")
bad("public-one-line.pub", good + "\n", "has 1 lines where 2 belong")
bad("public-third-line.pub", public_file() + "more\n", "has 3 lines where 2 belong")
bad("public-no-comment.pub", good + "\n" + good + "\n", "does not begin with \"untrusted comment: \"")
bad("public-comment-too-long.pub", public_file(comment="x" * 1100), "is too long")
bad("public-comment-with-nul.pub", public_file(comment="a\0b"), "holds CR or NUL")
bad("public-file-too-long.pub", public_file() + "x" * 20000, "is longer than the 16384 bytes")
bad("public-not-base64.pub", public_file(line="!" + good[1:]), "is not in base64")
bad("public-base64-blank-behind.pub", public_file(line=good + " "), "is not in base64")
bad("public-short.pub", public_file(key=PUBLIC[:31]), "has 41 bytes where 42 belong")
bad("public-long.pub", public_file(key=PUBLIC + b"x"), "has 43 bytes where 42 belong")
bad("public-other-algorithm.pub", public_file(algorithm=b"RS"), "is of another kind than Ed25519")
bad("public-is-a-signature.pub", signature_file(), "has 4 lines where 2 belong")
bad("secret-one-line.key", "untrusted comment: x\n", "has 1 lines where 2 belong")
bad("secret-is-public.key", public_file(), "has 42 bytes where 158 belong")
bad("secret-other-algorithm.key", secret_file(algorithm=b"ED"), "is of another kind than Ed25519")
bad("secret-other-derivation.key", secret_file(kdf=b"Ar"), "is encrypted in a way that is not known")
bad("secret-other-checksum.key", secret_file(checksum_kind=b"S2"), "has a checksum of an unknown kind")
bad("signature-cut-off.minisig", "\n".join(signature_file().split("\n")[:3]) + "\n", "has 3 lines where 4 belong")
bad("signature-fifth-line.minisig", signature_file() + "\n", "has 5 lines where 4 belong")
bad("signature-no-trusted-comment.minisig", signature_file().replace("\ntrusted comment: ", "\ncomment: "),
    "does not begin with \"trusted comment: \"")
bad("signature-trusted-comment-too-long.minisig", signature_file(trusted="y" * 8300), "is too long")
bad("signature-trusted-comment-with-cr.minisig", signature_file(trusted="a\rb"), "holds CR or NUL")
bad("signature-of-signify.minisig", "untrusted comment: x\n" + b64(b"Ed" + KEY_ID + bytes(64)) + "\n",
    "has 2 lines where 4 belong")
bad("signature-other-algorithm.minisig", signature_file(algorithm=b"EE"), "is of another kind than Ed25519")
bad("signature-short.minisig", signature_file(blob=b64(b"ED" + KEY_ID + bytes(63))), "has 73 bytes where 74 belong")
bad("signature-global-short.minisig", signature_file(other=b64(bytes(63))), "has 63 bytes where 64 belong")
bad("signature-global-not-base64.minisig", signature_file(other="x" * 87), "is not in base64")
bad("signature-base64-spare-bits.minisig", signature_file(other=b64(bytes(64))[:-3] + "B=="), "is not in base64")
put("invalid/index.txt", "".join(index))
