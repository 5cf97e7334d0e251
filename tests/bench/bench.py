# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's main program; scripts/bench runs it in namespaces of its own.

A measurement is a class in MEASUREMENTS. Each case that it wants gets a stage (stage.py) with an object of it:

    title, columns         of its table: (key of a sample, heading, format)
    cases, quick_cases     those of cases.py that it wants, in order; with --quick
    ratios                 (name, key, case, case to divide by, or None for the figure itself)
    worst                  (name, names of ratios): the least of these, if there is such
    steps, quick_steps     how many steps a round has
    __init__(stage, pace)  starts what it needs there; pace: the part of the usual rate at which to measure
    step()                 measures for a moment: a dict of figures, of which the round's median counts; None if the
                           machine was too busy for it
    close_round(quick)     once a round: a dict of what is not measured in steps, and checks. Both may raise Failed

CPUs of a virtual machine run now fast, now slow, within tenths of a second. So a round is made of many short steps,
in which all cases take turns, forth and back; a ratio is made of two samples of one round.

Resolvers with the same list (resolvers.py) are no case of these: they have a table of their own.
"""
import argparse
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import time

import cases
import figures
import resolvers
from bulk import Bulk
from cases import TREE, Built, Failed
from dns import Dns
from harness import run
from quic import Quic
from stage import Remote
from tls import Https, Tls

MEASUREMENTS = {"dns": Dns, "tls": Tls, "https": Https, "quic": Quic, "bulk": Bulk}
RESOLVERS = "resolvers"
ROUNDS = 9


def say(text):
    print(text, file=sys.stderr, flush=True)


def options_read():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", choices=[*MEASUREMENTS, RESOLVERS])
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--pace", type=float, default=100)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, default=TREE / "build/bench")
    return parser.parse_args()


class Bench:
    def __init__(self, options):
        self.options = options
        self.measurements = {name: kind for name, kind in MEASUREMENTS.items()
                             if not options.only or name in options.only}
        self.rounds = {name: [] for name in self.measurements}
        self.failures = []
        self.resolvers = {}
        options.work.mkdir(parents=True, exist_ok=True)
        self.work = options.work.resolve()
        self.built = Built(self.work)
        self.stages = {}
        self.begun = time.monotonic()

    def cases(self, kind):
        return kind.quick_cases if self.options.quick else kind.cases

    def settings(self):
        """What filterd's configuration has besides."""
        found = dict(pair.partition("=")[::2] for pair in self.options.set)
        unknown = found.keys() - self.built.keys
        if unknown:
            raise Failed(f"no keys of the configuration: {', '.join(sorted(unknown))}")
        return found

    def steps(self, kind):
        return self.options.steps or (kind.quick_steps if self.options.quick else kind.steps)

    def raise_stages(self):
        wanted = {}  # the measurements of each case
        for name, kind in self.measurements.items():
            for case in filter(self.built.has, self.cases(kind)):
                wanted.setdefault(case, {})[name] = kind
        for names in sorted({case.names for case in wanted}):
            cases.image_make(self.work, names)
        say(f"setting up {len(wanted)} cases")
        pace = self.options.pace / 100
        self.stages = {case: Remote(case, self.work, self.built.keys, self.settings(), kinds, pace)
                       for case, kinds in wanted.items()}
        for stage in self.stages.values():
            stage.wait()
        for case, kinds in wanted.items():
            for name in kinds:  # to warm up
                self.call(self.stages[case], name, "step")

    def run(self):
        if RESOLVERS in (self.options.only or ([] if self.options.quick else [RESOLVERS])):
            self.measure_resolvers()
        self.raise_stages()
        self.begun = time.monotonic()
        for number in range(self.options.rounds):
            self.progress(number)
            for name, kind in self.measurements.items():
                self.rounds[name].append(self.round(name, kind, number))

    def measure_resolvers(self):
        """Before the stages are up, since they want the machine for themselves."""
        script = pathlib.Path(resolvers.__file__)
        done = subprocess.run(["unshare", "--net", sys.executable, "-B", script, self.work / "resolvers"],
                              stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise Failed("resolvers can't be measured")
        self.resolvers = json.loads(done.stdout)

    def progress(self, number):
        spent = time.monotonic() - self.begun
        left = f", {spent / number * (self.options.rounds - number):.0f} s to go" if number else ""
        say(f"round {number + 1} of {self.options.rounds} ({spent:.0f} s{left})")

    def round(self, name, kind, number):
        """The round's sample of each case."""
        stages = [self.stages[case] for case in self.cases(kind) if case in self.stages]
        steps = {stage: [] for stage in stages}
        for turn in range(self.steps(kind)):
            for stage in stages if turn % 2 == 0 else stages[::-1]:
                found = self.call(stage, name, "step")
                if found:
                    steps[stage].append(found)
        samples = {}
        for stage in stages:
            closing = self.call(stage, name, "close_round", self.options.quick)
            if len(steps[stage]) < self.steps(kind) / 2:
                self.fail(name, stage, "the machine was too busy for most steps")
            elif closing is not None:
                samples[stage.case.name] = figures.round_sample(steps[stage], closing)
        return samples

    def call(self, stage, name, method, *arguments):
        try:
            return stage.call(name, method, *arguments)
        except Failed as failed:
            self.fail(name, stage, failed)
            return None

    def fail(self, name, stage, why):
        self.failures.append(f"{name}, {stage.case.name}: {why}")
        say(f"FAILED: {self.failures[-1]}")

    # ---- what came of it

    def ratios(self):
        """Name: spread; None where a case is not built, or was left out."""
        found = {}
        for name, kind in self.measurements.items():
            for ratio, key, case, base in kind.ratios:
                values = figures.values(self.rounds[name], key, case, base)
                found[ratio] = {**figures.spread(values), "values": values} if values else None
            worst, names = getattr(kind, "worst", (None, []))
            if worst:
                parts = [found[name] for name in names]
                found[worst] = min(parts, key=lambda part: part["median"]) if all(parts) else None
        return found

    def table(self, name, kind):
        rows = [[""] + [heading for _, heading, _ in kind.columns]]
        for case in self.cases(kind):
            cells = []
            for key, _, form in kind.columns:
                values = figures.values(self.rounds[name], key, case)
                cells.append(form.format(figures.spread(values)["median"]) if values else "-")
            if not self.built.has(case):
                cells[0] = "not built"
            rows.append([case.name, *cells])
        return figures.table(rows)

    def resolvers_table(self):
        rows = [[""] + [heading for _, heading, _ in resolvers.COLUMNS]]
        for name, found in self.resolvers.items():
            rows.append([name] + [form.format(found[key]) if key in found else "-"
                                  for key, _, form in resolvers.COLUMNS])
        return figures.table(rows)

    def report(self):
        for name, kind in self.measurements.items():
            if not self.cases(kind):
                continue
            print(f"\n{kind.title}\nMedians of {self.options.rounds} rounds of {self.steps(kind)} steps\n")
            print(self.table(name, kind))
        if self.resolvers:
            print(f"\n{resolvers.TITLE}\n\n{self.resolvers_table()}")
        rows = [["", "median", "quartiles", "range"]]
        for name, found in self.ratios().items():
            if found:
                rows.append([name, f"{found['median']:.3f}", "{:.3f} - {:.3f}".format(*found["quartiles"]),
                             "{:.3f} - {:.3f}".format(*found["range"])])
        print(f"\nRatios, each of two samples of one round\n\n{figures.table(rows)}")
        for failure in self.failures:
            print(f"FAILED: {failure}")

    def json(self):
        ratios = self.ratios()
        every = {case for kind in self.measurements.values() for case in self.cases(kind)}
        return {
            "machine": machine(), "rounds": self.options.rounds, "quick": self.options.quick,
            "pace": self.options.pace / 100, "set": self.options.set,
            "steps": {name: self.steps(kind) for name, kind in self.measurements.items()},
            "failures": self.failures,
            "not_built": sorted(case.name for case in every if not self.built.has(case)),
            "ratios": {name: found and round(found["median"], 4) for name, found in ratios.items()},
            "spread": ratios, "samples": self.rounds,
            RESOLVERS: self.resolvers,
        }


def machine():
    with open("/proc/cpuinfo") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.machine(), "cores": os.cpu_count(), "kernel": platform.release(),
            "commit": run("git", "-C", TREE, "describe", "--always", "--dirty", check=False).stdout.strip()}


def list_all():
    for name, kind in MEASUREMENTS.items():
        print(f"{name}: {kind.title}")
        for case in kind.cases:
            print(f"  {case.name}{' (also with --quick)' if case in kind.quick_cases else ''}")
    print(f"{RESOLVERS}: {resolvers.TITLE}")


def main():
    options = options_read()
    if options.list:
        list_all()
        return 0
    if os.getpid() != 1:
        say("bench: run scripts/bench, which gives it namespaces of its own")
        return 2
    # As the first process of its namespace this one takes all others with it, however it ends.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(1))
    bench = Bench(options)
    try:
        bench.run()
    except Failed as failed:
        say(f"bench: {failed}")
        return 1
    bench.report()
    if options.json:
        options.json.write_text(json.dumps(bench.json(), indent=1) + "\n")
    return bool(bench.failures)


if __name__ == "__main__":
    sys.exit(main())
