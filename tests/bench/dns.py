# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS over UDP: unlisted names, each query from a fresh source port of one of 256 clients.

CPU and latency at a steady rate that leaves the machine idle time in every case; then, once a round, as many
queries as get through. Clients and server each have a CPU, so that each way is always forwarded by the same one.
"""
import json
import subprocess

import cases
from cases import MILLION, PROGRAMS, Failed, with_links

SERVER = "10.77.2.53"
RATE = 30000
WINDOW = 256
LOSS_MAX = 0.001
CLEAN_MAX = 0.02  # of the queries, those that the prefilter may leave to the daemon


def checksums(case):
    return with_links(case, "checksums", case.name)


BATCHED, PLAIN, TUTORIAL, UNQUEUED = map(checksums, (cases.BATCHED, cases.PLAIN, cases.TUTORIAL, cases.UNQUEUED))
PREFILTERED, QUEUED = ({names: checksums(case) for names, case in of.items()} for of in (cases.PREFILTERED, cases.QUEUED))


class Dns:
    title = f"DNS over UDP, unlisted names. CPU (clients, gateway and server) and latency at {RATE} queries/s"
    columns = [("cpu_us", "CPU us/query", "{:.2f}"), ("p50_us", "p50 us", "{:.0f}"), ("p99_us", "p99 us", "{:.0f}"),
               ("max_rate", "queries/s at most", "{:.0f}"), ("queued", "queued/query", "{:.3f}"),
               ("anon_mb", "memory MB", "{:.1f}"), ("shared_mb", "image MB", "{:.1f}")]
    ratios = [
        ("dns_unlisted_cpu_vs_plain", "cpu_us", PREFILTERED[MILLION], PLAIN),
        ("dns_unlisted_cpu_vs_bare_batched", "cpu_us", QUEUED[MILLION], BATCHED),
        ("dns_rules_cpu_vs_plain", "cpu_us", UNQUEUED, PLAIN),
        ("dns_bare_batched_cpu_vs_plain", "cpu_us", BATCHED, PLAIN),
        ("dns_filterd_cpu_vs_plain", "cpu_us", QUEUED[MILLION], PLAIN),
        ("dns_tutorial_cpu_vs_bare_batched", "cpu_us", TUTORIAL, BATCHED),
        ("dns_filterd_cpu_1m_vs_0", "cpu_us", QUEUED[MILLION], QUEUED[0]),
        ("dns_filterd_cpu_10m_vs_0", "cpu_us", QUEUED[10 * MILLION], QUEUED[0]),
        ("dns_prefilter_cpu_1m_vs_0", "cpu_us", PREFILTERED[MILLION], PREFILTERED[0]),
        ("dns_prefilter_cpu_10m_vs_0", "cpu_us", PREFILTERED[10 * MILLION], PREFILTERED[0]),
        ("dns_unlisted_rate_vs_plain", "max_rate", PREFILTERED[MILLION], PLAIN),
        ("dns_unlisted_rate_vs_bare_batched", "max_rate", QUEUED[MILLION], BATCHED),
    ]
    # Those that are held against each other stand side by side.
    cases = [UNQUEUED, PLAIN, PREFILTERED[MILLION], PREFILTERED[0], PREFILTERED[10 * MILLION], QUEUED[10 * MILLION],
             QUEUED[0], QUEUED[MILLION], BATCHED, TUTORIAL]
    quick_cases = [PLAIN, PREFILTERED[MILLION], QUEUED[MILLION], BATCHED]
    steps, quick_steps = 24, 5
    step_s, max_s = 0.1, 0.25

    def __init__(self, stage, pace):
        self.stage, self.rate = stage, round(RATE * pace)
        stage.testbed.exec("server", "ip", "address", "add", f"{SERVER}/24", "dev", "eth0")
        stage.serve(PROGRAMS / "sink_dns", SERVER, cpu=1)
        self.load = self.load_start("--rate", self.rate, "--warm", 0.02, "--seconds", self.step_s, "--steps")
        self.sent = 0
        self.counted = stage.counters()

    def load_start(self, *options):
        return self.stage.start("client", PROGRAMS / "load_dns", "--clients", self.stage.clients, *options, SERVER,
                                cpu=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def result(self, process):
        found = json.loads(process.stdout.readline())
        self.sent += found["sent_in_all"]
        if found["loss"] > LOSS_MAX:
            raise Failed(f"{found['loss']:.2%} of the answers did not come")
        return found

    def step(self):
        self.load.stdin.write("\n")
        self.load.stdin.flush()
        found = self.result(self.load)
        if found["rate"] < self.rate * 0.95:
            return None
        return {"cpu_us": found["cpu_s"] / found["sent"] * 1e6, "p50_us": found["p50_us"], "p99_us": found["p99_us"]}

    def close_round(self, quick):
        """What is measured once a round; and was the case what it claims to be?"""
        connections, most = self.stage.connections(), {}
        if not quick:
            with self.load_start("--window", WINDOW, "--warm", 0.05, "--seconds", self.max_s) as process:
                most = {"max_rate": self.result(process)["rate"]}
        counted = self.stage.counters()
        queued, unjudged = (counted.get(name, 0) - self.counted.get(name, 0) for name in ("queued_dns", "unjudged"))
        found = {"queued": queued / self.sent, **most, **self.stage.memory()}
        self.counted, self.sent = counted, 0
        self.stage.forget_connections()
        self.check(found["queued"], unjudged, connections)
        return found

    def check(self, queued, unjudged, connections):
        case = self.stage.case
        if not connections:
            raise Failed("conntrack saw nothing")
        if not case.program and queued > 0:
            raise Failed(f"{queued:.3f} packets queued per query, where nothing filters")
        if case.prefilter and queued > CLEAN_MAX:
            raise Failed(f"the prefilter left {queued:.1%} of the queries to the daemon")
        if case.program and not case.prefilter and abs(queued - 1) > 0.01:
            raise Failed(f"{queued:.3f} packets queued per query, where each must be")
        if unjudged > 0:
            raise Failed(f"{unjudged} packets passed unjudged")
