# SPDX-License-Identifier: GPL-2.0-or-later
"""A program of its own: python3-zeroconf on the interface with an address, browsing for Prometheus
targets. Prints what it sees as lines of JSON: each service found, each record received.

    mdns.py ADDRESS [NAME]      with NAME it also is the host NAME.local, and defends that
"""

import json
import signal
import socket
import sys

import zeroconf

TYPE = "_prometheus-http._tcp.local."


def tell(kind, **what):
    print(json.dumps({"kind": kind, **what}), flush=True)


class Records(zeroconf.RecordUpdateListener):
    def async_update_records(self, zc, now, records):
        for record in records:
            tell("record", name=record.new.name, type=record.new.type, ttl=record.new.ttl)


class Services(zeroconf.ServiceListener):
    def add_service(self, zc, type_, name):
        info = zc.get_service_info(type_, name)
        if info is None:
            return
        tell(
            "service",
            name=name.removesuffix(f".{TYPE}"),
            host=info.server,
            port=info.port,
            addresses=info.parsed_addresses(),
            properties={key.decode(): value.decode() for key, value in info.properties.items()},
        )

    update_service = add_service

    def remove_service(self, zc, type_, name):
        tell("gone", name=name.removesuffix(f".{TYPE}"))


def main(address, claimed=None):
    browser = zeroconf.Zeroconf(interfaces=[address], ip_version=zeroconf.IPVersion.V4Only)
    browser.add_listener(Records(), None)
    zeroconf.ServiceBrowser(browser, TYPE, Services())
    if claimed:
        mine = zeroconf.ServiceInfo(
            "_http._tcp.local.",
            "somebody else._http._tcp.local.",
            addresses=[socket.inet_aton(address)],
            port=80,
            server=f"{claimed}.local.",
        )
        browser.register_service(mine, cooperating_responders=True)
    print("listening", flush=True)
    signal.sigwait([signal.SIGTERM])
    browser.close()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    main(*sys.argv[1:])
