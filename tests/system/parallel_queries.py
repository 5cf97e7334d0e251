# SPDX-License-Identifier: GPL-3.0-or-later
"""Many DNS queries at once: parallel_queries.py SERVER ROUNDS NAME... Each round has a hundred sockets, each
of which asks at once for A and AAAA of a name. Prints how many answers came by response code, as JSON.
A hundred at a time: the name server's socket must not be what loses some."""
import collections
import json
import select
import socket
import struct
import sys
import time

server, rounds, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
SOCKETS, LIMIT = 100, 20
seen = collections.Counter()


def query(number, name, kind):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">2H", kind, 1)


for turn in range(rounds):
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    waiting = {}
    for number in range(SOCKETS):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.connect((server, 53))
        name = names[number % len(names)]
        for at, kind in enumerate((1, 28)):
            s.send(query(2 * number + at, name, kind))
        waiting[s] = {2 * number, 2 * number + 1}
    end = time.monotonic() + LIMIT
    while any(waiting.values()) and time.monotonic() < end:
        for s in select.select(list(waiting), [], [], 1)[0]:
            answer = s.recv(4096)
            number = struct.unpack(">H", answer[:2])[0]
            seen["wrong" if number not in waiting[s] else str(answer[3] & 15)] += 1
            waiting[s].discard(number)
    for s, ids in waiting.items():
        if ids:
            seen["lost"] += len(ids)
        s.close()
print(json.dumps(seen))
