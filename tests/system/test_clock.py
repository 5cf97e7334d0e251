# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system's clock may do to the orders of a running daemon. Only the daemon sees it done: libfaketime
stands before its clock, and a file says by how much that is wrong. (A clock that is really set: the guest.)"""
import datetime
import json
import os
import pathlib
import shlex
import time

import pytest

from harness import FILTERCTL, FILTERD, order, run, wait_until

HOUR = 3600
LIBRARY = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
Y2038, Y1970 = 2**31 - 1, 0


class Clock:
    """The daemon's clock: off(SECONDS) from the real one, or at(TIME) from now on."""

    def __init__(self, folder):
        self.path = folder / "faketime"
        self.off(0)

    def off(self, seconds):
        fresh = self.path.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        os.replace(fresh, self.path)

    def at(self, when):
        self.off(round(when - time.time()))


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


@pytest.fixture
def daemon(filterd, clock, tmp_path):
    """Not yet started, with that clock, for which somebody vouches (this machine may have no NTP)."""
    if not LIBRARY:
        pytest.skip("faketime is missing (scripts/setup)")
    filterd.program = tmp_path / "filterd"
    filterd.program.write_text(
        "#!/bin/sh\n"
        f"LD_PRELOAD={LIBRARY} FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1 "
        f"FAKETIME_TIMESTAMP_FILE={shlex.quote(str(clock.path))} exec {shlex.quote(str(FILTERD))} \"$@\"\n")
    filterd.program.chmod(0o755)
    filterd.configure(clock__synchronised="always")
    # One that is in force, and one that was until an hour ago.
    filterd.orders(order("now.example", id="now", starts=-3 * HOUR, expires=3 * HOUR),
                   order("over.example", id="over", starts=-3 * HOUR, expires=-HOUR))
    return filterd


def sees(daemon):
    """What the daemon says of its clock."""
    text = run(FILTERCTL, "status", "--json", "--control", daemon.config["filterd.control"]).stdout
    return json.loads(text)["clock"]


def judged(daemon):
    return datetime.datetime.fromisoformat(sees(daemon)["judged"].replace("Z", "+00:00")).timestamp()


def wait_sure(daemon):
    wait_until(lambda: sees(daemon)["sure"], "the clock is sure")


def wait_stepped(daemon):
    wait_until(lambda: sees(daemon)["stepped"], "the step is seen")


def blocked(testbed, name):
    return testbed.dig(name).status == "NXDOMAIN"


def on_disk(daemon):
    """The time in the state folder; None if there is none."""
    path = daemon.state / "clock"
    return int(path.read_text().split()[1]) if path.exists() else None


def another_boot(daemon):
    """The time on disk becomes that of an earlier boot."""
    path = daemon.state / "clock"
    time_text, seconds, _, age = path.read_text().split()
    path.write_text(f"{time_text} {seconds} 00000000-0000-4000-8000-000000000000 {age}\n")


def test_boots_in_1970(testbed, daemon, clock):
    daemon.start()
    wait_sure(daemon)
    daemon.stop()
    another_boot(daemon)
    clock.at(Y1970)
    daemon.start()
    assert sees(daemon)["stepped"] and "1970" in sees(daemon)["why"]
    assert blocked(testbed, "now.example")
    assert not blocked(testbed, "over.example")
    assert daemon.events()[-1]["timestamp"].startswith("1970"), "events tell the system's time"
    before = on_disk(daemon)
    clock.off(0)
    wait_sure(daemon)
    assert blocked(testbed, "now.example")
    daemon.stop()
    assert on_disk(daemon) >= before > time.time() - HOUR


def test_boots_in_1970_for_the_first_time(testbed, daemon, clock):
    clock.at(Y1970)
    daemon.start()
    assert sees(daemon)["stepped"]
    assert on_disk(daemon) is None
    clock.off(0)
    wait_sure(daemon)
    assert blocked(testbed, "now.example")
    wait_until(lambda: on_disk(daemon), "the time is written")


