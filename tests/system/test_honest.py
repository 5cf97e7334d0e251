# SPDX-License-Identifier: GPL-3.0-or-later
"""What honest stacks send goes through as it would without the filter: the same packets each way, none lost, none
sent again."""
import itertools
import json
import random
import socket

import pytest

import witness
from browsers import inside
from harness import FILTERCTL, SERVER, Filterd, order, run, wait_until
from stack import ACK, ADDRESS, FIN, LIMIT_S, PSH, TCP, Wire, hello, packed, tls_kind

numbers = itertools.count(random.randrange(10000, 50000))
SCRIPTS = {}
ECE, CWR = 64, 128
PLAYS_MAX = 5


def script(title, families=(4,), kinds=("tls", "http"), **options):
    """A way to load a page: act(connection, data, load) sends the data and calls load(), which hears the answer."""
    def add(act):
        SCRIPTS[title] = (act, families, kinds, options)
        return act
    return add


def pieces(data, size):
    return [(at, data[at:at + size]) for at in range(0, len(data), size)]


@script("plain", families=(4, 6))
def _(c, data, load):
    c.say(data)
    load()


@script("timestamps", families=(4, 6), timestamps=True)
def _(c, data, load):
    c.say(data)
    load()


@script("SACK and window scaling", options=b"\4\2\1\3\3\7\1\1")
def _(c, data, load):
    for at, piece in pieces(data, 60):
        c.say(piece, at)
    load()


@script("a small MSS", mss=500)
def _(c, data, load):
    c.say(data, size=500)
    load()


@script("keep-alive probes", families=(4, 6))
def _(c, data, load):
    c.send(ACK, -1)
    c.say(data)
    load()
    c.send(ACK, len(data) - 1)


@script("keep-alive probes with a byte of garbage", families=(4, 6))
def _(c, data, load):
    c.send(ACK, -1, b"\0")
    c.say(data[:50])
    c.send(ACK, 49, b"\0")
    c.say(data[50:], 50)
    load()
    c.send(ACK, len(data) - 1, b"\0")


@script("timestamps in keep-alive probes with a byte of garbage", kinds=("http",), timestamps=True)
def _(c, data, load):
    c.say(data)
    load()
    while c.step(0.1):
        pass
    c.send(ACK, len(data) - 1, b"\0")
    assert c.step(LIMIT_S) and c.last_ack == len(data)  # the server knows that it is still there


@script("reordered", families=(4, 6))
def _(c, data, load):
    for at, piece in reversed(pieces(data, 30)):
        c.say(piece, at)
    load()


@script("doubled")
def _(c, data, load):
    for at, piece in pieces(data, 100):
        c.say(piece, at)
        c.say(piece, at)
    load()


@script("sent again in other pieces")
def _(c, data, load):
    c.say(data[:70])
    c.say(data[40:120], 40)
    c.say(data)
    load()


@script("bytes")
def _(c, data, load):
    c.say(data, size=1)
    load()


@script("explicit congestion notification")
def _(c, data, load):
    for at, piece in pieces(data, 100):
        c.send(PSH | ACK | CWR | ECE, at, piece)
    load()


@script("no window, then one")
def _(c, data, load):
    c.say(data, window=0)
    c.send(ACK, len(data), window=64000)
    load()


@script("half-closed", kinds=("http",))
def _(c, data, load):
    c.send(PSH | ACK | FIN, 0, data)
    load()


@script("IPv4 options")
def _(c, data, load):
    c.say(data, ip={"options": b"\1\1\1\1"})
    load()


@script("fragments", families=(4, 6))
def _(c, data, load):
    segment = c.segment(PSH | ACK, 0, data)
    c.said = len(data)
    for packet in c.wire.fragments(c.family, c.server, TCP, segment, 40):
        c.wire.send(packet)
    load()


