# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway that blocks by name: real clients lose what an order lists, nothing else, and get it back."""
import subprocess
import itertools
import json
import pathlib
import time

import pytest

from harness import CLIENT, FILTERCTL, SERVER, moment, order, run, wait_until

HERE = pathlib.Path(__file__).parent
BLOCKED, FREE = "blocked.example", "free.example"
ports = itertools.count(20000)


def reachable(testbed, name, family=4):
    """By every way that a user has; a list of those that fail."""
    ways = {
        "dig": testbed.dig(name, "A" if family == 4 else "AAAA", family=family).addresses,
        "dig tcp": testbed.dig(name, tcp=True, family=family).addresses,
        "curl 1.2": testbed.curl(f"https://{name}/", family=family, tls="1.2").ok,
        "curl 1.3": testbed.curl(f"https://{name}/", family=family, tls="1.3").ok,
    }
    return {way for way, worked in ways.items() if worked}


ALL = {"dig", "dig tcp", "curl 1.2", "curl 1.3"}


@pytest.mark.parametrize("family", [4, 6])
def test_listed_names_fail_and_no_others(testbed, filterd, family):
    assert reachable(testbed, BLOCKED, family) == ALL
    filterd.start(order(BLOCKED))
    for name in (BLOCKED, f"www.{BLOCKED}", f"a.b.{BLOCKED.upper()}"):
        assert reachable(testbed, name, family) == set(), name
    for name in (FREE, f"not{BLOCKED}", "example"):
        assert reachable(testbed, name, family) == ALL, name
    assert testbed.dig(BLOCKED, family=family).status == "NXDOMAIN"
    filterd.orders("; none any more\n")
    filterd.reload()
    wait_until(lambda: reachable(testbed, BLOCKED, family) == ALL, "the name is back")


def test_exact_scope_and_exempt(testbed, filterd):
    filterd.start(order("exact.example", id="exact", match="exact"),
                  order("others.example", id="others", scope="192.0.2.0/24"),
                  order("exempt.example", id="exempt", exempt=CLIENT[4]))
    assert reachable(testbed, "exact.example") == set()
    assert reachable(testbed, "sub.exact.example") == ALL
    assert reachable(testbed, "others.example") == ALL
    assert reachable(testbed, "exempt.example") == ALL
    assert reachable(testbed, "exempt.example", 6) == set()


def test_answers(testbed, filterd):
    filterd.start(order("refused.example", id="refused", answer="refused"),
                  order("sinkhole.example", id="sinkhole", answer="sinkhole 192.0.2.80 2001:db8::80"),
                  order("drop.example", id="drop", answer="drop"),
                  order("watched.example", id="watched", action="monitor"))
    assert testbed.dig("refused.example").status == "REFUSED"
    assert testbed.dig("sinkhole.example").addresses == ["192.0.2.80"]
    assert testbed.dig("sinkhole.example", "AAAA").addresses == ["2001:db8::80"]
    assert testbed.dig("sinkhole.example", "TXT").status == "NOERROR"
    assert testbed.dig("drop.example", limit=1).status is None
    assert testbed.dig("watched.example").addresses == [SERVER[4]]
    filterd.wait_event(lambda e: e["alert"]["signature"].startswith("watched"))
    told = testbed.dig("refused.example", options=["+edns"]).text
    assert "EDE: 16" in told and "TEST/refused" in told


def test_an_order_ends_and_another_begins_by_itself(testbed, filterd):
    for attempt in range(3):  # a busy machine may need longer than the orders last
        seconds = 15 * (attempt + 1)
        filterd.orders(order("first.example", id="first", expires=seconds),
                       order("second.example", id="second", starts=seconds, expires=3600))
        turn = time.time() + seconds
        if attempt == 0:
            filterd.start()
        else:
            filterd.reload()
        wait_until(lambda: reachable(testbed, "first.example") == set(), "the first order is in force")
        before = reachable(testbed, "second.example")
        if time.time() < turn - 1:
            break
    assert before == ALL
    log = filterd.log()
    wait_until(lambda: time.time() >= turn + 1, "the turn", seconds + 10)
    assert reachable(testbed, "first.example") == ALL
    assert reachable(testbed, "second.example") == set()
    forces = "orders in force"
    assert filterd.log().count(forces) == log.count(forces)  # nothing was reloaded


def test_bad_orders_change_nothing(testbed, filterd):
    filterd.start(order(BLOCKED))
    good = filterd.image.read_bytes()
    for text, line in ((order(BLOCKED).replace("expires", "expiry"), 7),
                       (order(BLOCKED, expires=-7200), 7),
                       (order(BLOCKED, expires=86400 * 4000), 7),
                       (order(BLOCKED).replace(f"expires = {moment(3600)}\n", ""), 1),
                       (order("..bad"), 10)):
        done = filterd.orders(text, check=False)
        assert done.returncode == 2 and ".order:" in done.stderr, done.stderr
        assert filterd.image.read_bytes() == good
    filterd.image.write_bytes(good[:-100])
    filterd.reload()
    wait_until(lambda: "ruleset.image" in filterd.log().split("in force")[-1], "the reload is refused")
    assert reachable(testbed, BLOCKED) == set()
    filterd.image.write_bytes(good)


