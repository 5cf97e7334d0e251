#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""filterctl preview over captures: what orders would have hit, whether they are in force or not.
usage: preview.py FILTERCTL, from the root of the tree."""
import json
import pathlib
import subprocess
import sys
import tempfile

FILTERCTL = pathlib.Path(sys.argv[1]).resolve()
PRECEDENCE, SCOPES = pathlib.Path("tests/replay/precedence"), pathlib.Path("tests/replay/scope-and-exempt")
QUERIES = PRECEDENCE / "input.pcap"


def preview(*arguments, status=0):
    got = subprocess.run([FILTERCTL, "preview", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert got.returncode == status, got
    return got


def counts(*arguments):
    return json.loads(preview(*arguments, "--json").stdout)


def order(keys, *, id="a", starts="2040-01-01T00:00:00Z", expires="2040-02-01T00:00:00Z"):
    return (f"[order:{id}]\nauthority = A\nreference = R\nreason = x\nstarts = {starts}\nexpires = {expires}\n"
            f"action = block\nmatch = subtree\n{keys}\n")


def per_order(got):
    return {o["order"]: (o["names"], o["times"], o["clients"]) for o in got["orders"]}


got = counts(PRECEDENCE / "case.order", QUERIES)
assert got["packets"] == 7 and got["read"] == {"names": 6, "times": 7, "clients": 1}, got
assert got["block"] == {"names": 2, "times": 3, "clients": 1}, got
assert got["allow"] == {"names": 2, "times": 2, "clients": 1} and got["monitor"]["times"] == 1, got
assert per_order(got) == {"nz-1": (3, 4, 1), "nz-2": (2, 2, 1), "nz-3": (1, 1, 1), "nz-4": (1, 1, 1)}, got
assert got["top_names"][0] == {"name": "blocked.example", "times": 2, "clients": 1, "decision": "block",
                               "order": "nz-1"}, got
text = preview(PRECEDENCE / "case.order", QUERIES).stdout
assert "blocked      2 names, 3 times, 1 client prefixes" in text and "  block    blocked.example" in text, text

# Clients of one prefix count once, and who is exempt is not hit.
got = counts(SCOPES / "case.order", SCOPES / "input.pcap")
assert got["read"]["times"] == 4 and got["block"]["times"] == 2, got

with tempfile.TemporaryDirectory() as name:
    orders = pathlib.Path(name) / "x.order"
    # An order of years ahead, and a draft, count as if they were in force; with --at the clock decides.
    orders.write_text(order("name = blocked.example") + order("name = seen.example\nstate = draft", id="b") +
                      order("name = exact.example\nrevision = 2\nstate = draft"))
    assert per_order(counts(orders, QUERIES)) == {"a": (2, 2, 1), "b": (1, 1, 1)}
    got = counts(orders, QUERIES, "--at", "2040-01-15T00:00:00Z")
    assert per_order(got) == {"a": (3, 4, 1)} and got["block"]["names"] == 3, got
    got = counts(orders, QUERIES, "--at", "2019-03-15T20:00:00Z")
    assert per_order(got) == {"a": (0, 0, 0)} and got["top_names"] == [], got
    # Faults of orders are told as everywhere.
    orders.write_text(order("name = com"))
    assert "x.order:9: 'com' has one label only" in preview(orders, QUERIES, status=2).stderr

for arguments in ([PRECEDENCE / "case.order"], [PRECEDENCE / "case.order", QUERIES, "more"],
                  [PRECEDENCE / "case.order", QUERIES, "--live", "lo"], [PRECEDENCE / "case.order", "/nonexistent"],
                  [PRECEDENCE / "case.order", PRECEDENCE / "README"],
                  [PRECEDENCE / "case.order", "--live", "no-such0"],
                  [PRECEDENCE / "case.order", "--live", "lo", "--seconds", "0"]):
    got = preview(*arguments, status=2)
    assert got.stderr and not got.stdout, got
print("all previews as expected")
