# SPDX-License-Identifier: GPL-2.0-or-later
"""A test that takes `board` runs for each board."""

import images


def pytest_generate_tests(metafunc):
    if "board" in metafunc.fixturenames:
        metafunc.parametrize("board", images.boards())
