#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""filterctl's commands that talk to the daemon: what they ask of it, what they make of its answers, and how they end.

usage: ctl.py FILTERCTL
"""
import fcntl
import json
import os
import pathlib
import pty
import re
import socket
import subprocess
import sys
import tempfile
import time

from fake_daemon import FakeDaemon

filterctl = pathlib.Path(sys.argv[1]).resolve()
folder = tempfile.TemporaryDirectory()
path = f"{folder.name}/c.sock"
failed = 0
started = time.time()

DONE = {"serial": 43, "serial-from": 42, "requested": "2026-11-26T14:10:21.120000Z",
        "effective": "2026-11-26T14:10:21.123987Z", "took-ms": 3.9, "orders": 1, "names": 1}
DENIED = {"error": "only root may", "kind": "denied"}
EVENT = {"timestamp": "2026-11-26T14:10:21.123987+0000", "event_type": "alert", "app_proto": "tls",
         "tls": {"sni": "www.8ch.net"}, "alert": {"action": "blocked", "signature": "x"},
         "filterd": {"order": "nz-8chan", "client": "10.1.2.0/24", "count": 1}}
LOST = {"event_type": "stats", "filterd": {"lost": 7}}


def lines(*objects):
    return b"".join(json.dumps(one).encode() + b"\n" for one in objects)


def filterctl_says(*words, stdin=subprocess.DEVNULL):
    return subprocess.run([filterctl, *words, "--control", path], text=True, timeout=60, stdin=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def expect(what, words, code, out="", err="", asked=None, stdin=subprocess.DEVNULL, **answers):
    """Runs it against a daemon that gives these answers."""
    global failed
    with FakeDaemon(path, **answers) as daemon:
        done = filterctl_says(*words, stdin=stdin)
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
pathlib.Path(path).unlink(missing_ok=True)
nobody = filterctl_says("lift", "x", "--reason", "court")
assert nobody.returncode == 2 and "no daemon is running" in nobody.stderr and "not known" not in nobody.stderr, nobody
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

for live, grade in (({"on": True, "failed": 0}, "ok"), ({"on": True, "failed": 3}, "warn"),
                    ({"on": False, "why": "no ctnetlink", "failed": 0}, "warn"), ({"failed": 0}, "unknown"),
                    (None, "unknown")):
    with FakeDaemon(path, status={"live": live} if live else {}):
        found = json.loads(filterctl_says("doctor", "--json").stdout)
    assert [one["grade"] for one in found if one["check"] == "live"] == [grade], found

OWN = """table inet filterd {
\tflowtable allowed {
\t\thook ingress priority filter
\t\tdevices = { lan0, wan0, wan1 }
\t}

\tchain carry {
\t\tflow add @allowed
\t}
}
"""
OTHERS = "table inet other {\n\tchain forward {\n\t\t%sflow add @f\n\t}\n}\n"
tools = pathlib.Path(folder.name) / "tools"
tools.mkdir()
(tools / "nft").write_text(f"#!/bin/sh\ncat {folder.name}/nft.rules\n")
(tools / "nft").chmod(0o755)
for rules, grade, says in (
        ("", "ok", "no flow is offloaded"), (OWN, "ok", "between 3 interfaces"),
        (OTHERS % "", "bad", "not judged yet"), (OWN + OTHERS % "", "bad", "not judged yet"),
        (OTHERS % "ct mark & 0x07000000 == 0x02000000 ", "warn", "outlives orders"),
        (OTHERS % "ct mark & 0x03000000 == 0x02000000 " + OWN, "warn", "outlives orders"),
        (OTHERS % "ct mark & 0x02000000 == 0x02000000 ", "bad", "not judged yet"),
        (OTHERS % "ct mark & 0x07000000 == 0x01000000 ", "bad", "not judged yet")):
    pathlib.Path(folder.name, "nft.rules").write_text(rules)
    with FakeDaemon(path, status={}):
        found = json.loads(subprocess.run([filterctl, "doctor", "--json", "--control", path], stdout=subprocess.PIPE,
                                          env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}).stdout)
    flowtable = [one for one in found if one["check"] == "flowtable"]
    assert flowtable[0]["grade"] == grade and says in flowtable[0]["says"], (rules, flowtable)

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

expect("orders", ["orders"], 0, asked=[{"command": "orders"}], out="nz-8chan", orders={"serial": 42, "at": "x", "orders": [
    {"id": "nz-8chan", "revision": 1, "state": "lifted", "action": "block", "match": "subtree", "authority": "DIA", "reference": "1",
     "starts": "2026-11-26T14:10:21Z", "expires": "2026-12-26T14:10:21Z", "lifted": "2026-11-27T14:10:21Z", "names": 3}]})
expect("orders then", ["orders", "--at", "2026-11-26T14:10:21+13:00", "--json"], 0, orders={"serial": 42, "orders": []},
       asked=[{"command": "orders", "at": "2026-11-26T01:10:21Z"}], out='{"serial":42,"orders":[]}')

# --- push

orders = pathlib.Path(folder.name) / "orders"
orders.mkdir()


def days(count):
    """The time so many days from now, as orders write it."""
    return time.strftime("%FT%TZ", time.gmtime(started + count * 86400))


BEGINS, ENDS, LATER, OVER = days(10), days(100), days(110), days(-1)


def write(name, id, *names, starts=BEGINS, expires=ENDS, more=""):
    (orders / name).write_text(
        f"[order:{id}]\nauthority = Court\nreference = {id}/29\nreason = test\nissued = {days(-30)}\n"
        f"starts = {starts}\nexpires = {expires}\naction = block\nmatch = subtree\n{more}"
        + "".join(f"name = {name}\n" for name in names))


def compiled():
    """The orders as an image, in a file that is open, as the daemon hands it out. filterctl wants it sealed."""
    image = f"{folder.name}/image"
    subprocess.run([filterctl, "compile", "--orders", orders, "-o", image], check=True, stdout=subprocess.DEVNULL)
    data = pathlib.Path(image).read_bytes()
    fd = os.memfd_create("image", os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, 1033, 15)  # F_ADD_SEALS, all of them
    return fd, data


def expect_push(what, words, code, in_force, asked=None, push=DONE, **wanted):
    """Pushes in place of that image (-1: none); `asked` are the members of the request beside the usual ones."""
    global failed
    done = None
    states = {"serial": 42, "orders": wanted.get("states", [])}
    with FakeDaemon(path, image=({"serial": 42, "checksum": "0123456789abcdef"}, in_force), orders=states,
                    push=push) as daemon:
        done = filterctl_says("push", *words, stdin=wanted.get("stdin", subprocess.DEVNULL))
        requests = daemon.asked
    image = requests[2].pop("image") if len(requests) > 2 else None
    usual = {"command": "push", "base": "0123456789abcdef"}
    sent = None if len(requests) < 3 else {k: v for k, v in requests[2].items() if usual.get(k) != v}
    if done.returncode != code or wanted.get("out", "") not in done.stdout or wanted.get("err", "") not in done.stderr \
            or sent != asked:
        print(f"{what}: exit {done.returncode}\n  {done.stdout!r}\n  {done.stderr!r}\n  asked {sent}")
        failed = 1
    return done, image


def terminal(answer):
    """Standard input on which somebody types that."""
    master, slave = pty.openpty()
    os.write(master, answer.encode())
    return slave


write("a.order", "a", "a.example", "b.example")
write("z.order", "z", "z.example")
write("y.order", "y", "y.example", starts=OVER)
old, _ = compiled()
expect_push("nothing to do", [orders, "--yes"], 0, old, out="Nothing to do: these orders are in force already, with serial 42")
expect_push("nothing to do, nobody there", [orders], 2, old, err="nobody can be asked")
lifted = {"id": "y", "revision": 1, "state": "lifted", "starts": OVER, "expires": ENDS, "lifted": OVER, "action": "block"}
extended = {"id": "a", "revision": 1, "state": "pending", "starts": BEGINS, "expires": LATER, "action": "block"}
expect_push("lifted and extended", [orders, "--yes"], 0, old, states=[extended, lifted],
            out=f"Order a was extended until {LATER}, which stays so.\nOrder y was lifted at {OVER} and stays so: ")

expect_push("lifted, and away", [orders / "a.order", orders / "z.order", "--yes"], 0, old, states=[lifted], asked={},
            out=f"  - order y (Court): 1 name, lifted at {OVER}\n")
write("y.order", "y", "y.example", "more.y.example", starts=OVER)
expect_push("lifted, with another name", [orders, "--yes"], 0, old, states=[lifted], asked={},
            out=f"  ~ order y (Court): 2 names, lifted at {OVER}: it has no effect\n")
write("y.order", "y", "y.example", starts=OVER, expires=LATER)
expect_push("lifted, with another end", [orders, "--yes"], 0, old, states=[lifted], asked={},
            out=f"Order y was lifted at {OVER} and stays so: ")
write("y.order", "y", "y.example", starts=OVER)


def expect_check(what, name, code, *states, out):
    answers = {"image": ({"serial": 42, "checksum": "0123456789abcdef"}, old), "orders": {"serial": 42, "orders": states}}
    expect(what, ["check", name], code, out=out, **answers)


expect_check("check", "www.y.example", 1, out="www.y.example is blocked by order y")
expect_check("check what is lifted", "y.example", 0, lifted, out=f"action block, lifted at {OVER}")
expect_check("check what is seen to end", "y.example", 0, {**lifted, "lifted": None, "state": "expired"}, out="ended at")
expect("check between two serials", ["check", "y.example"], 2, err="changes all the time",
       image=({"serial": 42, "checksum": "0123456789abcdef"}, old), orders={"serial": 43, "orders": []})


def expect_export(what, at, *states, names):
    """What an export at that time says that is blocked, with what the daemon says of its orders."""
    global failed
    done = expect(what, ["export", "--orders", orders, "--format", "domains", "--at", at], 0, asked=[{"command": "orders"}],
                  orders={"serial": 42, "orders": states})
    if (got := [line for line in done.stdout.splitlines() if line[0] != "#"]) != names:
        print(f"{what}: {got}")
        failed = 1


expect_export("export", days(20), names=["a.example", "b.example", "y.example", "z.example"])
expect_export("export what was extended", days(105), extended, names=["a.example", "b.example"])
expect_export("export what was lifted", days(20), lifted, names=["a.example", "b.example", "z.example"])
expect_export("export what was lifted before it began", days(20), {**extended, "state": "lifted", "lifted": days(1)},
              names=["y.example", "z.example"])
expect_export("export another revision", days(105), {**extended, "revision": 2}, names=[])
expect_export("export what is seen to end", days(20), {**lifted, "lifted": None, "state": "expired"},
              names=["a.example", "b.example", "z.example"])
expect_export("export what was extended and is seen to end", days(20), {**extended, "state": "expired"},
              names=["y.example", "z.example"])
expect_export("export what ends sooner there", days(20), {**extended, "expires": days(15)}, names=["y.example", "z.example"])
expect_export("export what ends there before it begins", days(20), {**extended, "expires": days(5)},
              names=["y.example", "z.example"])
for what, states in (("without a revision", [{**lifted, "revision": None}]), ("without an end", [{**extended, "expires": None}]),
                     ("lifted at no time", [{**lifted, "lifted": "then"}]), ("lifted, not said when", [{**lifted, "lifted": None}]),
                     ("of another kind", ["y"]), ("not there", None)):
    orders_said = {"serial": 42, "orders": states}
    expect(f"export with orders {what}", ["export", "--orders", orders, "--format", "domains"], 2, orders=orders_said,
           err="what the daemon says of its orders can't be read")
    expect(f"check with orders {what}", ["check", "y.example"], 2, orders=orders_said,
           image=({"serial": 42, "checksum": "0123456789abcdef"}, old), err="what the daemon says of its orders can't be read")
expect("orders that are no table", ["orders"], 2, orders={"serial": 42, "orders": [{"id": "y"}]},
       err="what the daemon says of its orders can't be read")
expect("export without the daemon", ["export", "--orders", orders, "--format", "domains"], 2, orders=DENIED, err="only root")
write("a.order", "a", "a.example", "c.example", expires=LATER)
write("b.order", "b", *[f"n{i}.example" for i in range(9)])
write("o.order", "o", "o.example", starts=days(-2), expires=OVER)
(orders / "y.order").unlink()
(orders / "z.order").unlink()
new, data = compiled()
done, image = expect_push("push", [orders, "--yes", "--note", "night"], 0, old, asked={"note": "night"},
                          out="Pushed: serial 43 (before: 42), in effect since 2026-11-26T14:10:21.123Z, ")
assert image == data, "the image is not what compile makes"
for line in (fr"  ~ order a \(Court\): 2 names, begins at {BEGINS}", r"      \+ c.example", r"      - b.example",
             fr"      expires: {ENDS} -> {LATER}", r"  \+ order b \(Court\): 9 names.*",
             r"      \+ \.\.\. and 4 more \(--all shows every one\)",
             fr"  - order y \(Court\): 1 name, ENDS WITH THIS PUSH, else at {ENDS}",
             fr"  - order z \(Court\): 1 name, was to begin at {BEGINS}",
             fr"  \+ order o .*, ended at {OVER} already: it has no effect",
             r"Orders: 2 added, 1 changed, 2 removed, 0 as they are. Names: 11 added, 3 removed."):
    assert re.search(f"^{line}$", done.stdout, re.M), f"no line {line}\n{done.stdout}"
done, _ = expect_push("every name", [orders, "--yes", "--all"], 0, old, asked={}, out="      + n8.example")
assert "more" not in done.stdout
done, _ = expect_push("as JSON", [orders, "--yes", "--json"], 0, old, asked={})
answer = json.loads(done.stdout)
assert answer["serial"] == 43 and answer["difference"]["names-added"] == 11, answer
assert {one["id"]: one["change"] for one in answer["difference"]["orders"]} == {
    "a": "changed", "b": "added", "o": "added", "y": "removed", "z": "removed"}, answer
expect_push("onto nothing", [orders, "--yes"], 0, -1, asked={}, out="Orders: 3 added, 0 changed, 0 removed")
expect_push("files", [orders / "a.order", orders / "b.order", "--yes"], 0, new, asked={}, out="1 removed, 2 as they are")
expect_push("dry run", [orders, "--dry-run"], 0, old, asked={"dry-run": True}, push={**DONE, "effective": None},
            out="The daemon would take it. Nothing is pushed.")
write("b.order", "b", *[f"n{i}.example" for i in range(9)], more="exempt = 10.1.1.1\nanswer = sinkhole 192.0.2.1\n")
done, _ = expect_push("for whom, and what is answered", [orders, "--yes"], 0, new, asked={},
                      out="      clients: every client -> every client but 10.1.1.1\n")
assert "      answer: nxdomain -> sinkhole 192.0.2.1\n" in done.stdout, done.stdout
write("b.order", "b", *[f"n{i}.example" for i in range(9)])
write("b.order", "b", *[f"n{i}.example" for i in range(9)], more=f"contact = {'é' * 400}\n")
expect_push("a text that is cut, and not in a character", [orders, "--yes"], 0, new, asked={},
            out=f"      contact: (none) -> {'é' * 255}\n")
write("b.order", "b", *[f"n{i}.example" for i in range(9)])
write("big.order", "big", *[f"n{i}.big.example" for i in range(3000)])
big, _ = compiled()
write("c.order", "c", "c.example")
_, data = compiled()
expect("prepared to be signed", ["push", orders, "--prepare", orders.parent / "p"], 0,
       image=({"serial": 42, "checksum": "0123456789abcdef"}, big), orders={"serial": 42, "orders": []},
       status={"ruleset": {"serial": 42, "next-serial": 43}})
assert (orders.parent / "p.image").read_bytes() == data, "the image to be signed is not what compile makes"
for name in ("big", "c"):
    (orders / f"{name}.order").unlink()
expect_push("yes", [orders], 0, old, asked={}, stdin=terminal("y\n"), out="Pushed: serial 43", err="Push this? [y/N]")
expect_push("no", [orders], 1, old, stdin=terminal("\n"), err="Nothing is pushed.")
expect_push("JSON asks nobody", [orders, "--json"], 2, old, stdin=terminal("y\n"), err="nobody can be asked")
expect_push("somebody else was faster", [orders, "--yes"], 1, old, asked={},
            push={"error": "serial 43 is in force meanwhile", "kind": "conflict"}, err="push again to see what changes now")
expect_push("denied", [orders, "--yes"], 1, old, asked={}, push=DENIED, err="only root may")
expect_push("no such folder", [orders / "x", "--yes"], 2, old, err="No such file")
write("b.order", "b", "*.example")
expect_push("a fault", [orders, "--yes"], 2, old, err="b.order:10: '*.example' is a pattern")
expect("push without orders", ["push", "--yes"], 2, asked=[], err="Usage: ")

if (done := filterctl_says("watch")).returncode != 2 or "no daemon is running there" not in done.stderr:
    print(f"no daemon: {done}")
    failed = 1

# A daemon whose places are all taken is waited for, and not for ever.
os.path.exists(path) and os.unlink(path)
busy, first = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
busy.bind(path)
busy.listen(0)
first.connect(path)
started = time.monotonic()
done = filterctl_says("status")
if done.returncode != 1 or "too many others" not in done.stderr or not 4 < time.monotonic() - started < 30:
    print(f"busy: {done} after {time.monotonic() - started} s")
    failed = 1
sys.exit(failed)
