# SPDX-License-Identifier: GPL-3.0-or-later
"""Several DNS queries over one UDP socket: queries.py SERVER NAME... Prints each answer's RCODE."""
import socket
import struct
import sys

server = sys.argv[1]
with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(5)
    s.connect((server, 53))
    for number, name in enumerate(sys.argv[2:]):
        labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"
        s.send(struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">2H", 1, 1))
        try:
            answer = s.recv(4096)
            print(answer[3] & 15 if answer[:2] == struct.pack(">H", number) else "wrong id")
        except TimeoutError:
            print("nothing")
