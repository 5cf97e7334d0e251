#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""filterctl export, and what compile says of lists, through the command. JSON goes round: orders made from it
decide as those that were exported. Run with the path of filterctl, from the root of the tree."""
import gzip
import json
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

FILTERCTL = sys.argv[1]
EXAMPLES, AT = "rules/examples", "2030-06-04T12:00:00Z"
FORMATS = ("rpz", "hosts", "domains", "dnsmasq", "unbound")
CLIENTS = (None, "203.0.113.9", "203.0.113.10", "2001:db8:113::1")


def filterctl(*arguments, **options):
    return subprocess.run([FILTERCTL, *map(str, arguments)], capture_output=True, text=True, **options)


def export(format, *more, orders=EXAMPLES, **options):
    return filterctl("export", "--orders", orders, "--at", AT, "--format", format, *more, **options)


def order_text(line):
    """The order as a file would have it."""
    keys = {key: value for key, value in line.items() if key not in ("type", "id", "sinkholes", "overrides")}
    if line.get("answer") == "sinkhole":
        keys["answer"] += " " + " ".join(line["sinkholes"])
    text = [f"[order:{line['id']}]"]
    for key, value in keys.items():
        text += [f"{key} = {one}" for one in (value if isinstance(value, list) else [value])]
    return "\n".join(text)


def decision(orders, name, client):
    got = filterctl("check", "--json", "--orders", orders, "--at", AT, *(["--client", client] if client else []), name)
    answer = json.loads(got.stdout)
    return answer["decision"], answer.get("order", {}).get("id"), answer.get("listed_as")


def json_goes_round(folder):
    got = export("json")
    assert got.returncode == 0 and not got.stderr, got
    lines = [json.loads(line) for line in got.stdout.splitlines()]
    orders = {line["id"]: [order_text(line)] for line in lines if line["type"] == "order"}
    names = [line for line in lines if line["type"] == "name"]
    assert len(orders) == 5 and len(names) > 20, got.stdout
    for line in names:
        orders[line["order"]].append(f"name = {line['name']}")
    again = folder / "again.order"
    again.write_text("\n".join("\n".join(order) for order in orders.values()) + "\n")
    assert export("json", orders=again).stdout == got.stdout
    image, image_again = folder / "image", folder / "image-again"
    for path, orders in ((image, EXAMPLES), (image_again, again)):
        done = filterctl("compile", "--orders", orders, "-o", path)
        assert done.returncode == 0, done
    for name in sorted({line["name"] for line in names}):
        for asked in (name, f"www.{name}"):
            for client in CLIENTS:
                assert decision(image, asked, client) == decision(image_again, asked, client), (asked, client)


def formats(folder):
    for format in FORMATS:
        to_screen = export(format, "--serial", 7)
        assert to_screen.returncode == 1, to_screen
        assert "example-some-customers is for some clients only" in to_screen.stderr, to_screen
        out = folder / f"out.{format}"
        to_file = export(format, "--serial", 7, "-o", out)
        assert to_file.returncode == 1 and to_file.stderr == to_screen.stderr, to_file
        assert out.read_text() == to_screen.stdout
        assert "next change 2030-06-07T16:00:00Z\n" in to_file.stdout, to_file
        assert "games.example" not in to_screen.stdout
        client = export(format, "--client", "203.0.113.9")
        assert "games.example" in client.stdout and "only, and left out" not in client.stderr, client
    assert "$ORIGIN x.test.\n@ SOA localhost. hostmaster.localhost. 4294967295 " in export(
        "rpz", "--zone", "X.test.", "--serial", 4294967295).stdout
    alone = folder / "alone.order"
    alone.write_text(order_text({
        "id": "a", "authority": "A", "reference": "r", "reason": "x", "starts": "2030-06-01T00:00:00Z",
        "expires": "2030-06-05T00:00:00Z", "action": "block", "match": "exact", "name": "n.example"}) + "\n")
    for format, status in (("rpz", 0), ("hosts", 0), ("domains", 1), ("dnsmasq", 1), ("unbound", 1)):
        got = export(format, orders=alone)
        assert got.returncode == status and bool(got.stderr) == bool(status), (format, got)


def serials_go_up(folder):
    zone = folder / "zone.rpz"

    def serial(*more):
        done = export("rpz", "-o", zone, *more)
        assert done.returncode == 1, done
        return int(re.search(r"^@ SOA \S+ \S+ (\d+) ", zone.read_text(), re.M)[1])

    now = int(time.time())
    assert now <= serial() <= now + 60
    assert serial("--serial", now + 1000) == now + 1000
    assert serial() == now + 1001 and serial() == now + 1002
    assert serial("--serial", now - 5) == now - 5 and now <= serial() <= now + 60
    assert serial("--serial", 2 ** 32 - 1) == 2 ** 32 - 1
    assert now <= serial() <= now + 60  # above it, as serials are counted (RFC 1982)
    zone.write_text("; another's\n$ORIGIN x.\n@ 60 IN SOA a. b. (\n %d ; serial\n 1 1 1 1 )\n" % (now + 500))
    assert serial() == now + 501
    zone.write_text("no zone (\n")
    assert now <= serial() <= now + 60


def a_full_disk_changes_nothing(folder):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))

    kept = folder / "kept"
    kept.write_bytes(b"old")
    got = export("json", "-o", kept, preexec_fn=limit, restore_signals=False)
    assert got.returncode == 2 and f"{kept}: File too large" in got.stderr and not got.stdout, got
    assert kept.read_bytes() == b"old" and [p.name for p in folder.glob("kept*")] == ["kept"]


def faults(folder):
    bad = folder / "bad.order"
    bad.write_text("[order:a]\n")
    for arguments in (["export"], ["export", "--orders", EXAMPLES], ["export", "--format", "rpz"],
                      ["export", "--orders", EXAMPLES, "--format", "bind"],
                      ["export", "--orders", EXAMPLES, "--format", "rpz", "--serial", "-1"],
                      ["export", "--orders", EXAMPLES, "--format", "rpz", "--serial", "4294967296"],
                      ["export", "--orders", EXAMPLES, "--format", "rpz", "--zone", "a..b"],
                      ["export", "--orders", EXAMPLES, "--format", "rpz", "--zone", "a;b"],
                      ["export", "--orders", EXAMPLES, "--format", "rpz", "--zone", 'a"b.c'],
                      ["export", "--orders", EXAMPLES, "--format", "rpz", "--zone", "*.b"],
                      ["export", "--orders", EXAMPLES, "--format", "rpz", "--at", "now"],
                      ["export", "--orders", EXAMPLES, "--format", "rpz", "--client", "x"],
                      ["export", "--orders", EXAMPLES, "--format", "json", "--client", "192.0.2.1"],
                      ["export", "--orders", EXAMPLES, "--format", "rpz", "-o", folder / "no" / "thing"],
                      ["export", "--orders", folder / "nothing", "--format", "rpz"],
                      ["export", "--orders", bad, "--format", "rpz"]):
        got = filterctl(*arguments)
        assert got.returncode == 2 and got.stderr and not got.stdout, got


def lists_are_summed_up(folder):
    image = folder / "image"
    got = filterctl("compile", "--orders", EXAMPLES, "-o", image)
    assert ("list        rules/examples/lists/adblock.txt: adblock, lines 11, names 2, skipped 5 "
            "(patterns 4, exceptions 1)\n") in got.stdout and not got.stderr, got
    loud = filterctl("compile", "--orders", EXAMPLES, "-o", image, "--verbose")
    assert loud.stdout == got.stdout, loud
    assert ("rules/examples/lists/rpz.zone:18: '24.0.2.0.192.rpz-ip' is for addresses in answers\n"
            in loud.stderr), loud
    lists = json.loads(filterctl("compile", "--orders", EXAMPLES, "-o", image, "--json").stdout)["lists"]
    assert {one["format"] for one in lists} == {"domains", "hosts", "adblock", "dnsmasq", "unbound", "rpz"}
    assert {"exceptions": 2, "others": 1, "narrower": 1} in [one["skipped"] for one in lists], lists
    # What is refused is summed up as well, and the order says what it would take.
    strict = folder / "strict.order"
    text = pathlib.Path(EXAMPLES, "lists.order").read_text().replace("lists/", f"{pathlib.Path(EXAMPLES).resolve()}/lists/")
    strict.write_text("\n".join(line for line in text.splitlines() if not line.startswith("skip")) + "\n")
    before = image.read_bytes()
    got = filterctl("compile", "--orders", strict, "-o", image)
    assert got.returncode == 2 and "refused 5 (patterns 4, exceptions 1)" in got.stderr, got
    assert "('skip = exceptions' leaves such lines out)" in got.stderr and not got.stdout, got
    assert image.read_bytes() == before


def a_list_that_unpacks_without_end(folder):
    """A megabyte, packed to a kilobyte and there a thousand times over."""
    (folder / "bomb.gz").write_bytes(gzip.compress(b"a.example\n") + gzip.compress(b"x" * (1 << 20)) * 1025)
    bomb = folder / "bomb.order"
    bomb.write_text(order_text({
        "id": "a", "authority": "A", "reference": "r", "reason": "x", "starts": "2030-06-01T00:00:00Z",
        "expires": "2030-06-05T00:00:00Z", "action": "block", "match": "exact", "list": "bomb.gz",
        "skip": "names patterns others"}) + "\n")
    got = filterctl("compile", "--orders", bomb, "-o", folder / "image")
    assert got.returncode == 2 and "bomb.gz: this list has more than 1 GiB, or unpacks to more\n" in got.stderr, got


with tempfile.TemporaryDirectory() as name:
    scratch = pathlib.Path(name)
    json_goes_round(scratch)
    formats(scratch)
    serials_go_up(scratch)
    a_full_disk_changes_nothing(scratch)
    faults(scratch)
    lists_are_summed_up(scratch)
    a_list_that_unpacks_without_end(scratch)
print("exports and lists are as expected")
