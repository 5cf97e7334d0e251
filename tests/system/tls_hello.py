# SPDX-License-Identifier: GPL-3.0-or-later
"""One TLS handshake from a port of its own: tls_hello.py SERVER PORT SOURCE_PORT NAME [--wait]

Prints handshake, reset, nothing or `port busy`. With --wait it connects, says `connected`, and sends its
hello only after a line on standard input."""
import socket
import ssl
import sys

server, port, source_port, name = sys.argv[1:5]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
plain = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET)
plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
plain.settimeout(10)
try:
    plain.bind(("", int(source_port)))
    plain.connect((server, int(port)))
except OSError:
    print("port busy")
    sys.exit()
if "--wait" in sys.argv:
    print("connected", flush=True)
    sys.stdin.readline()
try:
    connection = context.wrap_socket(plain, server_hostname=name)
except TimeoutError:
    sys.exit("nothing")
except OSError:
    print("reset")
    sys.exit()
print("handshake")
if "--wait" not in sys.argv:
    try:
        connection.recv(3)
        connection.send(b"!")  # now the server resets it
        connection.recv(1)
    except OSError:
        pass
