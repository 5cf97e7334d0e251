# SPDX-License-Identifier: GPL-3.0-or-later
"""scripts/firewall: what it loads, what it leaves, and what its rules do to packets and marks.

These run with whichever back-end this kernel can carry; the guest (test_check.py) has the nft one.
"""
import fcntl
import os
import pathlib
import re
import socket
import struct
import textwrap
from subprocess import DEVNULL

import pytest

from control import ask
from harness import FILTERCTL, FILTERD, LIMIT, SERVER, TREE, Filterd, order, run, wait_until

SHIFT = 24
STATE, CLEAN, ALL = (bits << SHIFT for bits in (7, 16, 31))
FAMILIES = pytest.mark.parametrize("family", [4, 6])


class Rules:
    """The firewall script on the gateway, without a daemon."""

    def __init__(self, testbed, folder):
        self.daemon = Filterd(testbed, folder)
        self.testbed = testbed

    def up(self, *options, check=True, env=None, **config):
        self.daemon.configure(**config)
        return self.testbed.firewall("up", "-c", self.daemon.config_path, *options, check=check,
                                     env={**os.environ, "FILTERD": str(FILTERD), **(env or {})})

    def down(self):
        return self.testbed.firewall("down")


@pytest.fixture
def rules(testbed, tmp_path):
    if not os.access(FILTERD, os.X_OK):
        pytest.skip(f"{FILTERD} is not built")
    rules = Rules(testbed, tmp_path)
    yield rules
    rules.down()
    testbed.exec("gateway", "nft", "flush", "ruleset")


def state(testbed):
    """Everything that is loaded on the gateway, without dates and packet counts."""
    tools = [["nft", "list", "ruleset"]]
    tools += [[tool] for tool in ("iptables-save", "ip6tables-save", "iptables-legacy-save",
                                  "ip6tables-legacy-save")]
    text = ""
    for tool in tools:
        output = testbed.exec("gateway", *tool).stdout
        output = re.sub(r"^#.*\n", "", output, flags=re.M)
        output = re.sub(r"\[\d+:\d+\]", "[0:0]", output)
        text += f"== {tool}\n" + re.sub(r"packets \d+ bytes \d+", "packets 0 bytes 0", output)
    return text


OTHERS = {
    "nothing": "",
    "nft": """
        nft 'table inet other { chain c { type filter hook forward priority mangle; accept; }; }'
        nft 'table ip nat { chain x { }; }'
    """,
    "iptables": """
        iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
        iptables -t raw -A PREROUTING -p udp --dport 123 -j CT --notrack
        iptables -t filter -P FORWARD ACCEPT
        iptables -A FORWARD -j ACCEPT
        ip6tables -t mangle -N OTHER
        ip6tables -t mangle -A PREROUTING -j OTHER
        ip6tables -t security -A FORWARD -j ACCEPT
    """,
    "empty tables": """
        iptables -t mangle -A FORWARD -j ACCEPT
        iptables -t mangle -F
        nft add table ip6 raw
    """,
    "a chain with a policy": """
        nft 'table ip security { chain INPUT { type filter hook input priority 150; policy accept; }; }'
        nft 'table ip raw { chain mine { counter; }; }'
    """,
}


@pytest.fixture(params=OTHERS)
def others(rules, request):
    """Other people's rules on the gateway."""
    rules.testbed.exec("gateway", "bash", "-ec", OTHERS[request.param])


def test_down_leaves_no_trace(rules, testbed, others):
    before = state(testbed)
    rules.up()
    assert state(testbed) != before
    rules.down()
    assert state(testbed) == before
    rules.down()
    assert state(testbed) == before


def test_two_ups_are_one(rules, testbed, others):
    before = state(testbed)
    rules.up()
    once = state(testbed)
    rules.up()
    assert state(testbed) == once
    rules.down()
    assert state(testbed) == before


def test_up_takes_the_new_configuration(rules, testbed):
    before = state(testbed)
    rules.up(firewall__lan="lan0 old*", queue__first=7100)
    old = state(testbed)
    assert "old" in old and "7100" in old
    rules.up(firewall__lan="lan0 new*", queue__first=7200)
    new = state(testbed)
    assert "7200" in new and "new" in new and "7100" not in new and "old" not in new
    rules.down()
    assert state(testbed) == before


