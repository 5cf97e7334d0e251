# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way to pack a host name so that a filter misreads it, against real servers: the server never reads a blocked
name, and an allowed one in the same packaging still gets there.

Each rule is played three times: without the filter, with a blocked name, which shows that the packaging is real
(or that this server refuses it); then through the filter, with an allowed and with a blocked name.
"""
import itertools
import random
import ssl
import struct
import time

import pytest

import witness
from harness import SERVER, Filterd, order, wait_until
from stack import (ACK, FIN, FRAGMENT, HOP_BY_HOP, LIMIT_S, OPTIONS, PSH, RST, SYN, TCP, UDP, URG, Wire, hello,
                   query, tls_kind)

PORTS = (53, 80, 443, 853, witness.RETRY_PORT)
FAR = 3  # a time to live that gets through the gateway and dies before the server
QUIET_S = 0.2  # so long the server has to read what it should not
numbers = itertools.count(random.randrange(10000, 50000))
RULES = {}


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


# --- TCP: what a server never sees, or throws away

@rule("plain", families=BOTH)
def _(s):
    c = s.opened()
    c.say(hello(s.name))
    return heard(c, s)


def with_decoy(title, allowed=True, families=(4,), **fields):
    """A hello for an allowed name that the server never takes, then the real one for the same bytes."""
    @rule(title, allowed=allowed, families=families)
    def _(s):
        c = s.opened(timestamps=fields.pop("timestamps", False))
        data = hello(s.name)
        odd = {key: value(c) if callable(value) and key != "sum" else value for key, value in fields.items()}
        c.send(odd.pop("flags", PSH | ACK), odd.pop("at", 0), hello(s.decoy())[:len(data)].ljust(len(data), b"\0"),
               **odd)
        c.say(data)
        return heard(c, s)


# The filter cannot know that this decoy dies: its bytes stand, the real ones conflict and never pass.
with_decoy("decoy: low TTL", allowed=False, ip={"ttl": FAR}, families=BOTH)
with_decoy("decoy: wrong checksum", sum=lambda raw: raw[16] << 8 ^ 0x1100 | raw[17], families=BOTH)
with_decoy("decoy: checksum zero", sum=lambda raw: 0)
with_decoy("decoy: no ACK flag", flags=PSH, families=BOTH)
with_decoy("decoy: no flag at all", flags=0)
with_decoy("decoy: SYN and FIN", flags=SYN | FIN | ACK)
with_decoy("decoy: with SYN", allowed=True, flags=SYN | PSH)
with_decoy("decoy: MD5 signature", options=b"\x13\x12" + bytes(16), families=BOTH)
with_decoy("decoy: data offset below the header", data_offset=4)
with_decoy("decoy: below the window", at=-100000)
with_decoy("decoy: beyond the window", at=10_000_000)
with_decoy("decoy: half the sequence space away", at=2**31 - 5)
with_decoy("decoy: reset with data", flags=RST | ACK, ip={"ttl": FAR})
with_decoy("decoy: IPv4 options, low TTL", allowed=False, ip={"ttl": FAR, "options": b"\1\1\1\0"})


@rule("decoy: data offset beyond the segment", families=BOTH)
def _(s):
    c = s.opened()
    for at in range(0, 600, 20):
        c.send(PSH | ACK, at, hello(s.decoy())[:20], data_offset=15)
    c.say(hello(s.name))
    return heard(c, s)


@rule("decoy: old timestamp", families=BOTH)
def _(s):
    c = s.opened(timestamps=True)
    data = hello(s.name)
    c.say(hello(s.decoy()), timestamp=c.timestamp - 100000)
    c.say(data)
    return heard(c, s)


# The filter sees no bare acknowledgement, so it cannot know that the server has come so far.
@rule("decoy: timestamp a little old, mid-hello", allowed=False)
def _(s):
    c = s.opened(timestamps=True)
    data, fake = hello(s.name), hello(s.decoy())
    half = data.index(s.name.encode()) + 3
    c.say(data[:half])
    c.say(fake[half:], half, timestamp=c.timestamp - 2)
    c.say(data[half:], half)
    return heard(c, s)


@rule("decoy: an acknowledgement of what was never sent", allowed=False)
def _(s):
    c = s.opened()
    c.say(hello(s.decoy()), ack=c.ack + 1_000_000)
    c.say(hello(s.name))
    return heard(c, s)


def decoy_of_half(title, first_real, reverse, allowed):
    @rule(title, accepted=None, allowed=allowed, families=BOTH)
    def _(s):
        c = s.opened()
        data = hello(s.name)
        half = data.index(s.name.encode()) + 3
        tails = [data[half:], data[half:].replace(s.name.encode()[3:], s.decoy().encode()[3:])]
        if not first_real:
            tails.reverse()
        pieces = [(half, tails[0]), (half, tails[1]), (0, data[:half])]
        if reverse:
            pieces = [(0, data[:half]), (half + 2, tails[0][2:]), (half, tails[1])]
        for at, piece in pieces:
            c.say(piece, at)
        return heard(c, s)


decoy_of_half("overlap: two tails that differ, the real one first", True, False, None)
decoy_of_half("overlap: two tails that differ, the decoy first", False, False, None)
decoy_of_half("overlap: a longer tail over a decoy", False, True, None)
decoy_of_half("overlap: a longer decoy over a tail", True, True, None)


@rule("overlap: many equal ones", families=BOTH)
def _(s):
    c = s.opened()
    data = hello(s.name)
    for at in range(0, len(data), 40):
        c.say(data[max(0, at - 60):at + 50], max(0, at - 60))
    return heard(c, s)


@rule("reversed", families=BOTH)
def _(s):
    c = s.opened()
    data = hello(s.name)
    for at in reversed(range(0, len(data), 50)):
        c.say(data[at:at + 50], at)
    return heard(c, s)


@rule("shuffled, doubled")
def _(s):
    c = s.opened()
    data = hello(s.name)
    places = [at for at in range(0, len(data), 30)] * 2
    random.Random(1).shuffle(places)
    for at in places:
        c.say(data[at:at + 30], at)
    return heard(c, s)


@rule("bytes", families=BOTH)
def _(s):
    c = s.opened()
    c.say(hello(s.name), size=1)
    return heard(c, s)


@rule("bytes, reversed")
def _(s):
    c = s.opened()
    data = hello(s.name)
    for at in reversed(range(len(data))):
        c.say(data[at:at + 1], at)
    return heard(c, s)


def post_quantum(title, order_of):
    @rule(title, families=BOTH)
    def _(s):
        c = s.opened()
        data = hello(s.name, pad=1300)
        pieces = [(0, data[:1400]), (1400, data[1400:])]
        for at, piece in order_of(pieces):
            c.say(piece, at)
        return heard(c, s)


post_quantum("a hello of 1.7 kB over two segments", list)
post_quantum("a hello of 1.7 kB over two segments, reversed", reversed)


@rule("a keep-alive probe within")
def _(s):
    c = s.opened()
    data = hello(s.name)
    c.say(data[:100])
    c.send(ACK, 99, b"\0")
    c.send(ACK, 99)
    c.say(data[100:], 100)
    return heard(c, s)


@rule("the last byte comes late")
def _(s):
    c = s.opened()
    data = hello(s.name)
    c.say(data[:-1])
    c.step(0.2)
    c.say(data[-1:], len(data) - 1)
    return heard(c, s)


@rule("urgent byte within the name", allowed=False)
def _(s):
    c = s.opened()
    data = hello(s.name)
    at = data.index(s.name.encode()) + 9
    data = data[:at] + b"x" + data[at:]
    c.send(PSH | ACK | URG, 0, data, urgent=at + 1)
    return heard(c, s)


@rule("urgent pointer before the byte, in a segment without data", allowed=False)
def _(s):
    c = s.opened()
    data = hello(s.name)
    at = data.index(s.name.encode()) + 9
    c.send(ACK | URG, 0, urgent=at + 1)
    c.say(data[:at] + b"x" + data[at:])
    return heard(c, s)


@rule("urgent pointer before the byte, in a repeated one", allowed=False)
def _(s):
    c = s.opened()
    data = hello(s.name)
    at = data.index(s.name.encode()) + 9
    c.say(data[:9])
    c.send(ACK | URG, 8, data[8:9], urgent=at - 8 + 1)
    c.say((data[:at] + b"x" + data[at:])[9:], 9)
    return heard(c, s)


@rule("urgent pointer beyond the data", allowed=False)
def _(s):
    c = s.opened()
    data = hello(s.name)
    c.send(PSH | ACK | URG, 0, data, urgent=len(data) + 100)
    return heard(c, s)


@rule("urgent pointer without its flag")
def _(s):
    c = s.opened()
    data = hello(s.name)
    c.send(PSH | ACK, 0, data, urgent=20)
    return heard(c, s)


# --- RST, FIN and SYN that the server never sees

def between(title, send, allowed=True, families=(4,)):
    """Half a hello, something, the other half."""
    @rule(title, allowed=allowed, families=families)
    def _(s):
        c = s.opened()
        data = hello(s.name)
        half = data.index(s.name.encode()) + 4
        c.say(data[:half])
        send(s, c, half)
        c.say(data[half:], half)
        return heard(c, s)


between("reset of low TTL", lambda s, c, half: c.send(RST, half, ip={"ttl": FAR}), families=BOTH)
between("reset and acknowledgement of low TTL", lambda s, c, half: c.send(RST | ACK, half, ip={"ttl": FAR}))
between("reset beside the window", lambda s, c, half: c.send(RST, half + 1_000_000))
between("reset of a wrong checksum", lambda s, c, half: c.send(RST, half, sum=lambda raw: 1))
between("FIN of low TTL", lambda s, c, half: c.send(FIN | ACK, half, ip={"ttl": FAR}), families=BOTH)
between("FIN with the decoy's rest, low TTL", allowed=False, send=lambda s, c, half: c.send(
    FIN | PSH | ACK, half, hello(s.decoy())[half:], ip={"ttl": FAR}))
between("SYN of low TTL", lambda s, c, half: c.send(SYN, half + 5_000_000, ack=0, ip={"ttl": FAR}), families=BOTH)
between("SYN of low TTL just behind", lambda s, c, half: c.send(SYN, half - 1, ack=0, ip={"ttl": FAR}))
between("SYN with a decoy, low TTL", lambda s, c, half: c.send(SYN, half - 1, hello(s.decoy()), ack=0,
                                                              ip={"ttl": FAR}))
between("SYN within the window", lambda s, c, half: c.send(SYN, half, ack=0))
between("SYN-ACK of the client", allowed=False, send=lambda s, c, half: c.send(SYN | ACK, half - 1, hello(s.decoy())))


@rule("a SYN-ACK of the client before its SYN", families=BOTH)
def _(s):
    c = s.tcp()
    c.send(SYN | ACK, -1, ack=77, ip={"ttl": FAR})
    c.send(PSH | ACK, 0, hello(s.decoy()), ack=78, ip={"ttl": FAR})
    c.seq += 1_000_000
    assert c.open()
    c.say(hello(s.name))
    return heard(c, s)


@rule("a connection of low TTL before, on the same ports")
def _(s):
    c = s.tcp()
    c.send(SYN, -1, ack=0, ip={"ttl": FAR})
    c.send(ACK, 0, ack=5, ip={"ttl": FAR})
    c.send(PSH | ACK, 0, hello(s.decoy()), ack=5, ip={"ttl": FAR})
    c.seq += 70_000
    assert c.open()
    c.say(hello(s.name))
    return heard(c, s)


@rule("the same ports after an allowed connection", families=BOTH)
def _(s):
    first = s.opened()
    first.say(hello(s.decoy()))
    assert heard(first, s, LIMIT_S) == "server-hello"
    first.send(RST, len(hello(s.decoy())))
    second = s.tcp(own_port=first.own_port)
    second.seq = (first.seq + 40_000_000) & 0xffffffff
    assert second.open()
    second.say(hello(s.name))
    return heard(second, s)


@rule("no reset, and the same ports after an allowed connection")
def _(s):
    first = s.opened()
    first.say(hello(s.decoy()))
    assert heard(first, s, LIMIT_S) == "server-hello"
    first.send(RST, len(hello(s.decoy())), ip={"ttl": 64})
    second = s.tcp(own_port=first.own_port)
    second.seq = (first.seq + len(hello(s.decoy())) + 100) & 0xffffffff
    assert second.open()
    second.say(hello(s.name), size=20)
    return heard(second, s)


@rule("a stream of which the filter sees no start", accepted=False)
def _(s):
    c = s.tcp()
    c.ack = 1
    c.say(hello(s.name))
    return heard(c, s)


# --- TCP Fast Open

@rule("Fast Open with a cookie", families=BOTH)
def _(s):
    first = s.tcp()
    assert first.open(options=b"\x22\x02") and first.cookie
    first.send(RST, 0)
    c = s.tcp()
    option = bytes([34, 2 + len(first.cookie)]) + first.cookie
    data = hello(s.name)
    opened = c.open(data, options=option + b"\1" * (-len(option) % 4))
    if not opened:
        return "nothing"
    assert c.taken == len(data)
    return heard(c, s)


@rule("Fast Open with half a hello and a cookie")
def _(s):
    first = s.tcp()
    assert first.open(options=b"\x22\x02") and first.cookie
    first.send(RST, 0)
    c = s.tcp()
    option = bytes([34, 2 + len(first.cookie)]) + first.cookie
    data = hello(s.name)
    assert c.open(data[:100], options=option + b"\1" * (-len(option) % 4)) and c.taken == 100
    c.say(data[100:], 100)
    return heard(c, s)


@rule("Fast Open: data that is not taken, then other data", families=BOTH)
def _(s):
    c = s.tcp()
    assert c.open(hello(s.decoy())) and c.taken == 0
    c.say(hello(s.name))
    return heard(c, s)


@rule("Fast Open: a cookie that is wrong, then other data")
def _(s):
    c = s.tcp()
    assert c.open(hello(s.decoy()), options=b"\x22\x0a" + bytes(8) + b"\1\1") and c.taken == 0
    c.say(hello(s.name))
    return heard(c, s)


@rule("Fast Open: a SYN of low TTL with a decoy, then a plain SYN")
def _(s):
    c = s.tcp()
    c.send(SYN, -1, hello(s.decoy()), ack=0, ip={"ttl": FAR})
    assert c.open()
    c.say(hello(s.name))
    return heard(c, s)


# --- IP

for number, body, title in ((HOP_BY_HOP, b"\0\1\4" + bytes(4), "hop-by-hop"),
                            (OPTIONS, b"\0\1\4" + bytes(4), "destination options"),
                            (OPTIONS, b"\3\x1e\x1c" + bytes(28), "long destination options"),
                            (FRAGMENT, struct.pack(">BHI", 0, 0, 7), "a fragment header of one piece")):
    @rule(f"IPv6 {title}", families=(6,))
    def _(s, extension=(number, body)):
        c = s.opened()
        c.say(hello(s.name), ip={"extensions": [extension]})
        return heard(c, s)


@rule("IPv6 chain of headers", families=(6,))
def _(s):
    c = s.opened()
    empty = b"\0\1\4" + bytes(4)
    c.say(hello(s.name), ip={"extensions": [(HOP_BY_HOP, empty), (OPTIONS, empty), (OPTIONS, empty)]})
    return heard(c, s)


@rule("IPv6 chain of headers longer than any", accepted=None, allowed=None, families=(6,))
def _(s):
    c = s.opened()
    c.say(hello(s.name), ip={"extensions": [(OPTIONS, b"\0\1\4" + bytes(4))] * 12})
    return heard(c, s)


def in_fragments(title, size, accepted=True, families=BOTH, order_of=list):
    @rule(title, accepted, families=families)
    def _(s):
        c = s.opened()
        segment = c.segment(PSH | ACK, 0, hello(s.name))
        for packet in order_of(s.wire.fragments(s.family, witness.ADDRESS[s.family], TCP, segment, size)):
            s.wire.send(packet)
        return heard(c, s)


in_fragments("fragments", 64)
in_fragments("fragments that part the TCP header", 16, families=(4,))
in_fragments("IPv6 fragments that part the TCP header", 16, accepted=False, families=(6,))  # RFC 7112
in_fragments("fragments, reversed", 64, order_of=reversed)


@rule("fragments that overlap", accepted=False)
def _(s):
    c = s.opened()
    real = c.segment(PSH | ACK, 0, hello(s.name))
    packets = s.wire.fragments(s.family, witness.ADDRESS[s.family], TCP, real, 160)
    number = struct.unpack(">H", packets[0][4:6])[0]
    decoy = s.wire.ip(4, witness.ADDRESS[4], TCP, bytes(64), fragment=(128, True, number))
    for packet in (packets[0], decoy, *packets[1:]):
        s.wire.send(packet)
    return heard(c, s)


@rule("IPv4 options")
def _(s):
    c = s.opened()
    c.say(hello(s.name), ip={"options": b"\1\1\1\1" + b"\x44\x08\x05\x00" + bytes(4)})
    return heard(c, s)


# --- TLS

def of_hello(title, accepted=True, allowed=None, families=(4,), port=443, make=hello, **fields):
    @rule(title, accepted, allowed, families)
    def _(s):
        c = s.opened(port)
        c.say(make(s.name, **fields))
        return heard(c, s)


of_hello("records of 1 byte", record=1, families=BOTH)
of_hello("records of 3 bytes", record=3)
of_hello("records that part the name", record=130)
for minor in range(5):
    of_hello(f"record version 3.{minor}", version=0x0300 + minor)
of_hello("record version 3.200", version=0x03c8)
of_hello("the name in capitals", make=lambda name: hello(name.upper()))
of_hello("a dot behind the name", make=lambda name: hello(name + "."))
of_hello("NUL behind the name", accepted=False, make=lambda name: hello(name.encode() + b"\0"))
of_hello("NUL before the name", accepted=False, make=lambda name: hello(b"\0" + name.encode()))
of_hello("two names, the first is blocked", accepted=False, make=lambda name: hello(name, "d.allowed.example"))
of_hello("two names, the second is blocked", accepted=False, make=lambda name: hello("d.allowed.example", name))
of_hello("another kind of name first", accepted=False,
         make=lambda name: hello(entries=[(1, b"d.allowed.example"), (0, name.encode())]))
of_hello("a hello of 20 kB, the name last", pad=20000)
of_hello("a hello of 16 kB in records of 100 bytes", pad=16000, record=100)
of_hello("a warning before the hello", accepted=None, before=b"\x15\3\1\0\2\1\x5a")
of_hello("ChangeCipherSpec before the hello", accepted=None, before=b"\x14\3\1\0\1\1")
of_hello("an empty record before the hello", accepted=None, before=b"\x16\3\1\0\0")
of_hello("encrypted_client_hello grease", more=struct.pack(">2H", 0xfe0d, 186) + bytes(186))
for other in (53, 80, 853):
    of_hello(f"TLS on port {other}", port=other)


@rule("empty records between", accepted=None)
def _(s):
    c = s.opened()
    data = hello(s.name, record=60)
    out, at = b"", 0
    while at < len(data):
        size = 5 + struct.unpack(">H", data[at + 3:at + 5])[0]
        out += data[at:at + size] + b"\x16\3\1\0\0"
        at += size
    c.say(out)
    return heard(c, s)


@rule("each record in a segment, reversed")
def _(s):
    c = s.opened()
    data = hello(s.name, record=40)
    for at in reversed(range(0, len(data), 45)):
        c.say(data[at:at + 45], at)
    return heard(c, s)


class Retried:
    """A real client, whose second hello, after a HelloRetryRequest, can be changed."""

    def __init__(self, name):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.client = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def next(self, got=b""):
        self.incoming.write(got)
        try:
            self.client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()


def retried(title, first_is_decoy, size=None):
    @rule(title, families=BOTH)
    def _(s):
        c = s.opened(witness.RETRY_PORT)
        client = Retried(s.decoy() if first_is_decoy else s.name)
        first = client.next()
        c.say(first)
        got = c.hear(lambda stream: len(stream) > 43, LIMIT_S if first_is_decoy else s.limit)
        if tls_kind(got) != "retry":
            return tls_kind(got)
        second = client.next(got).replace(s.decoy().encode(), s.name.encode())
        c.say(second, len(first), size)
        return "server-hello" if b"\x17\3\3" in c.hear(lambda stream: b"\x17\3\3" in stream, s.limit) else "nothing"


retried("HelloRetryRequest", False)
retried("HelloRetryRequest: another name in the second hello", True)
retried("HelloRetryRequest: another name in the second hello, in bytes", True, 1)


# No name at all: nothing to block, and it must pass.
WITHOUT_NAME = {"no server_name": hello, "SSLv2 hello": lambda: b"\x80\x3a\1\3\3\0\x21\0\0\0\x10" + bytes.fromhex(
    "00c02b00c02f00c02c00c03000009c00009d00002f0000350000ff00000a000013") + bytes(16)}


# --- HTTP

def http(title, text, accepted=True, allowed=None, families=(4,), size=None):
    """text: the requests, with NAME and DECOY for names and \\n for line ends."""
    @rule(title, accepted, allowed, families)
    def _(s):
        c = s.wire.tcp(SERVER[s.family], 80)
        assert c.open()
        data = text.replace("\n", "\r\n").replace("\r\r", "\r").replace("@LF@\r\n", "\n")
        data = data.replace("NAME", s.name).replace("DECOY", s.decoy())
        c.say(data.encode("latin-1"), size=size)
        return s.name.split(".")[0].encode() in c.hear(
            lambda stream: s.name.split(".")[0].encode() in stream.lower(), s.limit).lower()


http("HTTP", "GET / HTTP/1.1\nHost: NAME\n\n", families=BOTH)
http("HTTP in bytes", "GET / HTTP/1.1\nHost: NAME\n\n", size=1)
http("HTTP: Host in capitals", "GET / HTTP/1.1\nHOST: NAME\n\n")
http("HTTP: hOsT, spaces", "GET / HTTP/1.1\nhOsT:    NAME  \n\n")
http("HTTP: tabs", "GET / HTTP/1.1\nhOsT:\t NAME\t\n\n", accepted=False)
http("HTTP: no space", "GET / HTTP/1.1\nHost:NAME\n\n")
http("HTTP: a port", "GET / HTTP/1.1\nHost: NAME:80\n\n")
http("HTTP: a dot at the end", "GET / HTTP/1.1\nHost: NAME.\n\n")
http("HTTP: bare LF", "GET / HTTP/1.1@LF@\nHost: NAME@LF@\n@LF@\n")
http("HTTP: empty lines first", "\n\n\nGET / HTTP/1.1\nHost: NAME\n\n")
http("HTTP/1.0", "GET / HTTP/1.0\nHost: NAME\n\n")
http("HTTP: absolute URI", "GET http://NAME/ HTTP/1.1\nHost: DECOY\n\n")
http("HTTP: absolute URI in capitals", "GET HTTP://NAME/ HTTP/1.1\nHost: DECOY\n\n")
http("HTTP: absolute URI with another Host", "GET http://DECOY/ HTTP/1.1\nHost: NAME\n\n", accepted=False)
http("HTTP: two Hosts", "GET / HTTP/1.1\nHost: DECOY\nHost: NAME\n\n", accepted=False)
http("HTTP: two Hosts, the first is blocked", "GET / HTTP/1.1\nHost: NAME\nHost: DECOY\n\n", accepted=False)
http("HTTP: folded Host", "GET / HTTP/1.1\nHost:\n NAME\n\n", accepted=False)
http("HTTP: many headers first", "GET / HTTP/1.1\n" + "X-A: " + "a" * 900 + "\n" + "X-B: " + "b" * 900
     + "\nHost: NAME\n\n")
http("HTTP: an odd method", "FROB / HTTP/1.1\nHost: NAME\n\n")
http("HTTP: many spaces", "GET   /    HTTP/1.1\nHost: NAME\n\n")
http("HTTP: pipelined", "GET / HTTP/1.1\nHost: DECOY\n\nGET / HTTP/1.1\nHost: NAME\n\n")
http("HTTP: behind a body", "POST / HTTP/1.1\nHost: DECOY\nContent-Length: 5\n\nhelloGET / HTTP/1.1\nHost: NAME\n\n")
http("HTTP: behind a chunked body", "POST / HTTP/1.1\nHost: DECOY\nTransfer-Encoding: chunked\n\n"
     "5\nhello\n3;a=b\nabc\n0\n\nGET / HTTP/1.1\nHost: NAME\n\n")
http("HTTP: CONNECT", "CONNECT NAME:443 HTTP/1.1\nHost: NAME\n\n", accepted=False)

# Where a request ends: what two readers may see differently. None: whether nginx takes it is not what matters.
THEN = "GET / HTTP/1.1\nHost: NAME\n\n"
FIRST = "POST / HTTP/1.1\nHost: DECOY\n"
for title, text in {
    "leading zeros of a chunk": FIRST + "Transfer-Encoding: chunked\n\n0000005\nhello\n0\n\n",
    "chunks of bare LF": FIRST + "Transfer-Encoding: chunked\n\n5@LF@\nhello@LF@\n0@LF@\n@LF@\n",
    "a chunk's size in capitals": FIRST + "Transfer-Encoding: Chunked\n\nA\nhellohello\n0\n\n",
    "trailers": FIRST + "Transfer-Encoding: chunked\n\n1\nh\n0\nX: y\nHost: DECOY\n\n",
    "a chunk's extension with quotes": FIRST + "Transfer-Encoding: chunked\n\n1;a=\"b;c\"\nh\n0\n\n",
    "spaces behind a chunk's size": FIRST + "Transfer-Encoding: chunked\n\n1  \nh\n0\n\n",
    "both lengths": FIRST + "Content-Length: 500\nTransfer-Encoding: chunked\n\n0\n\n",
    "both lengths, chunked first": FIRST + "Transfer-Encoding: chunked\nContent-Length: 500\n\n0\n\n",
    "two lengths": FIRST + "Content-Length: 500\nContent-Length: 0\n\n",
    "a length with a sign": FIRST + "Content-Length: +5\n\nhello",
    "a length with zeros": FIRST + "Content-Length: 0000000005\n\nhello",
    "a list of lengths": FIRST + "Content-Length: 5, 5\n\nhello",
    "a huge length": FIRST + "Content-Length: 18446744073709551616\n\n",
    "an unknown coding": FIRST + "Transfer-Encoding: xchunked\nContent-Length: 0\n\n",
    "identity": FIRST + "Transfer-Encoding: identity\nContent-Length: 0\n\n",
    "chunked in HTTP/1.0": "POST / HTTP/1.0\nHost: DECOY\nConnection: keep-alive\nTransfer-Encoding: chunked\n\n0\n\n",
    "a coding with a tab": FIRST + "Transfer-Encoding:\tchunked\nContent-Length: 0\n\n",
    "a space before the colon": FIRST + "Content-Length : 500\n\n",
    "a folded length": FIRST + "Content-Length:\n 500\n\n",
    "a body of GET": "GET / HTTP/1.1\nHost: DECOY\nContent-Length: 5\n\nhello",
    "a HEAD with a length": "HEAD / HTTP/1.1\nHost: DECOY\nContent-Length: 3\n\nabc",
    "an upgrade": "GET / HTTP/1.1\nHost: DECOY\nConnection: upgrade\nUpgrade: websocket\n\n",
    "an upgrade to h2c": "GET / HTTP/1.1\nHost: DECOY\nConnection: upgrade, HTTP2-Settings\nUpgrade: h2c\n"
                        "HTTP2-Settings: AAMAAABkAAQAAP__\n\n",
    "expecting 100": FIRST + "Content-Length: 5\nExpect: 100-continue\n\nhello",
    "the end of the connection": "GET / HTTP/1.1\nHost: DECOY\nConnection: close\n\n",
    "HTTP/0.9": "GET /\n",
    "a method in small letters": "get / HTTP/1.1\nHost: DECOY\n\n",
    "a header with no name": "GET / HTTP/1.1\nHost: DECOY\n: x\n\n",
    "NUL in a header": "GET / HTTP/1.1\nHost: DECOY\nX: a\0b\n\n",
    "bare CR in a header": "GET / HTTP/1.1\nHost: DECOY\nX: a\rb\n\n",
    "the first line of HTTP/2": "PRI * HTTP/2.0\n\nSM\n\n",
    "asterisk": "OPTIONS * HTTP/1.1\nHost: DECOY\n\n",
    "empty lines between": "GET / HTTP/1.1\nHost: DECOY\n\n\n\n@LF@\n",
}.items():
    http(f"HTTP, behind: {title}", text + THEN, accepted=None)
for title, text in {
    "a user before the name": "GET http://DECOY@NAME/ HTTP/1.1\nHost: DECOY\n\n",
    "another scheme": "GET ftp://NAME/ HTTP/1.1\nHost: NAME\n\n",
    "no path": "GET http://NAME HTTP/1.1\nHost: DECOY\n\n",
    "a query and no path": "GET http://NAME?x HTTP/1.1\nHost: DECOY\n\n",
    "a space before the colon": "GET / HTTP/1.1\nHost : NAME\n\n",
    "a tab before the colon": "GET / HTTP/1.1\nHost\t: NAME\n\n",
    "junk behind the name": "GET / HTTP/1.1\nHost: NAME/x\n\n",
    "a port that is none": "GET / HTTP/1.1\nHost: NAME:x\n\n",
    "HTTP/1.9": "GET / HTTP/1.9\nHost: NAME\n\n",
    "HTTP/2.0": "GET / HTTP/2.0\nHost: NAME\n\n",
    "a space in the path": "GET /a b HTTP/1.1\nHost: NAME\n\n",
    "an empty Host too": "GET / HTTP/1.1\nHost:\nHost: NAME\n\n",
    "a header without a colon": "GET / HTTP/1.1\nfoo\nHost: NAME\n\n",
    "an empty header name first": "GET / HTTP/1.1\n: x\nHost: NAME\n\n",
    "NUL in a header first": "GET / HTTP/1.1\nX: a\0b\nHost: NAME\n\n",
    "bare CR before Host": "GET / HTTP/1.1\nX: a\rHost: NAME\n\n",
    "no version": "GET / \nHost: NAME\n\n",
    "a header folded first": "GET / HTTP/1.1\n X: y\nHost: NAME\n\n",
    "a long path": "GET /" + "a" * 3000 + " HTTP/1.1\nHost: NAME\n\n",
}.items():
    http(f"HTTP: {title}", text, accepted=None)


@rule("HTTP: the second request after the first answer")
def _(s):
    c = s.wire.tcp(SERVER[s.family], 80)
    assert c.open()
    first, second = (f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode() for name in (s.decoy(), s.name))
    c.say(first)
    got = len(c.hear(lambda stream: b"example\n" in stream))
    assert got
    c.say(second, len(first))
    return len(c.hear(lambda stream: len(stream) > got, s.limit)) > got


# --- DNS

def dns(title, make, accepted=True, allowed=None, families=(4,), **fields):
    @rule(title, accepted, allowed, families)
    def _(s):
        c = s.wire.udp(SERVER[s.family], 53)
        for data in make(s) if isinstance(made := make(s), (list, tuple)) else [made]:
            c.send(data, **fields)
        got = c.hear(s.limit)
        return got and got[3] & 15 in (0, 5) and s.name.split(".")[0].encode() in got.lower()  # NOERROR, REFUSED


def mixed(name):
    return "".join(letter.upper() if n % 2 else letter for n, letter in enumerate(name))


def labels(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


EDNS = b"\0" + struct.pack(">HHIH", 41, 4096, 0x8000, 0)
COOKIE = b"\0" + struct.pack(">HHIHHH", 41, 1232, 0, 12, 10, 8) + bytes(8)

dns("DNS", lambda s: query(s.name), families=BOTH)
dns("DNS: 0x20", lambda s: query(mixed(s.name)))
dns("DNS: EDNS", lambda s: query(s.name, more=EDNS, counts=(1, 0, 0, 1)))
dns("DNS: EDNS cookie", lambda s: query(s.name, more=COOKIE, counts=(1, 0, 0, 1)))
for number, title in ((2, "NS"), (5, "CNAME"), (16, "TXT"), (28, "AAAA"), (65, "HTTPS"), (255, "ANY"),
                      (64999, "unknown")):
    dns(f"DNS: type {title}", lambda s, number=number: query(s.name, type=number))
for number, title in ((3, "CH"), (254, "NONE"), (255, "ANY")):
    dns(f"DNS: class {title}", lambda s, number=number: query(s.name, kind=number), accepted=None)
for number in (1, 2, 4, 5, 6):
    dns(f"DNS: opcode {number}", lambda s, number=number: query(s.name, flags=0x0100 | number << 11), accepted=None)
dns("DNS: all flags but QR", lambda s: query(s.name, flags=0x07ff), accepted=None)
dns("DNS: two questions, the second is blocked", lambda s: query(s.decoy(), s.name), accepted=None)
dns("DNS: two questions, the first is blocked", lambda s: query(s.name, s.decoy()), accepted=None)
dns("DNS: more questions said than there are", lambda s: query(s.name, counts=(2, 0, 0, 0)), accepted=None)
dns("DNS: junk behind", lambda s: query(s.name, more=b"junk"), accepted=None)
dns("DNS: pointer backwards", lambda s: query(s.decoy(), s.name, b"\xc0" + bytes([12 + len(labels(s.decoy())) + 4])),
    accepted=None)
dns("DNS: pointer forwards", lambda s: query(b"\xc0\x12", more=labels(s.name)), accepted=None)
dns("DNS: half a name, then a pointer forwards", lambda s: query(
    labels(s.name)[:7] + b"\xc0" + bytes([12 + 9 + 4]), more=labels(s.name)[7:]), accepted=None)
dns("DNS: pointer into the header", lambda s: struct.pack(">6H", 0x0100, 0x0100, 1, 0, 0, 0)
    + labels(s.name)[:-1] + b"\xc0\x03" + b"\0\1\0\1", accepted=None)
dns("DNS: no checksum", lambda s: query(s.name), sum=0)
dns("DNS: IPv6 destination options", lambda s: query(s.name), families=(6,),
    extensions=[(OPTIONS, b"\0\1\4" + bytes(4))])
dns("DNS: IPv4 options", lambda s: query(s.name), options=b"\1\1\1\1")
dns("DNS: behind other queries of one socket pair", lambda s: [query(s.decoy()), query(s.decoy()), query(s.name)],
    accepted=None)


def dns_fragments(title, size, order_of=list, families=BOTH):
    @rule(title, families=families)
    def _(s):
        c = s.wire.udp(SERVER[s.family], 53)
        for packet in order_of(s.wire.fragments(s.family, SERVER[s.family], UDP, c.datagram(query(s.name)), size)):
            s.wire.send(packet)
        got = c.hear(s.limit)
        return got and got[3] & 15 == 0


dns_fragments("DNS: fragments", 24)
dns_fragments("DNS: fragments that part the UDP header", 8, families=(4,))
dns_fragments("DNS: fragments, reversed", 24, reversed)


def dns_stream(title, make, accepted=True, allowed=None, size=None, families=(4,), order_of=list):
    @rule(title, accepted, allowed, families)
    def _(s):
        c = s.wire.tcp(SERVER[s.family], 53)
        assert c.open()
        data = b"".join(struct.pack(">H", len(one)) + one for one in make(s))
        step = size or len(data)
        for at in order_of(range(0, len(data), step)):
            c.say(data[at:at + step], at)
        label = s.name.split(".")[0].encode()
        return label in c.hear(lambda stream: label in stream, s.limit)


dns_stream("DNS stream", lambda s: [query(s.name)], families=BOTH)
dns_stream("DNS stream in bytes", lambda s: [query(s.name)], size=1)
dns_stream("DNS stream in bytes, reversed", lambda s: [query(s.name)], size=1, order_of=reversed)
dns_stream("DNS stream: two messages in a segment", lambda s: [query(s.decoy()), query(s.name)])
dns_stream("DNS stream: the last of ten messages, in pieces of 7", size=7,
           make=lambda s: [query(s.decoy()) for _ in range(9)] + [query(s.name)])
dns_stream("DNS stream: an empty message first", lambda s: [b"", query(s.name)], accepted=None)
dns_stream("DNS stream: junk in a message first", lambda s: [b"junk", query(s.name)], accepted=None)
dns_stream("DNS stream: an answer first", lambda s: [query(s.decoy(), flags=0x8180), query(s.name)], accepted=None)


@rule("DNS stream: the second message after the first answer")
def _(s):
    c = s.wire.tcp(SERVER[s.family], 53)
    assert c.open()
    first, second = (struct.pack(">H", len(one)) + one for one in (query(s.decoy()), query(s.name)))
    c.say(first)
    got = len(c.hear())
    assert got
    c.say(second, len(first))
    return len(c.hear(lambda stream: len(stream) > got, s.limit)) > got


# --- the players

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


@pytest.mark.parametrize("title", WITHOUT_NAME)
def test_without_a_name(gateway, title):
    c = gateway.wire.tcp(witness.ADDRESS[4], 443)
    assert c.open()
    c.say(WITHOUT_NAME[title]())
    assert tls_kind(c.hear(lambda stream: len(stream) > 43)) == "server-hello"
