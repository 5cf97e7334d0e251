# SPDX-License-Identifier: GPL-3.0-or-later
"""QUIC hellos in every packaging against a real server: a blocked name never gets a ServerHello, an allowed
one does wherever the server takes the packaging."""
import itertools
import json
import pathlib

import pytest

import browsers
from browsers import CADDY_ADDRESS, Caddy
from harness import FILTERCTL, order, run, wait_until

HERE = pathlib.Path(__file__).parent
BLOCKED = "blocked.h3.example"
HONEST = ("whole", "halves", "reversed", "coalesced", "shuffled", "many")
HOSTILE = ("ports", "families", "token", "grease", "decoy", "decoy-half")
REFUSED = 2  # CONNECTION_REFUSED (RFC 9000, section 20.1)
numbers = itertools.count()


@pytest.fixture
def caddy(testbed, tmp_path):
    if not browsers.CADDY:
        pytest.skip("missing (see scripts/setup): caddy")
    with Caddy(testbed, tmp_path / "caddy") as server:
        yield server


def greet(testbed, name, packaging, family=4):
    """What came back; each has a name of its own below the one that is asked for."""
    words = ["/usr/bin/python3", HERE / "quic_client.py", f"x{next(numbers)}.{name}", CADDY_ADDRESS[family], packaging]
    return json.loads(testbed.exec("client", *words, CADDY_ADDRESS[10 - family]).stdout)


def test_each_packaging(testbed, filterd, caddy):
    taken = [packaging for packaging in HONEST + HOSTILE if greet(testbed, BLOCKED, packaging)["hello"]]
    assert set(taken) >= set(HONEST), taken
    filterd.start(order(BLOCKED))
    for packaging in HONEST + HOSTILE:
        blocked = greet(testbed, BLOCKED, packaging)
        assert not blocked["hello"], (packaging, blocked)
        if packaging in HONEST:
            assert blocked["closed"] == REFUSED and blocked["seconds"] < 1, (packaging, blocked)
    for packaging in set(taken) - {"decoy", "decoy-half"}:  # which are two texts for one place
        assert greet(testbed, "free.h3.example", packaging)["hello"], packaging
    assert not greet(testbed, "free.h3.example", "decoy")["hello"]
    event = filterd.wait_event(lambda event: event["app_proto"] == "quic")
    assert event["quic"]["sni"].endswith(BLOCKED) and event["proto"] == "UDP" and event["dest_port"] == 443
    assert event["filterd"]["verdict"] == "answer"


def test_ipv6(testbed, filterd, caddy):
    assert greet(testbed, BLOCKED, "halves", 6)["hello"]
    filterd.start(order(BLOCKED))
    assert greet(testbed, BLOCKED, "halves", 6)["closed"] == REFUSED
    assert greet(testbed, "free.h3.example", "halves", 6)["hello"]


@pytest.mark.testbed("--nat")
def test_behind_nat(testbed, filterd, caddy):
    filterd.start(order(BLOCKED))
    assert greet(testbed, BLOCKED, "halves")["closed"] == REFUSED
    assert greet(testbed, "free.h3.example", "halves")["hello"]


def test_names_in_a_capture(testbed, caddy, programs, tmp_path):
    capture = tmp_path / "quic.pcap"
    with open(tmp_path / "tcpdump", "wb") as log:
        tcpdump = testbed.popen("gateway", "tcpdump", "-i", "lan0", "-U", "-w", capture, "udp", "port", "443", stderr=log)
    try:
        wait_until(lambda: b"listening" in (tmp_path / "tcpdump").read_bytes(), "tcpdump listens")
        assert greet(testbed, BLOCKED, "many")["hello"]
        lines = wait_until(lambda: run(FILTERCTL, "names", capture, check=False).stdout.splitlines(), "a name")
    finally:
        tcpdump.terminate()
        tcpdump.wait()
    frame, kind, name, _, _, server, port = lines[0].split("\t")
    assert kind == "quic" and name.endswith(BLOCKED) and (server, port) == (CADDY_ADDRESS[4], "443")
    assert int(frame) > 1  # the frame that completed it
