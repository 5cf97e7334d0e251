#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the cases whose captures are made by hand (scapy): input.pcap, case.order and README of each."""
import pathlib
import struct

from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.l2 import Dot1AD, Dot1Q, CookedLinux, Ether
from scapy.utils import wrpcap

HERE = pathlib.Path(__file__).parent
T = 1552680000  # 2019-03-15T20:00:00Z
C, S = "192.0.2.10", "198.51.100.1"


def order(*names, id="nz-1", starts="2019-03-15T20:00:00Z", expires="2019-04-15T20:00:00Z", match="subtree",
          action="block", more=""):
    return (f"[order:{id}]\nauthority = Court\nreference = {id}/19\nreason = a test\nissued = 2019-03-15T00:00:00Z\n"
            f"starts = {starts}\nexpires = {expires}\naction = {action}\nmatch = {match}\n{more}"
            + "".join(f"name = {name}\n" for name in names) + "\n")


def hello(name, record=16384):
    sni = struct.pack(">HBH", len(name) + 3, 0, len(name)) + name.encode()
    extensions = struct.pack(">HH", 0, len(sni)) + sni
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0" + struct.pack(">H", len(extensions)) + extensions
    message = b"\1" + len(body).to_bytes(3, "big") + body
    parts = [message[i:i + record] for i in range(0, len(message), record)]
    return b"".join(b"\x16\3\1" + struct.pack(">H", len(part)) + part for part in parts)


def query(name, **fields):
    return IP(src=C, dst=S) / UDP(sport=4000, dport=53) / DNS(id=1, rd=1, qd=DNSQR(qname=name, **fields))


def connection(segments, port=40000, dport=443, seq=1000):
    """SYN, SYN-ACK, then the client's segments (offset, bytes)."""
    yield IP(src=C, dst=S) / TCP(sport=port, dport=dport, flags="S", seq=seq)
    yield IP(src=S, dst=C) / TCP(sport=dport, dport=port, flags="SA", seq=5000, ack=seq + 1)
    for offset, data in segments:
        yield IP(src=C, dst=S) / TCP(sport=port, dport=dport, flags="PA", seq=seq + 1 + offset, ack=5001) / data


def case(name, readme, orders, packets, times=None, **options):
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    packets = [p.__class__(bytes(p)) for p in packets]
    for number, packet in enumerate(packets):
        packet.time = T + (times[number] if times else number)
    wrpcap(str(folder / "input.pcap"), packets, **options)
    (folder / "case.order").write_text(orders)
    (folder / "README").write_text(readme + "\nThe capture is made by make.py.\n")


ethernet = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
bad, good = hello("www.blocked.example"), hello("free.example")
case("order-begins-and-ends", "Queries one second before, at, and around the ends of an order: the start counts, the "
     "end does not.", order("blocked.example", starts="2019-03-15T20:00:01Z", expires="2019-03-15T20:00:03Z"),
     [query("blocked.example")] * 5)
case("hello-reversed-in-two-records", "A ClientHello over records of 20 bytes, in three segments, the last one first.",
     order("blocked.example"), connection([(80, hello("www.blocked.example", 20)[80:]),
                                          (30, hello("www.blocked.example", 20)[30:80]),
                                          (0, hello("www.blocked.example", 20)[:30])]))
case("conflicting-overlap", "A decoy for bytes that come again otherwise: the second reading never passes, the "
     "blocked name neither.", order("blocked.example"),
     connection([(0, good.ljust(len(bad), b"\0")[:60]), (0, bad), (60, bad[60:])]))
case("precedence", "Allow carves out of its own authority's order only; monitor never decides; exact is not subtree.",
     order("blocked.example") + order("ok.blocked.example", id="nz-2", action="allow")
     + order("seen.example", id="nz-3", action="monitor") + order("exact.example", id="nz-4", match="exact"),
     [query(n) for n in ("blocked.example", "ok.blocked.example", "a.ok.blocked.example", "seen.example",
                         "exact.example", "sub.exact.example", "BLOCKED.Example.")])
case("scope-and-exempt", "Only some clients are in scope, and one of them is exempt.",
     order("blocked.example", more="scope = 192.0.2.0/28\nexempt = 192.0.2.10\n"),
     [IP(src=f"192.0.2.{n}", dst=S) / UDP(sport=4000, dport=53) / DNS(id=1, rd=1, qd=DNSQR(qname="blocked.example"))
      for n in (9, 10, 11, 16)])
case("vlan-tags", "Queries behind one and two VLAN tags, IPv4 and IPv6.", order("blocked.example"),
     [ethernet / Dot1Q(vlan=5) / query("blocked.example"),
      ethernet / Dot1AD(vlan=7) / Dot1Q(vlan=5) / query("free.example"),
      ethernet / Dot1AD(vlan=7) / Dot1Q(vlan=5) / IPv6(src="2001:db8::1", dst="2001:db8::2")
      / UDP(sport=4000, dport=53) / DNS(id=1, rd=1, qd=DNSQR(qname="www.blocked.example", qtype="AAAA"))])
case("cooked", "The same from a capture on the pseudo-device `any` (Linux cooked).", order("blocked.example"),
     [CookedLinux(proto=0x0800) / query("blocked.example"), CookedLinux(proto=0x0800) / query("free.example")])
case("fragments", "A query in two fragments, the second one first, as a capture before defragmentation shows it.",
     order("blocked.example"),
     fragment(query("a-name-of-some-length.blocked.example"), fragsize=24)[::-1])
tcp_query = bytes(DNS(id=1, rd=1, qd=DNSQR(qname="free.example")))
tcp_bad = bytes(DNS(id=2, rd=1, qd=DNSQR(qname="blocked.example")))
stream = b"".join(struct.pack(">H", len(m)) + m for m in (tcp_query, tcp_bad))
case("dns-over-tcp", "Two queries on one connection, cut in the middle of a length; the second is blocked, and what "
     "follows on the connection too.", order("blocked.example"),
     connection([(0, stream[:1]), (1, stream[1:40]), (40, stream[40:]), (len(stream), stream)], dport=53))
case("checksums", "With --checksums, a query with a wrong checksum is dropped as any host would.",
     order("blocked.example"), [IP(src=C, dst=S) / UDP(sport=4000, dport=53, chksum=1) / bytes(12)])
(HERE / "checksums/arguments").write_text("--checksums\n")