def test_failure_open(testbed, filterd):
    filterd.start(order(BLOCKED), firewall__failure="open")
    assert reachable(testbed, BLOCKED) == set()
    filterd.kill()
    wait_until(lambda: reachable(testbed, FREE) == ALL, "traffic flows without the daemon")
    assert reachable(testbed, BLOCKED) == ALL
    assert testbed.counters()["unjudged"] > 0
    filterd.start(rules=False)
    assert reachable(testbed, BLOCKED) == set()
    assert reachable(testbed, FREE) == ALL


def test_failure_closed(testbed, filterd):
    filterd.start(order(BLOCKED), firewall__failure="closed")
    assert reachable(testbed, FREE) == ALL
    filterd.kill()
    wait_until(lambda: not testbed.queues(), "the queues are gone")
    assert not testbed.dig(FREE, limit=1).addresses
    assert not testbed.curl(f"https://{FREE}/", limit=2).ok
    filterd.start(rules=False)
    assert reachable(testbed, FREE) == ALL
    assert reachable(testbed, BLOCKED) == set()


def test_events(testbed, filterd):
    filterd.start(order(BLOCKED, id="nz-1"))
    testbed.dig(f"www.{BLOCKED}")
    testbed.curl(f"https://{BLOCKED}/", family=6)
    dns = filterd.wait_event(lambda e: e["app_proto"] == "dns")
    assert dns["dns"]["rrname"] == f"www.{BLOCKED}" and dns["filterd"]["order"] == "nz-1"
    assert dns["src_ip"] == "10.77.1.0" and dns["alert"]["action"] == "blocked"
    tls = filterd.wait_event(lambda e: e["app_proto"] == "tls")
    assert tls["tls"]["sni"] == BLOCKED and tls["src_ip"] == "fd77:1::"


def queued(testbed):
    """Packets that the rules for TCP sent to the daemon so far."""
    return sum(n for name, n in testbed.counters().items() if name.startswith("queued"))


def test_the_kernel_carries_decided_flows_alone(testbed, filterd, tmp_path):
    filterd.start(order(BLOCKED))
    body = tmp_path / "body"
    with open(body, "wb") as file:
        file.truncate(100_000_000)
    for options in (["-o", "/dev/null", f"https://{FREE}/big"],
                    ["-o", "/dev/null", "-T", str(body), f"https://{FREE}/upload"]):
        before = queued(testbed)
        done = testbed.exec("client", "curl", "-sS", "-k", "--http1.1", "-m", 300, "-w",
                            "%{size_download} %{size_upload}", "--resolve", f"{FREE}:443:{SERVER[4]}",
                            *options, timeout=400)
        assert "100000000" in done.stdout
        assert 0 < queued(testbed) - before <= 10


SILENT = """
import socket, sys
with socket.create_server(("10.77.2.2", 8080)) as s:
    print("ready", flush=True)
    c, _ = s.accept()
    total = 0
    while data := c.recv(1 << 20):
        total += len(data)
print(total)
"""
UPLOAD = """
import socket
with socket.create_connection(("10.77.2.2", 8080)) as s:
    for _ in range(1500):
        s.sendall(b"\\xf0\\x9f nobody's protocol " * 2000)
"""


def test_an_upload_to_a_server_that_says_nothing(testbed, filterd):
    """Only its bare acknowledgements tell what it has: the first one does, before the client has sent a second window."""
    filterd.start(order("blocked.example"))
    server = testbed.popen("server", "/usr/bin/python3", "-c", SILENT, stdout=subprocess.PIPE)
    assert server.stdout.readline() == "ready\n"
    before = queued(testbed)
    testbed.exec("client", "/usr/bin/python3", "-c", UPLOAD)
    assert int(server.communicate(timeout=60)[0]) > 10000000
    assert queued(testbed) - before < 30, testbed.counters()


def test_same_ports_again_after_a_reset(testbed, filterd):
    """A server resets an allowed connection; the next one on the same ports is judged by itself."""
    filterd.start(order(BLOCKED), firewall__tcp_ports="53 443 853 8443")
    server = testbed.popen("server", "/usr/bin/python3", HERE / "resetting_server.py", "8443",
                           stdout=-1, stdin=-1)
    try:
        assert server.stdout.readline().strip() == "listening"
        source_port = next(ports)
        for name, works in ((FREE, True), (BLOCKED, False), (FREE, True), (BLOCKED, False)):
            def attempt():
                return testbed.exec("client", "/usr/bin/python3", HERE / "tls_hello.py", SERVER[4], "8443",
                                    str(source_port), name, check=False).stdout.strip()
            got = wait_until(lambda: (found := attempt()) != "port busy" and found, "the port is free")
            assert got == ("handshake" if works else "reset"), name
    finally:
        server.kill()
        server.wait()


