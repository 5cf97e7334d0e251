# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes signed with the real minisign, by the command line as people would; and an audit trail that somebody tampers
with, with and without the daemon at hand."""
import json

import pytest
from harness import FILTERCTL, order, run, wait_until


@pytest.fixture
def people(filterd):
    """Three people with keys; two of them push, one lifts."""
    for name in ("alice", "bob", "carol"):
        run("minisign", "-G", "-W", "-p", filterd.folder / f"{name}.pub", "-s", filterd.folder / name)
    filterd.configure(trust__threshold=2,
                      trust__keys=" ".join(str(path) for path in sorted(filterd.folder.glob("*.pub"))))
    return People(filterd)


class People:
    def __init__(self, filterd):
        self.filterd, self.manifest = filterd, filterd.folder / "manifest"

    def prepare(self, *words):
        ctl(self.filterd, *words, "--prepare", self.manifest)

    def sign(self, *names):
        """Who signs what was prepared; arguments for filterctl."""
        words = ["--manifest", self.manifest]
        for name in names:
            signature = self.filterd.folder / f"{name}.minisig"
            run("minisign", "-S", "-m", self.manifest, "-s", self.filterd.folder / name, "-x", signature)
            words += ["--signature", signature]
        return words


def ctl(filterd, *words, code=0):
    done = run(FILTERCTL, *words, "--control", filterd.config["filterd.control"], check=False)
    assert done.returncode == code, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def trail(filterd):
    return filterd.state / "audit.log"


def verify(filterd, code, *words):
    done = run(FILTERCTL, "audit", "verify", "--file", trail(filterd), *words, check=False)
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}{done.stderr}\n{trail(filterd).read_text()}"
    return done.stdout


def entries(filterd, command):
    return [entry for entry in map(json.loads, trail(filterd).read_text().splitlines()) if entry["command"] == command]


def test_signed_on_the_command_line(testbed, filterd, people):
    filterd.start(order("file.example", id="file"))
    filterd.orders(order("one.example", id="one"))
    control = ["--control", filterd.config["filterd.control"]]
    refusals = []

    def refused(why, *words):
        assert why in ctl(filterd, *words, code=1)
        refusals.append(why)

    push = ["push", filterd.orders_path, "--note", "Ticket 4711"]
    refused("takes a signed manifest", *push, "--yes")
    people.prepare(*push)
    refused("takes signatures by 2 of the 3 keys in [trust], not 1", "push", *people.sign("carol"), "--yes")
    refused("by the same key", "push", *people.sign("carol", "carol"), "--yes")
    signed = people.sign("alice", "carol")
    assert "serial 1 (before: 0)" in ctl(filterd, "push", *signed, "--yes")
    assert testbed.dig("one.example").status == "NXDOMAIN"

    people.prepare("lift", "one", "--reason", "appeal won")
    good = people.manifest.read_text()
    signed_lift = people.sign("bob")
    people.manifest.write_text(good.replace("appeal won", "appeal win"))
    refused("either was changed", "lift", *signed_lift)
    people.manifest.write_text(good)
    ctl(filterd, "lift", *signed_lift)
    assert testbed.dig("one.example").status == "NOERROR"

    lift = people.manifest.rename(filterd.folder / "lift")
    (filterd.folder / "bob.minisig").rename(filterd.folder / "lift.minisig")
    people.prepare("rollback", "1", "--serial", "100")
    assert "serial 100 (before: 2)" in ctl(filterd, "rollback", *people.sign("bob", "alice"))
    assert testbed.dig("one.example").status == "NXDOMAIN"
    refused("serial 2 is not above the last one, 100: it was used already", "lift", "--manifest", lift, "--signature",
            filterd.folder / "lift.minisig")
    ctl(filterd, "lift", "one", "--reason", "at night", "--break-glass")
    assert testbed.dig("one.example").status == "NOERROR"

    told = entries(filterd, "refused")
    assert len(told) == len(refusals) and all(why in entry["error"] for why, entry in zip(refusals, told)), told
    assert [len(entry["signers"]) for entry in entries(filterd, "push") + entries(filterd, "rollback")] == [2, 2]
    assert [entry.get("break-glass", False) for entry in entries(filterd, "lift")] == [False, True]
    assert "is whole" in verify(filterd, 0, *control)
    shown = run(FILTERCTL, "audit", "--file", trail(filterd), "--order", "one").stdout
    assert "BREAK-GLASS" in shown and "Ticket 4711" in shown and "2 > 100" in shown, shown


def test_key_files_must_be_roots_alone(testbed, filterd, people):
    (filterd.folder / "bob.pub").chmod(0o666)
    filterd.orders(order("one.example", id="one"))
    for words in (["-t"], ["-f"]):
        done = testbed.exec("gateway", filterd.program, *words, "-c", filterd.config_path, check=False)
        assert done.returncode == 1 and "bob.pub can be changed by others" in done.stderr, done


def test_tampering_shows(filterd):
    filterd.start(order("one.example", id="one"), order("two.example", id="two"))
    control = ["--control", filterd.config["filterd.control"]]
    ctl(filterd, "lift", "one", "--reason", "first")
    whole = trail(filterd).read_text()
    assert "is whole" in verify(filterd, 0, *control)
    # The last entry changed: by itself the trail looks whole.
    trail(filterd).write_text(whole.replace('"first"', '"other"'))
    verify(filterd, 0)
    assert "is not the one that was written" in verify(filterd, 1, *control)
    # Its end cut off, while the daemon is running.
    trail(filterd).write_text(whole[:whole.rstrip("\n").rindex("\n") + 1])
    assert "the end is missing" in verify(filterd, 1, *control)
    ctl(filterd, "lift", "two", "--reason", "second")
    assert len(entries(filterd, "gap")) == 1
    assert "somebody changed it or cut it off" in filterd.log()
    assert "is whole" in verify(filterd, 0, *control)
    # Half an entry, as after a power cut.
    filterd.kill()
    with open(trail(filterd), "a") as file:
        file.write('{"seq":99,"ti')
    filterd.start(rules=False)
    wait_until(lambda: len(entries_of_whole_lines(filterd, "torn")) == 1, "the half entry is vouched for")
    assert "is whole" in verify(filterd, 0, *control)
    # All of it taken away while nobody was looking: the state remembers.
    filterd.stop()
    trail(filterd).unlink()
    filterd.start(rules=False)
    wait_until(lambda: entries(filterd, "gap"), "the gap is noted")


def entries_of_whole_lines(filterd, command):
    lines = [line for line in trail(filterd).read_text().splitlines() if line.endswith("}")]
    return [line for line in lines if json.loads(line)["command"] == command]
