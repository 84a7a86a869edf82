# SPDX-License-Identifier: GPL-2.0-or-later
"""--state FILE: what was answered outlives kill -9 at any moment, and nothing else appears. What boards
keep over a reset is in test_board_reset.py."""

import random
import re
import signal

import pytest

from harness.answered import Load
from harness.exposition import event_numbers, value_of
from harness.namespace import Namespace
from harness.process import Process
from harness.target import HostTarget

LIVES = 25
FOUND = r"state: (.*)"


# ---- a server that is started again and again on one file -----------------------------------


class Keeper:
    """pingshot on a state file, one life after another."""

    def __init__(self, binary, logs, path):
        self.namespace = Namespace()
        self.path = path
        self._start = lambda: HostTarget(
            binary, self.namespace, logs("pingshot"), words=["--state", path]
        )
        self.lives = []
        self.target = None

    def start(self):
        self.target = self._start()
        self.lives.append(self.target)
        return self.target

    def kill(self):
        assert self.target.process.stop(signal.SIGKILL) == -signal.SIGKILL
        self.target = None

    def stop(self):
        self.target.stop()
        self.target = None

    def found(self):
        """What it said of the state at its start."""
        return self.target.said(FOUND, "what it found")

    def close(self):
        if self.target:
            self.target.process.stop(signal.SIGKILL)
        self.namespace.close()


@pytest.fixture
def keeper(binary, logs, tmp_path):
    made = Keeper(binary, logs, tmp_path / "pingshot.state")
    yield made
    made.close()


# ---- killed under load -----------------------------------------------------------------------


@pytest.mark.slow(30)
def test_killed_again_and_again(keeper, seed):
    chance = random.Random(seed)
    load = Load(families=200)
    load.prepare(keeper.start())
    for _ in range(LIVES):
        load.run(keeper.target, chance.uniform(0.02, 0.4), keeper.kill)
        keeper.start()
        assert ", restored" in keeper.found()
        load.check(keeper.target)
    load.finish(keeper.target, "".join(life.process.log() for life in keeper.lives))
    keeper.stop()


# ---- what a restart shows -------------------------------------------------------------------


def test_a_restart_goes_on(keeper):
    target = keeper.start()
    assert keeper.found() == "empty"
    text = '# HELP kept Of a test.\n# TYPE kept counter\nkept{a="1"} 2.5\nkept{a="2"} 3\n'
    assert target.post("/create", text, "text/plain").status == 200
    target.get("/metrics?scraper=a")
    target.get("/metrics?scraper=b")
    target.post("/event?n=1")
    target.get("/metrics?scraper=a")
    target.post("/event?n=2")
    before = target.get("/metrics?scraper=c").text
    keeper.stop()

    target = keeper.start()
    assert keeper.found() == "2 series, 2 events for 3 scrapers, restored"
    page = target.get("/metrics?scraper=c").text
    for line in text.splitlines():
        assert line + "\n" in page
    assert value_of(page, "events_to_metrics_event_count") == 2
    assert value_of(before, "events_to_metrics_event_count") == 2
    assert event_numbers(target.get("/metrics?scraper=a").text) == [2]
    assert event_numbers(target.get("/metrics?scraper=b").text) == [1, 2]
    assert target.post("/event?n=3").text == "event 3 queued for 3 scrapers\n"
    assert event_numbers(target.get("/metrics?scraper=c").text) == [3]
    keeper.stop()


