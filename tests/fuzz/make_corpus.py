#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the seeds of most fuzz targets (those of wire and engine, names and lists) into this
folder. The same every time; needs scapy for the packets and cryptography for QUIC."""
import gzip
import hashlib
import hmac
import json
import pathlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import (IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting)

HERE = pathlib.Path(__file__).parent / "corpus"


def write(noun, seeds):
    folder = HERE / noun
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (folder / name).write_bytes(data)


def labels(name):
    return b"".join(bytes([len(x)]) + x for x in name.split(b".")) + b"\0"


def query(*questions, flags=0x0100, count=None, records=b"", ar=0):
    head = struct.pack(">6H", 7, flags, len(questions) if count is None else count, 0, 0, ar)
    return head + b"".join(questions) + records


def question(name, kind=1, cls=1):
    return labels(name) + struct.pack(">2H", kind, cls)


def vector(width, data):
    return len(data).to_bytes(width, "big") + data


def extension(kind, data):
    return kind.to_bytes(2, "big") + vector(2, data)


def sni(*names):
    return extension(0, vector(2, b"".join(b"\0" + vector(2, n) for n in names)))


def hello(extensions, version=b"\3\3"):
    body = version + bytes(32) + vector(1, bytes(32)) + vector(2, b"\x13\1\x13\2") + b"\1\0"
    return b"\1" + vector(3, body + vector(2, extensions))


def records(handshake, size=16384, kind=22):
    parts = [handshake[i:i + size] for i in range(0, len(handshake), size)]
    return b"".join(bytes([kind, 3, 1]) + vector(2, p) for p in parts)


write("name", {
    "ascii": b"WWW.Example.COM.", "u-label": "bücher.example".encode(), "wire": labels(b"www.example"),
    "wire-dot": b"\3a.b\1c\0", "a-label": b"xn--bcher-kva.example", "stop": "例。com".encode(),
    "long": b".".join([b"a" * 63] * 4), "labels": b".".join([b"a"] * 127), "nul": b"a\0b",
    "wire-bytes": b"\4\0\xff\\.\0", "fullwidth": "ｅxample".encode(), "sharp": "faß.de".encode(),
    "joiner": "नी‌.example".encode(), "rtl": "אב.example".encode(), "bad-utf8": b"\xc0\xae.b",
})

opt = b"\0" + struct.pack(">2HIH", 41, 1232, 0x8000, 6) + struct.pack(">2H", 10, 2) + b"xy"
write("dns", {
    "a": query(question(b"WwW.example.com")), "aaaa": query(question(b"example.com", 28)),
    "https": query(question(b"example.com", 65)), "edns": query(question(b"a.b"), records=opt, ar=1),
    "two": query(question(b"a.b"), question(b"c.d")), "root": query(question(b"").replace(b"\0\0", b"\0", 1)),
    "back": query(question(b"a.b"), b"\1c\xc0\x0c\0\1\0\1"),
    "forward": query(b"\1a\xc0\x14\0\1\0\1", records=b"\1b\0"),
    "loop": query(b"\1a\xc0\x0c\0\1\0\1"), "self": query(b"\xc0\x0c\0\1\0\1"),
    "dot": query(b"\3a.b\1c\0\0\1\0\1"), "answer": query(question(b"a.b"), flags=0x8180),
    "update": query(question(b"a.b", 6), flags=0x2800), "cut": query(question(b"example.com"))[:20],
    "many": query(*[question(b"a%d" % i) for i in range(33)]),
    "tcp": vector(2, query(question(b"a.b"))) + vector(2, query(question(b"c.d"))),
    "long": query(question(b".".join([b"a" * 63] * 3 + [b"a" * 61]))), "count": query(count=65535),
})

def answer(*records, name=b"a.example", kind=1, cut=None):
    return (struct.pack(">6H", 7, 0x81a0, 1, len(records), 0, 0) + question(name, kind) + b"".join(records))[:cut]


def record(kind, data, owner=b"\xc0\x0c"):
    return owner + struct.pack(">2HI", kind, 1, 60) + vector(2, data)


def service(*params, target=b"\0"):
    return b"\0\1" + target + b"".join(extension(key, value) for key, value in params)


ech, alpn = (5, vector(2, b"\xfe\x0d" + vector(2, bytes(40)))), (1, b"\2h2\2h3")
keyed = record(65, service(alpn, ech, (6, bytes(16))))
write("answer", {
    "a": answer(record(1, b"\1\2\3\4"), opt), "cname": answer(record(5, labels(b"b.example")), record(1, bytes(4))),
    "compressed": answer(record(5, b"\1b\xc0\x0e"), record(1, bytes(4), b"\xc0\x27")),
    "dname": answer(record(39, b"\1b\xc0\x0e")), "svcb": answer(record(64, service(target=labels(b"c.d")))),
    "https": answer(record(65, service(alpn, target=b"\1c\xc0\x0e")), kind=65), "ech": answer(keyed, kind=65),
    "ech-two": answer(keyed, record(65, service(ech), b"\1z\xc0\x0e"), opt, kind=65),
    "ech-moved": answer(keyed, record(1, bytes(4), b"\1g\xc0\x0e"), record(2, b"\xc0\x74", b"\xc0\x74"), kind=65),
    "mandatory": answer(record(65, service((0, b"\0\5"), ech)), kind=65), "cut": answer(keyed, kind=65, cut=80),
    "soa": answer(keyed, record(6, b"\xc0\x0c\xc0\x0e" + bytes(20)), record(15, b"\0\1\xc0\x0c"), kind=65),
    "unknown": answer(keyed, record(999, b"xyz"), kind=65), "tcp": vector(2, answer(keyed)),
})

plain = hello(sni(b"www.example.com"))
grease = hello(extension(0x0a0a, b"") + sni(b"a.example") + extension(0xfe0d, bytes(186)) +
               extension(51, vector(2, b"\x11\xec" + vector(2, bytes(1216)))))
server = b"\2" + vector(3, b"\3\3" + bytes(32) + b"\0\x13\1\0")
retry = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
write("tls", {
    "plain": records(plain), "bytes": records(plain, 1), "two": records(plain, 60),
    "post-quantum": records(grease), "names": records(hello(sni(b"a.b", b"c.d") + sni(b"e.f"))),
    "nul": records(hello(sni(b"a\0b"))), "u-label": records(hello(sni("ü.de".encode()))),
    "no-names": records(hello(b"")), "ccs": b"\x14\3\3\0\1\1" + records(plain),
    "alert": b"\x15\3\1\0\2\1\x70" + records(plain), "empty": b"\x16\3\1\0\0" * 3 + records(plain),
    "mixed": records(plain[:9]) + b"\x15\3\1\0\2\1\0" + records(plain[9:]),
    "cut": records(plain)[:70], "more": records(plain + b"\1"), "sslv2": b"\x80\x1c\1\3\1\0\3\0\0\0\x10\0\0\x2f" + bytes(16),
    "type": records(hello(extension(0, vector(2, b"\7\0\2xy\0\0\1a")))),
    "server": records(server), "retry": records(server.replace(bytes(32), retry, 1)),
    "refused": b"\x15\3\3\0\2\2\x28", "server-bytes": records(server, 1), "data": records(b"x" * 20, kind=23),
    "long": records(b"\1\xff\xff\xff\3\3"),
})

write("handshake", {
    "plain": plain, "post-quantum": grease, "names": hello(sni(b"a.b", b"c.d") + sni(b"e.f")),
    "more": plain + b"\1\0\0", "cut": plain[:90], "nul": hello(sni(b"a\0b")), "server": server,
    "long": b"\1\xff\xff\xff\3\3", "none": hello(b""),
})


def varint(n):
    size = 1 if n < 0x40 else 2 if n < 0x4000 else 4 if n < 1 << 30 else 8
    return (n | {1: 0, 2: 1, 4: 2, 8: 3}[size] << 8 * size - 2).to_bytes(size, "big")


def crypto(offset, data):
    return b"\6" + varint(offset) + varint(len(data)) + data


def expand(secret, label, size):
    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + vector(1, label) + b"\0\1"
    return hmac.new(secret, info, hashlib.sha256).digest()[:size]


def initial(payload, version=1, dcid=b"\x83\x94\xc8\xf0\x3e\x51\x57\x08", token=b"", number=0, kind=0, label=b"quic "):
    """A client's Initial (RFC 9001), as an honest one or not."""
    salt = {1: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", 0x6b3343cf: "0dede3def700a6db819381be6e269dcbf9bd2ed9",
            0xff00001d: "afbfec289993d24c9e9786f19c6111e04390a899"}[version]
    secret = expand(hmac.new(bytes.fromhex(salt), dcid, hashlib.sha256).digest(), b"client in", 32)
    key, iv, hp = (expand(secret, label + what, size) for what, size in ((b"key", 16), (b"iv", 12), (b"hp", 16)))
    head = bytes([0xc0 | kind << 4]) + version.to_bytes(4, "big") + vector(1, dcid) + b"\0"
    head += varint(len(token)) + token + varint(1 + len(payload) + 16) + bytes([number])
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    sealed = AESGCM(key).encrypt(nonce, payload, head)
    mask = Cipher(algorithms.AES(hp), modes.ECB()).encryptor().update(sealed[3:19])
    return bytes([head[0] ^ mask[0] & 15]) + head[1:-1] + bytes([head[-1] ^ mask[1]]) + sealed


