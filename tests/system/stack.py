# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP/IP stack that does as it is told, on the client's link: every header field, wrong or right, is the
caller's. It has addresses of its own there, so that the client's kernel neither answers nor resets what is
meant for it; the gateway is told its hardware address.

    wire = Wire(testbed)
    tcp = wire.tcp(server, 443)
    tcp.open()
    tcp.say(hello("free.example"))
    assert tls_kind(tcp.hear()) == "server-hello"
"""
import itertools
import json
import os
import random
import socket
import struct
import time

from browsers import inside

ADDRESS = {4: "10.77.1.66", 6: "fd77:1::66"}
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
LIMIT_S = 10
SEGMENT = 1380
SYN_AGAIN_S = 1
HOP_BY_HOP, TCP, UDP, ROUTING, FRAGMENT, OPTIONS = 0, 6, 17, 43, 44, 60
ports = itertools.count(random.randrange(10000, 30000))


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def checksum(data):
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def with_checksum(segment, at, proto, source, to):
    pseudo = source + to + struct.pack(">2H", proto, len(segment))
    return segment[:at] + struct.pack(">H", checksum(pseudo + segment) or (0xffff if proto == UDP else 0)) \
        + segment[at + 2:]


class Wire:
    """The client's link. With `watch` the server's link is watched too: what it really said."""

    def __init__(self, testbed):
        client = json.loads(testbed.exec("client", "ip", "-j", "link", "show", "eth0").stdout)[0]["address"]
        gateway = json.loads(testbed.exec("gateway", "ip", "-j", "link", "show", "lan0").stdout)[0]["address"]
        for address in ADDRESS.values():
            testbed.exec("gateway", "ip", "neigh", "replace", address, "lladdr", client, "dev", "lan0", "nud",
                         "permanent")
        self.header = bytes.fromhex((gateway + client).replace(":", ""))
        self.ids = itertools.count(1)
        with inside("client"):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
            self.socket.bind(("eth0", 3))
        self.sent, self.open = 0, []

    def close(self):
        self.socket.close()

    def send(self, packet):
        """An IP packet, as it is."""
        self.sent += 1
        self.socket.send(self.header + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0") + packet)

    def ip(self, family, to, proto, payload, ttl=64, options=b"", fragment=None, extensions=()):
        """An IP packet. fragment: (offset, more, id); extensions: (number, body after the next-header byte)."""
        source, to = packed(ADDRESS[family]), packed(to)
        if family == 4:
            offset, more, number = fragment or (0, False, next(self.ids) & 0xffff)
            head = struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), number,
                               offset // 8 | (0x2000 if more else 0), ttl, proto, 0) + source + to + options
            return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload
        chain = list(extensions)
        if fragment:
            offset, more, number = fragment
            chain.append((FRAGMENT, struct.pack(">BHI", 0, offset | more, number)))
        numbers = [number for number, _ in chain] + [proto]
        for number, (_, body) in zip(reversed(numbers), reversed(chain)):
            payload = bytes([number]) + body + payload
        return struct.pack(">IHBB", 6 << 28, len(payload), numbers[0], ttl) + source + to + payload

    def fragments(self, family, to, proto, payload, size):
        """The packets of a datagram cut into pieces of `size` bytes (a multiple of 8)."""
        number = random.getrandbits(15)
        return [self.ip(family, to, proto, payload[at:at + size],
                        fragment=(at, at + size < len(payload), number)) for at in range(0, len(payload), size)]

    def receive(self, proto, server, port, own_port, limit=LIMIT_S):
        """The next TCP segment or UDP datagram from there, or None."""
        end = time.monotonic() + limit
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame, where = self.socket.recvfrom(1 << 17)
            except TimeoutError:
                return None
            if where[2] == socket.PACKET_OUTGOING:
                continue
            ip = frame[14:]
            if frame[12:14] == b"\x08\0":
                length = struct.unpack(">H", ip[2:4])[0] or len(ip)
                size, kind, source = (ip[0] & 15) * 4, ip[9], ip[12:16]
            elif frame[12:14] == b"\x86\xdd":
                length = 40 + struct.unpack(">H", ip[4:6])[0]
                size, kind, source = 40, ip[6], ip[8:24]
            else:
                continue
            segment = ip[size:length]
            if kind == proto and source == packed(server) and segment[:4] == struct.pack(">2H", port, own_port):
                return segment
        return None

    def tcp(self, server, port, **options):
        self.open.append(Tcp(self, server, port, **options))
        return self.open[-1]

    def reset_all(self):
        """Ends every connection so far, so that no server waits for more."""
        for connection in self.open:
            for offset in {connection.said, connection.last_ack}:
                connection.send(RST | ACK, offset)
        self.open.clear()

    def udp(self, server, port, own_port=None):
        return Udp(self, server, port, own_port or next(ports))


class Udp:
    def __init__(self, wire, server, port, own_port):
        self.wire, self.server, self.port, self.own_port = wire, server, port, own_port
        self.family = 6 if ":" in server else 4

    def datagram(self, data, sum=None):
        raw = struct.pack(">4H", self.own_port, self.port, 8 + len(data), 0) + data
        if sum is None:
            return with_checksum(raw, 6, UDP, packed(ADDRESS[self.family]), packed(self.server))
        return raw[:6] + struct.pack(">H", sum) + raw[8:]

    def send(self, data, sum=None, **fields):
        self.wire.send(self.wire.ip(self.family, self.server, UDP, self.datagram(data, sum), **fields))

    def hear(self, limit=LIMIT_S):
        datagram = self.wire.receive(UDP, self.server, self.port, self.own_port, limit)
        return datagram and datagram[8:]


class Tcp:
    """One connection. seq is the number of the stream's first byte, ack the next byte expected of the server."""

    def __init__(self, wire, server, port, own_port=None, timestamps=False, mss=1440, options=b""):
        self.wire, self.server, self.port = wire, server, port
        self.own_port = own_port or next(ports)
        self.family = 6 if ":" in server else 4
        self.seq, self.ack = random.getrandbits(32), 0
        self.timestamp, self.echo = (random.getrandbits(31) if timestamps else None), 0
        self.syn_options = struct.pack(">BBH", 2, 4, mss) + options
        self.reset, self.heard, self.finished = False, {}, False
        self.base = None  # number of the server's first byte
        self.taken = 0  # bytes in the SYN that the server took
        self.cookie = None  # of TCP Fast Open
        self.again = 0  # packets sent because a timer, here or at the server, was first
        self.window = 64000
        self.last_ack = 0  # how far the server acknowledged
        self.said = 0  # how far the stream went: where acknowledgements stand

    def segment(self, flags, offset=0, data=b"", ack=None, options=b"", timestamp=None, sum=None, data_offset=None,
                urgent=0, window=None):
        if self.timestamp is not None:
            self.timestamp += 1
            options = struct.pack(">BBBBII", 1, 1, 8, 10, (self.timestamp if timestamp is None else timestamp)
                                  & 0xffffffff, self.echo) + options
        options += b"\1" * (-len(options) % 4)
        size = 5 + len(options) // 4 if data_offset is None else data_offset
        raw = struct.pack(">HHIIBBHHH", self.own_port, self.port, (self.seq + offset) & 0xffffffff,
                          self.ack if ack is None else ack, size << 4 & 0xf0, flags,
                          self.window if window is None else window, 0, urgent) + options + data
        raw = with_checksum(raw, 16, TCP, packed(ADDRESS[self.family]), packed(self.server))
        return raw if sum is None else raw[:16] + struct.pack(">H", sum(raw)) + raw[18:]

    def send(self, flags, offset=0, data=b"", ip=None, **fields):
        """A segment `offset` bytes into the stream; `ip` are fields of Wire.ip()."""
        if flags & ACK and 0 <= offset < 1 << 20:
            self.said = max(self.said, offset + len(data))
        packet = self.wire.ip(self.family, self.server, TCP, self.segment(flags, offset, data, **fields), **(ip or {}))
        self.wire.send(packet)

    def say(self, data, offset=0, size=None, **fields):
        """Stream bytes, in segments of `size` (as much as fits the link)."""
        size = size or SEGMENT
        for at in range(0, len(data), size):
            self.send(PSH | ACK, offset + at, data[at:at + size], **fields)

    def open(self, data=b"", options=b"", limit=LIMIT_S, **ip):
        """SYN (with data, perhaps), SYN-ACK, ACK. False when reset or not answered."""
        end = time.monotonic() + limit
        while self.base is None and not self.reset and time.monotonic() < end:
            self.send(SYN, -1, data, options=self.syn_options + options, ack=0, ip=ip)
            if not self.step(SYN_AGAIN_S):
                self.again += 1
        if self.base is None:
            return False
        self.send(ACK, self.taken)
        return True

    def step(self, limit, acknowledge=True):
        """Takes the next segment of the server in, if one comes. It is given, or None."""
        raw = self.wire.receive(TCP, self.server, self.port, self.own_port, limit)
        if raw is None:
            return None
        seq, ack, size, flags = struct.unpack(">IIBB", raw[4:14])
        size = (size >> 4) * 4
        data = raw[size:]
        self.options(raw[20:size], seq)
        if flags & RST:
            self.reset = True
        elif flags & SYN:
            if self.base is None:
                self.base = self.ack = (seq + 1) & 0xffffffff
                self.taken = (ack - self.seq) & 0xffffffff
        elif self.base is not None:
            self.last_ack = (ack - self.seq) & 0xffffffff
            if data:
                at = (seq - self.base) & 0xffffffff
                self.again += at in self.heard and acknowledge
                self.heard[at] = data
                self.ack = (self.base + len(self.stream())) & 0xffffffff
                if acknowledge:
                    self.send(ACK, self.said)
            if flags & FIN:
                self.finished = True
        return raw

    def options(self, raw, seq):
        while raw and raw[0]:
            if raw[0] == 1:
                raw = raw[1:]
                continue
            if raw[0] == 8 and self.timestamp is not None:
                self.echo = struct.unpack(">I", raw[2:6])[0]
            if raw[0] == 34:
                self.cookie = raw[2:raw[1]]
            raw = raw[max(raw[1], 2):]

    def stream(self):
        """What the server has said, as far as it is there without a hole."""
        got = b""
        for at in sorted(self.heard):
            if at > len(got):
                break
            got = got[:at] + self.heard[at] + got[at + len(self.heard[at]):]
        return got

    def hear(self, enough=lambda stream: bool(stream), limit=LIMIT_S):
        """The server's stream once enough(stream), or when it is reset, ended, or the time is up."""
        end = time.monotonic() + limit
        while not (self.reset or self.finished or enough(self.stream())) and time.monotonic() < end:
            self.step(end - time.monotonic())
        return self.stream()


