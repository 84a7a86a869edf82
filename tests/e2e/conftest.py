# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the end-to-end suite. `pytest tests/e2e` with Debian's Python (/usr/bin/python3)."""

import itertools
import os
import pathlib
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
pytest.register_assert_rewrite("harness")

from harness import namespace  # noqa: E402
from harness.certificates import Authority  # noqa: E402
from harness.curl import curl_at  # noqa: E402
from harness.process import Process  # noqa: E402
from harness.target import HostTarget  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOG_TAIL_LINES = 60


def pytest_addoption(parser):
    parser.addoption("--binary", default=str(ROOT / "build/host/pingshot"), help="what to test")
    parser.addoption(
        "--tools", default=str(ROOT / "build/tools/usr/bin"), help="where Prometheus and others lie"
    )
    parser.addoption(
        "--scheme", choices=("http", "https"), default="http", help="how the suite talks to it"
    )
    parser.addoption("--seed", type=int, default=None, help="rerun random cases of this seed")


def pytest_configure(config):
    """Before any thread exists: nothing this process does can reach a real network from here on.
    Where the machine allows no namespace or TAP, an ordinary user's tests are skipped; root's,
    as in CI, stop: a suite that skips itself proves nothing."""
    config.no_network_reason = None
    is_root = os.geteuid() == 0
    try:
        namespace.isolate_this_process()
        reason = namespace.why_no_tap()
    except OSError as error:
        reason = f"no network namespace: {error}"
    if reason:
        if is_root:
            raise pytest.UsageError(f"the end-to-end tests need a TAP in a namespace: {reason}")
        config.no_network_reason = reason


def pytest_collection_modifyitems(config, items):
    if config.no_network_reason:
        skip = pytest.mark.skip(reason=f"no TAP for an ordinary user: {config.no_network_reason}")
        for item in items:
            item.add_marker(skip)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the end of every running program's log to the report of a failing test."""
    report = (yield).get_result()
    if not report.failed:
        return
    for process in Process.running:
        if process.log_path.exists():
            tail = "\n".join(process.log().splitlines()[-LOG_TAIL_LINES:])
            report.sections.append((f"log of {' '.join(process.argv)}", tail))


@pytest.fixture(scope="session")
def binary(request):
    path = pathlib.Path(request.config.getoption("--binary")).resolve()
    if not path.exists():
        pytest.exit(f"{path} is not there: run make first", 3)
    return path


@pytest.fixture(scope="session")
def tools(request):
    path = pathlib.Path(request.config.getoption("--tools")).resolve()
    if not path.exists():
        pytest.exit(f"{path} is not there: run make tools first", 3)
    return path


@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    """Makes a new path for a log: logs("prometheus")."""
    folder = tmp_path_factory.mktemp("logs")
    numbers = itertools.count(1)
    return lambda name: folder / f"{next(numbers):03}-{name}.log"


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A CA of this run's own, with certificates of every kind."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def start_target(request, binary, logs):
    """start_target(namespace, option, ...) starts a pingshot; the caller stops it."""
    over_tls = request.config.getoption("--scheme") == "https"
    signed_by = request.getfixturevalue("authority") if over_tls else None

    def start(net, *options, env=None):
        return HostTarget(binary, net, logs("pingshot"), options, env=env, authority=signed_by)

    return start


@pytest.fixture(scope="module")
def net():
    """A network namespace for the module."""
    with namespace.Namespace() as made:
        yield made


@pytest.fixture(scope="module")
def target(net, start_target):
    """A pingshot with its default options, shared by a module's tests."""
    running = start_target(net)
    yield running
    running.stop()


@pytest.fixture
def curl(target):
    """curl(argument, ...) runs it on the shared target."""

    def run(*arguments, data=None):
        return curl_at(target, *arguments, data=data)

    return run


@pytest.fixture
def own_target(start_target):
    """own_target(option, ...): a pingshot of this test's own, in a namespace of its own."""
    started = []
    opened = []

    def start(*options, env=None):
        made = namespace.Namespace()
        opened.append(made)
        started.append(start_target(made, *options, env=env))
        return started[-1]

    yield start
    try:
        for running in started:
            running.stop()
    finally:
        for made in opened:
            made.close()
