# SPDX-License-Identifier: GPL-2.0-or-later
"""Boards that fail come back, and say why: on the console, and in /metrics. What they held is there."""

import random
import re
import subprocess

import pytest

from harness.answered import Load
from harness.debugger import LR, NO_CODE, PC, SP, attached_to, symbols_of
from harness.exposition import event_numbers, value_of
from harness.process import wait_until

RESETS = 10
GUARD_BYTES = 32  # of the stack: port/cortex-m/stack.h
BRANCH_TO_ITSELF = bytes.fromhex("fee7")


@pytest.fixture
def board(own_target):
    return own_target(resets=True)


@pytest.fixture
def symbols(board):
    return symbols_of(board.image)


def starts(board):
    """What the console said at each start: the reason and what follows it."""
    return re.findall(r"^[\d.]+ \w+ +pingshot \S+ on \S+, reset: (\w+)(.*)$", board.process.log(), re.M)


def resets(board):
    """pingshot_resets_total by cause, those that are not 0."""
    lines = re.findall(
        r'^pingshot_resets_total\{cause="(\w+)"\} (\d+)$', board.get("/metrics").text, re.M
    )
    return {cause: int(total) for cause, total in lines if total != "0"}


def wait_for_start(board, number, seconds=20):
    """Waits until it has started so often, and serves. Returns what it said of the reset."""
    wait_until(lambda: len(starts(board)) >= number, seconds, f"start {number} of {board.name}")
    wait_until(lambda: board.get("/healthz").status == 200, 10 * board.patience, "it to serve")
    return starts(board)[number - 1]


def register(text, name):
    return int(re.search(rf"{name}=0x([0-9a-f]{{8}})", text).group(1), 16)


def place_to_hang(board):
    """Address of a branch to itself."""
    flash = board.image.with_suffix(".bin").read_bytes()  # which begins at 0
    return next(a for a in range(0, len(flash), 2) if flash[a : a + 2] == BRANCH_TO_ITSELF)


def test_power_on(board):
    assert starts(board) == [("power_on", "")]
    assert resets(board) == {"power_on": 1}


def test_a_hard_fault(board):
    with attached_to(board) as debugger:
        debugger.set_register(PC, NO_CODE)
        debugger.set_register(LR, 0x12345679)
    cause, text = wait_for_start(board, 2)
    assert cause == "fault"
    assert register(text, "pc") == NO_CODE
    assert register(text, "lr") == 0x12345679
    assert register(text, "cfsr") == 1  # IACCVIOL
    assert resets(board) == {"power_on": 1, "fault": 1}


def test_a_read_of_nothing(board, symbols):
    """A pointer gone wild: where it pointed is told, and where it was used."""
    handler = symbols["memcpy"] & ~1
    with attached_to(board) as debugger:
        debugger.set_register(0, symbols["link_stack_top"] - 1024)
        debugger.set_register(1, 0xFFFFF000)
        debugger.set_register(2, 16)
        debugger.set_register(PC, handler)
    cause, text = wait_for_start(board, 2)
    assert cause == "fault"
    assert handler <= register(text, "pc") < handler + 256
    assert register(text, "cfsr") != 0
    assert register(text, "address") >> 4 == 0xFFFFF000 >> 4


def test_a_program_that_hangs(board):
    """The watchdog: its warning tells where."""
    address = place_to_hang(board)
    with attached_to(board) as debugger:
        debugger.set_register(PC, address)
    cause, text = wait_for_start(board, 2, seconds=30)
    assert cause == "watchdog"
    assert register(text, "pc") == address
    assert resets(board) == {"power_on": 1, "watchdog": 1}


def test_a_start_that_hangs(board, symbols):
    """Long before the main loop has its first turn."""
    address = place_to_hang(board)
    with attached_to(board) as debugger:
        board.monitor("system_reset")
        debugger.run_to(symbols["board_netif_init"] & ~1)
        debugger.set_register(PC, address)
    cause, text = wait_for_start(board, 3, seconds=30)
    assert cause == "watchdog"
    assert register(text, "pc") == address
    assert resets(board) == {"power_on": 1, "external": 1, "watchdog": 1}


@pytest.mark.parametrize("above_bytes", [48, 0, -16, -1024])
def test_a_stack_that_overflows(board, symbols, above_bytes):
    """Into its guard, and with one large frame over it, to where no memory is."""
    with attached_to(board) as debugger:
        debugger.set_register(SP, symbols["link_stack_bottom"] + above_bytes)
    cause, _ = wait_for_start(board, 2)
    assert cause == "stack_overflow"
    assert resets(board) == {"power_on": 1, "stack_overflow": 1}


def test_a_stack_pointer_gone_wild(board):
    with attached_to(board) as debugger:
        debugger.set_register(SP, NO_CODE)
    cause, _ = wait_for_start(board, 2)
    assert cause == "stack_overflow"


def test_a_stack_that_has_overflowed(board, symbols):
    """Which no guard has met: all that a chip without an MPU notices. One word of it is cleared; the
    debugger does not get past the guard itself."""
    with attached_to(board) as debugger:
        for number, value in enumerate((symbols["link_stack_bottom"] + GUARD_BYTES, 0, 4)):
            debugger.set_register(number, value)
        debugger.set_register(PC, symbols["memset"] & ~1)
    cause, text = wait_for_start(board, 2)
    assert cause == "stack_overflow"
    assert text.endswith("its last word was used")
    assert resets(board) == {"power_on": 1, "stack_overflow": 1}