def hello(*names, entries=None, record=None, version=0x0301, before=b"", pad=0, more=b"", key_share=True):
    """A ClientHello, of TLS 1.3 and 1.2, in records of `record` bytes, padded by so much before the names.

    names    host names for its server_name extension: text or bytes; none, no extension
    entries  or this list of (type, bytes)
    before   records that go first; more: extensions behind the names
    """
    def extension(number, body):
        return struct.pack(">2H", number, len(body)) + body

    def vector(body, size):
        return len(body).to_bytes(size, "big") + body

    if entries is None:
        entries = [(0, name if isinstance(name, bytes) else name.encode()) for name in names]
    sni = b"".join(bytes([kind]) + vector(name, 2) for kind, name in entries)
    extensions = extension(10, vector(struct.pack(">3H", 29, 23, 24), 2))
    extensions += extension(13, vector(bytes.fromhex("040308040401050308050501080606010203"), 2))
    extensions += extension(43, vector(bytes.fromhex("03040303"), 1))
    if pad:
        extensions += extension(21, bytes(pad))
    if entries:
        extensions += extension(0, vector(sni, 2))
    if key_share:
        extensions += extension(51, vector(struct.pack(">2H", 29, 32) + os.urandom(32), 2))
    extensions += more
    body = b"\3\3" + os.urandom(32) + vector(os.urandom(32), 1) + vector(
        bytes.fromhex("130113021303c02bc02fc02cc030009c"), 2) + b"\1\0" + vector(extensions, 2)
    return before + records(b"\1" + vector(body, 3), record, version)


def records(message, size=None, version=0x0301, kind=22):
    size = size or 16384
    parts = [message[at:at + size] for at in range(0, len(message), size)]
    return b"".join(struct.pack(">BHH", kind, version, len(part)) + part for part in parts)


RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def tls_kind(stream):
    """server-hello, retry, alert, other, or nothing: what a TLS server said first."""
    if not stream:
        return "nothing"
    if stream[0] == 21:
        return "alert"
    if stream[0] != 22 or stream[5:6] != b"\2":
        return "other"
    return "retry" if stream[11:43] == RETRY else "server-hello"


def query(*names, type=1, kind=1, id=None, flags=0x0100, more=b"", counts=None):
    """A DNS query for names (text, or the bytes of a name), with `more` behind the questions."""
    def wire_name(name):
        if isinstance(name, bytes):
            return name
        return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"

    head = struct.pack(">6H", random.getrandbits(16) if id is None else id, flags, len(names), 0, 0, 0)
    if counts:
        head = head[:4] + struct.pack(">4H", *counts)
    return head + b"".join(wire_name(name) + struct.pack(">2H", type, kind) for name in names) + more