def test_dry_run_changes_nothing(rules, testbed, others):
    before = state(testbed)
    done = rules.up("--dry-run")
    assert "7700" in done.stdout and "lan0" in done.stdout
    assert state(testbed) == before


def test_failed_up_leaves_the_old_rules(rules, testbed, tmp_path, others):
    """The last step of iptables' loading fails: what the first ones did is undone."""
    if "iptables" not in rules.up().stderr:
        pytest.skip("the nft back-end loads in one transaction")
    fakes = tmp_path / "bin"
    fakes.mkdir()
    for name in ("ip6tables-nft-restore", "ip6tables-legacy-restore"):
        real = run("bash", "-c", f"type -P {name}").stdout.strip()
        once = tmp_path / f"once-{name}"
        # Fails the first time that it is not a probe.
        (fakes / name).write_text(textwrap.dedent(f"""\
            #!/bin/bash
            if [[ $* != */try && ! -e {once} ]]; then touch {once}; echo "made to fail" >&2; exit 1; fi
            exec {real} "$@"
            """))
        (fakes / name).chmod(0o755)
    for first in (True, False):
        if first:
            rules.down()
        else:
            rules.up(firewall__lan="lan0")
        before = state(testbed)
        done = rules.up(firewall__lan="lan9", check=False, env={"PATH": f"{fakes}:{os.environ['PATH']}"})
        assert done.returncode == 1 and "did not load" in done.stderr
        assert state(testbed) == before
        for once in tmp_path.glob("once-*"):
            once.unlink()


def test_bad_configuration_leaves_the_old_rules(rules, testbed):
    rules.up()
    before = state(testbed)
    done = rules.up(env={"FILTERD": "/nonexistent"}, check=False)
    assert done.returncode == 1 and "/nonexistent" in done.stderr
    done = rules.up(check=False, firewall__mark_shift=31)
    assert done.returncode == 1 and done.stderr
    assert state(testbed) == before


