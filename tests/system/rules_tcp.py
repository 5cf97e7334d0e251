# SPDX-License-Identifier: GPL-3.0-or-later
"""Packagings in segments and packets: what a server never sees or throws away, orders, overlaps, RST and FIN and SYN,
Fast Open, IP headers and fragments."""
import random
import struct

import witness
from rules import BOTH, FAR, heard, rule
from stack import ACK, FIN, FRAGMENT, HOP_BY_HOP, LIMIT_S, OPTIONS, PSH, RST, SYN, TCP, URG, hello


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
