# SPDX-License-Identifier: GPL-2.0-or-later
"""Which tests are run on which target, over HTTP or HTTPS, and why some are not."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Way:
    """How a test reaches pingshot."""

    target: str
    scheme: str

    def __str__(self):
        return f"{self.target}-{self.scheme}"


# What `--target all` runs.
ALL_WAYS = (Way("host", "http"), Way("host", "https"))
TARGETS = ("host",)

# A test or a module, the targets or schemes that it is not for, and the reason.
NOT_FOR = (
    ("test_tls", ("http",), "its tests are of TLS"),
)  # fmt: skip


def why_not(module, function, way):
    """Why this test is not for this way, or None."""
    for name, places, reason in NOT_FOR:
        if name in (module, f"{module}::{function}") and {way.target, way.scheme} & set(places):
            return reason
    return None
