# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS datagrams of every kind from the client, and a record of what comes of them.

    datagrams.py send MAC SEED COUNT [CAPTURE...]   frames to the gateway, whose address is MAC: queries, spoiled
                                                    ones, and those of captures; deterministic
    datagrams.py record to|from                     prints, once standard input ends, each datagram to or from
                                                    port 53 that came in at eth0, as hexadecimal lines, sorted
"""
import random
import selectors
import socket
import struct
import sys
import time

CLIENT = {4: "10.77.1.2", 6: "fd77:1::2"}
SERVER = {4: "10.77.2.4", 6: "fd77:2::4"}  # nobody listens there
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
NAMES = ["blocked.example", "www.blocked.example", "BLOCKED.example", "watched.example", "free.example",
         "a.b.c.free.example", "use-application-dns.net", "xn--bcher-kva.example", "example", "_dmarc.free.example"]


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp(rng, payload, version, port=53):
    src, dst = (socket.inet_pton(FAMILY[version], ends[version]) for ends in (CLIENT, SERVER))
    length = 8 + len(payload)
    header = struct.pack(">4H", rng.randrange(1024, 65536), port, length, 0)
    total = checksum(src + dst + struct.pack(">2H", 17, length) + header + payload) or 0xffff
    return header[:6] + struct.pack(">H", total) + payload


def pending(segment, version):
    """The datagram with its checksum yet to be filled in: the sum of the pseudo-header stands there."""
    src, dst = (socket.inet_pton(FAMILY[version], ends[version]) for ends in (CLIENT, SERVER))
    return segment[:6] + struct.pack(">H", 0xffff ^ checksum(src + dst + struct.pack(">2H", 17, len(segment)))) + segment[8:]


def ip(segment, version, options=b"", fragment=0, next_header=17, ttl=64):
    src, dst = (socket.inet_pton(FAMILY[version], ends[version]) for ends in (CLIENT, SERVER))
    if version == 6:
        return struct.pack(">IHBB", 6 << 28, len(segment), next_header, ttl) + src + dst + segment
    words = 5 + len(options) // 4
    header = struct.pack(">BBHHHBBH", 0x40 | words, 0, 4 * words + len(segment), 1, fragment, ttl, 17, 0)
    header += src + dst + options
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + segment


def question(rng, name):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"
    edns = rng.random() < 0.5
    return (struct.pack(">6H", rng.getrandbits(16), 0x0100, 1, 0, 0, edns) + labels +
            struct.pack(">2H", rng.choice([1, 28, 65, 255]), 1) +
            (b"\0\0\x29\x04\xd0\0\0\0\0\0\0" if edns else b""))


def query(rng, name):
    """A plain one, as an IPv4 packet."""
    return ip(udp(rng, question(rng, name), 4), 4)


def spoiled(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(len(data))] = rng.choice([0, 1, 0x2e, 0x3f, 0x40, 0x5c, 0xc0, 0xff, rng.getrandbits(8)])
    return bytes(data[:rng.randrange(len(data) + 1)] if rng.random() < 0.2 else data)


def header_spoiled(rng, segment):
    return segment[:4] + spoiled(rng, segment[4:8]).ljust(4, b"\0") + segment[8:]


def packet(rng, messages):
    """One IP packet; what is not plain is about half of them."""
    version = rng.choice([4, 6])
    message = rng.choice(messages) if messages and rng.random() < 0.3 else question(rng, rng.choice(NAMES))
    kind = rng.randrange(16)
    if kind in (8, 9, 10):
        message = spoiled(rng, message)
    segment = udp(rng, message, version)
    if kind == 11:
        segment = header_spoiled(rng, segment)
    elif kind == 12:
        segment = segment[:6] + b"\0\0" + segment[8:]  # no checksum
    elif kind == 13 and version == 4:
        return ip(segment, 4, options=b"\x01\x01\x01\0")
    elif kind == 13:
        return ip(b"\x11\0\1\4\0\0\0\0" + segment, 6, next_header=60)  # destination options
    elif kind == 14 and version == 4:
        return ip(segment + bytes(rng.randrange(1, 9)), 4)  # bytes behind the datagram
    elif kind == 15:
        segment = udp(rng, bytes(rng.getrandbits(8) for _ in range(rng.randrange(600))), version)
    return ip(segment, version)


def queries_of(captures):
    """The payloads of datagrams to port 53 in captures, each once."""
    from scapy.all import PcapReader
    from scapy.layers.inet import UDP
    found = {}
    for path in captures:
        with PcapReader(path) as reader:
            for frame in reader:
                if UDP in frame and frame[UDP].dport == 53:
                    found[bytes(frame[UDP].payload)[:1400]] = True
    return list(found)


def send(mac, seed, count, captures):
    rng = random.Random(seed)
    messages = queries_of(captures)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("eth0", 0))
        own = s.getsockname()[4]
        for number in range(count):
            if number < len(messages):
                data = ip(udp(rng, messages[number], 4), 4)
            else:
                data = packet(rng, messages)
            kind = b"\x08\x00" if data[0] >> 4 == 4 else b"\x86\xdd"
            s.send(mac + own + kind + data)
            if number % 100 == 99:
                time.sleep(0.004)  # so that no queue runs over
    print(len(messages))


def is_wanted(data, direction):
    """A datagram to or from port 53, told without looking at more than its headers."""
    version = data[0] >> 4
    at = (data[0] & 15) * 4 if version == 4 else 40
    proto = data[9] if version == 4 else data[6]
    if version == 6 and proto == 60:
        return direction == "to"
    if proto != 17 or len(data) < at + 8:
        return False
    return struct.unpack(">2H", data[at:at + 4])[direction == "to"] == 53


def record(direction):
    seen = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as s:
        s.setsockopt(socket.SOL_SOCKET, 33, 1 << 28)  # SO_RCVBUFFORCE
        s.bind(("eth0", 3))
        s.setblocking(False)
        print("ready", flush=True)
        selector = selectors.DefaultSelector()
        selector.register(s, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        ending = False
        while not ending:
            for key, _ in selector.select():
                ending |= key.fileobj is sys.stdin
            while True:
                try:
                    data, where = s.recvfrom(65536)
                except BlockingIOError:
                    break
                if where[2] != socket.PACKET_OUTGOING and data and is_wanted(data, direction):
                    seen.append(data.hex())
    print("\n".join(sorted(seen)))


if __name__ != "__main__":
    pass
elif sys.argv[1] == "send":
    send(bytes.fromhex(sys.argv[2].replace(":", "")), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
else:
    record(sys.argv[2])
