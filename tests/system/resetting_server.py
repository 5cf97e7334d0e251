# SPDX-License-Identifier: GPL-3.0-or-later
"""A TLS server on the port given that resets each connection after its handshake. Runs in the server's
namespace with the testbed's certificate."""
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as folder:
    pem = os.path.join(folder, "pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout",
                    pem, "-out", pem + ".crt"], check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem + ".crt", pem)
    with socket.create_server(("", int(sys.argv[1]))) as listener:
        print("listening", flush=True)
        while True:
            plain, _ = listener.accept()
            plain.settimeout(10)
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    connection.send(b"bye")
                    connection.recv(1)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
