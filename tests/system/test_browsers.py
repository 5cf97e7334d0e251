# SPDX-License-Identifier: GPL-3.0-or-later
"""Real browsers through the gateway: allowed names load at the first attempt, blocked ones never, and fast."""
import itertools
import socket
import struct

import pytest

import browsers
from browsers import CADDY_ADDRESS, Caddy, Chromium, Firefox, inside
from harness import order

BLOCKED = "blocked.h3.example"
GIVE_UP_S = 15  # a browser that runs into its own time limit needs 30 s and more
numbers = itertools.count()


def free():
    """A name that nobody has cached."""
    return f"free{next(numbers)}.h3.example"


def blocked():
    return f"www{next(numbers)}.{BLOCKED}"


@pytest.fixture
def caddy(testbed, tmp_path):
    if browsers.missing():
        pytest.skip(f"missing (see scripts/setup): {', '.join(browsers.missing())}")
    with Caddy(testbed, tmp_path / "caddy") as server:
        yield server


@pytest.fixture
def resends(testbed):
    """Segments that the client's kernel has sent again so far. Its loss probes are off: they go by the clock."""
    testbed.exec("client", "sysctl", "-qw", "net.ipv4.tcp_early_retrans=0")

    def count():
        lines = testbed.exec("client", "cat", "/proc/thread-self/net/snmp").stdout.splitlines()
        names, values = (line.split() for line in lines if line.startswith("Tcp:"))
        return int(dict(zip(names, values))["RetransSegs"])
    return count


def never(browser, caddy):
    """A blocked name does not load, fast, and its request reaches nobody."""
    name = blocked()
    load = browser.load(f"https://{name}/")
    assert not load.ok and load.error != "timeout" and load.seconds < GIVE_UP_S, load
    assert not caddy.requests(name)
    return load.error


def at_once(browser, caddy, protocol, resends=None):
    """Allowed names load with one request each. The best time of three, of which one was without a resend."""
    clean, times = resends is None, []
    for name in (free(), free(), free()):
        before = resends and resends()
        load = browser.load(f"https://{name}/")
        assert load.ok and load.protocol == {"HTTP/2.0": "h2", "HTTP/3.0": "h3"}[protocol], load
        assert caddy.requests(name) == [(protocol, name)]
        clean = clean or resends() == before
        times.append(load.seconds)
    assert clean, "each load needed something sent again"
    return min(times)


def test_chromium(testbed, filterd, caddy, resends):
    with Chromium(testbed) as asks, Chromium(testbed, address=CADDY_ADDRESS[4]) as knows:
        for browser in (asks, knows):
            browser.load(f"https://{free()}/")
        bare = at_once(asks, caddy, "HTTP/2.0")
        for browser in (asks, knows):
            assert browser.load(f"https://{blocked()}/").ok
        filterd.start(order(BLOCKED))
        assert at_once(asks, caddy, "HTTP/2.0", resends) < 5 * bare
        assert at_once(knows, caddy, "HTTP/2.0", resends) < 5 * bare
        assert never(asks, caddy) == "ERR_NAME_NOT_RESOLVED"
        assert never(knows, caddy) in ("ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED")


def test_chromium_by_ipv6(testbed, filterd, caddy, resends):
    with Chromium(testbed, address=f"[{CADDY_ADDRESS[6]}]") as knows:
        assert knows.load(f"https://{blocked()}/").ok
        filterd.start(order(BLOCKED))
        at_once(knows, caddy, "HTTP/2.0", resends)
        assert never(knows, caddy) in ("ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED")


