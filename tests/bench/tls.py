# SPDX-License-Identifier: GPL-3.0-or-later
"""New TLS connections, with unlisted names from fresh source ports of 256 clients.

Hellos and answers are canned (load_tls, sink_tls): the cryptography of a real pair takes several times what a filter
costs, and hides it. What is left of the difference with a real server is a measurement of its own.
"""
import re

from cases import BATCHED, MILLION, PLAIN, QUEUED, TUTORIAL, Failed, with_links
from connections import Connections

# The gateway alone.
PLAIN_ALONE, BATCHED_ALONE, TUTORIAL_ALONE = (with_links(case, "threads") for case in (PLAIN, BATCHED, TUTORIAL))
QUEUED_ALONE = {names: with_links(case, "threads") for names, case in QUEUED.items()}
CASES_ALONE = [PLAIN_ALONE, QUEUED_ALONE[10 * MILLION], QUEUED_ALONE[0], QUEUED_ALONE[MILLION], BATCHED_ALONE,
               TUTORIAL_ALONE]


class Tls(Connections):
    paced_rate = 2000
    steps = 24
    title = f"New TLS connections, canned, as many as get through; p50 and p99 at {paced_rate}/s"
    load_program, sink_program = "load_tls", "sink_tls"
    count = 1000000
    counters = ("queued_syn", "queued_client", "queued_server")
    queued_range = (2.9, 6)
    ratios = [
        ("tls_rate_vs_bare_batched", "rate", QUEUED_ALONE[MILLION], BATCHED_ALONE),
        ("tls_cpu_vs_bare_batched", "gateway_us", QUEUED_ALONE[MILLION], BATCHED_ALONE),
        ("tls_packets_queued_per_connection", "queued", QUEUED_ALONE[MILLION], None),
        ("tls_rate_vs_plain", "rate", QUEUED_ALONE[MILLION], PLAIN_ALONE),
        ("tls_cpu_vs_plain", "gateway_us", QUEUED_ALONE[MILLION], PLAIN_ALONE),
        ("tls_tutorial_cpu_vs_bare_batched", "gateway_us", TUTORIAL_ALONE, BATCHED_ALONE),
        ("tls_cpu_1m_vs_0", "gateway_us", QUEUED_ALONE[MILLION], QUEUED_ALONE[0]),
        ("tls_cpu_10m_vs_0", "gateway_us", QUEUED_ALONE[10 * MILLION], QUEUED_ALONE[0]),
    ]
    cases = CASES_ALONE
    quick_cases = [QUEUED_ALONE[MILLION], BATCHED_ALONE]


class Https:
    """wrk asks the testbed's nginx for a page over a new connection each time."""
    title = "TLS with a real server (nginx and wrk): a new connection for each request, 32 at a time"
    columns = [("rate", "requests/s", "{:.0f}"), ("p50_us", "p50 us", "{:.0f}"), ("p99_us", "p99 us", "{:.0f}")]
    ratios = [
        ("https_rate_vs_bare_batched", "rate", QUEUED[MILLION], BATCHED),
        ("https_rate_vs_plain", "rate", QUEUED[MILLION], PLAIN),
    ]
    cases = [PLAIN, QUEUED[MILLION], BATCHED]
    quick_cases = []
    steps = quick_steps = 2

    def __init__(self, stage, pace):
        self.stage = stage
        self.begin_round()

    def begin_round(self):
        self.stage.forget_connections()
        self.done, self.counted = 0, self.stage.counters()

    def step(self):
        # A second is the least that wrk can do. The name is in no list; it is the one in the hello, too.
        text = self.stage.testbed.exec("client", "wrk", "--threads", 1, "--connections", 32, "--duration", 1,
                                       "--latency", "--header", "Connection: close",
                                       "https://www.unlisted.example/").stdout
        done = int(re.search(r"(\d+) requests in", text)[1])
        if not done or re.search("Socket errors|Non-2xx", text):
            raise Failed(f"wrk says:\n{text}")
        self.done += done
        return {"rate": float(re.search(r"Requests/sec: +([\d.]+)", text)[1]), "p50_us": quantile_us(text, 50),
                "p99_us": quantile_us(text, 99)}

    def close_round(self, quick):
        queued = self.stage.counters().get("queued_syn", 0) - self.counted.get("queued_syn", 0)
        if queued < self.done if self.stage.case.program else queued:
            raise Failed(f"{queued} SYN queued for {self.done} connections")
        self.begin_round()
        return {}


def quantile_us(text, percent):
    value, unit = re.search(rf"^ +{percent}% +([\d.]+)(us|ms|s)$", text, re.M).groups()
    return float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