def test_steps_back(testbed, daemon, clock):
    daemon.start()
    wait_sure(daemon)
    clock.off(-2 * HOUR)
    # At once, seen or not: what was over stays over, and what was begun goes on.
    assert not blocked(testbed, "over.example")
    assert blocked(testbed, "now.example")
    wait_stepped(daemon)
    assert not blocked(testbed, "over.example")
    daemon.kill()
    daemon.start()
    assert sees(daemon)["stepped"]
    assert not blocked(testbed, "over.example")
    clock.off(0)
    wait_sure(daemon)


def test_steps_forward(testbed, daemon, clock):
    daemon.start()
    wait_sure(daemon)
    before = on_disk(daemon)
    clock.at(Y2038)
    wait_until(lambda: not blocked(testbed, "now.example"), "the clock says that it is over")
    wait_stepped(daemon)
    # The next daemon of this boot does not believe it either.
    daemon.stop()
    assert on_disk(daemon) == before
    daemon.start()
    assert sees(daemon)["stepped"] and "2038" in sees(daemon)["why"]
    clock.off(0)
    wait_sure(daemon)
    assert blocked(testbed, "now.example")
    assert daemon.log().count("clock unsure") == 2
    assert not any('"ended"' in text and "now" in text for text in records(daemon))


def test_small_steps_are_followed(testbed, daemon, clock):
    daemon.start()
    wait_sure(daemon)
    for minutes in (50, 5, 6, 0):  # never to before the build, which may be fresh
        clock.off(minutes * 60)
        wait_until(lambda: abs(judged(daemon) - time.time() - minutes * 60) < 30, "the step is followed")
        assert sees(daemon)["sure"]
    assert "unsure" not in daemon.log()


def test_what_was_seen_to_end_stays_ended(testbed, daemon, clock):
    """The power fails right after an order ended, and the clock comes up a little before that."""
    daemon.start(order("soon.example", id="soon", expires=HOUR // 2))
    wait_sure(daemon)
    assert blocked(testbed, "soon.example")
    clock.off(HOUR // 2 + 60)
    wait_until(lambda: not blocked(testbed, "soon.example"), "the order ends")
    wait_until(lambda: any('"ended"' in text for text in records(daemon)), "its end is kept")
    assert '"expire"' in (daemon.state / "audit.log").read_text()
    daemon.kill()
    clock.off(HOUR // 4)
    daemon.start()
    wait_sure(daemon)
    assert judged(daemon) < time.time() + HOUR // 2 - 60
    assert not blocked(testbed, "soon.example")


def records(daemon):
    return [path.read_text() for path in (daemon.state / "serials").glob("*.json")]


def test_an_admin_confirms_the_clock(testbed, daemon, clock):
    daemon.start()
    wait_sure(daemon)
    control = ("--control", daemon.config["filterd.control"])
    nothing = run(FILTERCTL, "confirm-clock", *control, check=False)
    assert nothing.returncode == 1 and "nothing to confirm" in nothing.stderr
    clock.off(4 * HOUR)
    wait_stepped(daemon)
    run(FILTERCTL, "confirm-clock", "--note", "the wall says so", *control)
    wait_sure(daemon)
    assert "the wall says so" in (daemon.state / "audit.log").read_text()
    wait_until(lambda: any('"ended"' in text for text in records(daemon)), "what has ended is kept")
    clock.off(0)  # the admin was wrong, and orders that ended meanwhile stay so
    wait_stepped(daemon)
    run(FILTERCTL, "confirm-clock", *control)
    wait_sure(daemon)
    assert not blocked(testbed, "now.example")


def test_the_kernel_is_asked(testbed, daemon):
    daemon.start(clock__synchronised="adjtimex")
    state = sees(daemon)
    assert state["sure"] or state["why"] == "the kernel does not call it synchronised"
    assert not state["stepped"]
    assert blocked(testbed, "now.example")
