# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of the control socket that mean no good: the daemon goes on, and who means well is served."""
import array
import contextlib
import fcntl
import os
import random
import resource
import socket as sockets
import struct
import time

from control import F_ADD_SEALS, SEALS, ask, connect, memfd_of, push, receive, send
from harness import order, wait_until


def descriptors(filterd):
    return len(os.listdir(f"/proc/{filterd.process.pid}/fd"))


def memory(filterd):
    return int(open(f"/proc/{filterd.process.pid}/statm").read().split()[1]) * 4096


def answer_of(path, line, *fds):
    """What comes of sending this, with these descriptors at the first byte; {} if the daemon hangs up."""
    with connect(path, 20) as sock:
        try:
            sock.sendmsg([line[:1]], [(sockets.SOL_SOCKET, sockets.SCM_RIGHTS, array.array("i", fds))] if fds else [])
            sock.sendall(line[1:])
            sock.shutdown(sockets.SHUT_WR)
            return receive(sock)[0]
        except (BrokenPipeError, ConnectionResetError):
            return {}


def test_nonsense_is_refused(testbed, filterd):
    filterd.start(order("one.example", id="one"))
    path = filterd.config["filterd.control"]
    before = ask(path, "status")["ruleset"]
    chance = random.Random(1)
    for line in (b"\n", b"x\n", b"[]\n", b"{}\n", b'{"command":1}\n', b'{"command":"fly"}\n', b"\0\n",
                 b'{"command":"status","command":"status"}\n', b'{"command":"status"', b"", b"[" * 60000 + b"\n",
                 b'{"command":"push"}\n', b'{"command":"push","base":"x"}\n', b'{"command":"lift","order":7}\n',
                 b'{"command":"extend","order":"one","until":9}\n', b'{"command":"rollback","serial":-1}\n',
                 b'{"command":"rollback","serial":99999999999999999999}\n', b'{"command":"orders","at":"x"}\n',
                 b'{"command":"lift","order":"one\\u0000"}\n', b'{"command":"' + b"x" * 70000 + b'"}\n'):
        answer = answer_of(path, line)
        assert answer == {} or "error" in answer, (line[:60], answer)
    for _ in range(200):
        answer_of(path, chance.randbytes(chance.choice((1, 10, 1000, 65536, 65537, 200_000))))
    assert ask(path, "status")["ruleset"] == before
    assert testbed.dig("one.example").status == "NXDOMAIN"


def test_descriptors_that_are_no_image(testbed, filterd):
    filterd.start(order("one.example", id="one"))
    path, image = filterd.config["filterd.control"], filterd.image.read_bytes()
    before, open_before = ask(path, "status")["ruleset"], descriptors(filterd)
    huge = os.memfd_create("huge", os.MFD_ALLOW_SEALING)
    os.truncate(huge, 1 << 40)
    fcntl.fcntl(huge, F_ADD_SEALS, SEALS)
    reading, writing = os.pipe()
    plain = os.open(filterd.image, os.O_RDONLY)
    ends = sockets.socketpair()
    damaged = bytearray(image)
    damaged[len(image) // 2] ^= 1
    fds = [huge, reading, writing, plain, os.open("/dev/zero", os.O_RDONLY), os.open("/", os.O_RDONLY),
           ends[0].fileno(), memfd_of(image, SEALS & ~8), memfd_of(image, 0), memfd_of(b""), memfd_of(image[:-1]),
           memfd_of(bytes(damaged)), memfd_of(b"\0" * 4096)]
    used = memory(filterd)
    for fd in fds:
        answer = ask(path, "push", fd)
        assert answer["kind"] == "bad", (fd, answer)
    assert answer_of(path, b'{"command":"push"}\n', *fds[:3]) == {}
    assert answer_of(path, b'{"command":"push"}\n', *[plain] * 200) == {}
    assert answer_of(path, b'{"command":"status"}\n', plain)["ruleset"] == before  # and closed
    for fd in fds[:6] + fds[7:]:
        os.close(fd)
    assert ask(path, "status")["ruleset"] == before
    wait_until(lambda: descriptors(filterd) <= open_before, "all descriptors are closed")
    assert memory(filterd) < used + (16 << 20)
    assert push(path, image)["serial"] == before["serial"] + 1


def test_a_thousand_clients_lock_nobody_out(testbed, filterd):
    for parent in (filterd.folder, *filterd.folder.parents):
        if str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    filterd.start(order("one.example", id="one"))
    path = filterd.config["filterd.control"]
    os.chmod(path, 0o666)
    image, open_before = filterd.image.read_bytes(), descriptors(filterd)
    session, child = os.getpid(), os.fork()
    if not child:  # another user, who opens what he can, says half a word on each, and sends descriptors
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
            os.setuid(1)
            held = []
            while os.getppid() == session:
                sock = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
                sock.setblocking(False)
                try:
                    sock.connect(str(path))
                    send(sock, b'{"command":', 0)
                except OSError:
                    time.sleep(0.001)
                held.append(sock)
                if len(held) >= 1000:
                    held.pop(random.randrange(len(held))).close()
        finally:
            os._exit(0)
    try:
        wait_until(lambda: descriptors(filterd) > open_before + 60, "the places are taken")
        for number in range(10):
            assert ask(path, "status", limit=20)["ruleset"]["orders"] == 1
            assert "serial" in push(path, image, limit=20), number
            assert testbed.dig("one.example").status == "NXDOMAIN"
        assert descriptors(filterd) < open_before + 200
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    wait_until(lambda: descriptors(filterd) <= open_before + 4, "they are forgotten")


def lingering():
    """A socket whose last close waits for half a minute: what it has to send, nobody takes."""
    listening = sockets.create_server(("127.0.0.1", 0))
    sock = sockets.create_connection(listening.getsockname())
    sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 30))
    sock.setblocking(False)
    try:
        while True:
            sock.send(b"x" * 65536)
    except BlockingIOError:
        pass
    sock.setblocking(True)
    return listening, sock


def test_nobody_waits_for_descriptors_to_close(testbed, filterd):
    filterd.start(order("one.example", id="one"))
    path = filterd.config["filterd.control"]
    kept = []
    for line, count in ((b'{"command":"status"}\n', 1), (b'{"command":"status"}\n', 3), (b"x", 1),
                        (b'{"command":"status"}\n' * 2, 1)):
        listening, sock = lingering()
        kept.append(listening)
        with connect(path, 20) as to:
            to.sendmsg([line], [(sockets.SOL_SOCKET, sockets.SCM_RIGHTS, array.array("i", [sock.fileno()] * count))])
            # What the daemon never reads, it closes as well.
            with contextlib.suppress(BrokenPipeError):  # it may have ended this already
                to.sendmsg([b"y"], [(sockets.SOL_SOCKET, sockets.SCM_RIGHTS, array.array("i", [sock.fileno()]))])
            # The daemon's is the last one: closed here by another descriptor in its place, without waiting.
            os.dup2(listening.fileno(), sock.detach())
        began = time.monotonic()
        assert ask(path, "status", limit=20)["ruleset"]["orders"] == 1
        assert time.monotonic() - began < 10, line
    assert testbed.dig("one.example").status == "NXDOMAIN"