cut = len(plain) // 2
ack = b"\2\x0a\0\2\1\0\0\2\0"
write("quic", {
    "plain": initial(crypto(0, plain) + bytes(60)), "v2": initial(crypto(0, plain), 0x6b3343cf, kind=1, label=b"quicv2 "),
    "draft29": initial(crypto(0, plain), 0xff00001d), "token": initial(crypto(0, plain), token=b"token"),
    "shuffled": initial(b"\1" + crypto(cut, plain[cut:]) + bytes(9) + ack + crypto(0, plain[:cut])),
    "two": initial(crypto(0, plain[:cut])) + initial(crypto(cut, plain[cut:]), number=1),
    "coalesced": initial(crypto(0, plain)) + b"\xd0\0\0\0\1\x08" + bytes(8) + b"\0\x14" + bytes(20) + b"\x40rest",
    "retry": b"\xf0\0\0\0\1\0\x08" + bytes(8) + b"token" + bytes(16),
    "negotiation": b"\x80\0\0\0\0\3abc\2de\0\0\0\1\x6b\x33\x43\xcf",
    "unknown": b"\xd0\x0a\x1a\x2a\x3a\3abc\0\0\x19" + bytes(25), "short": b"\x40" + bytes(24),
    "long-id": b"\xc0\x0a\x1a\x2a\x3a\xff" + bytes(255) + b"\0",
    "lying": b"\xc0\0\0\0\1\0\0\xff" + b"\xff" * 7 + b"\1",
    "frames": ack + b"\3\5\0\0\1\1\2\3" + crypto(5, b"hello") + b"\x1c\7\6\2hi\x40\1" + crypto((1 << 62) - 2, b"x"),
})


