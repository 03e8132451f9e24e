#!/usr/bin/env python3
"""The checker itself: it must fail on an upward include, on a sideways one, on another folder's library; and pass a clean tree."""
import pathlib
import subprocess
import sys
import tempfile

CHECKER = pathlib.Path(__file__).with_name("check_layers.py")

CASES = [  # file, its text, what the checker must say ("" : nothing wrong)
    ("src/volume/a.cpp", '#include "parity/set_builder.hpp"\n#include <archive.h>\n', ""),
    ("src/shelf/a.hpp", '#include "catalog/catalog.hpp"\n#include "core/id.hpp"\n', ""),
    ("src/parity/a.cpp", '#include "volume/scan.hpp"\n', "volume does not stand below parity"),
    ("src/gf16/a.cpp", '#include "digest/digest.hpp"\n', "digest does not stand below gf16"),
    ("src/rituals/a.cpp", "#include <sqlite3.h>\n", "<sqlite3.h> is for catalog alone"),
    ("src/sign/a.cpp", '#include "formats/minisig/minisig.hpp"\n#include <sodium.h>\n', ""),
    ("src/sign/a.cpp", '#include "parity/set_builder.hpp"\n', "parity does not stand below sign"),
    ("src/rituals/a.cpp", "#include <sodium.h>\n", "<sodium.h> is for sign alone"),
    ("src/photo/decoders/a.cpp", '#include <exiv2/exiv2.hpp>\n#include "photo/metadata.hpp"\n#include "io/worker.hpp"\n', ""),
    ("src/catalog/a.cpp", '#include "photo/metadata.hpp"\n', ""),
    ("src/photo/a.cpp", '#include "sign/sign.hpp"\n', "sign does not stand below photo"),
    ("src/rituals/a.cpp", "#include <jpeglib.h>\n", "<jpeglib.h> is for photo alone"),
    ("formats/par2/a.cpp", "#include <fcntl.h>\n", "<fcntl.h> is for io alone"),
    ("formats/drive/a.cpp", '#include "io/file_system.hpp"\n', "formats is pure"),
    ("src/core/a.cpp", '#include "error.hpp"\n', "is not written from src/"),
    ("src/attic/a.cpp", "int x;\n", "src/attic is not in the layer table"),
]


def main():
    failed = 0
    for path, text, expected in CASES:
        with tempfile.TemporaryDirectory() as root:
            for folder in ("src/core", "formats"):
                (pathlib.Path(root) / folder).mkdir(parents=True)
            (pathlib.Path(root) / "src/core/b.cpp").write_text("int b;\n")
            file = pathlib.Path(root) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            run = subprocess.run([sys.executable, CHECKER, root], capture_output=True, text=True, check=False)
            good = run.returncode == (1 if expected else 0) and expected in run.stdout
            failed += not good
            print(f"{'ok' if good else 'FAILED'}: {path}: {expected or 'nothing wrong'}")
            if not good:
                print(run.stdout, run.stderr)
    return 1 if failed else 0


sys.exit(main())
