# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of test_rules.py: what one is, what it is played with, and the table that rules_tcp, rules_tls, rules_http
and rules_dns put theirs into."""
import time

import witness
from harness import wait_until
from stack import LIMIT_S, tls_kind

PORTS = (53, 80, 443, 853, witness.RETRY_PORT)
FAR = 3  # a time to live that gets through the gateway and dies before the server
QUIET_S = 0.2  # so long the server has to read what it should not
RULES = {}


def labels(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


class Scene:
    """What a rule is played with. `name` is the one to get through."""

    def __init__(self, wire, server, watch, testbed):
        self.wire, self.server, self.watch, self.testbed = wire, server, watch, testbed
        self.family, self.limit, self.name = 4, 10, None

    def decoy(self):
        """An allowed name of the same length."""
        return "d" + self.name.replace("blocked", "allowed")[1:]

    def tcp(self, port=443, **options):
        return self.wire.tcp(witness.ADDRESS[self.family], port, **options)

    def opened(self, port=443, **options):
        connection = self.tcp(port, **options)
        assert connection.open()
        return connection

    def reached(self):
        """The server has read the name, or says it."""
        return any(self.name in name for name in self.server.names) or self.watch.holds(
            self.name.encode(), labels(self.name))

    def play(self, rule, name, family, hopeful):
        """True if the name got to the server, and its client heard of it."""
        self.watch.forget()
        self.family, self.limit, self.name = family, LIMIT_S if hopeful else QUIET_S, name
        try:
            return self.outcome(rule.act(self), hopeful)
        finally:
            self.wire.reset_all()

    def outcome(self, heard, hopeful):
        if hopeful:
            wait_until(self.reached, f"the server reads the name (the client heard {heard})")
            return heard not in (None, False, "nothing", "alert", b"")
        end = time.monotonic() + QUIET_S
        while time.monotonic() < end and not self.reached():
            time.sleep(0.05)
        return self.reached()


class Rule:
    def __init__(self, act, accepted, allowed, families):
        self.act, self.accepted, self.allowed, self.families = act, accepted, allowed, families


def rule(title, accepted=True, allowed=None, families=(4,)):
    """A packaging. accepted: a real server takes it. allowed: an allowed name in it gets through (as accepted, if
    nothing is said)."""
    def add(act):
        assert title not in RULES
        RULES[title] = Rule(act, accepted, accepted if allowed is None else allowed, families)
        return act
    return add


BOTH = (4, 6)


def heard(connection, s, limit=None):
    """What came back of TLS, as the client sees it."""
    return tls_kind(connection.hear(lambda stream: len(stream) > 43, limit or s.limit))
