# SPDX-License-Identifier: GPL-2.0-or-later
"""A new board is a copy of board/template: it builds, and nothing outside its folder is touched."""

import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("app", "board", "port")


def files_of(folder):
    """Every file's content, what the build makes and the new board left out."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != "build"
        and path.relative_to(folder).parts[:2] != ("board", "bench-7")
    }  # fmt: skip


def test_a_copy_under_a_new_name_builds(tmp_path):
    shutil.copy2(ROOT / "Makefile", tmp_path)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "third_party").symlink_to(ROOT / "third_party")
    before = files_of(tmp_path)

    shutil.copytree(tmp_path / "board/template", tmp_path / "board/bench-7")
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "-s", f"-j{os.cpu_count()}", "BOARD=bench-7"],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    image = (tmp_path / "build/bench-7/pingshot.bin").read_bytes()
    assert b"\0bench-7\0" in image  # what it calls itself, on its console and in /metrics
    assert files_of(tmp_path) == before