def test_chromium_http3(testbed, filterd, caddy):
    allowed, listed = [[make() for _ in range(8)] for make in (free, blocked)]
    with Chromium(testbed, h3=allowed + listed, trust=caddy.issuer_key(),
                  address=CADDY_ADDRESS[4]) as knows:
        bare = []
        for name in allowed[:4] + listed[:1]:
            load = knows.load(f"https://{name}/")
            assert load.ok and load.protocol == "h3", load
            bare.append(load.seconds)
        filterd.start(order(BLOCKED))
        times = []
        for name in allowed[4:]:
            load = knows.load(f"https://{name}/")
            assert load.ok and load.protocol == "h3", load
            assert caddy.requests(name) == [("HTTP/3.0", name)]
            times.append(load.seconds)
        assert min(times) < 5 * min(bare)
        for name in listed[1:3]:
            load = knows.load(f"https://{name}/")
            assert not load.ok and load.seconds < GIVE_UP_S, load
            assert not caddy.requests(name)


def test_firefox(testbed, filterd, caddy, resends):
    with Firefox(testbed, prefs={"network.http.http3.enable": False}) as browser:
        browser.load(f"https://{free()}/")
        bare = at_once(browser, caddy, "HTTP/2.0")
        assert browser.load(f"https://{blocked()}/").ok
        filterd.start(order(BLOCKED))
        assert at_once(browser, caddy, "HTTP/2.0", resends) < 5 * bare
        assert never(browser, caddy) == "dnsNotFound"
        browser.force_address(CADDY_ADDRESS[4])
        at_once(browser, caddy, "HTTP/2.0", resends)
        assert never(browser, caddy) in ("netReset", "nssFailure2")  # PR_CONNECT_RESET_ERROR


def test_curl(testbed, filterd, caddy):
    filterd.start(order(BLOCKED))
    for tls, http in itertools.product(("1.2", "1.3"), ("1.1", "2")):
        for name, works in ((free(), True), (blocked(), False)):
            page = testbed.curl(f"https://{name}/", tls=tls, options=[
                f"--http{http}", "--resolve", f"{name}:443:{CADDY_ADDRESS[4]}"])
            assert page.ok == works, (tls, http, name, page)
            assert caddy.requests(name) == ([(f"HTTP/{http}" + (".0" if http == "2" else ""), name)] if works else [])


def client_segments(sniffer, port):
    """TCP payloads that the client sent to the port, by connection, in order."""
    found = {}
    sniffer.setblocking(False)
    while True:
        try:
            frame, where = sniffer.recvfrom(1 << 16)
        except BlockingIOError:
            return found
        if where[2] != socket.PACKET_OUTGOING or frame[12:14] != b"\x08\0" or frame[23] != socket.IPPROTO_TCP:
            continue
        ip = frame[14:14 + struct.unpack(">H", frame[16:18])[0]]
        tcp = ip[(ip[0] & 15) * 4:]
        source, to = struct.unpack(">HH", tcp[:4])
        if to == port and tcp[(tcp[12] >> 4) * 4:]:
            found.setdefault(source, []).append(tcp[(tcp[12] >> 4) * 4:])


def test_chromium_hello_in_two_segments(testbed, filterd, caddy, resends):
    """What Chromium sends by default: post-quantum keys and ECH grease, more than a segment holds."""
    testbed.exec("client", "ip", "link", "set", "eth0", "gso_max_segs", "1")
    try:
        with Chromium(testbed, address=CADDY_ADDRESS[4]) as knows:
            filterd.start(order(BLOCKED))
            with inside("client"):
                sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            with sniffer:
                at_once(knows, caddy, "HTTP/2.0", resends)
                segments = client_segments(sniffer, 443)
                never(knows, caddy)
                segments |= client_segments(sniffer, 443)
        hellos = [parts for parts in segments.values() if parts[0][:1] == b"\x16"]
        assert len(hellos) >= 4
        for first, second, *_ in hellos:
            size = 5 + struct.unpack(">H", first[3:5])[0]
            assert len(first) < size <= len(first) + len(second)
            hello = (first + second)[:size]
            assert b"\x11\xec\x04\xc0" in hello  # a key share of X25519MLKEM768, 1216 bytes
            assert b"\xfe\x0d" in hello  # encrypted_client_hello
    finally:
        testbed.exec("client", "ip", "link", "set", "eth0", "gso_max_segs", "65535")
