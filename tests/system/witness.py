# SPDX-License-Identifier: GPL-3.0-or-later
"""What really got to the server: a TLS server that notes the names in the hellos that it reads, and a watch on
everything that the server's namespace sends."""
import os
import pathlib
import socket
import ssl
import threading

from browsers import inside
from harness import run

ADDRESS = {4: "10.77.2.4", 6: "fd77:2::4"}  # the TLS server's own
RETRY_PORT = 8443  # asks every client for another key share first


class TlsServer:
    """OpenSSL in threads of this process, its sockets in the server's namespace."""

    def __init__(self, testbed, ports):
        self.names, self.threads = [], []
        self.rsa = pathlib.Path(os.environ["FILTERD_TESTBED_RUN"]) / "rsa.pem"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout", self.rsa,
            "-out", f"{self.rsa}.crt")
        with open(self.rsa, "a", encoding="ascii") as both:
            both.write(pathlib.Path(f"{self.rsa}.crt").read_text(encoding="ascii"))
        testbed.exec("server", "sysctl", "-qw", "net.ipv4.tcp_fastopen=0x403")  # read when a socket listens
        for address, size in ((ADDRESS[4], 24), (ADDRESS[6], 64)):
            testbed.exec("server", "ip", "addr", "replace", f"{address}/{size}", "dev", "eth0",
                         *(["nodad"] if size == 64 else []))
        with inside("server"):
            self.listeners = [self.listener(address, port) for port in ports for address in ADDRESS.values()]
        for listener in self.listeners:
            thread = threading.Thread(target=self.serve, args=(listener, self.context(listener)), daemon=True)
            thread.start()
            self.threads.append(thread)

    @staticmethod
    def listener(address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family, backlog=256)

    def context(self, listener):
        folder = self.rsa.parent
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        context.load_cert_chain(self.rsa)  # what a hello without extensions can use
        context.set_ciphers("ALL:@SECLEVEL=0")
        if listener.getsockname()[1] == RETRY_PORT:
            context.set_ecdh_curve("secp384r1")
        context.sni_callback = lambda _, name, __: self.names.append((name or "").lower().rstrip("."))
        return context

    def serve(self, listener, context):
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.handshake, args=(plain, context), daemon=True).start()

    @staticmethod
    def handshake(plain, context):
        plain.settimeout(30)
        try:
            with context.wrap_socket(plain, server_side=True) as connection:
                connection.recv(1)
        except OSError:
            plain.close()

    def close(self):
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in self.threads:
            thread.join()


class Watch:
    """All that the server's namespace sends out."""

    def __init__(self):
        with inside("server"):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
            self.socket.bind(("eth0", 3))
        self.socket.setblocking(False)
        self.said = []

    def holds(self, *texts):
        """It has said one of these, in any case of letters."""
        while True:
            try:
                frame, where = self.socket.recvfrom(1 << 17)
            except BlockingIOError:
                break
            if where[2] == socket.PACKET_OUTGOING:
                self.said.append(frame.lower())
        return any(text.lower() in frame for frame in self.said for text in texts)

    def forget(self):
        self.holds()
        self.said.clear()

    def close(self):
        self.socket.close()
