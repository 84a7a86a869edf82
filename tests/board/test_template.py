# SPDX-License-Identifier: GPL-2.0-or-later
"""A new board is a copy of board/template: it builds, passes what boards are checked for, and nothing
outside its folder is touched."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("app", "board", "port", "tests/size")
NAME = "bench-7"




def files_of(folder):
    """Every file's content, what the build makes and the new board left out."""
    found = {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    return {
        path: content for path, content in found.items()
        if path.parts[0] != "build" and path.parts[:2] != ("board", NAME)
        and not {"__pycache__", ".pytest_cache"} & set(path.parts)
    }  # fmt: skip


def run(folder, *command):
    """What a command says that must succeed."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of what a board is made of, and in it the new board, built."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy2(ROOT / "Makefile", folder)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name)
    (folder / "third_party").symlink_to(ROOT / "third_party")
    shutil.copytree(folder / "board/template", folder / "board" / NAME)
    before = files_of(folder)
    run(folder, "make", "-s", f"-j{os.cpu_count()}", f"BOARD={NAME}")
    yield folder
    assert files_of(folder) == before


def test_it_knows_its_name(project):
    """On its console and in /metrics."""
    image = (project / "build" / NAME / "pingshot.bin").read_bytes()
    assert b"\0%s\0" % NAME.encode() in image


def test_its_size_is_told(project):
    said = run(project, "make", "-s", f"BOARD={NAME}", "size")
    for component in ("app", "lwIP", "wolfSSL", "all"):
        assert f"\n{component} " in said, said
    assert "bytes reserved, at most" in said, said


def test_it_passes_the_checks_of_boards(project):
    """All of `make check-boards` that is about one board."""
    said = run(project, sys.executable, "-m", "pytest", "-v", "tests/size", "-k", NAME)
    for test in ("test_images_of_boards", "test_stack_of_boards"):
        assert f"::{test}[{NAME}] PASSED" in said, said
