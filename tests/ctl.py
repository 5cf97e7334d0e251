#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""filterctl's commands that talk to the daemon: what they ask of it, what they make of its answers, and how they end.

usage: ctl.py FILTERCTL
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from fake_daemon import FakeDaemon

filterctl = pathlib.Path(sys.argv[1]).resolve()
folder = tempfile.TemporaryDirectory()
path = f"{folder.name}/c.sock"
failed = 0

DONE = {"serial": 43, "serial-from": 42, "requested": "2026-11-26T14:10:21.120000Z",
        "effective": "2026-11-26T14:10:21.123987Z", "took-ms": 3.9, "orders": 1, "names": 1}
DENIED = {"error": "only root may", "kind": "denied"}
EVENT = {"timestamp": "2026-11-26T14:10:21.123987+0000", "event_type": "alert", "app_proto": "tls",
         "tls": {"sni": "www.8ch.net"}, "alert": {"action": "blocked", "signature": "x"},
         "filterd": {"order": "nz-8chan", "client": "10.1.2.0/24", "count": 1}}
LOST = {"event_type": "stats", "filterd": {"lost": 7}}


def lines(*objects):
    return b"".join(json.dumps(one).encode() + b"\n" for one in objects)


def filterctl_says(*words):
    return subprocess.run([filterctl, *words, "--control", path], text=True, timeout=60, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def expect(what, words, code, out="", err="", asked=None, **answers):
    """Runs it against a daemon that gives these answers."""
    global failed
    with FakeDaemon(path, **answers) as daemon:
        done = filterctl_says(*words)
        requests = daemon.asked
    if done.returncode != code or out not in done.stdout or err not in done.stderr or (
            asked is not None and requests != asked):
        print(f"{what}: exit {done.returncode}\n  {done.stdout!r}\n  {done.stderr!r}\n  asked {requests}")
        failed = 1
    return done


lift = {"command": "lift", "order": "nz-8chan", "reason": "court"}
expect("lift", ["lift", "nz-8chan", "--reason", "court"], 0, asked=[lift], lift=DONE,
       out="order nz-8chan is lifted: serial 43 (before: 42), in effect since 2026-11-26T14:10:21.123Z, ")
done = expect("lift as JSON", ["lift", "nz-8chan", "--reason", "court", "--json"], 0, lift=DONE)
assert json.loads(done.stdout)["serial"] == 43 and json.loads(done.stdout)["after-enter-ms"] >= 0
expect("no reason", ["lift", "nz-8chan"], 2, asked=[], err="Usage: ")
expect("an empty reason", ["lift", "nz-8chan", "--reason", ""], 2, asked=[], err="Usage: ")
expect("denied", ["lift", "nz-8chan", "--reason", "court"], 1, lift=DENIED, err="the daemon says: only root may")
expect("refused", ["lift", "x", "--reason", "court"], 2, lift={"error": "no such order", "kind": "bad"},
       err="no such order")
expect("silence", ["lift", "x", "--reason", "court"], 2, lift=b"", err="whether anything was changed is not known")
expect("half an answer", ["lift", "x", "--reason", "court"], 2, lift=b'{"serial":4', err="is not known")
expect("too long", ["lift", "x", "--reason", "x" * 70000], 2, asked=[], err="too long")

expect("extend", ["extend", "a", "--until", "2026-12-01T00:00:00+13:00", "--reason", "r"], 0, extend=DONE,
       asked=[{"command": "extend", "order": "a", "until": "2026-11-30T11:00:00Z", "reason": "r"}],
       out="order a ends at 2026-11-30T11:00:00Z: serial 43")
expect("no time", ["extend", "a", "--until", "tomorrow", "--reason", "r"], 2, asked=[], err="'tomorrow' is no time")
expect("rollback", ["rollback"], 0, rollback=DONE, asked=[{"command": "rollback"}], out="rolled back: serial 43")
expect("rollback to", ["rollback", "41", "--note", "n"], 0, rollback=DONE,
       asked=[{"command": "rollback", "note": "n", "serial": 41}])
expect("rollback to nothing", ["rollback", "0"], 2, asked=[], err="'0' is no serial")
expect("confirm-clock", ["confirm-clock"], 0, confirm_clock={"effective": "2026-11-26T14:10:21.1Z"},
       out="the clock is confirmed: in effect since 2026-11-26T14:10:21.1Z, ")

history = {"serials": [{"serial": 42, "effective": "2026-11-26T14:10:21.123987Z", "command": "push", "user": "root",
                        "note": "a\x1b[31m", "orders": 3, "names": 9}]}
expect("serials", ["serials"], 0, serials=history, out="      42  2026-11-26T14:10:21.123Z push ")
assert "\x1b" not in expect("what a terminal acts upon", ["serials"], 0, serials=history).stdout
expect("serials as JSON", ["serials", "--json"], 0, serials=history, out='"serials":[{"serial":42,')

expect("metrics", ["metrics"], 0, metrics={"metrics": "a 1\nb 2\n"}, out="a 1\nb 2\n")
expect("no metrics", ["metrics"], 2, metrics={}, err="has no metrics")

expect("watch", ["watch", "--count", "2"], 0, watch=lines(EVENT, EVENT, EVENT), asked=[{"command": "watch"}],
       out="2026-11-26T14:10:21.123Z  blocked tls    10.1.2.0/24          www.8ch.net ")
expect("what to watch", ["watch", "--count", "1", "--order", "o", "--name", "WWW.x.example."], 0, watch=lines(EVENT),
       asked=[{"command": "watch", "order": "o", "name": "www.x.example"}])
expect("lost ones", ["watch", "--count", "1"], 0, watch=lines(LOST, EVENT), out="... 7 events came faster")
done = expect("the daemon ends", ["watch", "--json"], 2, watch=lines(EVENT, EVENT), err="has ended the connection")
assert [json.loads(line) for line in done.stdout.splitlines()] == [EVENT, EVENT]
expect("watch is refused", ["watch"], 1, watch={"error": "too many", "kind": "refused"}, err="too many")
expect("no JSON", ["watch"], 2, watch=b"x\n", err="no JSON")
expect("a line without end", ["watch"], 2, watch=b"x" * 100000, err="has ended")

rows = {"by": "names", "since": "2026-11-26T14:00:00.1Z", "rows": [{"key": "8ch.net", "hits": 12},
                                                                   {"key": "4chan.org", "hits": 9, "over": 2}]}
expect("top", ["top"], 0, top=rows, asked=[{"command": "top", "by": "names", "count": 20}],
       out="names by hits since 2026-11-26T14:00:00Z\n        12  8ch.net\n         9  4chan.org  (at least 7)\n")
expect("top by something", ["top", "cats"], 2, asked=[], err="Usage: ")
expect("top clients", ["top", "clients", "--count", "3"], 0, top=rows,
       asked=[{"command": "top", "by": "clients", "count": 3}])

if (done := filterctl_says("watch")).returncode != 2 or "no daemon is running there" not in done.stderr:
    print(f"no daemon: {done}")
    failed = 1
sys.exit(failed)