@pytest.mark.testbed("--nat")
def test_behind_nat(testbed, filterd):
    filterd.start(order(BLOCKED))
    for _ in range(3):
        assert reachable(testbed, BLOCKED) == set()
        assert reachable(testbed, FREE) == ALL
    # One socket: a blocked query, then a good one. The good one must leave translated as before.
    for family in (4, 6):
        done = testbed.exec("client", "/usr/bin/python3", HERE / "queries.py", SERVER[family], BLOCKED,
                            FREE, BLOCKED, FREE)
        assert done.stdout.split() == ["3", "0", "3", "0"]
    # A and AAAA at once from one socket, as resolvers of libc do.
    for _ in range(20):
        assert testbed.curl(f"https://{FREE}/", by_name=True).ok


@pytest.mark.testbed("--oneway")
def test_replies_by_another_path(testbed, filterd):
    filterd.start(order(BLOCKED), firewall__oneway="lan0")
    assert reachable(testbed, BLOCKED) == set()
    assert reachable(testbed, FREE) == ALL


def test_connections_open_before_the_start(testbed, filterd):
    """A download that is under way goes on; an idle connection is judged by its first words."""
    loading = testbed.popen("client", "curl", "-sS", "-k", "--limit-rate", "3M", "-m", 120, "-o", "/dev/null",
                            "-w", "%{size_download}", "--resolve", f"{FREE}:443:{SERVER[4]}",
                            f"https://{FREE}/big", stdout=-1)
    idle = {name: testbed.popen("client", "/usr/bin/python3", HERE / "tls_hello.py", SERVER[4], "443",
                                str(next(ports)), name, "--wait", stdin=-1, stdout=-1)
            for name in (BLOCKED, FREE)}
    for process in idle.values():
        assert process.stdout.readline().strip() == "connected"
    filterd.start(order(BLOCKED))
    for name, want in ((BLOCKED, "reset"), (FREE, "handshake")):
        assert idle[name].communicate("go\n", timeout=60)[0].strip() == want
    before = queued(testbed)
    assert loading.communicate(timeout=150)[0] == "100000000"
    assert queued(testbed) - before < 200


def test_streams_to_the_gateway_itself(testbed, filterd):
    """A resolver on the gateway (DNS over TLS, over TCP): judged, and then carried by the kernel alone."""
    filterd.start(order(BLOCKED))
    server = testbed.popen("gateway", "/usr/bin/python3", HERE / "resetting_server.py", "853", stdout=-1)
    try:
        assert server.stdout.readline().strip() == "listening"
        for name, want in ((FREE, "handshake"), (BLOCKED, "reset"), (FREE, "handshake")):
            done = testbed.exec("client", "/usr/bin/python3", HERE / "tls_hello.py", "10.77.1.1", "853",
                                next(ports), name)
            assert done.stdout.strip() == want, name
    finally:
        server.kill()
        server.wait()
    before = queued(testbed)
    testbed.exec("client", "/usr/bin/python3", HERE / "tls_hello.py", "10.77.1.1", "853", next(ports), FREE,
                 check=False)
    assert queued(testbed) - before <= 10


def test_check_and_replay_agree_with_the_gateway(testbed, filterd, tmp_path):
    filterd.start(order(BLOCKED))
    capture = tmp_path / "client.pcap"
    tcpdump = testbed.popen("client", "tcpdump", "-U", "-i", "eth0", "-w", str(capture), stderr=-1)
    wait_until(lambda: "listening" in tcpdump.stderr.readline(), "tcpdump")
    testbed.dig(BLOCKED)
    testbed.curl(f"https://{FREE}/")
    testbed.curl(f"https://{BLOCKED}/")
    wait_until(lambda: BLOCKED in run(FILTERCTL, "names", capture, check=False).stdout.split("tls")[-1],
               "the capture is there")
    tcpdump.terminate()
    tcpdump.wait()
    names = [line.split("\t")[1:3] for line in run(FILTERCTL, "names", capture).stdout.splitlines()]
    assert [["dns", BLOCKED], ["tls", FREE], ["tls", BLOCKED]] == [n for n, _ in itertools.groupby(names)]
    lines = [json.loads(x) for x in run(FILTERCTL, "replay", "--orders", filterd.orders_path,
                                        capture).stdout.splitlines()]
    assert {(x["verdict"], x["name"], x["order"]) for x in lines[:-1] if "name" in x} == {
        ("answer", BLOCKED, "test"), ("reset", BLOCKED, "test")}
    assert lines[-1]["summary"]["answer"] == 1
    assert run(FILTERCTL, "check", "--orders", filterd.orders_path, BLOCKED, check=False).returncode == 1
    assert run(FILTERCTL, "check", "--orders", filterd.image, FREE, check=False).returncode == 0
    assert run(FILTERCTL, "check", "--orders", filterd.image, "--at", moment(7200), BLOCKED,
               check=False).returncode == 0
    assert run(FILTERCTL, "check", "--orders", "/nonexistent", FREE, check=False).returncode == 2
