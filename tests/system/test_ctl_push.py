# SPDX-License-Identifier: GPL-3.0-or-later
"""The job of an engineer at night, by filterctl alone: push, see, lift, roll back; and what a filterctl that dies leaves."""
import json
import os
import random
import signal
import subprocess
import time

import pytest

from harness import FILTERCTL, order, run

KILLS = int(os.environ.get("FILTERD_KILLS", 12))  # of filterctl in the middle of a push


class Ctl:
    def __init__(self, filterd, folder):
        self.socket, self.orders = filterd.config["filterd.control"], folder / "pushed"
        self.orders.mkdir()

    def __call__(self, *words, check=True):
        return run(FILTERCTL, *words, "--control", self.socket, check=check)

    def json(self, *words):
        return json.loads(self(*words, "--json").stdout)

    def write(self, **texts):
        for id, text in texts.items():
            (self.orders / f"{id}.order").write_text(text)

    def push(self, **texts):
        self.write(**texts)
        return self.json("push", self.orders, "--yes")

    def in_force(self):
        return [(one["id"], one["names"]) for one in self.json("orders")["orders"]]


@pytest.fixture
def ctl(filterd, tmp_path):
    filterd.start(order("first.example", id="first"), filterd__state=tmp_path / "state")
    return Ctl(filterd, tmp_path)


def test_a_night(testbed, ctl):
    ctl.write(first=order("first.example", id="first"), night=order("night.example", id="night"))
    assert testbed.dig("night.example").status == "NOERROR"
    watch = subprocess.Popen([str(FILTERCTL), "watch", "--control", ctl.socket, "--json", "--count", "2", "--name",
                              "night.example"], text=True, stdout=subprocess.PIPE)
    dry = ctl("push", ctl.orders, "--dry-run").stdout
    assert "+ order night (Test Authority): 1 name, in force until" in dry, dry
    assert testbed.dig("night.example").status == "NOERROR"
    pushed = ctl.json("push", ctl.orders, "--yes", "--note", "by telephone")
    assert pushed["serial"] > pushed["serial-from"], pushed
    assert pushed["after-enter-ms"] < 10000
    assert testbed.dig("first.example").status == "NXDOMAIN"  # nobody watches this one
    for name in ("night.example", "www.night.example"):
        assert testbed.dig(name).status == "NXDOMAIN"
    seen = [json.loads(line) for line in watch.communicate(timeout=60)[0].splitlines()]
    assert [event["dns"]["rrname"] for event in seen] == ["night.example", "www.night.example"], seen
    assert {row["key"] for row in ctl.json("top")["rows"]} == {"first.example", "night.example", "www.night.example"}
    assert {row["key"]: row["hits"] for row in ctl.json("top", "orders")["rows"]} == {"first": 1, "night": 2}
    assert ctl.json("top", "clients")["rows"][0]["key"] == "10.77.1.0/24"
    assert ctl("check", "night.example", check=False).returncode == 1
    assert "Nothing to do" in ctl("push", ctl.orders, "--yes").stdout
    ctl("lift", "night", "--reason", "the court says so")
    assert testbed.dig("night.example").status == "NOERROR"
    assert ctl("check", "night.example").returncode == 0
    assert {one["id"]: one["state"] for one in ctl.json("orders")["orders"]} == {"first": "active", "night": "lifted"}
    assert "Order night was lifted at" in ctl("push", ctl.orders, "--yes").stdout
    ctl.push(again=order("again.example", id="again"))
    assert testbed.dig("again.example").status == "NXDOMAIN"
    ctl("rollback", "--note", "wrong one")
    assert testbed.dig("again.example").status == "NOERROR"
    assert "rollback" in [one["command"] for one in ctl.json("serials")["serials"]]


def test_somebody_else_was_faster(ctl):
    """Who is asked sees an old difference by the time of the answer."""
    ctl.write(a=order("a.example", id="a"))
    master, slave = os.openpty()
    asked = subprocess.Popen([str(FILTERCTL), "push", str(ctl.orders), "--control", ctl.socket], stdin=slave, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        asked.stdout.readline()  # the difference stands there, and it waits
        ctl.push(b=order("b.example", id="b"))
        os.write(master, b"y\n")
        _, err = asked.communicate(timeout=60)
    finally:
        os.close(master)
        os.close(slave)
    assert asked.returncode == 1 and "push again to see what changes now" in err, err


def test_killed_at_any_moment(ctl):
    """filterctl dies by SIGKILL in the middle of pushes: what is in force is one of the two rulesets, whole."""
    sets, folders = {}, {}
    for id in ("one", "two"):
        folders[id] = ctl.orders / id
        folders[id].mkdir()
        (folders[id] / "x.order").write_text(order(*(f"n{i}.{id}.example" for i in range(2000)), id=id))
        started = time.monotonic()
        ctl("push", folders[id], "--yes")
        took = time.monotonic() - started
        sets[id] = ctl.in_force()
        assert sets[id] == [(id, 2000)]
    for number in range(KILLS):
        words = [str(FILTERCTL), "push", str(folders[("one", "two")[number % 2]]), "--yes", "--control", ctl.socket]
        push = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0, 1.2 * took))
        push.send_signal(signal.SIGKILL)
        push.wait()
        assert ctl.in_force() in sets.values()
    ctl("push", folders["one"], "--yes")
    assert ctl.in_force() == sets["one"]
