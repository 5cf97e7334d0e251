# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP client that sends a TLS ClientHello just as it is told: run inside the client's namespace with one
argument, a JSON object:

  server, port, source_port, name    where to, and the name in the hello
  pieces   [[start, end], ...]       the segments, in order of sending; an end beyond the hello means its end
  record   N                         cut the hello into records of N bytes first
  decoy    {name, ttl}               send another hello for the same bytes first, which dies on the way
  syn      true                      send the hello's first piece in the SYN (TCP Fast Open without a cookie)

Prints one JSON object: got (server-hello, other-data, reset, nothing), sent (segments), bytes.
"""
import json
import random
import ssl
import subprocess
import sys
import time

from scapy.all import conf
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

ANSWER_S = 8


def hello(name, record):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    message = outgoing.read()[5:]
    size = record or 16384
    parts = [message[i:i + size] for i in range(0, len(message), size)]
    return b"".join(b"\x16\3\1" + len(part).to_bytes(2, "big") + part for part in parts)


class Connection:
    def __init__(self, server, port, source_port):
        self.v6 = ":" in server
        self.server, self.port, self.source_port = server, port, source_port
        self.seq, self.ack = random.getrandbits(32), 0
        # The kernel knows nothing of this connection and would reset it.
        subprocess.run(["ip6tables" if self.v6 else "iptables", "-w", "-I", "OUTPUT", "-p", "tcp", "--sport",
                        str(source_port), "--tcp-flags", "RST", "RST", "-j", "DROP"], check=True)
        self.socket = conf.L3socket(filter=f"tcp and port {source_port}")

    def send(self, flags, offset=0, payload=b"", ttl=64):
        ip = IPv6(dst=self.server, hlim=ttl) if self.v6 else IP(dst=self.server, ttl=ttl)
        self.socket.send(ip / TCP(sport=self.source_port, dport=self.port, flags=flags, window=64000,
                                  seq=(self.seq + offset) % 2**32, ack=self.ack) / payload)

    def receive(self, limit):
        """The next segment from the server, or None."""
        end = time.monotonic() + limit
        while (left := end - time.monotonic()) > 0:
            if not self.socket.select([self.socket], left):
                continue
            packet = self.socket.recv(65535)
            if packet and TCP in packet and packet[TCP].sport == self.port:
                return packet[TCP]
        return None

    def open(self, data=b""):
        self.send("S", payload=data)
        answer = self.receive(ANSWER_S)
        if answer is None or answer.flags & 4:
            return "nothing" if answer is None else "reset"
        taken = (answer.ack - self.seq - 1) % 2**32
        self.seq, self.ack = (self.seq + 1) % 2**32, (answer.seq + 1) % 2**32
        self.send("A", offset=taken)
        return None

    def answer(self):
        """What the server says first."""
        while (segment := self.receive(ANSWER_S)) is not None:
            if segment.flags & 4:
                return "reset"
            data = bytes(segment.payload)
            if segment.dataofs * 4 + len(data) > 20 and data.strip(b"\0"):
                return "server-hello" if data[0] == 22 and data[5:6] == b"\2" else "other-data"
        return "nothing"


def main(what):
    data = hello(what["name"], what.get("record"))
    pieces = [(start, min(end, len(data))) for start, end in what.get("pieces") or [[0, len(data)]]]
    connection = Connection(what["server"], what["port"], what["source_port"])
    start, end = pieces[0] if what.get("syn") else (0, 0)
    got = connection.open(data[start:end])
    if got is None:
        if decoy := what.get("decoy"):
            fake = hello(decoy["name"], what.get("record"))[:len(data)].ljust(len(data), b"\0")
            connection.send("PA", 0, fake, decoy["ttl"])
        for start, end in pieces:
            connection.send("PA", start, data[start:end])
        got = connection.answer()
    print(json.dumps({"got": got, "sent": len(pieces), "bytes": len(data)}))


main(json.loads(sys.argv[1]))
