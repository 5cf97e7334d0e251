# SPDX-License-Identifier: GPL-3.0-or-later
"""Packagings of a query over UDP and TCP."""
import struct

from harness import SERVER
from rules import BOTH, labels, rule
from stack import OPTIONS, UDP, query


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
