# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that live while orders change: those to a name that is blocked now end, and no others."""
import select
import socket
import subprocess
import time

import pytest

import browsers
from browsers import CADDY_ADDRESS, Caddy, Chromium, inside
from harness import SERVER, order, wait_until
from quic_client import Client, crypto, hello

BLOCKED, FREE = "blocked.example", "free.example"
RESET = 56  # curl: failure in receiving
SCHEMES = {"https": 443, "http": 80}


class Download:
    """Of 100 MB by curl, so slowly that it takes a minute and more."""

    def __init__(self, testbed, folder, name, scheme="https", family=4):
        self.what = f"{scheme}://{name}/big over IPv{family}"
        self.path = folder / f"{name}.{scheme}.{family}"
        address = SERVER[family] if family == 4 else f"[{SERVER[family]}]"
        self.process = testbed.popen(
            "client", "curl", "-sk", f"-{family}", "--limit-rate", "1M", "-o", self.path, "--resolve",
            f"{name}:{SCHEMES[scheme]}:{address}", f"{scheme}://{name}/big", stdout=subprocess.DEVNULL)

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
    for one in downloads:
        wait_until(lambda one=one: one.process.poll() is not None, f"{one.what} ends")
        print(f"{one.what}: ended after {time.monotonic() - since:.2f} s")
        assert one.process.returncode == RESET, one.what


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
    turn = time.time() + 8
    filterd.start(order(BLOCKED, starts=8))
    gone, stays = download(BLOCKED), download(FREE)
    assert time.time() < turn, "the machine is too busy for this test"
    wait_until(lambda: time.time() >= turn, "the order begins")
    ended([gone], time.monotonic())
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
