# SPDX-License-Identifier: GPL-3.0-or-later
"""Many pushes in a row, under load: nothing is lost, nothing is judged by neither ruleset, memory stays as it is; and an
end of the daemon at any moment of a push.

What these show in the suite is short; at full length, for the figures:
  FILTERD_PUSHES=100 FILTERD_PUSH_NAMES=1000000 FILTERD_KILLS=200 pytest -s tests/system/test_pushes.py
"""
import os
import random
import re
import signal
import subprocess
import threading
import time

import pytest

from control import ask, push
from harness import BUILD, FILTERCTL, SERVER, order, run

PUSHES = int(os.environ.get("FILTERD_PUSHES", 6))
NAMES = int(os.environ.get("FILTERD_PUSH_NAMES", 200_000))
KILLS = int(os.environ.get("FILTERD_KILLS", 8))
COMMON = "common.example"


def images_of(folder, names):
    """Two images with that many names each, of which they have only one in common."""
    made = folder / "made.txt"
    with open(made, "w") as file:
        subprocess.run([BUILD / "tests/bench/list_names", str(2 * names)], stdout=file, check=True)
    lines = made.read_text().splitlines()
    images = []
    for number, part in enumerate((lines[:names], lines[names:])):
        here = folder / f"orders{number}"
        here.mkdir()
        (here / "list.txt").write_text("\n".join(part) + "\n")
        (here / "it.order").write_text(order(COMMON, id=f"set-{number}", list="list.txt",
                                             **{"override-guard": f"max-names {names + 1}"}))
        run(FILTERCTL, "compile", "--orders", here, "-o", folder / f"{number}.image", timeout=300)
        images.append((folder / f"{number}.image").read_bytes())
    return images


class Load:
    """Queries and requests that go on until they are told to stop."""

    def __init__(self, testbed, folder):
        self.running = {}
        for name, rate in ((COMMON, 500), ("allowed.example", 500)):
            (folder / name).write_text(f"www.{name} A\n")
            self.start(testbed, name, "dnsperf", "-s", SERVER[4], "-d", folder / name, "-c", "20", "-Q", rate,
                       "-l", "100000", "-t", "10")
        self.start(testbed, "wrk", "wrk", "-t1", "-c4", "-d", "100000", "-H", "Host: allowed.example", "-H",
                   "Connection: close", f"http://{SERVER[4]}/")

    def start(self, testbed, key, *command):
        self.running[key] = testbed.popen("client", *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def stop(self):
        """What each of them said at the end."""
        for process in self.running.values():
            process.send_signal(signal.SIGINT)
        return {name: process.communicate(timeout=60)[0] for name, process in self.running.items()}


class Latency:
    """How long the main thread is away at most, told by how long it takes to ask it something."""

    def __init__(self, socket):
        self.socket, self.worst, self.going = socket, 0, True
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.going:
            began = time.monotonic()
            ask(self.socket, "serials")
            self.worst = max(self.worst, time.monotonic() - began)
            time.sleep(0.01)

    def end(self):
        self.going = False
        self.thread.join()
        return self.worst


def memory_of(process):
    """Kilobytes in use: of its own, and in memory files."""
    text = open(f"/proc/{process.pid}/status").read()
    return {key: int(re.search(rf"{key}:\s+(\d+)", text)[1]) for key in ("RssAnon", "RssShmem")}


def check_load(said):
    for name, code in ((COMMON, "NXDOMAIN"), ("allowed.example", "NOERROR")):
        text = said[name]
        sent, lost = (int(re.search(rf"Queries {what}:\s+(\d+)", text)[1]) for what in ("sent", "lost"))
        codes = re.search(r"Response codes:\s+(.*)", text)[1]
        assert sent > 100 and lost == 0, text
        assert re.fullmatch(rf"{code} \d+ \(100.00%\)", codes.strip()), text
    assert "Socket errors" not in said["wrk"] and "Non-2xx" not in said["wrk"], said["wrk"]
    assert int(re.search(r"(\d+) requests in", said["wrk"])[1]) > 10, said["wrk"]


def test_pushes_under_load(testbed, filterd, tmp_path):
    for tool in ("dnsperf", "wrk"):
        if run("which", tool, check=False).returncode:
            pytest.skip(f"{tool} is missing (scripts/setup)")
    images = images_of(tmp_path, NAMES)
    filterd.image.write_bytes(images[0])
    filterd.start()
    socket, before = filterd.config["filterd.control"], testbed.counters()
    for number in (1, 0):
        push(socket, images[number])
    load, latency, took, memory = Load(testbed, tmp_path), Latency(socket), [], []
    time.sleep(1)
    for number in range(PUSHES):
        began = time.monotonic()
        done = push(socket, images[1 - number % 2])
        took.append(time.monotonic() - began)
        assert "serial" in done, done
        memory.append(memory_of(filterd.process))
    worst = latency.end()
    said = load.stop()
    check_load(said)
    status = ask(socket, "status")
    assert sum(worker["missed"] for worker in status["workers"]) == 0
    assert testbed.counters().get("unjudged", 0) == before.get("unjudged", 0)
    # The first pushes find their place; from then on nothing grows.
    settled, last = memory[min(3, len(memory) - 1)], memory[-1]
    for key in settled:
        assert last[key] <= settled[key] * 1.05 + 2048, memory
    print(f"\n{PUSHES} pushes of {NAMES} names: {1000 * min(took):.0f} to {1000 * max(took):.0f} ms, "
          f"median {1000 * sorted(took)[len(took) // 2]:.0f}; main thread away for {1000 * worst:.0f} ms at most; "
          f"memory {memory[0]} to {last}")
    print("\n".join(re.findall(r"Queries (?:sent|lost).*|\d+ requests in.*", "".join(said.values()))))


def test_killed_at_any_moment_of_a_push(testbed, filterd, tmp_path):
    images = images_of(tmp_path, NAMES // 10)
    filterd.image.write_bytes(images[0])
    filterd.start(firewall__prefilter="no")
    socket = filterd.config["filterd.control"]
    began = time.monotonic()
    push(socket, images[1])
    takes = 1.5 * (time.monotonic() - began)
    sums = set()
    for image in images:
        push(socket, image)
        sums.add(ask(socket, "status")["ruleset"]["checksum"])
    acknowledged, unacknowledged = {}, 0
    for number in range(KILLS):
        answer = {}

        def pushing():
            try:
                answer.update(push(socket, images[number % 2]))
            except OSError:
                pass  # it was killed before it answered
            except ValueError:
                pass

        thread = threading.Thread(target=pushing)
        thread.start()
        time.sleep(random.random() * takes)
        filterd.kill()
        thread.join()
        filterd.start(rules=False)
        ruleset = ask(socket, "status")["ruleset"]
        assert ruleset["checksum"] in sums and ruleset["orders"] == 1, ruleset
        if "serial" in answer:
            acknowledged = answer
            assert ruleset["serial"] == answer["serial"], (ruleset, answer)
        else:
            unacknowledged += 1
            assert ruleset["serial"] >= acknowledged.get("serial", 0), (ruleset, acknowledged)
        assert testbed.dig(COMMON).status == "NXDOMAIN"
    assert run(FILTERCTL, "audit", "verify", "--file", filterd.state / "audit.log", check=False).returncode == 0
    print(f"\n{KILLS} kills, {unacknowledged} of them before the push was acknowledged")
