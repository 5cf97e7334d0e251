# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends malformed packets of every kind towards the server, from the client's namespace:
malformed.py SEED COUNT. Deterministic; prints how many of each kind left."""
import collections
import random
import struct
import sys

from scapy.all import conf
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import (IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting)

S4, S6 = "10.77.2.2", "fd77:2::2"
rng = random.Random(int(sys.argv[1]))


def some(n):
    return bytes(rng.getrandbits(8) for _ in range(rng.randrange(n)))


def ip():
    return IP(dst=S4) if rng.random() < 0.5 else IPv6(dst=S6)


def question():
    return bytes(DNS(id=1, rd=1, qd=DNSQR(qname=rng.choice(["blocked.example", "a.b.free.example"]))))


def spoiled(data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        if data:
            data[rng.randrange(len(data))] = rng.choice([0, 1, 0x3f, 0x40, 0x7f, 0xc0, 0xff, rng.getrandbits(8)])
    return bytes(data[:rng.randrange(len(data) + 1)] if rng.random() < 0.3 else data)


def hello():
    sni = b"\0\x0d" + b"\0" + b"\0\x0bblocked.exa"
    extensions = b"\0\0" + struct.pack(">H", len(sni)) + sni
    body = b"\3\3" + bytes(32) + b"\0\0\2\x13\1\1\0" + struct.pack(">H", len(extensions)) + extensions
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\3\1" + struct.pack(">H", len(message)) + message


def tcp(data, **fields):
    given = {"sport": rng.randrange(1024, 65536), "dport": rng.choice([53, 443, 853]), "flags": "PA",
             "seq": rng.getrandbits(32), "ack": rng.getrandbits(32)}
    return ip() / TCP(**(given | fields)) / data


kinds = {
    "dns, bytes spoiled": lambda: ip() / UDP(dport=53) / spoiled(question()),
    "dns, noise": lambda: ip() / UDP(dport=53) / some(600),
    "dns, counts that lie": lambda: ip() / UDP(dport=53) / (question()[:4] + some(9)[:8].ljust(8, b"\xff")
                                                            + question()[12:]),
    "dns, pointers": lambda: ip() / UDP(dport=53) / (question()[:12] + b"\xc0" + bytes([rng.getrandbits(8)]) * 20),
    "udp length": lambda: ip() / UDP(dport=53, len=rng.getrandbits(16)) / question(),
    "udp checksum": lambda: ip() / UDP(dport=53, chksum=rng.getrandbits(16)) / question(),
    "tcp checksum": lambda: tcp(hello(), chksum=rng.getrandbits(16)),
    "tcp offset": lambda: tcp(hello(), dataofs=rng.randrange(16)),
    "tcp flags": lambda: tcp(hello(), flags=rng.getrandbits(9)),
    "tcp options": lambda: tcp(hello(), options=[(rng.randrange(256), some(20))]),
    "urgent": lambda: tcp(hello(), flags="PAU", urgptr=rng.getrandbits(16)),
    "tls, bytes spoiled": lambda: tcp(spoiled(hello())),
    "tls, noise": lambda: tcp(b"\x16\3\1" + some(1200)),
    "dns over tcp, noise": lambda: tcp(some(1200), dport=53),
    "tls in a syn": lambda: tcp(spoiled(hello()), flags="S"),
    "ip options": lambda: IP(dst=S4, options=some(36)) / UDP(dport=53) / question(),
    "fragments": lambda: rng.choice(fragment(IP(dst=S4, id=rng.getrandbits(4)) / UDP(dport=53)
                                             / (question() + some(400)), fragsize=rng.choice([8, 24, 200]))),
    "fragments 6": lambda: IPv6(dst=S6) / IPv6ExtHdrFragment(offset=rng.randrange(20), m=rng.getrandbits(1), nh=17,
                                                              id=rng.getrandbits(4)) / some(300),
    "extension headers": lambda: IPv6(dst=S6) / rng.choice([IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(),
                                                            IPv6ExtHdrRouting(addresses=[S6])])
    / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt(len=rng.getrandbits(8)) / UDP(dport=53) / question(),
    "quic, noise": lambda: ip() / UDP(dport=443) / (bytes([0xc0 | rng.getrandbits(6)]) + some(1200)),
}

sent = collections.Counter()
socket = conf.L3socket()
for number in range(int(sys.argv[2])):
    kind = list(kinds)[number % len(kinds)]
    try:
        socket.send(kinds[kind]())
        sent[kind] += 1
    except (OSError, struct.error):  # what the kernel or scapy itself refuses to send
        sent[kind + " (refused)"] += 1
print(dict(sent))
