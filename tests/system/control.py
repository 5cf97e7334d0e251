# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's control socket, spoken by hand: what a client can send, well or badly."""
import array
import fcntl
import json
import os
import socket
import time

SEALS = 1 | 2 | 4 | 8  # F_SEAL_SEAL, _SHRINK, _GROW, _WRITE
F_ADD_SEALS = 1033


def memfd_of(data, seals=SEALS):
    """A memfd that holds these bytes, sealed as the daemon wants it."""
    fd = os.memfd_create("image", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    with open(fd, "wb", closefd=False) as out:
        out.write(data)
    fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


def connect(path, limit=60):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(limit)
    until = time.monotonic() + limit
    while True:
        try:
            sock.connect(str(path))
            return sock
        except BlockingIOError:  # so many wait to be accepted
            if time.monotonic() > until:
                raise
            time.sleep(0.001)


def send(sock, line, fd=None):
    rights = [] if fd is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
    sock.sendmsg([line], rights)


def receive(sock):
    """The answer and the descriptor that came with it, or None. No answer is {}."""
    text, given = b"", None
    while True:
        part, rights, _, _ = sock.recvmsg(1 << 20, socket.CMSG_SPACE(4))
        for _, _, data in rights:
            given = array.array("i", data[:4])[0]
        if not part:
            return (json.loads(text) if text else {}), given
        text += part


def ask(path, command, fd=None, limit=60, **arguments):
    """One request, one answer."""
    request = {"command": command, **{key.replace("_", "-"): value for key, value in arguments.items()}}
    with connect(path, limit) as sock:
        send(sock, json.dumps(request).encode() + b"\n", fd)
        answer, given = receive(sock)
    if given is not None and command != "image":
        os.close(given)
    return (answer, given) if command == "image" else answer


def push(path, image, **arguments):
    """Pushes the bytes of an image."""
    fd = memfd_of(image)
    try:
        return ask(path, "push", fd, **arguments)
    finally:
        os.close(fd)
