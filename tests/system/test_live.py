# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that live while orders change: those to a name that is blocked now end, and no others. How long that took
is printed for each download (pytest -s)."""
import datetime
import re
import select
import socket
import time

import pytest

import browsers
from browsers import CADDY_ADDRESS, Caddy, Chromium, inside
from harness import SERVER, order, wait_until
from quic_client import Client, crypto, hello

BLOCKED, FREE = "blocked.example", "free.example"
RESET = 3
SCHEMES = {"https": 443, "http": 80}

# Reads a little every now and then, evenly: curl would pause for seconds, and hear of nothing meanwhile.
READER = f"""
import socket, ssl, sys, time
scheme, address, port, name, path = sys.argv[1:]
s = socket.create_connection((address, port), 60)
if scheme == "https":
    s = ssl._create_unverified_context().wrap_socket(s, server_hostname=name)
s.sendall(b"GET /big HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n" % name.encode())
s = socket.socket(fileno=s.detach())  # what TLS makes of a reset is its own affair
s.settimeout(60)
with open(path, "wb", 0) as out:
    try:
        while data := s.recv(16384):
            out.write(data)
            time.sleep(0.02)
    except ConnectionResetError:
        sys.exit({RESET})
"""


class Download:
    """Of 100 MB, so slowly that it takes two minutes."""

    def __init__(self, testbed, folder, name, scheme="https", family=4):
        self.what = f"{scheme}://{name}/big over IPv{family}"
        self.path = folder / f"{name}.{scheme}.{family}"
        self.process = testbed.popen("client", "/usr/bin/python3", "-c", READER, scheme, SERVER[family], SCHEMES[scheme],
                                     name, self.path)

    def size(self):
        return self.path.stat().st_size if self.path.exists() else 0

    def under_way(self):
        wait_until(lambda: self.size() > 100_000, f"{self.what} is under way")
        return self

    def goes_on(self):
        size = self.size()
        wait_until(lambda: self.size() > size, f"{self.what} goes on")
        assert self.process.poll() is None

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def download(testbed, tmp_path):
    """Starts one; all that are left end with the test. The client reads what it has before it hears of a reset, so
    it may not have much."""
    testbed.exec("client", "sysctl", "-qw", "net.ipv4.tcp_rmem=4096 65536 65536")
    started = []

    def start(*words, **options):
        started.append(Download(testbed, tmp_path, *words, **options))
        return started[-1].under_way()
    yield start
    for one in started:
        one.end()


def all_ways(download, name):
    return [download(name, scheme, family) for scheme in SCHEMES for family in (4, 6)]


def ended(downloads, since):
    """They are reset, all of them; how long that took is for the reader."""
    left = list(downloads)
    while left:
        one = wait_until(lambda: next((one for one in left if one.process.poll() is not None), None),
                         f"{left[0].what} ends")
        print(f"{one.what}: ended after {time.monotonic() - since:.2f} s")
        assert one.process.returncode == RESET, one.what
        left.remove(one)


def check_reload(testbed, filterd, download):
    filterd.start("; none yet\n")
    gone, stays = all_ways(download, BLOCKED), all_ways(download, FREE)
    filterd.orders(order(BLOCKED))
    since = time.monotonic()
    filterd.reload()
    ended(gone, since)
    for one in stays:
        one.goes_on()
    assert not testbed.curl(f"https://{BLOCKED}/", limit=5).ok
    filterd.wait_event(lambda e: e["app_proto"] == "tls" and e["tls"]["sni"] == BLOCKED)
    filterd.orders("; none any more\n")
    filterd.reload()
    wait_until(lambda: testbed.curl(f"https://{BLOCKED}/", limit=5).ok, "the name is back")


def test_downloads_end_when_an_order_comes(testbed, filterd, download):
    check_reload(testbed, filterd, download)


@pytest.mark.testbed("--nat")
def test_behind_nat(testbed, filterd, download):
    check_reload(testbed, filterd, download)


def test_downloads_end_when_an_order_begins(filterd, download):
    filterd.start("; none yet\n")
    gone, stays = download(BLOCKED), download(FREE)
    text = order(BLOCKED, starts=8)
    turn = datetime.datetime.fromisoformat(re.search("^starts = (.*)", text, re.M)[1]).timestamp()
    filterd.orders(text)
    filterd.reload()
    ended([gone], time.monotonic() + turn - time.time())
    assert time.time() >= turn, "it ended before the order began"
    stays.goes_on()


class Conversation:
    """Datagrams between one port of the client and a server that answers each."""

    def __init__(self, server, family):
        self.server, kind = server, socket.AF_INET if family == 4 else socket.AF_INET6
        with inside("client"):
            self.client = socket.socket(kind, socket.SOCK_DGRAM)
        self.client.connect((SERVER[family], 443))

    def passes(self, datagram):
        """Whether the datagram got there, and an answer back."""
        self.client.send(datagram)
        if not select.select([self.server], [], [], 0.3)[0]:
            return False
        got, end = self.server.recvfrom(1 << 16)
        assert got == datagram
        self.server.sendto(b"@ answer", end)
        return bool(select.select([self.client], [], [], 0.3)[0] and self.client.recv(1 << 16))

    def greets(self, name):
        client = Client()
        message = hello(name, client.scid)
        return self.passes(client.initial(crypto(message, 0, len(message))))

    def goes_on(self):
        return self.passes(b"@ short header")


@pytest.fixture(params=[4, 6])
def conversation(testbed, request):
    """Begins one; all are with one server of UDP."""
    family = request.param
    with inside("server"):
        server = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    server.bind((SERVER[family], 443))
    begun = []

    def begin():
        begun.append(Conversation(server, family))
        return begun[-1]
    yield begin
    for socket_ in [server, *(one.client for one in begun)]:
        socket_.close()


def check_datagrams(filterd, conversation):
    filterd.start("; none yet\n")
    gone, stays, back = conversation(), conversation(), conversation()
    for one, name in ((gone, BLOCKED), (stays, FREE), (back, BLOCKED)):
        assert one.greets(name) and one.goes_on()
    filterd.orders(order(BLOCKED))
    filterd.reload()
    wait_until(lambda: not gone.goes_on() and not back.goes_on(), "both end")
    assert stays.goes_on()
    # On the same ports nothing new begins for that name, but for another one.
    assert not gone.greets(BLOCKED) and not gone.goes_on()
    assert gone.greets(FREE) and gone.goes_on()
    filterd.orders("; none any more\n")
    filterd.reload()
    wait_until(back.goes_on, "what was ended goes on")


def test_quic(filterd, conversation):
    check_datagrams(filterd, conversation)


@pytest.mark.testbed("--nat")
def test_quic_behind_nat(filterd, conversation):
    check_datagrams(filterd, conversation)


def test_chromium_by_quic(testbed, filterd, tmp_path):
    if browsers.missing():
        pytest.skip(f"missing (see scripts/setup): {', '.join(browsers.missing())}")
    blocked, free = "blocked.h3.example", "free.h3.example"
    filterd.start("; none yet\n")
    with Caddy(testbed, tmp_path / "caddy") as caddy, \
            Chromium(testbed, h3=[blocked, free], trust=caddy.issuer_key(), address=CADDY_ADDRESS[4]) as browser:
        pages = {name: browser.page() for name in (blocked, free)}
        for name, page in pages.items():
            load = browser.navigate(page, f"https://{name}/", 60)
            assert load.ok and load.protocol == "h3", load
        filterd.orders(order(blocked))
        filterd.reload()
        wait_until(lambda: filterd.events(), "the connection ends")
        before = caddy.requests(blocked)
        assert not browser.navigate(pages[blocked], f"https://{blocked}/again", 5).ok
        assert browser.navigate(pages[free], f"https://{free}/again", 60).ok
        assert caddy.requests(blocked) == before
        filterd.orders("; none any more\n")
        filterd.reload()
        wait_until(lambda: browser.navigate(pages[blocked], f"https://{blocked}/back", 10).ok, "the name is back")
