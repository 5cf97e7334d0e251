#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The orders that ship, through the command: they compile, and names are blocked when they should be.
Run with the path of filterctl, from the root of the tree. It also holds what the manual says of exit
codes, and that a bad order file leaves the old image alone."""
import json
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile

FILTERCTL = sys.argv[1]
NZ_AU, EXAMPLES = "rules/nz-au-2019", "rules/examples"

# (orders, time, client or None, name, order that blocks it or None)
QUESTIONS = [
    (NZ_AU, "2019-03-15T17:59:59+13:00", None, "4chan.org", None),
    (NZ_AU, "2019-03-15T18:00:00+13:00", None, "4chan.org", "nz-2019-03-4chan"),
    (NZ_AU, "2019-03-16T12:00:00+13:00", None, "boards.4chan.org", "nz-2019-03-4chan"),
    (NZ_AU, "2019-03-16T12:00:00+13:00", None, "www.LiveLeak.com.", "nz-2019-03-liveleak"),
    (NZ_AU, "2019-03-16T12:00:00+13:00", None, "voat.co", None),
    (NZ_AU, "2019-03-20T12:00:00+11:00", None, "voat.co", "au-2019-03-telstra"),
    (NZ_AU, "2019-03-20T12:00:00+11:00", None, "8ch.net", "au-2019-03-telstra"),  # ends last
    (NZ_AU, "2019-03-20T12:00:00+11:00", None, "facebook.com", None),
    (NZ_AU, "2019-03-20T12:00:00+11:00", None, "not4chan.org", None),
    (NZ_AU, "2019-04-18T17:59:59+10:00", None, "8ch.net", "au-2019-03-telstra"),
    (NZ_AU, "2019-04-18T18:00:00+10:00", None, "8ch.net", None),
    (NZ_AU, "2019-08-05T23:59:59Z", None, "8ch.net", None),
    (NZ_AU, "2019-08-06T00:00:00Z", None, "8ch.net", "2019-08-8chan"),
    (NZ_AU, "2019-09-06T00:00:00Z", None, "8ch.net", None),
    (EXAMPLES, "2030-03-15T12:00:00Z", None, "www.shop.example", "example-block"),
    (EXAMPLES, "2030-03-15T12:00:00Z", None, "receipts.shop.example", None),
    (EXAMPLES, "2030-03-15T12:00:00Z", None, "x.receipts.shop.example", "example-block"),
    (EXAMPLES, "2030-03-15T12:00:00Z", None, "x.help.shop.example", None),
    (EXAMPLES, "2030-03-05T12:00:00Z", None, "x.help.shop.example", "example-block"),
    (EXAMPLES, "2030-03-15T12:00:00Z", "198.51.100.7", "shop.example", None),
    (EXAMPLES, "2030-03-15T12:00:00Z", "2001:db8:7:1::1", "shop.example", None),
    (EXAMPLES, "2030-03-15T12:00:00Z", None, "BÜCHER.example", "example-block"),
    (EXAMPLES, "2030-06-04T12:00:00Z", "203.0.113.9", "play.example.net", "example-some-customers"),
    (EXAMPLES, "2030-06-04T12:00:00Z", "203.0.113.10", "play.example.net", None),
    (EXAMPLES, "2030-06-04T12:00:00Z", "192.0.2.1", "play.example.net", None),
    (EXAMPLES, "2030-06-04T12:00:00Z", "203.0.113.9", "forum.example", None),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "casino.example", "example-lists-exact"),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "x.casino.example", None),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "www.casino.example", "example-lists-exact"),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "m.wagers.example", "example-lists-subtree"),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "odds.example", "example-lists-subtree"),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "www.help.odds.example", None),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "shared-cdn.example", None),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "x.tips.example", "example-lists-subtree"),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "results.lottery.example", None),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "roulette.example", "example-lists-exact"),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "x.roulette.example", None),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "ace.cards.example", "example-lists-subtree"),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "rules.cards.example", None),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "keno.example", "example-lists-exact"),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "x.keno.example", "example-lists-subtree"),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "faro.example", "example-lists-exact"),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "x.faro.example", None),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "bingo.example", "example-lists-exact"),
    (EXAMPLES, "2030-06-04T12:00:00Z", None, "contact.bingo.example", None),
]


def filterctl(*arguments):
    return subprocess.run([FILTERCTL, *arguments], capture_output=True, text=True)


def check(orders, time, client, name, order):
    got = filterctl("check", "--json", "--orders", orders, "--at", time,
                    *(["--client", client] if client else []), name)
    assert got.returncode == (1 if order else 0), (orders, time, client, name, got)
    answer = json.loads(got.stdout)
    assert answer["blocked"] == bool(order), answer
    if order:
        assert answer["order"]["id"] == order, answer
        assert answer["order"]["revision"] == 1, answer


def compile_all(folder):
    """Each folder becomes an image, twice the same, which answers as the text does."""
    images = {}
    for orders in (NZ_AU, EXAMPLES):
        images[orders] = str(folder / orders.replace("/", "-"))
        for copy in (images[orders], images[orders] + ".again"):
            got = filterctl("compile", "--json", "--orders", orders, "-o", copy)
            assert got.returncode == 0, got
        assert json.loads(got.stdout)["names"] > 0, got
        assert (pathlib.Path(images[orders]).read_bytes()
                == pathlib.Path(images[orders] + ".again").read_bytes())
    return images


def bad_orders_change_nothing(folder):
    bad, image = folder / "bad.order", folder / "image"
    image.write_bytes(b"old")
    bad.write_text("[order:a]\nauthority = A\nexpires = 2019-03-16\n")
    got = filterctl("compile", "--orders", str(bad), "-o", str(image))
    assert got.returncode == 2 and f"{bad}:3: '2019-03-16' is no time" in got.stderr, got
    assert image.read_bytes() == b"old"
    assert sorted(p.name for p in folder.glob("image*")) == ["image"]


def a_full_disk_changes_nothing(folder):
    """Writing fails half-way (a limit on the size of files stands for the disk)."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))

    image = folder / "kept"
    image.write_bytes(b"old")
    got = subprocess.run([FILTERCTL, "compile", "--orders", NZ_AU, "-o", image], preexec_fn=limit,
                         capture_output=True, text=True, restore_signals=False)
    assert got.returncode == 2 and f"{image}: File too large" in got.stderr, got
    assert image.read_bytes() == b"old"
    assert [p.name for p in folder.glob("kept*")] == ["kept"]


