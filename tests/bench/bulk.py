# SPDX-License-Identifier: GPL-3.0-or-later
"""One long TCP stream through a port under inspection, in each direction: iperf3, whose protocol nobody knows, with
the offloads of the veths and without; and 100 MB by curl over TLS."""
import json
import os
import subprocess

from cases import MILLION, PLAIN, QUEUED, Case, Failed, with_links
from harness import wait_until

SERVER, PORT = "10.77.2.44", 443
COUNTERS = ("queued_syn", "queued_client", "queued_server")
BYTES = {"plain": "250M", "no offloads": "60M"}  # of one stream: some 0.15 s
HTTPS_BYTES = 100000000
PLAIN_BARE, QUEUED_BARE = (with_links(case, "no offloads", f"{case.name}, no offloads")
                           for case in (PLAIN, QUEUED[MILLION]))
LEAST_BARE = Case("least rules, no offloads", rules="least", links="no offloads")


class Bulk:
    title = "Bulk TCP through port 443 (iperf3), with GRO, GSO and TSO and without; and 100 MB by curl over TLS. Gbit/s"
    columns = [("down", "down", "{:.2f}"), ("up", "up", "{:.2f}"), ("queued", "queued/stream", "{:.1f}"),
               ("https_down", "TLS down", "{:.2f}"), ("https_up", "TLS up", "{:.2f}"),
               ("https_queued_down", "queued", "{:.0f}"), ("https_queued_up", "queued", "{:.0f}")]
    ratios = [
        ("bulk_down_vs_none", "down", QUEUED[MILLION], PLAIN),
        ("bulk_up_vs_none", "up", QUEUED[MILLION], PLAIN),
        ("bulk_down_no_offloads_vs_none", "down", QUEUED_BARE, PLAIN_BARE),
        ("bulk_up_no_offloads_vs_none", "up", QUEUED_BARE, PLAIN_BARE),
        ("bulk_down_no_offloads_least_rules_vs_none", "down", LEAST_BARE, PLAIN_BARE),
        ("bulk_up_no_offloads_least_rules_vs_none", "up", LEAST_BARE, PLAIN_BARE),
        ("bulk_https_down_vs_none", "https_down", QUEUED[MILLION], PLAIN),
        ("bulk_https_up_vs_none", "https_up", QUEUED[MILLION], PLAIN),
        ("bulk_https_down_queued", "https_queued_down", QUEUED[MILLION], None),
        ("bulk_https_up_queued", "https_queued_up", QUEUED[MILLION], None),
    ]
    worst = ("bulk_vs_none", [name for name, *_ in ratios[:4]])
    cases = [PLAIN, QUEUED[MILLION], QUEUED_BARE, PLAIN_BARE, LEAST_BARE]
    quick_cases = []
    steps = quick_steps = 4

    def __init__(self, stage, pace):
        self.stage = stage
        stage.testbed.exec("server", "ip", "address", "add", f"{SERVER}/24", "dev", "eth0")
        stage.start("server", "iperf3", "--server", "--bind", SERVER, "--port", PORT, stdout=subprocess.DEVNULL)
        wait_until(lambda: stage.testbed.exec("server", "ss", "-Hltn", "src", f"{SERVER}:{PORT}").stdout,
                   "iperf3 listens")
        self.upload = stage.folder / "upload"
        self.upload.touch()
        os.truncate(self.upload, HTTPS_BYTES)
        self.begin_round()

    def begin_round(self):
        self.streams, self.streams_queued = 0, 0

    def queued(self):
        counted = self.stage.counters()
        return sum(counted.get(name, 0) for name in COUNTERS)

    def step(self):
        before = self.queued()
        found = {"down": self.stream("--reverse"), "up": self.stream()}
        self.streams_queued += self.queued() - before  # other measurements' connections, in between, are not ours
        return found

    def stream(self, *options):
        done = self.stage.testbed.exec("client", "iperf3", "--client", SERVER, "--port", PORT, "--bytes",
                                       BYTES[self.stage.case.links], "--json", *options, check=False)
        result = json.loads(done.stdout)
        if done.returncode or "error" in result:
            raise Failed(f"iperf3: {result.get('error')}")
        self.streams += 1
        return result["end"]["sum_received"]["bits_per_second"] / 1e9

    def close_round(self, quick):
        self.check(self.streams_queued)
        found = {"queued": self.streams_queued / self.streams}
        # No other case than the two that differ in nothing but the filter.
        if self.stage.case.links == "plain":
            for way, options in (("down", ["https://www.unlisted.example/big"]),
                                 ("up", ["--upload-file", self.upload, "https://www.unlisted.example/upload"])):
                before = self.queued()
                found[f"https_{way}"] = self.https(*options)
                found[f"https_queued_{way}"] = self.queued() - before
        self.begin_round()
        return found

    def https(self, *options):
        done = self.stage.testbed.exec("client", "curl", "-sSk", "--http1.1", "-o", "/dev/null", "-w",
                                       "%{http_code} %{size_download} %{size_upload} %{time_total}", *options)
        status, down, up, seconds = done.stdout.split()
        if status != "200" or max(int(down), int(up)) < HTTPS_BYTES:
            raise Failed(f"curl: status {status}, {down} bytes down, {up} up")
        return HTTPS_BYTES * 8 / float(seconds) / 1e9

    def check(self, queued):
        # A stream is two connections, and each has at least a SYN and what the client says first.
        if queued < 4 * self.streams if self.stage.case.program else queued:
            raise Failed(f"{queued} packets queued for {self.streams} streams")