def test_an_assertion(board, symbols):
    place = symbols["link_stack_top"] - 1024
    with attached_to(board) as debugger:
        debugger.write(place, b"net_wire.c:7: it is broken\0")
        debugger.set_register(0, place)
        debugger.set_register(PC, symbols["faults_trap"] & ~1)
    cause, text = wait_for_start(board, 2)
    assert cause == "assertion"
    assert text.endswith("net_wire.c:7: it is broken")
    assert resets(board) == {"power_on": 1, "assertion": 1}


def test_an_assertion_of_lwip(board):
    """It has no words, only the place."""
    listing = subprocess.run(
        ["arm-none-eabi-objdump", "-d", board.image], capture_output=True, text=True, check=True
    ).stdout
    address = int(re.search(r"^ *([0-9a-f]+):.*\tudf\t#90\b", listing, re.M).group(1), 16)
    with attached_to(board) as debugger:
        debugger.set_register(PC, address)
    cause, text = wait_for_start(board, 2)
    assert cause == "assertion"
    assert register(text, "pc") == address
    assert resets(board) == {"power_on": 1, "assertion": 1}


def test_a_software_reset(board, symbols):
    with attached_to(board) as debugger:
        debugger.set_register(PC, symbols["faults_reset"] & ~1)
    assert wait_for_start(board, 2) == ("software", "")
    assert resets(board) == {"power_on": 1, "software": 1}


def test_a_reset_from_outside(board):
    board.reset()
    assert wait_for_start(board, 2) == ("external", "")
    assert resets(board) == {"power_on": 1, "external": 1}


# ---- what it held ------------------------------------------------------------------------------


def fault(board):
    with attached_to(board) as debugger:
        debugger.set_register(PC, NO_CODE)


def hang(board):
    with attached_to(board) as debugger:
        debugger.set_register(PC, place_to_hang(board))


def call(board, function):
    with attached_to(board) as debugger:
        debugger.set_register(PC, symbols_of(board.image)[function] & ~1)


def overflow(board):
    with attached_to(board) as debugger:
        debugger.set_register(SP, symbols_of(board.image)["link_stack_bottom"] + 48)


WAYS = {
    "fault": fault,
    "watchdog": hang,
    "software": lambda board: call(board, "faults_reset"),
    "stack_overflow": overflow,
    "external": lambda board: board.reset(),
}


def states(board):
    """What the console said of the state at each start."""
    return re.findall(r"^[\d.]+ \w+ +state: (.*)$", board.process.log(), re.M)


def post_keyed(board, path, key, body=None):
    headers = [("Idempotency-Key", key), ("Content-Type", "text/plain")]
    return board.request("POST", path, body, headers)


@pytest.mark.parametrize("cause", WAYS)
def test_what_it_held_is_there_after(board, cause):
    text = '# HELP kept Of a test.\n# TYPE kept counter\nkept{a="1"} 2.5\nkept{a="2"} 3\n'
    assert board.post("/create", text, "text/plain").status == 200
    for scraper in ("a", "b"):
        assert board.get(f"/metrics?scraper={scraper}").status == 200
    for number in (1, 2):
        assert board.post(f"/event?n={number}").status == 200
    receipt = post_keyed(board, "/event?n=3", "posted").text
    assert event_numbers(board.get("/metrics?scraper=a").text) == [1, 2, 3]
    update = '{"name":"kept","type":"counter","metrics":[{"labels":{"a":"1"},"value":"1"}]}'
    assert board.post("/update", update, "application/json").status == 200
    assert post_keyed(board, "/update", "added", 'kept{a="2"} 1\n').text == 'kept{a="2"} 4\n'
    WAYS[cause](board)
    assert wait_for_start(board, 2, seconds=30)[0] == cause
    assert states(board) == ["empty", "2 series, 3 events for 2 scrapers, restored"]
    assert post_keyed(board, "/event?n=3", "posted").text == receipt, "a retry"
    assert post_keyed(board, "/event?n=5", "posted").status == 422
    assert post_keyed(board, "/update", "added", 'kept{a="2"} 1\n').text == 'kept{a="2"} 4\n'
    assert board.post("/event?n=4").text == "event 4 queued for 2 scrapers\n"
    page = board.get("/metrics?scraper=b").text
    for line in text.replace("2.5", "3.5").replace("} 3\n", "} 4\n").splitlines():
        assert line + "\n" in page
    assert value_of(page, "events_to_metrics_event_count") == 4
    assert event_numbers(page) == [1, 2, 3, 4]
    assert event_numbers(board.get("/metrics?scraper=a").text) == [4]
    assert event_numbers(board.get("/metrics?scraper=b").text) == []


@pytest.mark.slow(40)
def test_reset_again_and_again(board, seed):
    """Under load, from outside: at any instruction."""
    chance = random.Random(seed)
    load = Load(families=12)
    assert load.CONNECTIONS <= board.capacities.connections
    load.prepare(board)
    for number in range(2, RESETS + 2):
        load.run(board, chance.uniform(0.3, 1.5), board.reset)
        assert wait_for_start(board, number) == ("external", "")
        assert ", restored" in states(board)[-1]
        load.check(board)
    load.finish(board, board.process.log())


def test_reasons_are_counted_across_resets(board):
    for number in (2, 3):
        with attached_to(board) as debugger:
            debugger.set_register(PC, NO_CODE)
        wait_for_start(board, number)
    board.reset()
    wait_for_start(board, 4)
    assert resets(board) == {"power_on": 1, "fault": 2, "external": 1}
    assert [cause for cause, _ in starts(board)] == ["power_on", "fault", "fault", "external"]
