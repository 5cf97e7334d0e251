# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a resolver on this machine for the addresses of many names: lookups.py PORT, with a name a line on
standard input. Prints one JSON object: for each name its response code and its addresses, or null if no answer
came to any of four tries."""
import json
import select
import socket
import struct
import sys
import time

TRIES, WAIT = 4, 2


def query(number, name):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">2H", 1, 1)


def skip_name(message, at):
    while message[at] and message[at] < 0xc0:
        at += 1 + message[at]
    return at + (2 if message[at] else 1)


def read(message):
    """The response code and the A records of an answer."""
    count, at, addresses = struct.unpack(">H", message[6:8])[0], skip_name(message, 12) + 4, []
    for _ in range(count):
        at = skip_name(message, at)
        kind, length = struct.unpack(">H6xH", message[at:at + 10])
        if kind == 1:
            addresses.append(socket.inet_ntoa(message[at + 10:at + 14]))
        at += 10 + length
    return [message[3] & 15, sorted(addresses)]


names = sys.stdin.read().split()
answers = {}
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.connect(("127.0.0.1", int(sys.argv[1])))
    for _ in range(TRIES):
        for number, name in enumerate(names):
            if number not in answers:
                s.send(query(number, name))
        end = time.monotonic() + WAIT
        while len(answers) < len(names) and (left := end - time.monotonic()) > 0:
            if select.select([s], [], [], left)[0]:
                message = s.recv(4096)
                answers[struct.unpack(">H", message[:2])[0]] = read(message)
print(json.dumps({name: answers.get(number) for number, name in enumerate(names)}))
