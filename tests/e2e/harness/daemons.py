# SPDX-License-Identifier: GPL-2.0-or-later
"""The real programs that scrape pingshot or are cloned by it, on the loopback of a namespace."""

import json
import urllib.parse

from .http_client import Client
from .process import Process, wait_until

READY_S = 30


class Daemon:
    """A program with an HTTP interface on 127.0.0.1:port."""

    program = None
    port = None
    ready_path = "/-/ready"

    def __init__(self, tools, namespace, folder, *options, port=None):
        self.namespace = namespace
        self.port = port or type(self).port
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.process = Process(
            namespace,
            [*self.prefix(tools), tools / self.program, *self.arguments(), *options],
            folder / f"{self.program}.log",
            cwd=folder,
        )
        try:
            wait_until(self._is_ready, READY_S, f"{self.program} to be ready", interval_s=0.1)
        except AssertionError:
            self.process.stop()
            raise

    def prefix(self, tools):
        """A command that runs the program, or nothing."""
        del tools
        return []

    def arguments(self):
        return []

    def _is_ready(self):
        assert self.process.exit_status is None, self.process.log()
        return self.get(self.ready_path).status == 200

    def get(self, path):
        with Client(self.namespace, ("127.0.0.1", self.port), timeout_s=20) as client:
            return client.request("GET", path, headers=[("Connection", "close")])

    def metrics(self):
        """Its own /metrics page."""
        reply = self.get("/metrics")
        assert reply.status == 200, reply
        return reply.text

    def stop(self):
        self.process.stop(seconds=60)  # VictoriaMetrics writes to its disk first

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Scraper(Daemon):
    """A daemon that scrapes pingshot and answers PromQL."""

    def query(self, expression):
        """An instant query: a list of (labels, value or values)."""
        reply = self.get("/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        assert reply.status == 200, reply
        result = json.loads(reply.text)["data"]["result"]
        return [(row["metric"], row.get("value") or row.get("values")) for row in result]


def scrape_config(target, interval_s, job_options):
    """The configuration of a scrape of pingshot, for Prometheus and VictoriaMetrics."""
    interval = f"{round(interval_s * 1000)}ms"
    job = {
        "job_name": "pingshot",
        "scrape_interval": interval,
        "scrape_timeout": interval,
        "static_configs": [{"targets": [f"{target.ip}:{target.port}"]}],
        **job_options,
    }
    if target.authority:
        job["scheme"] = "https"
        job.setdefault("tls_config", {"ca_file": str(target.authority.ca)})
    return {"scrape_configs": [job]}


class Prometheus(Scraper):
    program = "prometheus"
    port = 9090

    def __init__(
        self, tools, namespace, folder, target=None, interval_s=1, port=None,
        rules=(), alertmanager=None, **job,
    ):  # fmt: skip
        """`rules` are evaluated twice as often as is scraped; what fires goes to `alertmanager`. The
        configuration files are JSON, as YAML goes."""
        folder.mkdir(parents=True, exist_ok=True)
        config = scrape_config(target, interval_s, job) if target else {}
        if alertmanager:
            to = {"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}
            group = {"name": "lab", "interval": f"{round(interval_s * 500)}ms", "rules": rules}
            config |= {"rule_files": ["rules.yml"], "alerting": {"alertmanagers": [to]}}
            (folder / "rules.yml").write_text(json.dumps({"groups": [group]}))
        (folder / "prometheus.yml").write_text(json.dumps(config))
        listen = f"--web.listen-address=127.0.0.1:{port or self.port}"
        super().__init__(tools, namespace, folder, listen, port=port)

    def arguments(self):
        return ["--config.file=prometheus.yml", "--storage.tsdb.path=data"]

    def samples(self, series):
        """Labels and the values of every sample stored, oldest first."""
        return [
            (labels, [float(value) for _, value in values])
            for labels, values in self.query(f"{series}[1h]")
        ]


class VictoriaMetrics(Scraper):
    program = "victoria-metrics"
    port = 8428
    ready_path = "/health"

    def __init__(self, tools, namespace, folder, target=None, interval_s=1, **job):
        folder.mkdir(parents=True, exist_ok=True)
        options = []
        if target:
            (folder / "scrape.yml").write_text(json.dumps(scrape_config(target, interval_s, job)))
            options = ["-promscrape.config=scrape.yml"]
        super().__init__(tools, namespace, folder, *options)

    def arguments(self):
        return [
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-storageDataPath=data",
            "-search.latencyOffset=1ms",
            "-search.disableCache",
            "-memory.allowedBytes=256MB",
        ]

    def query(self, expression):
        self.get("/internal/force_flush")  # what was stored last is not searched for a second
        return super().query(expression)

    def samples(self, series):
        """Labels and the values of every sample stored, oldest first; no staleness markers."""
        self.get("/internal/force_flush")
        reply = self.get("/api/v1/export?" + urllib.parse.urlencode({"match[]": series}))
        assert reply.status == 200, reply
        rows = [json.loads(line) for line in reply.text.splitlines()]
        return [
            (row["metric"], [float(value) for value in row["values"] if value is not None])
            for row in rows
        ]


class Alertmanager(Daemon):
    program = "prometheus-alertmanager"
    port = 9093

    def __init__(self, tools, namespace, folder, config=None):
        folder.mkdir(parents=True, exist_ok=True)
        if config is None:
            config = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}
        (folder / "alertmanager.yml").write_text(json.dumps(config))
        super().__init__(tools, namespace, folder)

    def prefix(self, tools):
        """It reads templates from below /usr/share, where those of an unpacked package are not:
        in a mount namespace of its own they are."""
        script = 'mount --bind "$1" /usr/share && shift && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, "sh", tools.parent / "share"]

    def arguments(self):
        return [
            "--config.file=alertmanager.yml",
            "--storage.path=data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]


class Pushgateway(Daemon):
    program = "prometheus-pushgateway"
    port = 9091

    def arguments(self):
        return [f"--web.listen-address=127.0.0.1:{self.port}"]