def dtls(*messages, epoch=0, version=b"\xfe\xfd", kind=22):
    return bytes([kind]) + version + struct.pack(">H", epoch) + bytes(6) + vector(2, b"".join(messages))


def fragment(body, start=0, end=None, number=0, kind=1):
    part = body[start:end]
    return bytes([kind]) + len(body).to_bytes(3, "big") + struct.pack(">H", number) + start.to_bytes(3, "big") + vector(3, part)


def dtls_body(extensions, cookie=b""):
    return (b"\xfe\xfd" + bytes(32) + vector(1, b"") + vector(1, cookie) + vector(2, b"\xc0\x2b\xc0\x2f") + b"\1\0"
            + vector(2, extensions))


body = dtls_body(sni(b"www.example.com"), bytes(20))
write("dtls", {
    "plain": dtls(fragment(dtls_body(sni(b"www.example.com")))), "cookie": dtls(fragment(body, number=1)),
    "fragments": dtls(fragment(body, 0, 40)) + dtls(fragment(body, 40)), "together": dtls(fragment(body, 0, 9), fragment(body, 9)),
    "nul": dtls(fragment(dtls_body(sni(b"a\0b")))), "dtls10": dtls(fragment(body), version=b"\xfe\xff"),
    "encrypted": dtls(fragment(body)) + dtls(b"\1", kind=20) + dtls(bytes(40), epoch=1), "unified": b"\x2c" + bytes(40),
    "verify": dtls(fragment(b"\xfe\xff\x04abcd", kind=3)), "inside": dtls(dtls(fragment(body)), kind=23, version=b"\xfe\xfc"),
    "past": dtls(fragment(body)[:-9]), "alert": dtls(b"\2\x28", kind=21), "cut": dtls(fragment(body))[:70],
})