class Stage:
    def __init__(self, testbed, wire, server):
        self.testbed, self.wire, self.server, self.again = testbed, wire, server, 0
        with inside("server"):
            self.link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.link.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
            self.link.bind(("eth0", 3))
        self.link.setblocking(False)

    def arrived(self, seen):
        """Packets of the stack that came to the server since, in all."""
        sources = {packed(address) for address in ADDRESS.values()}
        while True:
            try:
                frame, where = self.link.recvfrom(1 << 17)
            except BlockingIOError:
                return seen[0]
            if where[2] != socket.PACKET_OUTGOING and (frame[26:30] in sources or frame[22:38] in sources):
                seen[0] += 1

    def play(self, title, kind, family):
        """Packets of each side, those of the server only with data. All that the client sent arrive. Where a timer made
        somebody send again, as it does on a busy machine, the play is given once more."""
        for _ in range(PLAYS_MAX):
            before = self.wire.sent
            self.arrived([0])
            c = self.act(title, kind, family)
            sent, seen = self.wire.sent - before, [0]
            if not c.again:
                wait_until(lambda: self.arrived(seen) >= sent, f"all {sent} packets arrive", LIMIT_S)
            self.wire.reset_all()
            if not c.again:
                return sent, len(c.heard)
            self.again += 1
        raise AssertionError(f"{PLAYS_MAX} times something was sent again")

    def act(self, title, kind, family):
        """The connection over which the page was loaded."""
        act, _, _, options = SCRIPTS[title]
        name = f"x{next(numbers)}.allowed.example"
        if kind == "tls":
            c, data = self.wire.tcp(witness.ADDRESS[family], 443, **options), hello(name)
        else:
            c, data = self.wire.tcp(SERVER[family], 80, **options), f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
        assert c.open()

        def load():
            if kind == "tls":
                assert tls_kind(c.hear(lambda stream: len(stream) > 43)) == "server-hello"
            else:
                assert c.hear(lambda stream: b"example\n" in stream).startswith(b"HTTP/1.1 200")
        act(c, data, load)
        return c


@pytest.fixture(scope="module")
def stage(testbed_session):
    testbed_session.want()
    wire, server = Wire(testbed_session), witness.TlsServer(testbed_session, (443,))
    made = None
    try:
        made = Stage(testbed_session, wire, server)
        yield made
    finally:
        for thing in (wire, server, made and made.link):
            if thing:
                thing.close()


@pytest.fixture(scope="module")
def filtered(stage, tmp_path_factory):
    """Packets that each play costs without the filter; the filter is there from then on."""
    bare = {play: stage.play(*play) for play in PLAYS}
    daemon = Filterd(stage.testbed, tmp_path_factory.mktemp("filterd"))
    try:
        daemon.start(order("blocked.example"), firewall__tcp_ports="53 80 443 853")
        stage.daemon = daemon
        yield stage, bare
    finally:
        daemon.done()


PLAYS = [(title, kind, family) for title, (_, families, kinds, _) in SCRIPTS.items() for kind in kinds
         for family in families]


@pytest.mark.parametrize("play", [pytest.param(play, id=" ".join(map(str, play))) for play in PLAYS])
def test_packets_are_the_same_with_the_filter(filtered, play):
    stage, bare = filtered
    assert stage.play(*play) == bare[play]


def test_hardly_a_play_was_given_again(filtered):
    """A filter that loses a packet now and then would have had many of them. The plays come before."""
    stage, _ = filtered
    assert stage.again <= len(PLAYS) / 4


def test_super_packets(filtered, tmp_path):
    """A plain client with offloads on: uploads and a download of which the filter holds nothing back. (Packets that
    are sent again are not counted: on a busy machine timers send some.)"""
    stage, _ = filtered
    body = tmp_path / "body"
    body.write_bytes(bytes(1_000_000))

    def spoiled():
        done = run(FILTERCTL, "status", "--json", "--control", stage.daemon.folder / "control.sock")
        status = json.loads(done.stdout)
        return (sum(worker[kind] for worker in status["workers"] for kind in ("drop", "answer", "reset")),
                sum(queue["dropped"] for queue in status["queues"]))

    before = spoiled()
    for options in (["-T", body, "https://free.example/upload"], ["-T", body, "http://free.example/upload"],
                    ["-r", "0-999999", "https://free.example/big"]):
        page = stage.testbed.curl(options[-1], options=["-o", tmp_path / "got", *options[:-1]])
        assert page.exit == 0, page
    assert (tmp_path / "got").stat().st_size == 1_000_000
    assert spoiled() == before


def test_fast_open(filtered):
    stage, _ = filtered
    first = stage.wire.tcp(witness.ADDRESS[4], 443)
    assert first.open(options=b"\x22\x02") and first.cookie
    option = bytes([34, 2 + len(first.cookie)]) + first.cookie
    c, data = stage.wire.tcp(witness.ADDRESS[4], 443), hello("free.allowed.example")
    before = stage.wire.sent
    assert c.open(data, options=option + b"\1" * (-len(option) % 4))
    assert c.taken == len(data)
    assert tls_kind(c.hear(lambda stream: len(stream) > 43)) == "server-hello"
    assert stage.wire.sent - before <= 4  # SYN, ACK, and acknowledgements of the answer
    stage.wire.reset_all()
