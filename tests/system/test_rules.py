# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way to pack a host name so that a filter misreads it, against real servers: the server never reads a blocked
name, and an allowed one in the same packaging still gets there.

Each rule is played three times: without the filter, with a blocked name, which shows that the packaging is real
(or that this server refuses it); then through the filter, with an allowed and with a blocked name.
"""
import itertools
import random

import pytest

import rules_dns  # noqa: F401
import rules_http  # noqa: F401
import rules_tcp  # noqa: F401
import rules_tls
import witness
from harness import Filterd, order
from rules import PORTS, RULES, Scene
from stack import Wire, tls_kind

numbers = itertools.count(random.randrange(10000, 50000))


@pytest.fixture(scope="module")
def scene(testbed_session):
    testbed_session.want()
    testbed_session.exec("server", "nft", "add table inet far; add chain inet far in "
                         "{ type filter hook prerouting priority -450; }; "
                         "add rule inet far in ip ttl < 16 drop; add rule inet far in ip6 hoplimit < 16 drop")
    wire, server, watch = Wire(testbed_session), witness.TlsServer(testbed_session, PORTS), None
    try:
        watch = witness.Watch()
        yield Scene(wire, server, watch, testbed_session)
    finally:
        testbed_session.exec("server", "nft", "delete", "table", "inet", "far")
        for thing in (server, watch, wire):
            if thing:
                thing.close()


@pytest.fixture(scope="module")
def gateway(scene, tmp_path_factory):
    """The scene, with the filter between."""
    daemon = Filterd(scene.testbed, tmp_path_factory.mktemp("filterd"))
    try:
        daemon.start(order("blocked.example"), firewall__tcp_ports=" ".join(map(str, PORTS)))
        yield scene
    finally:
        daemon.done()


def name(zone):
    return f"x{next(numbers)}.{zone}.example"


PLAYS = [pytest.param(title, family, id=f"{title} {family}") for title, one in RULES.items() for family in one.families]


@pytest.mark.parametrize("title, family", PLAYS)
def test_without_the_filter(scene, title, family):
    """What the packaging is worth: a real server reads the name, or it does not."""
    wanted = RULES[title].accepted
    got = scene.play(RULES[title], name("blocked"), family, wanted)
    assert wanted is None or got == wanted


@pytest.mark.parametrize("title, family", PLAYS)
def test_allowed(gateway, title, family):
    wanted = RULES[title].allowed
    got = gateway.play(RULES[title], name("allowed"), family, wanted)
    assert wanted is not True or got


@pytest.mark.parametrize("title, family", PLAYS)
def test_blocked(gateway, title, family):
    assert not gateway.play(RULES[title], name("blocked"), family, False)


@pytest.mark.parametrize("title", rules_tls.WITHOUT_NAME)
def test_without_a_name(gateway, title):
    c = gateway.wire.tcp(witness.ADDRESS[4], 443)
    assert c.open()
    c.say(rules_tls.WITHOUT_NAME[title]())
    assert tls_kind(c.hear(lambda stream: len(stream) > 43)) == "server-hello"