def exit_codes(folder):
    nothing = str(folder / "nothing")
    for arguments in ([], ["nonsense"], ["check"], ["compile", "--orders", NZ_AU],
                      ["check", "--orders", nothing, "a.example"],
                      ["check", "--orders", NZ_AU, "a..b"],
                      ["check", "--orders", NZ_AU, "--at", "2019-03-16T09:00:00", "a.example"],
                      ["check", "--orders", NZ_AU, "--client", "10.0.0", "a.example"],
                      ["check", "--orders", NZ_AU, "--max-lifetime", "7", "a.example"],
                      ["compile", "--orders", NZ_AU, "-o", nothing + "/in/nothing"]):
        got = filterctl(*arguments)
        assert got.returncode == 2 and got.stderr and not got.stdout, got
    for arguments in (["--help"], ["check", "--help"], ["compile", "--help"], ["--version"]):
        got = filterctl(*arguments)
        assert got.returncode == 0 and got.stdout and not got.stderr, got


def the_configuration_limits_lives(folder):
    conf = folder / "filterd.conf"
    check = ["check", "--orders", NZ_AU, "--config", str(conf), "--at", "2019-03-16T12:00:00Z", "a.example"]
    conf.write_text("[orders]\nmax-lifetime = 2\n")
    got = filterctl(*check)
    assert got.returncode == 2 and "the order lives longer than 2 days" in got.stderr, got
    conf.write_text("[orders]\nmax-lifetime = 2\ncategory-lifetimes = violent-extremism:40\n")
    got = filterctl(*check)
    assert got.returncode == 0, got
    conf.write_text("[orders]\nmax-lifetime = 2 days\n")
    got = filterctl(*check)
    assert got.returncode == 2 and f"{conf}:2: [orders] max-lifetime" in got.stderr, got
    conf.unlink()
    got = filterctl(*check)
    assert got.returncode == 2 and str(conf) in got.stderr, got


