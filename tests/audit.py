#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""filterctl audit: trails that are made here, whole and spoiled in every way.

usage: audit.py FILTERCTL
"""
import hashlib
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

from fake_daemon import FakeDaemon

filterctl = pathlib.Path(sys.argv[1]).resolve()
failed = 0


def audit(*arguments):
    return subprocess.run([filterctl, "audit", *arguments], text=True, timeout=60, capture_output=True)


def expect(what, done, code, *texts):
    global failed
    if done.returncode != code or not all(text in done.stdout + done.stderr for text in texts):
        print(f"{what}: exit {done.returncode}, {done.stdout!r}, {done.stderr!r}")
        failed = 1


def sha(line):
    return hashlib.sha256(line).hexdigest()


def trail(entries):
    """Lines as the daemon writes them, each with its line feed."""
    lines, prev = [], "0" * 64
    for seq, entry in enumerate(entries, 1):
        entry = {"seq": seq, "time": f"2019-03-15T2{seq}:00:00.000001Z", "prev": prev, **entry}
        lines.append(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        prev = sha(lines[-1][:-1])
    return lines


def verify(data, *arguments):
    path.write_bytes(data)
    return audit("verify", "--file", path, *arguments)


LINES = trail([
    {"command": "start", "serial-from": 0, "serial-to": 41},
    {"command": "push", "user": "root", "uid": 0, "note": "Ticket 1", "serial-from": 41, "serial-to": 42,
     "orders": ["nz-1", "nz-2", "nz-3", "nz-4"], "orders-left-out": 5, "signers": ["AB alice.pub", "CD bob.pub"]},
    {"command": "lift", "user": "eve\u001b[2J", "order": "nz-2", "reason": "appeal", "break-glass": True},
])
WHOLE = b"".join(LINES)
HEAD = f"3:{sha(LINES[2][:-1])}"


def check_whole():
    expect("whole", verify(WHOLE), 0, "is whole: 3 entries", HEAD, "can't be told without --head")
    expect("whole, with its head", verify(WHOLE, "--head", HEAD), 0, "is whole")
    expect("an older head", verify(WHOLE, "--head", f"2:{sha(LINES[1][:-1])}"), 0, "is whole")
    expect("as JSON", verify(WHOLE, "--json", "--head", HEAD), 0, '"whole":true', '"head-checked":true')
    expect("empty", verify(b""), 0, "is whole: 0 entries")
    expect("empty, but not once", verify(b"", "--head", HEAD), 1, "the end is missing")


def check_every_byte():
    """Without a head all but the last line; with it that, too."""
    last = len(LINES[0] + LINES[1])
    for i in range(len(WHOLE)):
        spoiled = bytearray(WHOLE)
        spoiled[i] ^= 1 << i % 8
        expect(f"byte {i}", verify(spoiled, "--head", HEAD), 1)
        if i < last and i % 8 == 0:
            expect(f"byte {i}, no head", verify(spoiled), 1, "line ")


def check_lines():
    for count in range(4):
        for order in itertools.product(range(3), repeat=count):
            data = b"".join(LINES[i] for i in order)
            if list(order) == list(range(count)):
                expect(f"the first {count}", verify(data), 0)
                expect(f"the first {count}, by head", verify(data, "--head", HEAD), 0 if count == 3 else 1)
            else:
                expect(f"lines {order}", verify(data), 1, "line ")
    expect("cut", verify(WHOLE[:-1]), 1, "no line feed")
    expect("cut", verify(WHOLE[:-9]), 1, "line 3 is no entry")
    other = b"".join(trail([{"command": "start"}, {"command": "push"}, {"command": "lift"}]))
    expect("another", verify(other, "--head", HEAD), 1, "its entry 3 is not the one that was written")
    expect("as JSON", verify(WHOLE[len(LINES[0]):], "--json"), 1, '"whole":false', "line 1 is entry 2")
    expect("noise", verify(b"\0\n" * 300000), 1, "line 1 is no entry")
    expect("one long line", verify(b"x" * 300000 + b"\n" + WHOLE), 1, "line 1 is no entry")


def check_torn():
    half = LINES[2][:40] + b"\n"
    torn = trail([{"command": "start"}, {"command": "push"}])
    vouch = json.dumps({"seq": 3, "time": "x", "prev": sha(torn[1][:-1]), "command": "torn", "bytes": len(half),
                        "sha256": sha(half)}).encode() + b"\n"
    expect("torn", verify(b"".join(torn) + half + vouch), 0, "is whole: 3 entries")
    expect("torn twice", verify(b"".join(torn) + half + half + vouch), 1, "line 3 is no entry, and line 5 does not")
    expect("torn, taken out", verify(b"".join(torn) + vouch), 1, "vouches for half a line")


def check_daemon():
    """The head that a daemon names in its status."""
    def ask(answer):
        with FakeDaemon(str(control), status=answer):
            return verify(WHOLE, "--control", control)

    control = path.parent / "c.sock"
    seq, digest = HEAD.split(":")
    expect("its head", ask({"audit": {"seq": int(seq), "hash": digest}}), 0, "is whole")
    expect("a later head", ask({"audit": {"seq": 4, "hash": digest}}), 1, "the end is missing")
    expect("none", ask({"audit": {"seq": 4, "hash": "x"}}), 2, "says nothing of its audit trail")
    expect("a refusal", ask({"error": "not you", "kind": "denied"}), 1, "not you")
    expect("no daemon", verify(WHOLE, "--control", control), 2)


def check_shown():
    path.write_bytes(WHOLE)
    done = audit("--file", path)
    expect("table", done, 0, "2019-03-15T22:00:00Z", "41 > 42", "nz-1, nz-2, nz-3 and 6 more", "note: Ticket 1",
           "signed by AB alice.pub, CD bob.pub", "BREAK-GLASS", "reason: appeal")
    if "\033" in done.stdout or len(done.stdout.splitlines()) != 4:
        expect("no terminal codes", done, -1)
    for arguments, seqs in ((["--order", "nz-2"], [2, 3]), (["--order", "nz-9"], []), ([], [1, 2, 3]),
                            (["--since", "2019-03-16T12:00:00+14:00"], [2, 3])):
        done = audit("--file", path, "--json", *arguments)
        if [json.loads(line)["seq"] for line in done.stdout.splitlines()] != seqs:
            expect(f"{arguments}", done, -1)
    path.write_bytes(LINES[0] + b"half\n")
    expect("half a line", audit("--file", path), 0, "a line that is no entry is left out", "start")
    expect("no file", audit("--file", "/nowhere"), 2, "/nowhere: No such file")
    for arguments in (["--since", "yesterday"], ["x"], ["verify", "x"], ["verify", "--head", "3"],
                      ["verify", "--head", HEAD, "--control", "x"], ["verify", "--head", f"0{HEAD[1:]}"]):
        expect(f"{arguments}", audit(*arguments), 2, "Usage: filterctl audit")


with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "audit.log"
    for check in (check_whole, check_every_byte, check_lines, check_torn, check_daemon, check_shown):
        check()
sys.exit(failed)
