# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the end-to-end suite. `pytest tests/e2e` with Debian's Python (/usr/bin/python3)."""

import itertools
import os
import pathlib
import random
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
pytest.register_assert_rewrite("harness")

from harness import namespace  # noqa: E402
from harness.board import Board, BoardTarget  # noqa: E402
from harness.certificates import authority_of_run  # noqa: E402
from harness.curl import curl_at  # noqa: E402
from harness.plan import TARGETS, ways_of, why_not  # noqa: E402
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
        "--target", choices=(*TARGETS, "all"), default="host", help="what the suite tests"
    )
    parser.addoption(
        "--scheme", choices=("http", "https"), default=None, help="how the suite talks to it"
    )
    parser.addoption("--seed", type=int, default=None, help="rerun random cases of this seed")


def is_worker(config):
    """Whether this process is one of pytest-xdist's workers."""
    return hasattr(config, "workerinput")


def pytest_configure(config):
    """Before any thread exists: nothing this process does can reach a real network from here on,
    nor can the workers that it starts. Where the machine allows no namespace or TAP, an ordinary
    user's tests are skipped; root's, as in CI, stop: a suite that skips itself proves nothing."""
    if is_worker(config):
        config.no_network_reason = config.workerinput["no_network_reason"]
        return
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


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Of pytest-xdist: what a worker is told when it starts."""
    node.workerinput["no_network_reason"] = node.config.no_network_reason


def pytest_generate_tests(metafunc):
    """Each test is run in each of the ways asked for."""
    assert "way" in metafunc.fixturenames, f"{metafunc.function.__name__} tests no target"
    ways = ways_of(metafunc.config.getoption("--target"), metafunc.config.getoption("--scheme"))
    metafunc.parametrize("way", ways, ids=str, indirect=True, scope="session")


def way_of(item):
    return item.callspec.params["way"]


def is_for_its_way(item):
    module, function, way = item.module.__name__, item.originalname, way_of(item)
    parameters = item.callspec.id.removeprefix(f"{way}").removeprefix("-")
    return why_not(module, function, parameters, way, item.config.getoption("--target")) is None


def unit_of(item):
    """What one worker is given as a whole: the tests of a module that share a target. A slow test
    is a unit of its own; tests that share more than a target say so with the mark."""
    mark = item.get_closest_marker("xdist_group")
    if mark:
        return f"{way_of(item)}-{mark.args[0]}"
    return item.nodeid if item.get_closest_marker("slow") else f"{way_of(item)}-{item.module.__name__}"


def seconds_of(items):
    """About how long a unit takes."""
    slow = [mark.args[0] for item in items for mark in item.iter_markers("slow")]
    return max(slow, default=0) + 0.1 * len(items)


def in_good_order(items, worker_count):
    """The longest units first, so that nothing is left waiting alone at the end. Each worker has two
    units from the start; its second one, which must wait for the first, is a short one."""
    units = {}
    for item in items:
        units.setdefault(unit_of(item), []).append(item)
    ordered = sorted(units.values(), key=seconds_of, reverse=True)
    short = ordered[worker_count:][-worker_count:]
    rest = ordered[worker_count:][:-worker_count]
    return [item for unit in ordered[:worker_count] + short + rest for item in unit]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    config.hook.pytest_deselected(items=[item for item in items if not is_for_its_way(item)])
    items[:] = filter(is_for_its_way, items)
    if is_worker(config):
        items[:] = in_good_order(items, config.workerinput["workercount"])
        for item in items:
            item.add_marker(pytest.mark.xdist_group(unit_of(item)), append=False)
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


@pytest.fixture
def seed(request):
    """Of the test's random choices; printed, and so part of the report when the test fails."""
    number = request.config.getoption("--seed")
    number = random.SystemRandom().getrandbits(32) if number is None else number
    print(f"--seed={number}")
    return number


@pytest.fixture(scope="session")
def way(request):
    """How this test reaches pingshot: which target, over which scheme."""
    return request.param


@pytest.fixture(scope="session")
def binary(way, request):
    """The host target's program."""
    assert way.target == "host", "a test of the host target only: see harness/plan.py"
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
def connections_program():
    """connections.c, compiled."""
    path = ROOT / "build/e2e/connections"
    if not path.exists():
        pytest.exit(f"{path} is not there: run make {path.relative_to(ROOT)} first", 3)
    return path


@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    """Makes a new path for a log: logs("prometheus")."""
    folder = tmp_path_factory.mktemp("logs")
    numbers = itertools.count(1)
    return lambda name: folder / f"{next(numbers):03}-{name}.log"


@pytest.fixture(scope="session")
def run_folder(request, tmp_path_factory):
    """A folder that all worker processes of this run share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if is_worker(request.config) else folder


@pytest.fixture(scope="session")
def authority(run_folder, tmp_path_factory):
    """A CA of this run's own, with certificates of every kind."""
    return authority_of_run(run_folder / "authority", tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def start_target(request, way, run_folder, logs):
    """start_target(namespace, wish=...) starts a pingshot, see harness.target.Target for what can
    be wished for; the caller stops it. start_target.capacities are those that it will have."""
    signed_by = request.getfixturevalue("authority") if way.scheme == "https" else None
    if way.target == "host":
        program = request.getfixturevalue("binary")

        def start(net, authority=signed_by, **wishes):
            return HostTarget(program, net, logs("pingshot"), authority=authority, **wishes)
    else:
        board = Board(way.target)

        def start(net, authority=signed_by, resets=False, seeded=True, **wishes):
            image = board.image(run_folder, **board.settings_of(authority, **wishes))
            return BoardTarget(board, image, net, logs(board.name), authority, resets, seeded)

    start.capacities = HostTarget.capacities if way.target == "host" else board.capacities
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
    """own_target(wish=...): a pingshot of this test's own, in a namespace of its own."""
    started = []
    opened = []

    def start(**wishes):
        made = namespace.Namespace()
        opened.append(made)
        started.append(start_target(made, **wishes))
        return started[-1]

    yield start
    try:
        for running in started:
            running.stop()
    finally:
        for made in opened:
            made.close()