def orders_have_a_state(folder):
    life = "authority=A\nreference=R\nreason=x\naction=block\nmatch=exact\nname=a.example\n"
    def order(id, starts, expires, more=""):
        return f"[order:{id}]\nstarts=2030-{starts}T00:00:00Z\nexpires=2030-{expires}T00:00:00Z\n{life}{more}"
    (folder / "states.order").write_text(
        order("over", "01-01", "02-01") + order("later", "04-01", "05-01", "name=b.example\nname=A.example\nname=b.example.\n") +
        order("now", "02-01", "05-01", "review=2030-03-05\nrevision=2\n") +
        order("now", "02-01", "04-01") + order("soon", "03-02", "06-01") +
        order("now-too", "02-01", "03-02") + order("idea", "02-01", "05-01", "state=draft\n"))
    arguments = ["orders", "--orders", str(folder / "states.order"), "--at", "2030-03-01T00:00:00Z"]
    got = filterctl(*arguments, "--json")
    rows = [(o["id"], o["revision"], o["state"]) for o in json.loads(got.stdout)["orders"]]
    assert rows == [("now-too", 1, "active"), ("now", 2, "active"), ("soon", 1, "pending"), ("later", 1, "pending"),
                    ("idea", 1, "draft"), ("over", 1, "expired"), ("now", 1, "superseded")], rows
    assert json.loads(got.stdout)["orders"][1]["review-state"] == "due"
    assert [o["names"] for o in json.loads(got.stdout)["orders"]] == [1, 1, 1, 2, 1, 1, 1], "each name is counted once"
    assert "states.order:22: order now is to be reviewed on 2030-03-05, in 4 days" in got.stderr, got
    got = filterctl(*arguments)
    lines = got.stdout.splitlines()
    assert lines[0].split()[:3] == ["ORDER", "REV", "STATE"] and len(lines) == 8, got
    assert "1 d 0 h" in lines[1] and "in 1 d 0 h" in lines[3] and " 2030-03-05 due " in lines[2], got
    # What is shown as set aside is not compiled.
    image = folder / "states.image"
    got = filterctl("compile", "--orders", str(folder / "states.order"), "-o", str(image), "--json")
    assert json.loads(got.stdout)["orders"] == 5 and json.loads(got.stdout)["set_aside"] == 2, got
    got = filterctl("orders", "--orders", str(image))
    assert got.returncode == 2, got
    assert got.stderr == f"{image}: this is an image; what is wanted here is orders in text\n", got
    # A name counts once.
    (folder / "twice.order").write_text(order("a", "01-01", "02-01", "name=b.example\nname=A.example.\n"))
    got = filterctl("orders", "--orders", str(folder / "twice.order"), "--json")
    assert json.loads(got.stdout)["orders"][0]["names"] == 2, got


with tempfile.TemporaryDirectory() as name:
    scratch = pathlib.Path(name)
    compiled = compile_all(scratch)
    for question in QUESTIONS:
        check(*question)
        check(compiled[question[0]], *question[1:])
    bad_orders_change_nothing(scratch)
    a_full_disk_changes_nothing(scratch)
    exit_codes(scratch)
    the_configuration_limits_lives(scratch)
    orders_have_a_state(scratch)
print(f"{len(QUESTIONS)} questions answered as expected")
