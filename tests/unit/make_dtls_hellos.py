#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints dtls_hellos.h: the datagrams in which OpenSSL really sends its ClientHello over DTLS 1.2, before and
after the server's cookie (test_dtls.c). Uses UDP on the loopback: run it in a namespace of its own,
unshare -n sh -c 'ip link set lo up; python3 make_dtls_hellos.py'."""
import socket
import subprocess

COOKIE = bytes(range(20))


def record(kind, body):
    size = len(body).to_bytes(3, "big")
    message = bytes([kind]) + size + b"\0\0" + b"\0\0\0" + size + body
    return b"\x16\xfe\xff" + bytes(8) + len(message).to_bytes(2, "big") + message


def hellos(*arguments):
    """Every datagram that the client sends until it waits for longer."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(0.7)
    client = subprocess.Popen(
        ["openssl", "s_client", "-dtls1_2", "-connect", "127.0.0.1:%d" % server.getsockname()[1],
         "-servername", "www.example.com", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    datagrams = []
    try:
        while True:
            data, peer = server.recvfrom(65535)
            if not datagrams:
                server.sendto(record(3, b"\xfe\xff" + bytes([len(COOKIE)]) + COOKIE), peer)
            datagrams.append(data)
    except TimeoutError:
        pass
    client.kill()
    client.wait()
    return datagrams


def array(name, data):
    print(f"\nstatic const uint8_t {name}[] = {{")
    for i in range(0, len(data), 16):
        print("\t" + " ".join(f"0x{b:02x}," for b in data[i:i + 16]))
    print("};")


print("// SPDX-License-Identifier: GPL-3.0-or-later")
print("// DTLS ClientHellos of OpenSSL for www.example.com; made by make_dtls_hellos.py.")
print("#pragma once\n#include <stdint.h>\n\n// clang-format off", end="")
first, second = hellos()[:2]
array("dtls_hello", first)
array("dtls_hello_cookie", second)
parts = hellos("-mtu", "256")
array("dtls_part_1", parts[0])
array("dtls_part_2", parts[1])
print("// clang-format on")
