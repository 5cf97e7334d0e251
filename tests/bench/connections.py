# SPDX-License-Identifier: GPL-3.0-or-later
"""What measurements of new connections have in common (tls.py, quic.py): sinks on the server, load on the client.

In steps, as many as get through, so that both CPUs are busy: the rate, and the CPU time of the gateway alone
(links.py). Then, once a round, at a steady rate that leaves idle time: how long a connection takes. (With their
threads, the veths make each packet wait for a wake-up, in all cases alike.)
"""
import json
import subprocess

from cases import PROGRAMS, Failed

SERVER = "10.77.2.3"
PAIRS = 2         # of load and sink
CONNECTIONS = 64  # at a time, of each
FAILED_MAX = 0.001
LISTED = 100      # connections to listed names, by which a filter is known


class Load:
    """Programs that make connections, all at the same time whenever run() is called."""

    def __init__(self, stage, program, count, *options):
        command = [PROGRAMS / program, "--clients", stage.clients, "--connections", CONNECTIONS, *options, "--steps",
                   SERVER]
        self.processes = [stage.start("client", *command, cpu=cpu, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                          for cpu in range(count)]

    def tell(self):
        for process in self.processes:
            process.stdin.write("\n")
            process.stdin.flush()

    def hear(self):
        return [process.stdout.readline() for process in self.processes]

    def run(self, gateway=None):
        """What they measured, counts and rates together; with the gateway's CPU seconds."""
        self.tell()
        self.hear()  # they are ready
        before = gateway.time_s() if gateway else 0
        self.tell()
        lines = self.hear()
        spent = gateway.time_s() - before if gateway else 0
        if not all(lines):
            raise Failed(f"{self.processes[0].args[0]} ended")
        results = [json.loads(line) for line in lines]
        sums = {key: sum(result[key] for result in results) for key in ("done", "failed", "late", "rate")}
        return {**results[0], **sums, "gateway_s": spent}


class Connections:
    """To a measurement it lacks: title, cases, ratios; and what stands here."""
    load_program = sink_program = None
    paced_rate = 0         # connections a second
    count = 0              # in a step, of each program, at most
    counters = ()          # of scripts/firewall: what such connections have queued
    queued_range = (0, 0)  # packets queued for a connection where something is behind the queues
    columns = [("rate", "connections/s", "{:.0f}"), ("gateway_us", "gateway CPU us", "{:.1f}"),
               ("queued", "packets queued", "{:.2f}"), ("p50_us", "p50 us", "{:.0f}"), ("p99_us", "p99 us", "{:.0f}"),
               ("anon_mb", "memory MB", "{:.1f}"), ("shared_mb", "image MB", "{:.1f}")]
    steps, quick_steps = 12, 6
    step_s, paced_s = 0.1, 0.3

    def __init__(self, stage, pace):
        self.stage, self.rate = stage, round(self.paced_rate * pace)
        for pair in range(PAIRS):
            stage.serve(PROGRAMS / self.sink_program, SERVER, cpu=pair + 1)
        self.most = self.load_start(PAIRS, "--seconds", self.step_s)
        self.steady = self.load_start(1, "--seconds", self.paced_s, "--rate", self.rate)
        self.listed = self.load_start(1, "--count", LISTED, "--first", 0, "--names", max(1, stage.case.names))
        self.begin_round()

    def load_start(self, programs, *options):
        return Load(self.stage, self.load_program, programs, "--count", self.count, *options)

    def begin_round(self):
        self.stage.forget_connections()
        self.done = self.failed = 0
        self.counted = self.stage.counters()

    def step(self):
        found = self.most.run(self.stage.gateway)
        self.done += found["done"]
        self.failed += found["failed"]
        if not found["done"]:
            return None
        return {"rate": found["rate"], "gateway_us": found["gateway_s"] / found["done"] * 1e6}

    def close_round(self, quick):
        """What is measured once a round; and was the case what it claims to be?"""
        counted = self.stage.counters()
        new = {key: counted[key] - self.counted.get(key, 0) for key in counted}
        self.check(new)
        found = {"queued": sum(new.get(key, 0) for key in self.counters) / self.done, **self.stage.memory()}
        if not quick:
            found.update(self.steady_step())
        self.begin_round()
        return found

    def steady_step(self):
        """Nothing if the machine was too busy."""
        found = self.steady.run()
        if found["failed"] or found["late"] or found["rate"] < self.rate * 0.95:
            return {}
        return {"p50_us": found["p50_us"], "p99_us": found["p99_us"]}

    def check(self, new):
        case = self.stage.case
        low, high = self.queued_range if case.program else (0, 0)
        queued = sum(new.get(key, 0) for key in self.counters)
        if self.failed > FAILED_MAX * self.done:
            raise Failed(f"{self.done} connections done, {self.failed} failed")
        if not low * self.done <= queued <= high * self.done:
            raise Failed(f"{queued} packets queued for {self.done} connections, where {low} to {high} times as many "
                         f"should be")
        if new.get("unjudged", 0) > 0:
            raise Failed(f"{new['unjudged']} packets passed unjudged")
        if case.program == "filterd" and case.names:
            listed = self.listed.run()
            if listed["done"] or not listed["failed"]:
                raise Failed(f"{listed['done']} connections to listed names came through")