def test_a_large_gap_among_the_texts(keeper):
    """What was deleted before a restart is room afterwards, however much it was."""

    def body(name, count, length):
        return "".join(f'{name}{{l="{"x" * length}{i:05}"}} {i}\n' for i in range(count))

    target = keeper.start()
    arena_bytes = target.capacities.registry_text_bytes
    large = body("large", arena_bytes // 8 // 200, 150)
    assert target.post("/create", large, "text/plain").status == 200
    assert target.post("/create", "kept 1\n", "text/plain").status == 200
    assert target.request("DELETE", "/metrics/large").status == 204
    keeper.kill()
    target = keeper.start()
    assert keeper.found() == "1 series, 0 events for 0 scrapers, restored"
    other = body("other", arena_bytes * 9 // 10 // 440, 400)
    assert target.post("/create", other, "text/plain").status == 200
    page = target.get("/metrics").text
    assert "\nkept 1\n" in page and other in page
    keeper.kill()
    target = keeper.start()
    assert keeper.found().startswith(f"{1 + other.count(chr(10))} series, ")
    assert other in target.get("/metrics").text
    keeper.stop()


def test_events_held_for_the_first_scraper(keeper):
    target = keeper.start()
    for number in (1, 2):
        target.post(f"/event?n={number}")
    keeper.kill()
    target = keeper.start()
    assert keeper.found() == "0 series, 2 events for 0 scrapers, restored"
    assert event_numbers(target.get("/metrics?scraper=a").text) == [1, 2]
    keeper.stop()


def test_other_options_over_a_restart(keeper, binary, logs):
    """What the options say holds from then on; the file keeps no option."""
    target = keeper.start()
    target.get("/metrics?scraper=a")
    for value in (1, 2):
        target.post(f"/event?n=1&value={value}")
    keeper.stop()
    words = ["--state", keeper.path, "--duplicate-events", "sum"]
    target = HostTarget(binary, keeper.namespace, logs("sum"), words=words)
    assert 'events_to_metrics{n="1"} 3\n' in target.get("/metrics?scraper=a").text
    target.stop()


# ---- damage ---------------------------------------------------------------------------------


def flip(path, what):
    """Changes a byte of the only place in the file that holds these bytes."""
    content = bytearray(path.read_bytes())
    assert content.count(what) == 1, what
    content[content.index(what) + len(what) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_record_is_left_out(keeper):
    target = keeper.start()
    for name in ("first", "second"):
        target.post("/create", f'# TYPE {name} gauge\n{name}{{of="{name}_one"}} 1\n', "text/plain")
    target.get("/metrics?scraper=a")
    for name in ("third", "fourth"):
        target.post(f"/event?of={name}_one")
    keeper.kill()
    flip(keeper.path, b"second_one")
    flip(keeper.path, b"third_one")
    target = keeper.start()
    assert keeper.found() == (
        "1 series, 1 event for 1 scraper, restored; left out as damaged: 1 metric record, 1 event"
    )
    page = target.get("/metrics?scraper=a").text
    assert 'first{of="first_one"} 1\n' in page and "second_one" not in page
    assert "fourth_one" in page and "third_one" not in page
    keeper.stop()
    keeper.start()
    assert keeper.found() == "1 series, 0 events for 1 scraper, restored"
    keeper.stop()


# ---- what is refused ------------------------------------------------------------------------


def refused(keeper, binary, logs, path):
    """Starts it on `path`, where it must refuse: the line that it ends with."""
    process = Process(keeper.namespace, [binary, "--tap", "other0", "--state", path], logs("refused"))
    try:
        assert process.wait(10) == 1, process.log()
    finally:
        process.stop()
    (line,) = re.findall(r"^pingshot: (.*)$", process.log(), re.M)
    assert line.startswith(f"{path}: "), line
    return line


def test_a_foreign_file_is_left(keeper, binary, logs, tmp_path):
    path = tmp_path / "letter"
    path.write_text("Dear reader,\n" * 10)
    assert "holds no state of pingshot's" in refused(keeper, binary, logs, path)
    assert path.read_text() == "Dear reader,\n" * 10
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter"]


def test_a_torn_file_is_left(keeper, binary, logs):
    keeper.start()
    keeper.kill()
    whole = keeper.path.read_bytes()
    for content, word in (
        (whole[: len(whole) // 2], "a state has "),
        (whole + b"more", "a state has "),
        (b"\0" * len(whole), "holds no state of pingshot's"),
        (whole[:10] + b"?" + whole[11:], "header is damaged"),
    ):
        keeper.path.write_bytes(content)
        assert word in refused(keeper, binary, logs, keeper.path)
        assert keeper.path.read_bytes() == content
    keeper.path.write_bytes(whole)
    keeper.start()
    keeper.stop()


def test_two_servers_never_share_it(keeper, binary, logs):
    target = keeper.start()
    assert "is in use by another pingshot" in refused(keeper, binary, logs, keeper.path)
    assert target.post("/event?n=1").status == 200
    keeper.stop()
    keeper.start()
    assert keeper.found() == "0 series, 1 event for 0 scrapers, restored"
    keeper.stop()


def test_no_place_for_it(keeper, binary, logs, tmp_path):
    line = refused(keeper, binary, logs, tmp_path / "nowhere" / "state")
    assert line.endswith(": cannot be made: No such file or directory")
    line = refused(keeper, binary, logs, tmp_path)
    assert line.endswith(": cannot be opened: Is a directory")


def test_a_disk_that_is_full(keeper, binary, logs, tmp_path):
    """Found out at the start, not in the middle of a store."""
    script = 'mount -t tmpfs -o size=1m none "$0" && exec "$@"'
    argv = ["unshare", "--mount", "sh", "-c", script, tmp_path, binary, "--state", tmp_path / "state"]
    process = Process(keeper.namespace, argv, logs("full"))
    try:
        assert process.wait(10) == 1, process.log()
    finally:
        process.stop()
    assert ": cannot be made: No space left on device\n" in process.log()
