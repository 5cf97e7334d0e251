# SPDX-License-Identifier: GPL-3.0-or-later
"""What can stand between clients and servers in the benchmark, and the compiled orders that filterd has there."""
import dataclasses
import pathlib
import subprocess
import sys
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests/system"))
from harness import BUILD, FILTERCTL, FILTERD, order, run  # noqa: E402

PROGRAMS = BUILD / "tests/bench"
MILLION = 1000000
IMAGE_AGE_S = 7 * 86400
ORDER_LIFE_S = 30 * 86400


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    program: str = None     # behind the queues: None, queue_batched, queue_tutorial, filterd
    # None: none; filterd: those of scripts/firewall; unqueued: those, but no port is DNS's; least: stage.LEAST
    rules: str = "filterd"
    names: int = 0          # in filterd's order
    prefilter: bool = False
    links: str = "plain"    # what becomes of the veths (links.py): plain: nothing; no offloads; threads


def size(names):
    return f"{names // MILLION}M" if names >= MILLION else str(names)


def filterd(names, prefilter):
    return Case(f"{'prefilter' if prefilter else 'filterd'}-{size(names)}", "filterd", names=names, prefilter=prefilter)


def with_links(case, links, name=None):
    return dataclasses.replace(case, links=links, name=name or case.name)


PLAIN = Case("plain", rules=None)
UNQUEUED = Case("rules-only", rules="unqueued")
BATCHED = Case("bare-batched", "queue_batched")
TUTORIAL = Case("tutorial", "queue_tutorial")
QUEUED = {names: filterd(names, False) for names in (0, MILLION, 10 * MILLION)}
PREFILTERED = {names: filterd(names, True) for names in (0, MILLION, 10 * MILLION)}


class Failed(Exception):
    """Something did not work, or a case was not what it claims to be."""


class Built:
    """What this build of filterd can do."""

    def __init__(self, work):
        conf = work / "keys.conf"
        conf.write_text("[firewall]\nlan = lan0\n")
        self.keys = {line.partition("=")[0] for line in run(FILTERD, "-T", "-c", conf).stdout.splitlines()}

    def has(self, case):
        return not case.prefilter or "firewall.prefilter" in self.keys


def image_path(work, names):
    return work / f"names-{size(names)}.image"


def image_make(work, names):
    """One order of so many names, compiled, if that was not done with this build. (No order has no name: 0 is 1.)"""
    path = image_path(work, names)
    if path.exists():
        made = path.stat().st_mtime
        if made > FILTERCTL.stat().st_mtime and made > time.time() - IMAGE_AGE_S:
            return
    folder = work / f"orders-{size(names)}"
    folder.mkdir(exist_ok=True)
    if names:
        with open(folder / "names.txt", "w") as file:
            subprocess.run([PROGRAMS / "list_names", str(names)], stdout=file, check=True)
        text = order(id="bench", expires=ORDER_LIFE_S, list="names.txt", **{"override-guard": f"max-names {names}"})
    else:
        text = order("benchmark.invalid", id="bench", expires=ORDER_LIFE_S)
    (folder / "bench.order").write_text(text)
    run(FILTERCTL, "compile", "--orders", folder, "-o", path, timeout=600)
