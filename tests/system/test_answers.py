# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers answer: where it leads is judged, ECH keys are taken out, canaries are answered; all of it
only when the configuration says so, and nothing else is harmed."""
import json
import pathlib
import subprocess

import pytest

from harness import SERVER, order, wait_until

HERE = pathlib.Path(__file__).parent
NAMESERVER = {4: "10.77.2.53", 6: "fd77:2::53"}
BLOCKED = "blocked.example"
ECH = "".join(f"{byte:02x}" for byte in b"\x00\x45\xfe\x0d\x00\x41" + bytes(range(65)))


def labels(name):
    return "".join(f"{len(label):02x}{label.encode().hex()}" for label in name.split(".")) + "00"


def param(key, value):
    return f"{key:04x}{len(value) // 2:04x}{value}"


# ALPN h2 and h3, an ipv4hint, an ECH key between.
SERVICE = param(1, "026832" + "026833") + param(4, "0a4d0202") + param(5, ECH) + param(6, "fd77" + "00" * 13 + "02")
RECORDS = [
    "--host-record=free.example,10.77.2.2,fd77:2::2",
    f"--host-record=www.{BLOCKED},10.77.2.2,fd77:2::2",
    f"--cname=alias.example,www.{BLOCKED}",
    "--cname=innocent.example,free.example",
    "--cname=far.example,near.example", f"--cname=near.example,www.{BLOCKED}",
    f"--dns-rr=tree.example,39,{labels(BLOCKED)}",
    f"--dns-rr=service.example,65,0001{labels('cdn.' + BLOCKED)}",
    f"--dns-rr=priority.example,65,0000{labels('cdn.' + BLOCKED)}",
    f"--dns-rr=_x.example,64,0001{labels(BLOCKED)}",
    f"--dns-rr=ech.example,65,000100{SERVICE}",
    f"--dns-rr=plain.example,65,000100{param(1, '026832')}",
    f"--dns-rr=must.example,65,000100{param(0, '0005')}{param(5, ECH)}",
    f"--mx-host=mail.example,{BLOCKED},10",
]
for number in range(3):
    RECORDS.append(f"--dns-rr=three.example,65,000{number + 1}00{SERVICE}")
LEADS = [("alias.example", "A"), ("alias.example", "AAAA"), ("alias.example", "CNAME"), ("far.example", "A"),
         ("tree.example", "DNAME"), ("service.example", "HTTPS"), ("priority.example", "HTTPS"),
         ("_x.example", "SVCB")]


@pytest.fixture
def names(testbed, tmp_path):
    """A second name server, with records of many kinds."""
    for family, length in ((4, 24), (6, 64)):
        testbed.exec("server", "ip", "addr", "replace", f"{NAMESERVER[family]}/{length}", "dev", "eth0",
                     *(["nodad"] if family == 6 else []))
    with open(tmp_path / "dnsmasq.log", "wb") as log:
        process = testbed.popen(
            "server", "dnsmasq", "--conf-file=/dev/null", "--keep-in-foreground", "--user=root", "--no-resolv",
            "--no-hosts", "--no-poll", "--bind-interfaces", f"--listen-address={NAMESERVER[4]}",
            f"--listen-address={NAMESERVER[6]}", "--except-interface=lo", "--cache-size=0", "--local-ttl=1",
            "--local=/example/", f"--pid-file={tmp_path}/pid", *RECORDS, stderr=log)
    ask = Asking(testbed)
    wait_until(lambda: ask("free.example").addresses, "the name server")
    yield ask
    process.terminate()
    process.wait()


class Asking:
    def __init__(self, testbed):
        self.testbed = testbed

    def __call__(self, name, type="A", family=4, server=None, **more):
        return self.testbed.dig(name, type, family=family, server=server or NAMESERVER[family], **more)


@pytest.mark.parametrize("family", [4, 6])
def test_where_an_answer_leads(testbed, filterd, names, family):
    filterd.start(order(BLOCKED, reference="TEST/leads"), firewall__inspect_answers="yes")
    for name, type in LEADS:
        answer = names(name, type, family)
        assert answer.status == "NXDOMAIN" and "TEST/leads" in answer.text, f"{name}: {answer}"
        assert not answer.addresses
    assert names("innocent.example", "A", family).addresses[-1] == SERVER[4]
    assert names("innocent.example", "AAAA", family).addresses[-1] == SERVER[6]
    assert names("plain.example", "HTTPS", family).addresses
    assert names("mail.example", "MX", family).status == "NOERROR"
    assert names("missing.example", "A", family).status == "NXDOMAIN"
    event = filterd.wait_event(lambda e: e["dns"]["rrname"] == f"www.{BLOCKED}")
    assert event["app_proto"] == "dns" and event["dest_ip"] == NAMESERVER[family]
    assert testbed.counters()["queued_answer"] >= len(LEADS)
    wait_until(lambda: testbed.counters()["unjudged"] == 0, "all was judged")


def test_off_by_default(testbed, filterd, names):
    filterd.start(order(BLOCKED))
    for name, type in LEADS:
        assert names(name, type).status == "NOERROR", name
    assert not testbed.counters().get("queued_answer")


def test_scope_holds_for_answers(testbed, filterd, names):
    filterd.start(order(BLOCKED, scope="192.0.2.0/24"), firewall__inspect_answers="yes")
    for name, type in LEADS:
        assert names(name, type).status == "NOERROR", name
    assert testbed.counters()["queued_answer"] >= len(LEADS)


@pytest.mark.parametrize("family", [4, 6])
def test_answers_over_tcp(testbed, filterd, names, family):
    for name, type in LEADS:
        assert names(name, type, family, tcp=True).status == "NOERROR", name
    filterd.start(order(BLOCKED), firewall__inspect_answers="yes")
    for name, type in LEADS:
        assert names(name, type, family, tcp=True, limit=2).status is None, name
    for _ in range(3):
        assert names("innocent.example", "A", family, tcp=True).addresses[-1] == SERVER[4]
        assert names("ech.example", "HTTPS", family, tcp=True).addresses
    # Several queries over one connection: the last one is what ends it.
    done = testbed.exec("client", "dig", f"@{NAMESERVER[family]}", "+tcp", "+keepopen", "+tries=1", "+time=2", "+short",
                        "free.example", "innocent.example", "alias.example", check=False)
    assert done.stdout.count(SERVER[4]) == 2, done.stdout


@pytest.mark.testbed("--nat")
def test_behind_translation_both_ways(testbed, filterd, names):
    """Clients are masqueraded, and an address of theirs is turned to the name server: the answer that
    replaces another takes both translations back."""
    testbed.exec("gateway", "nft", "-f", "-", input=f"""
        table ip turn {{
            chain prerouting {{
                type nat hook prerouting priority dstnat; policy accept;
                ip daddr 192.0.2.53 dnat to {NAMESERVER[4]}
            }}
        }}""")
    try:
        filterd.start(order(BLOCKED), firewall__inspect_answers="yes")
        for server in (NAMESERVER[4], "192.0.2.53"):
            for name, type in LEADS:
                assert names(name, type, server=server).status == "NXDOMAIN", name
            assert names("free.example", server=server).addresses == [SERVER[4]]
    finally:
        testbed.exec("gateway", "nft", "delete", "table", "ip", "turn")


@pytest.mark.parametrize("family", [4, 6])
def test_ech_is_stripped(testbed, filterd, names, family):
    assert "ech=" in names("ech.example", "HTTPS", family).text
    filterd.start(order(BLOCKED), firewall__inspect_answers="yes", engine__strip_ech="yes")
    for options in ((), ("+noedns",), ("+dnssec",), ("+bufsize=4096",)):
        answer = names("ech.example", "HTTPS", family, options=options)
        assert answer.status == "NOERROR" and "ech=" not in answer.text, answer
        assert 'alpn="h2,h3" ipv4hint=10.77.2.2 ipv6hint=fd77::2' in answer.text, answer
        assert "malformed" not in answer.text.lower() and "Warning" not in answer.text, answer
    answer = names("three.example", "HTTPS", family)
    assert len(answer.addresses) == 3 and "ech=" not in answer.text, answer
    # One that can't do without: no record rather than a broken one.
    answer = names("must.example", "HTTPS", family)
    assert answer.status == "NOERROR" and not answer.addresses, answer
    assert "alpn" in names("plain.example", "HTTPS", family).text


def test_strip_ech_without_answers_is_refused(testbed, filterd):
    filterd.configure(engine__strip_ech="yes")
    done = subprocess.run([filterd.program, "-t", "-c", filterd.config_path], text=True, capture_output=True)
    assert done.returncode != 0 and "inspect-answers" in done.stderr + done.stdout


@pytest.mark.parametrize("family", [4, 6])
def test_canaries(testbed, filterd, family):
    canaries = ("use-application-dns.net", "mask.icloud.com", "MASK-h2.iCloud.com")
    filterd.start(order(BLOCKED), engine__canaries="yes")
    for name in canaries:
        for type in ("A", "AAAA", "HTTPS"):
            assert testbed.dig(name, type, family=family).status == "NXDOMAIN", name
    for name in ("icloud.com", "www.mask.icloud.com", "application-dns.net"):
        assert testbed.dig(name, family=family).addresses, name
    assert testbed.dig(BLOCKED, family=family).status == "NXDOMAIN"
    filterd.wait_event(lambda e: e["dns"]["rrname"] == BLOCKED)
    assert not [e for e in filterd.events() if "icloud" in str(e) or "application" in str(e)]
    filterd.stop()
    filterd.start(engine__canaries="no")
    for name in canaries:
        assert testbed.dig(name, family=family).addresses, name


def no_answer_is_lost(testbed, filterd):
    """2000 queries, a quarter of whose answers are replaced; none is lost, doubled or mixed up."""
    filterd.start(order(BLOCKED), firewall__inspect_answers="yes", engine__strip_ech="yes")
    for family in (4, 6):
        done = testbed.exec("client", "/usr/bin/python3", HERE / "parallel_queries.py", NAMESERVER[family], 5,
                            "free.example", "innocent.example", "alias.example", "missing.free.example",
                            timeout=300)
        assert json.loads(done.stdout) == {"0": 500, "3": 500}
    wait_until(lambda: testbed.counters()["unjudged"] == 0, "all was judged")


def test_no_answer_is_lost(testbed, filterd, names):
    no_answer_is_lost(testbed, filterd)


@pytest.mark.testbed("--nat")
def test_no_answer_is_lost_behind_nat(testbed, filterd, names):
    no_answer_is_lost(testbed, filterd)