def test_parallel_runs_wait_for_each_other(rules, testbed):
    before = state(testbed)
    rules.daemon.configure()
    env = {**os.environ, "FILTERD": str(FILTERD)}
    with open("/run/filterd-firewall.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiter = f"-> FLOCK .*:{os.fstat(lock.fileno()).st_ino} "
        process = testbed.popen("gateway", TREE / "scripts/firewall", "up", "-c", rules.daemon.config_path,
                                env=env, stdout=DEVNULL, stderr=DEVNULL)
        wait_until(lambda: re.search(waiter, pathlib.Path("/proc/locks").read_text()), "it waits")
        assert state(testbed) == before
    assert process.wait(LIMIT) == 0
    assert state(testbed) != before


def test_legacy_iptables(rules, testbed, tmp_path):
    """Where the system's choice is iptables-legacy that one is taken, and it gives way to another again."""
    for name in ("iptables", "ip6tables"):
        legacy = run("bash", "-c", f"type -P {name}-legacy", check=False).stdout.strip()
        if not legacy or "nft" in rules.up("--dry-run").stderr.replace("iptables-nft", ""):
            pytest.skip("no iptables-legacy, or not needed on this kernel")
        (tmp_path / name).symlink_to(legacy)
    done = rules.up(env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert "back-end: iptables-legacy" in done.stderr
    assert testbed.curl("https://a.example/").ok
    counters = testbed.counters()
    assert counters["queued_syn"] == 1 and counters["unjudged"] >= 4
    rules.up()
    assert "FILTERD" not in testbed.exec("gateway", "iptables-legacy-save").stdout
    assert "FILTERD" in testbed.exec("gateway", "iptables-nft-save").stdout


def test_many_ports_and_patterns(rules, testbed):
    ports = " ".join(str(port) for port in range(2000, 2014)) + " 443"
    rules.up(firewall__tcp_ports=ports, firewall__quic_ports="", firewall__lan="lan* ppp*",
             firewall__failure="closed")
    assert not testbed.curl("https://a.example/", limit=3).ok
    assert testbed.curl("http://a.example/").ok, "port 80 is not in the list"


def test_a_flowtable_that_cannot_be_is_left_out(rules, testbed):
    """And said so; the guest has one."""
    rules.up()
    without = state(testbed)
    said = rules.up(firewall__flowtable="lan0 wan0").stderr
    if "flowtable: " not in said:
        pytest.skip("this kernel has flowtables")
    assert re.search("flowtable: (Linux .* cannot be told|this kernel cannot have it|the iptables back-end has none)", said), said
    assert state(testbed) == without
    assert testbed.curl("https://a.example/").ok


# ---- what becomes of packets

WATCH = """
table inet watch
delete table inet watch
table inet watch {{
    chain early {{ type filter hook prerouting priority -310; {early} }}
    chain after {{ type filter hook prerouting priority -100; {after} }}
    chain post {{ type filter hook postrouting priority 300; {post} }}
    chain output {{ type filter hook output priority 10; {output} }}
}}
"""


def watch(testbed, early="", after="", post="", output=""):
    testbed.exec("gateway", "nft", "-f", "-",
                 input=WATCH.format(early=early, after=after, post=post, output=output))


def watched(testbed):
    """Packet counts of the watching rules, by comment."""
    text = testbed.exec("gateway", "nft", "list", "table", "inet", "watch").stdout
    return {name: int(packets) for packets, name in re.findall(r'packets (\d+) .*comment "(\w+)"', text)}


@FAMILIES
def test_foreign_marks_survive(rules, testbed, family):
    """Nobody listens to the queues, and failure is open: every packet passes the whole path unjudged."""
    rules.up()
    watch(testbed, early='iifname "lan0" meta mark set 0x00000123;',
          after='iifname "lan0" ct mark set ct mark | 0x00000456;',
          post=f'''
              oifname != "wan0" accept;
              meta l4proto != {{ tcp, udp }} accept;
              meta mark 0x123 counter comment "kept";
              ct mark & {~ALL & 0xffffffff} == 0x456 counter comment "ctkept";
              counter comment "all";''')
    assert testbed.dig("a.example", family=family).addresses
    assert testbed.curl("https://a.example/", family=family).ok
    seen = watched(testbed)
    assert seen["all"] > 5 and seen["kept"] == seen["all"] == seen["ctkept"]
    assert testbed.counters()["unjudged"] > 0


@FAMILIES
def test_our_bits_from_outside_are_cleared(rules, testbed, family):
    rules.up(firewall__failure="closed", firewall__tcp_ports="9", firewall__dns_ports="9")
    for bits in (*(1 << bit for bit in range(SHIFT, SHIFT + 5)), STATE, ALL):
        watch(testbed, early=f"meta mark set {bits | 0x77};",
              after=f'meta mark 0x77 counter comment "cleared"; counter comment "all";')
        assert testbed.curl("http://a.example/", family=family).ok
        seen = watched(testbed)
        assert seen["all"] == seen["cleared"] > 5
    assert testbed.counters()["unjudged"] == 0, "a foreign bit was taken for a packet that nobody judged"


@FAMILIES
def test_clean_queries_skip_the_queue(rules, testbed, family):
    rules.up(firewall__failure="closed")
    watch(testbed, early=f'iifname "lan0" meta mark set {CLEAN | 0x77};',
          after='iifname "lan0" meta mark 0x77 counter comment "cleared";')
    assert testbed.dig("a.example", family=family).addresses
    assert watched(testbed)["cleared"] == 1
    watch(testbed, early='iifname "lan0" meta mark set 0x77;')
    assert testbed.dig("a.example", family=family, limit=1).status is None
    assert testbed.counters()["queued_dns"] == 1


@FAMILIES
@pytest.mark.parametrize("timestamps", [0, 1])
def test_pure_acks_are_not_queued(rules, testbed, family, timestamps):
    """An undecided flow: nobody decides, so that each packet with payload counts, and no other."""
    testbed.exec("client", "sysctl", "-qw", f"net.ipv4.tcp_timestamps={timestamps}")
    try:
        rules.up(firewall__tcp_ports="80 443")
        watch(testbed, post='oifname "wan0" tcp dport 80 counter comment "up";')
        done = testbed.curl("http://a.example/big", family=family, options=("-o", "/dev/null"))
        assert done.exit == 0
    finally:
        testbed.exec("client", "sysctl", "-qw", "net.ipv4.tcp_timestamps=1")
    counters = testbed.counters()
    assert counters["queued_syn"] == 1
    assert 2 <= counters["queued_client"] <= 5, "the request, a FIN, and little else"
    assert watched(testbed)["up"] > 20, "no acknowledgements were there to be left alone"
    assert counters["queued_server"] > 20


@FAMILIES
def test_quic_queues_long_headers_only(rules, testbed, family):
    rules.up(firewall__failure="closed")
    sender = textwrap.dedent(f"""
        import socket
        s = socket.socket(socket.AF_INET{"6" if family == 6 else ""}, socket.SOCK_DGRAM)
        for first in (0xc0, 0x80, 0xff, 0x40, 0x7f, 0x00):
            s.sendto(bytes([first]) + bytes(30), ("{SERVER[family]}", 443))
        s.sendto(b"", ("{SERVER[family]}", 443))
        """)
    watch(testbed, post='oifname "wan0" udp dport 443 counter comment "passed";')
    testbed.exec("client", "/usr/bin/python3", "-c", sender)
    assert testbed.counters()["queued_quic"] == 3
    assert watched(testbed)["passed"] == 4


def send(testbed, port, payloads, family=4, source=0):
    """Datagrams from the client to the server."""
    testbed.exec("client", "/usr/bin/python3", "-c", textwrap.dedent(f"""
        import socket
        s = socket.socket(socket.AF_INET{"6" if family == 6 else ""}, socket.SOCK_DGRAM)
        s.bind(("", {source}))
        for payload in {[bytes(payload) for payload in payloads]}:
            s.sendto(payload, ("{SERVER[family]}", {port}))
        """))


@FAMILIES
def test_dtls_records_are_queued(rules, testbed, family):
    rules.up(firewall__failure="closed")
    watch(testbed, post='oifname "wan0" udp dport 443 counter comment "passed";')
    records = [bytes([kind, 0xfe, 0xfd]) + bytes(30) for kind in range(19, 28)]
    send(testbed, 443, records + [b"\x16", b"\x17", b"\x17\3\3" + bytes(30), b""], family)
    assert testbed.counters()["queued_dtls"] == 7 + 1
    assert testbed.counters()["queued_quic"] == 0
    assert watched(testbed)["passed"] == 2 + 3


def query(flags=0x0100, questions=1, answers=0):
    return (struct.pack(">6H", 7, flags, questions, answers, 0, 0) +
            b"\7blocked\7example\0" + struct.pack(">2H", 1, 1))


# What any-port rules make of a datagram's first bytes: the counter that it adds to, or none.
FORMS = {
    "query": (query(), "queued_dns"),
    "query with four questions": (query(questions=4), "queued_dns"),
    "query, all other bits": (query(flags=0x07f0), "queued_dns"),
    "no question": (query(questions=0), None),
    "five questions": (query(questions=5), None),
    "answer": (query(flags=0x8180), None),
    "update": (query(flags=0x2800), None),
    "response code": (query(flags=0x0103), None),
    "answers in it": (query(answers=1), None),
    "no more than a header's start": (query()[:6], None),
    "Initial": (b"\xc3\0\0\0\1" + bytes(30), "queued_quic"),
    "other version": (b"\xff\xff\0\0\x1d" + bytes(30), "queued_quic"),
    "version negotiation": (b"\xc3" + bytes(30), None),
    "no QUIC bit (RTP)": (b"\x80\x60\0\1\0" + bytes(30), None),
    "no QUIC bit, version 1": (b"\x83\0\0\0\1" + bytes(30), "queued_quic"),
    "no QUIC bit, version 2": (b"\x93\x6b\x33\x43\xcf" + bytes(30), "queued_quic"),
    "no QUIC bit, no version": (b"\x83" + bytes(30), None),
    "short header": (b"\x40\0\0\0\1" + bytes(30), None),
    "DTLS": (b"\x16\xfe\xff" + bytes(30), "queued_dtls"),
    "DTLS, something before the handshake": (b"\x15\xfe\xfd" + bytes(30), "queued_dtls"),
    "no record of DTLS": (b"\x1b\xfe\xfd" + bytes(30), None),
    "no DTLS version": (b"\x16\3\3" + bytes(30), None),
    "empty": (b"", None),
}


def datagrams(testbed):
    """The counters of datagrams: with any port, streams that earlier tests left behind may be sent again meanwhile."""
    counters = testbed.counters()
    return {key: counters[key] for key in ("queued_dns", "queued_quic", "queued_dtls")}


@FAMILIES
def test_any_port_goes_by_form(rules, testbed, family):
    ports = {key: "any" for key in ("firewall__dns_ports", "firewall__tcp_ports", "firewall__quic_ports")}
    before = state(testbed)
    rules.up(firewall__failure="closed", **ports)
    for name, (payload, counter) in FORMS.items():
        watch(testbed, post='oifname "wan0" udp dport 7777 counter comment "passed";')
        seen = datagrams(testbed)
        send(testbed, 7777, [payload], family)
        new = {key: count - seen[key] for key, count in datagrams(testbed).items() if count != seen[key]}
        assert new == ({counter: 1} if counter else {}), name
        assert watched(testbed)["passed"] == (0 if counter else 1), name
    seen = datagrams(testbed)
    for port in (137, 5353, 5355):
        send(testbed, port, [query()], family)
    send(testbed, 7777, [query()], family, source=137)
    assert datagrams(testbed) == seen
    testbed.exec("client", "bash", "-c", f"timeout 2 bash -c '</dev/tcp/{SERVER[family]}/7777' || true")
    assert testbed.counters()["queued_syn"] > 0
    rules.down()
    testbed.exec("gateway", "nft", "delete", "table", "inet", "watch")
    assert state(testbed) == before


def test_injected_to_the_client_is_not_tracked(rules, testbed):
    rules.up()
    watch(testbed, output=f"""
        udp dport 9 meta mark & {7 << SHIFT} == {5 << SHIFT} ct state untracked counter comment "client";
        udp dport 9 meta mark & {7 << SHIFT} == {4 << SHIFT} ct state new counter comment "server";
        udp dport 9 ct state untracked counter comment "untracked";
        udp dport 9 counter comment "all";""")
    for mark in (5 << SHIFT, (5 << SHIFT) | 1, 4 << SHIFT, 1 << SHIFT, 0):
        sender = textwrap.dedent(f"""
            import socket
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, {socket.SO_MARK}, {mark})
            s.sendto(b"x", ("10.77.1.2", 9))
            """)
        testbed.exec("gateway", "/usr/bin/python3", "-c", sender)
    assert watched(testbed) == {"client": 2, "server": 1, "untracked": 2, "all": 5}


def test_streams_to_the_gateway_itself(rules, testbed):
    """Only the ports of local-tcp-ports; others, an admin's SSH, never stop with the daemon."""
    rules.up(firewall__failure="closed", firewall__local_tcp_ports="8053")
    servers = [testbed.popen("gateway", "/usr/bin/python3", "-m", "http.server", port, "--bind", "10.77.1.1",
                             stdout=DEVNULL, stderr=DEVNULL) for port in (8053, 8022)]
    try:
        options = ("--retry", "100", "--retry-connrefused", "--retry-delay", "1", "--noproxy", "*")
        page = testbed.exec("client", "curl", "-sm", "60", *options, "http://10.77.1.1:8022/", check=False)
        assert page.returncode == 0
        page = testbed.exec("client", "curl", "-sm", "3", "http://10.77.1.1:8053/", check=False)
        assert page.returncode == 28
    finally:
        for server in servers:
            server.kill()
            server.wait()


# ---- with the daemon

def flow_marks(testbed, text):
    """Marks of the flows in the gateway's conntrack whose line has this text."""
    table = testbed.exec("gateway", "cat", "/proc/net/nf_conntrack").stdout
    return [int(mark) for line in table.splitlines() if text in line
            for mark in re.findall(r"mark=(\d+)", line)]


@FAMILIES
def test_states_reach_the_conntrack(filterd, testbed, family):
    filterd.start(order("blocked.example"))
    try:
        watch(testbed, after='iifname "lan0" ct mark set ct mark | 0x00000456;')
        options = ("--local-port", f"4100{family}")
        assert testbed.curl("https://fine.example/", family=family, options=options).ok
        assert flow_marks(testbed, f"sport=4100{family}") == [(2 << SHIFT) | 0x456]
        options = ("--local-port", f"4200{family}")
        assert not testbed.curl("https://blocked.example/", family=family, options=options).ok
        assert all(mark & 0x456 == 0x456 for mark in flow_marks(testbed, f"sport=4200{family}"))
    finally:
        testbed.exec("gateway", "nft", "delete", "table", "inet", "watch")


@FAMILIES
def test_other_rules_see_each_packet_once(filterd, testbed, family):
    """What comes back from the daemon begins our chain anew, and nobody else's rules."""
    filterd.start(order("blocked.example"), rules=False)
    tool = "iptables" if family == 4 else "ip6tables"
    testbed.exec("gateway", "bash", "-ec", f"""
        {tool} -t raw -A PREROUTING -i lan0 -p udp --dport 53
        {tool} -t mangle -A FORWARD -i lan0 -p tcp --dport 443
        """)
    try:
        testbed.firewall("up", "-c", filterd.config_path, env={**os.environ, "FILTERD": str(FILTERD)})
        watch(testbed, post='oifname "wan0" tcp dport 443 counter comment "stream";')
        for _ in range(3):
            assert testbed.dig("fine.example", family=family).addresses
        assert testbed.curl("https://fine.example/", family=family).ok
        saved = testbed.exec("gateway", f"{tool}-save", "-c").stdout
        seen = [int(packets) for packets in re.findall(r"^\[(\d+):\d+\] -A [A-Z]+ -i lan0", saved, re.M)]
        assert sorted(seen) == sorted([3, watched(testbed)["stream"]])
        wait_until(lambda: testbed.counters()["unjudged"] == 0, "all was judged")
        assert testbed.counters()["judged_datagrams"] == testbed.counters()["queued_dns"] == 3
    finally:
        testbed.firewall("down")
        testbed.exec("gateway", "nft", "flush", "ruleset")


@FAMILIES
def test_only_whole_verdicts_count(rules, testbed, family):
    """Bits of ours that come up behind raw, where they are cleared, open no way past the queues."""
    rules.up(firewall__failure="closed")
    for bits in (2 << SHIFT, 8 << SHIFT, CLEAN, STATE):
        watch(testbed, after=f'iifname "lan0" meta l4proto tcp meta mark set {bits};')
        assert not testbed.curl("https://a.example/", family=family, limit=1).ok, hex(bits)


# Whose marks are the whole mark; after the daemon's rules are up, and so ahead of them.
REWRITING = {
    "set-mark": "-j MARK --set-mark 0x10",
    "restore-mark": "-j CONNMARK --restore-mark",
}


@pytest.mark.parametrize("rewriting", REWRITING)
def test_a_rule_that_rewrites_marks_ends_nothing(filterd, testbed, rewriting):
    """The verdicts of streams are lost on the way; the packets go round a few times, not for ever."""
    filterd.start(order("blocked.example"))
    if "iptables" not in testbed.firewall("show").stdout:
        pytest.skip("the nft back-end has a chain of its own, with nobody's rules in it")
    words = f"-t mangle -I FORWARD {REWRITING[rewriting]}".split()
    testbed.exec("gateway", "iptables", *words)
    try:
        assert testbed.curl("https://fine.example/").ok
        assert not testbed.curl("https://blocked.example/", limit=5).ok
        text = testbed.exec("gateway", FILTERCTL, "doctor", "--control", filterd.config["filterd.control"],
                            check=False).stdout
        assert re.search(r"^BAD +marks .*MARK", text, re.M), text
        wait_until(lambda: "came again and again" in filterd.log(), "the daemon says so")
        status = ask(filterd.config["filterd.control"], "status")
        assert sum(worker["packets"] for worker in status["workers"]) < 2000
    finally:
        testbed.exec("gateway", "iptables", "-t", "mangle", "-D", *words[3:])


@FAMILIES
def test_rules_with_another_mark_shift_end_nothing(filterd, testbed, family):
    filterd.configure(firewall__mark_shift=16)
    filterd.firewall_up()
    filterd.start(order("blocked.example"), rules=False, firewall__mark_shift=24)
    assert testbed.curl("https://fine.example/", family=family).ok
    assert not testbed.curl("https://blocked.example/", family=family, limit=5).ok
    assert testbed.dig("fine.example", family=family).addresses
    assert testbed.dig("blocked.example", family=family).status == "NXDOMAIN"
    control = filterd.config["filterd.control"]
    text = testbed.exec("gateway", FILTERCTL, "doctor", "--control", control, check=False).stdout
    assert re.search(r"^BAD +rules .*mark-shift", text, re.M), text
    assert sum(worker["packets"] for worker in ask(control, "status")["workers"]) < 2000
