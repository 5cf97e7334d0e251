# SPDX-License-Identifier: GPL-3.0-or-later
"""The testbed itself: what the other tests take for granted."""
import os
import pathlib
import re

import pytest

from harness import CLIENT, SERVER, run, wait_until

FAMILIES = pytest.mark.parametrize("family", [4, 6])


@FAMILIES
@pytest.mark.parametrize("tcp", [False, True])
def test_every_name_resolves(testbed, family, tcp):
    for name in ("a.example", "deep.below.some.test"):
        answer = testbed.dig(name, "A" if family == 4 else "AAAA", tcp=tcp, family=family)
        assert (answer.status, answer.addresses) == ("NOERROR", [SERVER[family]])


@FAMILIES
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_every_name_has_a_page(testbed, family, tls):
    page = testbed.curl("https://some.example/", family=family, tls=tls)
    assert page.ok and page.body == "some.example\n"
    assert page.headers["x-tls"] == f"TLSv{tls} some.example"
    assert page.headers["x-client"].split()[0] == CLIENT[family]


@FAMILIES
def test_plain_http_by_name(testbed, family):
    page = testbed.curl("http://other.example/", family=family, by_name=True)
    assert page.ok and page.body == "other.example\n"


def test_download_and_upload(testbed, tmp_path):
    file = tmp_path / "file"
    assert testbed.curl("https://big.example/big", options=("-o", file)).exit == 0
    assert file.stat().st_size == 100_000_000
    os.truncate(file, 100_000_001)
    assert testbed.curl("https://big.example/upload", options=("-T", file)).body.strip() == "100000001"


def forwarded(testbed, device):
    text = testbed.exec("gateway", "nft", "list", "table", "inet", "seen").stdout
    return int(re.search(rf'iifname "{device}" counter packets (\d+)', text)[1])


def count_forwarded(testbed):
    testbed.exec("gateway", "nft", "-f", "-", input="""
        table inet seen
        delete table inet seen
        table inet seen {
            chain forward {
                type filter hook forward priority 0;
                iifname "lan0" counter
                iifname "wan0" counter
            }
        }""")


@pytest.mark.testbed("--oneway")
@FAMILIES
def test_oneway_hides_replies(testbed, family):
    count_forwarded(testbed)
    assert testbed.curl("https://some.example/", family=family).ok
    assert forwarded(testbed, "lan0") > 0
    assert forwarded(testbed, "wan0") == 0
    testbed.exec("gateway", "nft", "delete", "table", "inet", "seen")


@pytest.mark.testbed("--nat")
@pytest.mark.parametrize("family,outside", [(4, "10.77.2.1"), (6, "fd77:2::1")])
def test_nat_translates(testbed, family, outside):
    page = testbed.curl("https://some.example/", family=family, options=("--local-port", "40000-40100"))
    assert page.ok
    address, port = page.headers["x-client"].split()
    assert address == outside
    assert not 40000 <= int(port) <= 40100, "source ports are not random"


@pytest.mark.testbed("--clients", "600")
def test_many_clients(testbed):
    addresses = pathlib.Path(os.environ["FILTERD_TESTBED_RUN"], "clients").read_text().split()
    four = [address for address in addresses if ":" not in address]
    assert len(set(four)) == 600 and len(set(addresses)) == 1200
    for address in (four[0], four[252], four[253], four[599], addresses[-1]):
        family = 6 if ":" in address else 4
        page = testbed.curl("http://some.example/", family=family, options=("--interface", address))
        assert page.ok and page.headers["x-client"].split()[0] == address


def processes_of(namespace):
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (process / "ns/net").stat().st_ino == namespace:
                found.append((process / "comm").read_text())
        except OSError:
            pass
    return found


def test_up_begins_anew_and_down_leaves_nothing(testbed_session):
    testbed = testbed_session
    testbed.up("--nat")
    first = os.stat("/run/netns/filterd-server").st_ino
    assert processes_of(first)
    testbed.up()
    second = os.stat("/run/netns/filterd-server").st_ino
    wait_until(lambda: not processes_of(first) or first == second, "the first server's processes end")
    assert testbed.curl("http://some.example/").headers["x-client"].split()[0] == CLIENT[4]
    testbed.down()
    wait_until(lambda: not processes_of(second), "the server's processes end")
    assert not os.path.exists(os.environ["FILTERD_TESTBED_RUN"])
    assert not [name for name in os.listdir("/run/netns") if name.startswith("filterd-")]
    assert testbed.exec("client", "true", check=False).returncode != 0


def test_the_host_keeps_its_resolver(testbed):
    before = pathlib.Path("/etc/resolv.conf").read_text()
    assert testbed.exec("client", "cat", "/etc/resolv.conf").stdout.startswith("nameserver 10.77.2.2\n")
    assert pathlib.Path("/etc/resolv.conf").read_text() == before


@pytest.mark.parametrize("words", [("up", "--nat", "--oneway"), ("up", "--clients", "0"), ("up", "--what"),
                                   ("exec", "nowhere", "true"), ("exec", "client"), ("sideways",)])
def test_mistakes_are_told(testbed, words):
    done = run(testbed.script, *words, check=False)
    assert done.returncode != 0 and done.stderr
    assert testbed.dig("a.example").addresses, "a refused command has changed the testbed"
