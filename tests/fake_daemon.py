# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon as filterctl sees it: a UNIX socket that gets one line of JSON, with a descriptor perhaps, and gives what it
was told to."""
import array
import json
import os
import socket
import threading


class FakeDaemon:
    """Answers by a table: the command's name, and what is sent: bytes, an object, or a function that gets the request
    and a descriptor (-1: none) and gives either; or a pair of that and a descriptor to send along.

    asked    the requests so far, as objects, each with the content of its descriptor under "image"
    """

    def __init__(self, path, **answers):
        self.path, self.answers, self.asked = path, answers, []
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(path)
        self.listening.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join()
        os.unlink(self.path)

    def serve(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            with client:
                self.answer(client)

    def answer(self, client):
        line, passed = b"", -1
        while not line.endswith(b"\n"):
            data, control, _, _ = client.recvmsg(1 << 16, socket.CMSG_SPACE(4))
            if not data:
                return
            line += data
            for level, kind, body in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    passed = array.array("i", body[:4])[0]
        request = json.loads(line)
        answer = self.answers.get(request["command"].replace("-", "_"), {"error": "no such command"})
        if callable(answer):
            answer = answer(request, passed)
        if passed >= 0:
            request["image"] = os.pread(passed, 1 << 24, 0)
            os.close(passed)
        self.asked.append(request)
        answer, sent = answer if isinstance(answer, tuple) else (answer, -1)
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode() + b"\n"
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sent]))] if sent >= 0 else []
        if data:
            client.sendmsg([data[:1]], control)
            client.sendall(data[1:])
