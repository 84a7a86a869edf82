# SPDX-License-Identifier: GPL-2.0-or-later
"""Which tests are run on which target, over HTTP or HTTPS, and why some are not."""

import dataclasses
import functools

from .capacities import ROOT


@dataclasses.dataclass(frozen=True)
class Way:
    """How a test reaches pingshot."""

    target: str
    scheme: str

    def __str__(self):
        return f"{self.target}-{self.scheme}"


BOARDS = tuple(
    sorted(path.parent.name for path in (ROOT / "board").glob("*/board.mk") if "BOARD_QEMU" in path.read_text())
)
TARGETS = ("host", *BOARDS)
BOARDS_HTTPS = tuple(f"{board}-https" for board in BOARDS)

NO_LINK = ("lm3s6965evb",)

# What `--target all` runs: all that can be, or only these.
OF_ANOTHER_BOARD = (
    "test_api::test_create_all_five_types",
    "test_board_network::test_errors_are_counted",
    "test_scrapers::test_every_event_once_in_short",
    "test_tls::test_curl",
)
ALL = {
    Way("host", "http"): None,
    Way("host", "https"): None,
    Way("mps2-an385", "http"): None,
    Way("mps2-an385", "https"): None,
    Way("mps2-an386", "https"): OF_ANOTHER_BOARD,
    Way("mps2-an500", "https"): OF_ANOTHER_BOARD,
    Way("lm3s6965evb", "http"): None,
    Way("lm3s6965evb", "https"): None,
}

# A test, with its parameters or without, or a module; the targets, schemes or ways that it is not
# for; and the reason.
NOT_FOR = (
    ("test_tls", ("http",), "its tests are of TLS"),
    ("test_cut::test_cut_by_reset_over_tls_1_2", ("http",), "it is of TLS"),
    ("test_network", ("https",), "its tests are of what lies below"),
    ("test_network::test_mdns_of_https", BOARDS, "of the command line"),
    ("test_network::test_link_down_and_up", NO_LINK, "QEMU's Ethernet of this board is always up"),
    ("test_network::test_dhcp_another_address", NO_LINK, "the same"),
    ("test_network::test_mdns_is_announced_again", NO_LINK, "the same"),
    ("test_board_network", ("host",), "its tests are of boards"),
    ("test_board_reset", ("host", "https"), "its tests are of boards, and one way to ask them is enough"),
    ("test_board_reset::test_a_read_of_nothing", ("lm3s6965evb",), "it reads 0 there in QEMU"),
    ("test_endurance", ("https",), "its load speaks plain HTTP"),
    ("test_board_tls", ("host", "http"), "its tests are of boards, and of TLS"),
    ("test_tls_turns", ("host", "http"), "its tests are of few sessions of TLS"),
    ("test_state", ("https", *BOARDS), "a board has no files, and one way to ask is enough"),
    ("test_lossy", (*BOARDS, "https"), "its link is a socket of the host target's, below HTTP and TLS"),
    ("test_cli", BOARDS, "a board has no command line"),
    ("test_tls::test_certificates", BOARDS, "an image has one certificate, given when it is built"),
    ("test_tls::test_bad_files_are_one_line", BOARDS, "the same"),
    ("test_tls::test_what_strict_refuses_is_a_warning_without", BOARDS, "the same"),
    ("test_tls::test_a_certificate_is_made_once", BOARDS, "the same"),
    ("test_tls::test_several_starts_make_one_certificate", BOARDS, "the same"),
    ("test_events::test_explicit_timestamps", BOARDS, "a board knows no time before SNTP"),
    ("test_scrapers::test_every_event_once[prometheus-timestamps]", BOARDS, "the same"),
    ("test_scrapers::test_every_event_once[victoria-timestamps]", BOARDS, "the same"),
    ("test_tls::test_one_port_only", BOARDS, "of the command line"),
    ("test_tls::test_client_certificates", BOARDS, "images check no certificates of clients"),
    ("test_tls::test_prometheus_with_a_client_certificate", BOARDS, "the same"),
    (
        "test_api::test_create_that_streams[by_curl]",
        BOARDS_HTTPS,
        "curl's records of 16 KiB are more than boards have memory for, as README says",
    ),
)  # fmt: skip


@functools.cache  # pytest lets tests share a fixture only when its parameter is one object
def ways_of(target, scheme):
    """The ways to run, of what was said on the command line: `scheme` may be None."""
    if target != "all":
        return [Way(target, scheme or "http")]
    return [way for way in ALL if scheme in (None, way.scheme)]


def why_not(module, function, parameters, way, target):
    """Why this test is not run this way, or None. `target` is what was asked for: with "all" it is
    only what is in ALL."""
    names = (module, f"{module}::{function}", f"{module}::{function}[{parameters}]")
    for name, places, reason in NOT_FOR:
        if name in names and {way.target, way.scheme, str(way)} & set(places):
            return reason
    selected = ALL.get(way) if target == "all" else None
    if selected and not set(names) & set(selected):
        return "one of those left out of all"
    return None
