# SPDX-License-Identifier: GPL-2.0-or-later
"""What is noted of a build is the most that any of its images did, and is forgotten with it."""

import concurrent.futures

import measured
import pytest


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Two images of one build, each with files of its own."""
    monkeypatch.setattr(measured, "ROOT", tmp_path)
    paths = []
    for variant in ("a", "b"):
        folder = tmp_path / "build/board" / variant
        (folder / "tls").mkdir(parents=True)
        objects = [folder / "main.o", folder / "tls/certificate.o", folder.parent / "app.o"]
        for path in objects:
            path.write_text(f"{path.name} of {path.parent.name}")
        names = [path.relative_to(tmp_path) for path in objects]
        lines = [f"LOAD {name}\n" for name in (*names, "/tmp/x.ltrans0.ltrans.o", "/lib/libc.a")]
        (folder / "pingshot.map").write_text("".join(lines))
        paths.append(folder / "pingshot.elf")
    return paths


def test_the_most_of_all_images_of_a_build(images):
    assert measured.of(images[0]) == {}
    build = measured.build_of(images[0])
    assert measured.build_of(images[1]) == build
    measured.note(images[0], build, 300, ping=7)
    measured.note(images[1], build, 200)
    assert measured.of(images[1]) == {"build": build, "stack_bytes": 300, "ping": 7}
    measured.note(images[1], build, 400)
    assert measured.of(images[0])["stack_bytes"] == 400


def test_another_build_is_another(images):
    old = measured.build_of(images[0])
    measured.note(images[0], old, 300, ping=7)
    (images[0].parent.parent / "app.o").write_text("made anew")
    assert measured.of(images[0]) == {}
    measured.note(images[0], measured.build_of(images[0]), 200)
    assert measured.of(images[1]) == {"build": measured.build_of(images[1]), "stack_bytes": 200}


def test_several_at_once(images):
    build = measured.build_of(images[0])
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: measured.note(images[n % 2], build, 100 + n), range(200)))
    assert measured.of(images[0])["stack_bytes"] == 299
