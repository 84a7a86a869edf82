# SPDX-License-Identifier: GPL-2.0-or-later
"""What running a board's image has measured: build/BOARD/measured.json. `make bench` and the
end-to-end tests write it, `make size` and `make readme` read it.

The images of a board (VARIANT=) differ in main.c and the certificate, all else are the same objects:
what one of them has needed tells of all. Objects made anew are another build, of which nothing is
known yet.
"""

import fcntl
import hashlib
import json
import pathlib
import re

import linkmap

ROOT = pathlib.Path(__file__).resolve().parents[2]
ITS_OWN = ("main.o", "tls/certificate.o")  # in an image's own folder


def build_of(image):
    """Names the build that an image is of: the objects that its map says it was linked from."""
    image = pathlib.Path(image).resolve()
    linked = re.findall(r"^LOAD (build/\S+\.o)$", image.with_suffix(".map").read_text(), re.MULTILINE)
    shared = {ROOT / name for name in linked if not linkmap.LTO_OBJECT.search(name)}
    digest = hashlib.sha256()
    for path in sorted(shared - {image.parent / name for name in ITS_OWN}):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _note_of(image):
    """The file beside the objects of the image's board."""
    build = ROOT / "build"
    return build / pathlib.Path(image).resolve().relative_to(build).parts[0] / "measured.json"


def note(image, build, stack_bytes, **others):
    """Notes what an image needed: of the stack, the most that any run of its build did. Several
    processes may do so at once."""
    with open(_note_of(image), "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        known = json.loads(text) if text else {}
        if known.get("build") != build:
            known = {"build": build, "stack_bytes": 0}
        known.update(others, stack_bytes=max(stack_bytes, known["stack_bytes"]))
        file.truncate(0)
        json.dump(known, file, indent=1)


def of(image):
    """What was measured of the build that an image is of, by name, or {}."""
    path = _note_of(image)
    if not path.exists():
        return {}
    known = json.loads(path.read_text(encoding="utf-8"))
    return known if known.get("build") == build_of(image) else {}
