# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that live while orders change: those to a name that is blocked now end, and no others."""
import subprocess
import time

import pytest

from harness import SERVER, order, wait_until

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