four, six = IP(src="192.0.2.1", dst="198.51.100.2"), IPv6(src="2001:db8::1", dst="2001:db8::2")
syn = TCP(sport=40000, dport=443, flags="S", options=[
    ("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 2)), ("NOP", None), ("WScale", 7)])
data = TCP(sport=40000, dport=443, flags="PA", seq=1, ack=2) / b"hello"
udp = UDP(sport=40001, dport=53) / b"query"
odd = TCP(sport=1, dport=2, flags="A", dataofs=10) / (b"\x1e\x0c\x10" + bytes(9) + b"\x13\x02\xc8\x00" + bytes(4))
packets = {
    "tcp4-syn": four / syn, "tcp4": four / data, "udp4": four / udp, "tcp6-syn": six / syn,
    "tcp6": six / data, "udp6": six / udp, "options": four / odd,
    "ip-options": IP(src="192.0.2.1", dst="198.51.100.2", options=b"\7\7\4\0\0\0\0") / udp,
    "fragment4": IP(src="192.0.2.1", dst="198.51.100.2", flags="MF") / udp,
    "fragment6": six / IPv6ExtHdrFragment(m=1, nh=17) / bytes(8),
    "atomic6": six / IPv6ExtHdrFragment(nh=17) / udp,
    "hop6": six / IPv6ExtHdrHopByHop() / udp, "options6": six / IPv6ExtHdrDestOpt() / udp,
    "routing6": six / IPv6ExtHdrRouting(segleft=1, addresses=["2001:db8::3"]) / UDP(sport=1, dport=53, chksum=1),
    "many6": six / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() / data,
    "no-sum4": four / UDP(sport=1, dport=53, chksum=0) / b"x",
    "no-sum6": six / UDP(sport=1, dport=53, chksum=0) / b"x",
    "short-udp": four / UDP(sport=1, dport=53, len=9) / b"xyz",
    "long-udp": four / UDP(sport=1, dport=53, len=99) / b"xyz",
    "flags": four / TCP(flags="SF"), "icmp": IP(src="192.0.2.1", dst="198.51.100.2", proto=1) / b"\10\0",
    "long4": IP(src="192.0.2.1", dst="198.51.100.2", len=1000) / udp,
    "zero4": IP(src="192.0.2.1", dst="198.51.100.2", len=0) / udp,
}
write("packet", {name: bytes(p) for name, p in packets.items()} | {"padded": bytes(four / udp) + bytes(9)})


def frames(link_type, *each):
    """Input of fuzz_link.c."""
    return bytes([link_type]) + b"".join(vector(2, bytes(x)) for x in each)


pieces = [four / udp, IP(src="192.0.2.1", dst="198.51.100.2", id=9, flags="MF", proto=17) / bytes(16),
          IP(src="192.0.2.1", dst="198.51.100.2", id=9, frag=2, proto=17) / bytes(9)]
pieces6 = [six / IPv6ExtHdrFragment(m=1, nh=17, id=5) / bytes(16),
           six / IPv6ExtHdrFragment(offset=2, nh=17, id=5) / bytes(9)]
ethernet = bytes(12) + b"\x08\x00"
write("link", {
    "ethernet": frames(0, ethernet + bytes(four / udp)),
    "vlan": frames(0, bytes(12) + b"\x88\xa8\0\1\x81\0\0\2\x86\xdd" + bytes(six / udp)),
    "pppoe": frames(0, bytes(12) + b"\x88\x64\x11\0\0\1\0\x40\0\x21" + bytes(four / udp)),
    "cooked": frames(1, bytes(14) + b"\x08\x00" + bytes(four / udp)),
    "cooked2": frames(2, b"\x86\xdd" + bytes(18) + bytes(six / udp)),
    "ppp": frames(4, b"\xff\x03\x00\x57" + bytes(six / udp)), "ppp-short": frames(4, b"\x21" + bytes(four / udp)),
    "null": frames(5, b"\2\0\0\0" + bytes(four / udp)),
    "fragments": frames(3, *pieces), "reversed": frames(3, *pieces[::-1]),
    "fragments6": frames(3, *pieces6), "doubled6": frames(3, pieces6[0], *pieces6),
    "overlap": frames(3, pieces[1], pieces[1], pieces[2]),
})


def segment(what, flags, seq, ack, payload=b""):
    """Input of fuzz_engine.c; what: 1 from the server, 2 a datagram, 4 raw, 8 one-way, 16 port 53."""
    padded = payload + bytes(-len(payload) % 4)
    return bytes([what, flags]) + struct.pack(">2HB", seq, ack, len(padded) // 4) + padded


def sealed(frames, how=0, number=0):
    """An Initial; how: 0 to 3 first id, 4 the server's id, 8 version 2, 16 unknown version, 32 another port."""
    padded = frames + bytes(-len(frames) % 4)
    return bytes([32, how, number, len(padded) // 4]) + padded


def datagram(payload, what=2):
    padded = payload + bytes(-len(payload) % 4)
    return bytes([what, len(padded) // 4]) + padded


def later(seconds, packet):
    return bytes([packet[0] | 64, seconds]) + packet[1:]


def no_side(packets):
    """As out of a capture: for one packet."""
    return bytes([packets[0] | 128]) + packets[1:]


SYN, RST, FIN, ACK = 2, 4, 1, 16
opened = segment(0, SYN, 99, 0) + segment(1, SYN | ACK, 499, 100)
bad, good = records(hello(sni(b"a.blocked.example"))), records(hello(sni(b"free.example")))
asked = vector(2, query(question(b"free.example"))) + vector(2, query(question(b"blocked.example")))
quic_bad, quic_good = hello(sni(b"a.blocked.example")), hello(sni(b"free.example"))
dtls_bad = dtls_body(sni(b"a.blocked.example"))
write("engine", {
    "quic": sealed(crypto(0, quic_good)) + sealed(crypto(0, quic_bad), 1),
    "quic-halves": sealed(crypto(0, quic_bad[:40])) + sealed(crypto(40, quic_bad[40:]), 4, 1),
    "quic-shuffled": sealed(crypto(40, quic_bad[40:]) + bytes(9) + crypto(20, quic_bad[20:45]) + crypto(0, quic_bad[:20]), 2),
    "quic-decoy": sealed(crypto(40, quic_good[40:])) + sealed(crypto(0, quic_bad), 32),
    "quic-versions": sealed(crypto(0, quic_bad[:40])) + sealed(crypto(40, quic_bad[40:]), 8) + sealed(crypto(0, quic_bad), 17),
    "quic-again": sealed(crypto(0, quic_good)) + sealed(crypto(len(quic_good), quic_bad), 4, 1),
    "quic-unreadable": datagram(initial(crypto(0, quic_bad))[:120] + bytes(40), 18),
    "dtls": datagram(dtls(fragment(dtls_bad, 0, 40)), 18) + datagram(dtls(fragment(dtls_bad, 40)), 18)
    + datagram(dtls(fragment(dtls_bad, number=1)), 18),
    "blocked": opened + segment(0, ACK, 100, 500, bad),
    "allowed": opened + segment(0, ACK, 100, 500, good) + segment(1, ACK, 500, 100 + len(good), records(server)),
    "retry": opened + segment(0, ACK, 100, 500, good)
    + segment(1, ACK, 500, 100 + len(good), records(server.replace(bytes(32), retry, 1)))
    + segment(0, ACK, 100 + len(good), 600, bad),
    "reversed": opened + segment(0, ACK, 120, 500, bad[20:]) + segment(0, ACK, 100, 500, bad[:20]),
    "conflict": opened + segment(0, ACK, 120, 500, good[20:]) + segment(0, ACK, 100, 500, bad),
    "again": opened + segment(0, ACK, 100, 500, good) + segment(1, ACK, 500, 100 + len(good), records(server))
    + segment(1, RST, 600, 0) + segment(0, SYN, 5999, 0) + segment(1, SYN | ACK, 7999, 6000)
    + segment(0, ACK, 6000, 8000, bad),
    "syn-data": segment(0, SYN, 99, 0, good[:40]) + segment(1, SYN | ACK, 499, 100) + segment(0, ACK, 100, 500, bad),
    "midstream": segment(0, ACK, 100, 500, bad) + segment(1, ACK, 500, 100, b"data"),
    "one-way": segment(8, SYN, 99, 0) + segment(8, ACK, 100, 500, bad),
    "dns-tcp": segment(16, SYN, 99, 0) + segment(17, SYN | ACK, 499, 100) + segment(16, ACK, 100, 500, asked),
    "dns-udp": datagram(query(question(b"www.blocked.example"))) + datagram(query(question(b"free.example"))),
    "fin": opened + segment(0, FIN | ACK, 100, 500, good) + segment(1, FIN | ACK, 500, 101 + len(good), b"bye!"),
    "raw": bytes([4, len(bytes(four / data))]) + bytes(four / data),
    "idle": opened + segment(0, ACK, 100, 500, bad[:40]) + later(61, segment(0, ACK, 140, 500, bad[40:])),
    "quic-idle": sealed(crypto(0, quic_bad[:40])) + later(61, sealed(crypto(40, quic_bad[40:]), 0, 1)),
    "capture": no_side(segment(1, ACK, 500, 100)) + no_side(segment(0, ACK, 100, 500, bad)),
    "answer": datagram(answer(record(5, labels(b"a.blocked.example")), record(1, bytes(4))), 3),
    "answer-ech": datagram(answer(keyed, kind=65), 3),
    "answer-tcp": segment(16, SYN, 99, 0) + segment(17, SYN | ACK, 499, 100)
    + segment(16, ACK, 100, 500, vector(2, query(question(b"a.example"))))
    + segment(17, ACK, 500, 129, vector(2, answer(record(5, labels(b"a.blocked.example"))))),
    "canary": datagram(query(question(b"use-application-dns.net"))),
})


def shown(what, port, payload):
    """Input of fuzz_classify.c; what: 1 UDP, 2 from the client, 4 first, 8 last, 16 IPv6, 32 length in eights."""
    eights = len(payload) > 255
    payload += bytes(-len(payload) % 8) if eights else b""
    return bytes([what | (32 if eights else 0)]) + struct.pack(">HB", port, len(payload) // (8 if eights else 1)) + payload


stun = struct.pack(">HHI12xHHIHH8s", 0x0113, 20, 0x2112a442, 9, 4, 0x401, 0x14, 8, b"a.exampl")
write("classify", {
    "ssh": shown(6, 22, b"SSH-2.0-OpenSSH_9.2p1\r\n") + shown(8, 22, b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    "smtp": shown(4, 25, b"220 mail.a.example ESMTP\r\n") + shown(2, 25, b"EHLO b.example\r\n")
    + shown(0, 25, b"250 mail.a.example\r\n") + shown(2, 25, b"STARTTLS\r\n") + shown(0, 25, b"220 go on\r\n")
    + shown(2, 25, good),
    "ftp": shown(4, 21, b"220 ftp.a.example FTP\r\n") + shown(2, 21, b"USER me\r\n") + shown(0, 21, b"331 password\r\n")
    + shown(2, 21, b"PASS secret\r\n"),
    "tls": shown(6, 443, good) + shown(0, 443, records(server)) + shown(22, 443, good),
    "http": shown(6, 80, b"GET / HTTP/1.1\r\nHost: a.example:80\r\nUser-Agent: x\r\n\r\n")
    + shown(0, 80, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"),
    "stun": 9 * shown(1, 3478, stun) + shown(3, 3478, stun),
    "dns": shown(3, 53, query(question(b"a.example"))) + shown(1, 53, query(question(b"a.example"), flags=0x8180)),
    "kerberos": shown(6, 88, bytes.fromhex("0000012c6a82012830820124a103020105a20302010aa3") + bytes(277)),
    "socks": shown(6, 1080, b"\x05\x01\x00") + shown(0, 1080, b"\x05\x00")
    + shown(2, 1080, b"\x05\x01\x00\x03\x09a.example\x01\xbb"),
    "quic": shown(3, 443, b"\xc3\0\0\0\x01\x08abcdefgh\0\0\x44\x9e" + bytes(1200)),
    "bittorrent": shown(6, 6881, b"\x13BitTorrent protocol" + bytes(48)),
    "sip": shown(3, 5060, b"INVITE sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP c.example\r\n\r\n"),
})

crlf = b"\r\n"


def request(line, *fields, body=b""):
    return crlf.join((line,) + fields) + crlf * 2 + body


plain_get = request(b"GET / HTTP/1.1", b"Host: a.example")
write("http", {
    "get": plain_get, "two": plain_get * 2, "lf": plain_get.replace(crlf, b"\n"), "cr": plain_get.replace(crlf, b"\r"),
    "uri": request(b"GET http://u:p@a.example:80/x HTTP/1.1", b"hOST : b.example.:81"), "old": b"GET /\r\n",
    "escapes": request(b"GET http://%61.example/ HTTP/1.1", b"Host: [::1]:80"),
    "folded": request(b"GET / HTTP/1.1", b" Host: a", b"Host:", b"\tb", b" c"),
    "body": request(b"POST / HTTP/1.1", b"Content-Length: 5, 5", body=b"hello") + plain_get,
    "chunked": request(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked",
                       body=b"5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n") + plain_get,
    "both": request(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", b"Content-Length: 5"),
    "lengths": request(b"POST / HTTP/1.1", b"Content-Length: 99999999999999999", b"Content-Length: 1"),
    "connect": request(b"CONNECT a.example:443 HTTP/1.1", body=records(plain)),
    "upgrade": request(b"GET / HTTP/1.1", b"Upgrade: h2c", body=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "none": b"SSH-2.0-x\r\n", "blanks": b"\r\n \tGET \v/ HTTP/1.1\r\n\r\n\r\n",
})


def talk(*lines):
    """A TCP connection whose ends speak in turns, the server first; an empty line says nothing."""
    said, numbers = opened, [500, 100]
    for turn, line in enumerate(lines):
        server_speaks = turn % 2 == 0
        me, other = (0, 1) if server_speaks else (1, 0)
        padded = line + bytes(-len(line) % 4)
        if line:
            said += segment(1 if server_speaks else 0, ACK, numbers[me], numbers[other], padded)
        numbers[me] += len(padded)
    return said


write("hint", {
    "ssh": talk(b"", b"SSH-2.0-OpenSSH_9.2p1 a\r\n", b"SSH-2.0-OpenSSH_9.2p1 b\r\n"),
    "smtp": talk(b"220 mx.blocked.example SMTP \r\n", b"EHLO abc.example\r\n", b"250 mx.blocked.example\r\n",
                 b"MAIL FROM:<abcdefgh>\r\n"),
    "udp": 8 * datagram(stun, 2 | 16) + datagram(b"later", 2 | 16),
})

write("prelude", {
    "proxy-1": b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 443\r\n", "smtp": b"EHLO me\r\nSTARTTLS\r\n",
    "proxy-2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12), "imap": b"a CAPABILITY\r\nb STARTTLS\r\n",
    "socks-4a": b"\4\1\0P\0\0\0\1\0example.com\0", "socks-5": b"\5\1\0\5\1\0\3\x0bexample.com\1\xbb",
    "socks-5-login": b"\5\2\0\2\1\2me\3you\5\1\0\4" + bytes(18), "postgresql": b"\0\0\0\x08\4\xd2\x16\x2f",
    "xmpp": b"<?xml version='1.0'?><stream:stream to='a'><starttls xmlns='b'/>",
    "ldap": b"\x30\x1d\2\1\1\x77\x18\x80\x16" b"1.3.6.1.4.1.1466.20037",
    "mysql": b"\x20\0\0\1\0\x08" + bytes(30), "rdp": b"\3\0\0\x0b\6\xe0" + bytes(5),
})


def four_by_four(*requests):
    """Requests whose length is a multiple of four, since segment() pads with zeros."""
    text = b"".join(requests)
    return text.replace(b"Host:", b"Host:" + b" " * (-len(text) % 4), 1)


blocked_get = request(b"GET / HTTP/1.1", b"Host: a.blocked.example")
upload = request(b"POST / HTTP/1.1", b"Host: a.example", b"Content-Length: 2000")
chunked = request(b"POST / HTTP/1.1", b"Host: a.example", b"Transfer-Encoding: chunked")
web = four_by_four(plain_get, blocked_get)
body, chunks = four_by_four(upload), four_by_four(chunked, b"600\r\n")
tunnel = four_by_four(request(b"CONNECT a.example:443 HTTP/1.1", b"Host:"))
write("engine", {
    "http": opened + segment(0, ACK, 100, 500, four_by_four(plain_get))
    + segment(0, ACK, 100 + len(four_by_four(plain_get)), 500, web),
    "http-blocked": opened + segment(0, ACK, 100, 500, four_by_four(blocked_get)),
    "http-body": opened + segment(0, ACK, 100, 500, body) + segment(0, ACK, 100 + len(body) + 1000, 500, bytes(1000))
    + segment(0, ACK, 100, 500, body) + segment(0, ACK, 100 + len(body) + 2000, 500, web),
    "http-chunked": opened + segment(0, ACK, 100, 500, chunks)
    + segment(0, ACK, 100 + len(chunks) + 0x600, 500, b"\r\n400\r\n ") + segment(0, ACK, 100, 500, chunks)
    + segment(0, ACK, 100 + len(chunks) + 0x600 + 7 + 0x400, 500, b"\r\n0\r\n\r\n\n" + web),
    "http-connect": opened + segment(0, ACK, 100, 500, tunnel) + segment(0, ACK, 100 + len(tunnel), 500, bad),
})

# The first byte of a list is what the order says: 1 allows, 2 matches subtrees, 4 widens, 8 skips all that it may.
zone = b"$TTL 60\n$ORIGIN rpz.example.\n@ IN SOA ns. root. (\n 1 ; serial\n 2 3 4 5 )\n NS ns.\n"
pair = b"ads.example CNAME .\n*.ads.example CNAME .\n"
write("lists", {
    "plain": b"\2a.example\nB.Example.\n\n# nothing\nc.example # why\n", "empty": b"\2# only a comment\n\n",
    "bom": b"\0\xef\xbb\xbfa.example\n" + "bücher.example\r\n".encode() + b"no-newline.example",
    "blocks": b"\2" + b"".join(b"name-%03d.of-some-length.example\n" % i for i in range(400)),
    "long": b"\x0aa.example\n" + b"x" * 9000 + b"\nb.example\n", "nul": b"\2a\0b.example\n\xff\xfe.example\n",
    "refused": b"\2a.example\nhttp://b.example/\n*.c.example\n192.0.2.1\ncom\n", "wide": b"\2\xff\xfea\0.\0b\0\n\0",
    "even": b"\2a.example\n0.0.0.0 b.example\n", "hosts": b"\x08# hosts\n0.0.0.0 a.example b.example\n",
    "adblock": b"\x0a! Title\n||a.example^\n@@||b.a.example^\n", "rpz": b"\x0a" + zone + pair,
    "dnsmasq": b"\x0aaddress=/a.example/\nserver=/b.a.example/#\n", "gzip-cut": b"\2" + gzip.compress(pair, mtime=0)[:40],
    "unbound": b"\x0aserver:\nlocal-zone: \"a.example\" static\n", "gzip": b"\2" + gzip.compress(pair, mtime=0),
    "gzip-two": b"\2" + gzip.compress(b"a.b\n", mtime=0) + gzip.compress(b"c.d\n", mtime=0),
})
write("list_hosts", {
    "plain": b"\x000.0.0.0 a.example\n127.0.0.1 b.example\tc.example # why\n:: d.example\n", "own": b"\x08"
    b"127.0.0.1 localhost\n::1 localhost ip6-loopback\nfe80::1%lo0 localhost\n255.255.255.255 broadcasthost\n0.0.0.0 a.b\n",
    "others": b"\x08192.0.2.1 nas.example\n2001:db8::1 nas.example\n0.0.0.0\nnas.example\n0.0.0.0 printer\n0.0.0.0 a.b\n",
    "refused": b"\x00192.0.2.1 nas.example\n0.0.0.0 *.a.example\n", "widen": b"\x060.0.0.0 a.example x.a.example\n",
})
write("list_adblock", {
    "plain": b"\2[Adblock Plus 2.0]\n! Title\n||a.example^\n||b.example^$important,all\n||c.example^|\n",
    "exceptions": b"\x0b||a.example^\n@@||b.a.example^\n@@||c.a.example^$third-party\n@@/x/\n",
    "patterns": b"\x0a||a.example^$third-party\n||a.example\n||a.example/x\n|b|\n/ads/\n||*.c^\n||^\n||\n@@\n$\n||d.example^\n",
    "cosmetic": b"\x0aa.example##.ad\n##.ad\n#@#.ad\n# comment\n#\na.example#?#x\nb.example#$#y\n||d.example^\n",
})
write("list_dnsmasq", {
    "plain": b"\2address=/a.example/\naddress=/b.example/c.example/0.0.0.0\nlocal=/d.example/ # why\nserver = /.e.example/\n",
    "reach": b"\x06address=/*.a.example/\naddress=/*.b.example/#\naddress=/b.example/\n",
    "exceptions": b"\x0bserver=/a.example/\nserver=/b.a.example/c.a.example/#\n",
    "others": b"\x0aserver=8.8.8.8\nserver=/x.example/10.0.0.1\nport=53\naddress=/#/1\naddress=//\naddress=/\naddress=\n"
    b"address=/*x.example/\naddress=/x.example\n=\naddress=/a.example/\n",
})
write("list_unbound", {
    "plain": b"\2server: # c\n\tlocal-zone: \"a.example\" always_nxdomain\nlocal-zone: 'b.example.' \"refuse\" # c\n",
    "data": b"\0local-data: \"a.example. 60 IN A 0.0.0.0\"\nlocal-data: 'b.example AAAA ::'\nlocal-zone: c.example redirect\n",
    "exceptions": b"\x0blocal-zone: \"a.example\" static\nlocal-zone: \"b.a.example\" transparent\n",
    "others": b"\x0alocal-zone: \"a\nlocal-zone:\nlocal-data: \"\"\nlocal-data: \"x\"\nlocal-zone: a.example x y\nserver:x\n"
    b"forward-zone:\nlocal-data: \"a.example TXT x\"\nlocal-zone: a.example deny\n",
})
write("list_rpz", {
    "plain": b"\2" + zone + pair, "actions": b"\x08" + zone + b"".join(
        b"a%d.example CNAME %s\n" % (i, to) for i, to in enumerate((
            b".", b"*.", b"rpz-drop.", b"rpz-passthru.", b"rpz-tcp-only.", b"rpz-x.", b"rpz-drop", b"b.example.", b""))),
    "data": b"\0" + zone + b"a.example 60 IN A 192.0.2.1\n  AAAA ::1\nb.example TXT \"a;\\\"(\" b\n", "origin": b"\0"
    b"$ORIGIN .\nrpz.x SOA a b 1 2 3 4 5\na.b.rpz.x CNAME .\n$ORIGIN com.rpz.x.\nc CNAME .\n$ORIGIN d\n@ CNAME .\ne A 1\n",
    "triggers": b"\x0a" + zone + b"24.0.2.0.192.rpz-ip CNAME .\n8.1.rpz-client-ip CNAME .\nx.rpz-nsdname CNAME .\n"
    b"* CNAME .\n*.x CNAME .\nx.y. CNAME .\n1._filterd TXT \"id=a\"\n$INCLUDE x\n$\n" + pair,
    "passthru": b"\x0b" + zone + pair + b"b.ads.example CNAME rpz-passthru.\n*.b.ads.example CNAME rpz-passthru.\n"
    b"c.d CNAME c.d.\n", "reach": b"\x06" + zone + b"a.b CNAME .\n*.c.d CNAME .\nx.c.d CNAME .\n",
    "parentheses": b"\0a.b ( CNAME\n ( . ) )\nc.d CNAME . (\n", "quotes": b"\0a.b TXT \"x\ny\"\n", "close": b"\0a.b CNAME . )\n",
    "escapes": b"\x08a\\.b.c CNAME .\n\\100.c CNAME .\nx\\ y.c CNAME .\na.b CNAME \\\n", "cut": b"\x08" + b"a" * 4090 + b" A 1\na.b A 1\n",
})

# Made with minisign 0.11: a key, a signature and one of the legacy form.
pub = b"RWT77Y5FvpPGJ3GTIEDQOI+KryGOZ10hY2gj6I+kjbhFyoCdQetrK/N7\n"
glob = b"8ML7K0oodjddZ9tl+2E2lLHklUgeKmpu/etS+H7jH9AddnYBaa4iXTRwo4DkpxiVzI5OBfFULJRHMyCxl6YWDg==\n"
signed = b"RUT77Y5FvpPGJyayiWpC7YwOtxnIO0f5nVQ/yU0EOleC/HoZUiOw/sbnzeF79DSyZ8aDG1oXZsnK00izpP+nrclp0P3XXEZr9gg=\n"
untrusted = b"untrusted comment: x\n"
write("minisign", {
    "key": untrusted + pub, "key-line": pub, "good": untrusted + signed + b"trusted comment: Ticket 4711\n" + glob,
    "legacy": untrusted + b"RW" + signed[2:] + b"trusted comment: \n" + glob, "cut": untrusted + signed,
    "crlf": (untrusted + signed + b"trusted comment: x\n" + glob).replace(b"\n", b"\r\n"),
})
head = b"filterd-manifest: 1\ncommand: %s\nserial: 43\nnot-before: 2019-03-15T20:00:00Z\nnot-after: 2019-03-16T20:00:00Z\n"
image = b"image: " + b"0123456789abcdef" * 4 + b"\n"
write("manifest", {
    "push": head % b"push" + image + b"note: Ticket 4711\n", "lift": head % b"lift" + b"order: a\nreason: appeal\n",
    "extend": head % b"extend" + b"order: a\nuntil: 2019-05-01T00:00:00Z\n",
    "rollback": head % b"rollback" + image + b"to: 41\n",
})

# Requests, with an image behind those that bring one.
requests = {
    "status": {}, "metrics": {}, "serials": {}, "image": {}, "orders": {"at": "2019-03-15T20:00:00Z"},
    "top": {"by": "orders", "count": 3}, "watch": {"order": "a", "name": "b.c"}, "handover": {},
    "push": {"base": "0123456789abcdef", "note": "x", "dry-run": True}, "lift": {"order": "a", "reason": "b"},
    "extend": {"order": "a", "until": "2019-03-15T20:00:00Z", "break-glass": True}, "rollback": {"serial": 3},
    "confirm-clock": {"note": "x", "manifest": "m", "signatures": ["a", "b", 3]},
}
write("control", {name: json.dumps({"command": name, **rest}).encode() + b"\n" for name, rest in requests.items()})
write("control", {"push-block": b'{"command":"push"}\n' + (HERE / "image/block").read_bytes(),
                  "nul": b"{\0}\n", "deep": b"[" * 3000 + b"\n"})
