# SPDX-License-Identifier: GPL-3.0-or-later
"""The prefilter on the gateway: it changes no verdict, comes and goes cleanly, and is never needed."""
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import tempfile
import threading

import pytest

import datagrams
from harness import FILTERCTL, TREE, Filterd, order, run, wait_until

HERE = pathlib.Path(__file__).parent
CORPORA = pathlib.Path(os.environ.get("FILTERD_CORPORA", TREE.parent / "shared/corpora/pcap"))
DNS_CAPTURES = ("dns", "malformed", "fuzz")
DATAGRAMS = 6000
SWAPS = 50
PREF = "61821"

pytestmark = pytest.mark.usefixtures("programs")


def status(filterd):
    return json.loads(run(FILTERCTL, "status", "--control", filterd.folder / "control.sock", "--json").stdout)


def prefilter(filterd):
    return status(filterd)["prefilter"]


def start(filterd, *texts, interfaces=1, **config):
    filterd.start(*texts, **config)
    wait_until(lambda: prefilter(filterd)["interfaces"] == interfaces, "the prefilter stands")
    return filterd


def tc(testbed, device="lan0"):
    """The tc filters at an interface's ingress, and its queueing disciplines."""
    return (testbed.exec("gateway", "tc", "filter", "show", "dev", device, "ingress").stdout,
            testbed.exec("gateway", "tc", "qdisc", "show", "dev", device).stdout)


@pytest.fixture
def nobody(testbed):
    """Addresses of the server at which nobody answers."""
    testbed.exec("server", "ip", "addr", "add", "10.77.2.4/24", "dev", "eth0")
    testbed.exec("server", "ip", "addr", "add", "fd77:2::4/64", "dev", "eth0", "nodad")
    yield
    testbed.exec("server", "ip", "addr", "del", "10.77.2.4/24", "dev", "eth0")
    testbed.exec("server", "ip", "addr", "del", "fd77:2::4/64", "dev", "eth0")


class Recorder:
    def __init__(self, testbed, place, direction):
        self.process = testbed.popen(place, "/usr/bin/python3", HERE / "datagrams.py", "record", direction,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n"

    def stop(self):
        return self.process.communicate(timeout=60)[0].splitlines()


def captures():
    return [path for path in sorted(CORPORA.glob("*")) if any(word in path.name for word in DNS_CAPTURES)]


def outcome(testbed, filterd, seed):
    """What reached the server and what was answered to the client of the datagrams of this seed."""
    mac = json.loads(testbed.exec("gateway", "ip", "-j", "link", "show", "lan0").stdout)[0]["address"]
    arrived, answers = Recorder(testbed, "server", "to"), Recorder(testbed, "client", "from")
    done = testbed.exec("client", "/usr/bin/python3", HERE / "datagrams.py", "send", mac, seed, DATAGRAMS,
                        *captures(), timeout=300)
    taken = status(filterd)
    wait_until(lambda: all(queue["waiting"] == 0 for queue in status(filterd)["queues"]), "all are judged")
    assert testbed.counters()["unjudged"] == 0 and sum(w["missed"] for w in taken["workers"]) == 0
    return arrived.stop(), answers.stop(), int(done.stdout)


def checksums(testbed, wish, device="eth0"):
    """Whether the client leaves its checksums to be filled in, as on a veth, or makes them, as on a wire (`off`)."""
    testbed.exec("client", "ethtool", "-K", device, "tx", wish)


@pytest.fixture(autouse=True)
def wire(testbed):
    if not shutil.which("ethtool"):
        pytest.skip("ethtool is missing (see scripts/setup)")
    checksums(testbed, "off")
    yield
    checksums(testbed, "on")


ORDERS = (order("blocked.example", id="a"), order("watched.example", id="b", action="monitor"))


def test_it_changes_no_verdict(testbed, filterd, nobody):
    seen = {}
    # One in each family first, so that the neighbours are known.
    for family, address in ((4, "10.77.2.4"), (6, "fd77:2::4")):
        testbed.dig("free.example", server=address, family=family, limit=1)
    for wish in ("no", "yes"):
        # With `closed` nothing passes that was not judged.
        start(filterd, *ORDERS, interfaces=int(wish == "yes"), firewall__prefilter=wish,
              firewall__failure="closed", engine__canaries="yes", engine__undecided_dns="drop")
        before = prefilter(filterd)
        seen[wish] = outcome(testbed, filterd, 1)
        after = prefilter(filterd)
        queued = testbed.counters()["queued_dns"]
        if wish == "yes":
            assert after["clean"] - before["clean"] > DATAGRAMS / 4
            assert after["unread"] - before["unread"] > DATAGRAMS / 10
            assert queued < DATAGRAMS * 3 / 4
        else:
            assert queued >= DATAGRAMS * 9 / 10  # all but those that the kernel itself drops
        filterd.stop()
        testbed.firewall("down")
    for which, what in ((0, "the server got"), (1, "the client was answered")):
        without, with_it = seen["no"][which], seen["yes"][which]
        assert len(without) > DATAGRAMS / 20
        different = set(without) ^ set(with_it)
        assert not different, f"{what} another datagram with the prefilter: {sorted(different)[:3]}"
        assert without == with_it, what
    if not seen["yes"][2]:
        print("without captures: they are not here")


def test_no_listed_name_slips_by_while_rulesets_swap(testbed, filterd):
    texts = {which: (order("both.example", f"{which}.example", id=which),) for which in ("one", "two")}
    other = {"one": "two", "two": "one"}
    start(filterd, *texts["one"])
    leaked, stopping = [], threading.Event()

    def ask():
        while not stopping.is_set():
            leaked.extend(testbed.dig("www.both.example").addresses)
            if not testbed.dig("free.example").addresses:
                leaked.append("free.example had no answer")

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for number in range(SWAPS):
            which = ("two", "one")[number % 2]
            filterd.orders(*texts[which])
            before = filterd.log().count("orders in force")
            filterd.reload()
            wait_until(lambda: filterd.log().count("orders in force") > before, "the orders are in force")
            assert testbed.dig(f"{which}.example").status == "NXDOMAIN", f"swap {number}: slipped by"
            assert testbed.dig(f"{other[which]}.example").addresses, f"swap {number}: still blocked"
    finally:
        stopping.set()
        thread.join()
    assert not leaked
    after = prefilter(filterd)
    assert after["on"] and after["clean"] > SWAPS


def test_checksums_that_are_to_be_filled_in(testbed, filterd):
    """Where to is the sender's choice and can't be seen: it may be the name."""
    checksums(testbed, "on")
    start(filterd, order("blocked.example"))
    before = prefilter(filterd)
    assert testbed.dig("free.example").addresses and testbed.dig("free.example", family=6).addresses
    after = prefilter(filterd)
    assert (after["clean"], after["unread"]) == (before["clean"], before["unread"] + 2)
    checksums(testbed, "off")
    assert testbed.dig("free.example").addresses and testbed.dig("free.example", family=6).addresses
    assert prefilter(filterd)["clean"] == after["clean"] + 2


class Machine:
    """A virtual machine: a link of the gateway whose packets come with a virtio header."""

    def __init__(self, testbed):
        self.tun = testbed.popen("gateway", "/usr/bin/python3", "-c", TUN.replace("0x1001", "0x5001"),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # IFF_VNET_HDR
        assert self.tun.stdout.readline() == "ready\n"
        testbed.exec("gateway", "ip", "link", "set", "tun7", "up")

    def send(self, flags, gso, header_size, piece_size, checksum_start, checksum_offset, packet):
        header = struct.pack("=BBHHHH", flags, gso, header_size, piece_size, checksum_start, checksum_offset)
        self.tun.stdin.write((header + packet).hex() + "\n")
        self.tun.stdin.flush()
        assert self.tun.stdout.readline() == "sent\n"


@pytest.fixture
def machine(testbed):
    made = Machine(testbed)
    yield made
    made.tun.kill()
    made.tun.wait()


NEEDS_CHECKSUM, CHECKSUM_VALID = 1, 2
UDP_L4 = 5
UDP_AT, NAME_AT = 20, 8 + 12


def test_super_packets_of_a_virtual_machine(testbed, filterd, nobody, machine):
    """Two queries in one packet, which the kernel cuts apart behind the prefilter."""
    rng = random.Random(1)
    first, second = (datagrams.question(rng, name) for name in ("free.example", "blocked.example"))
    size = 100
    data = datagrams.ip(datagrams.pending(datagrams.udp(rng, first.ljust(size, b"\0") + second, 4), 4), 4)
    start(filterd, order("blocked.example"), firewall__lan="tun7")
    machine.send(NEEDS_CHECKSUM, UDP_L4, 28, size, UDP_AT, 6, data)
    wait_until(lambda: sum(prefilter(filterd)[key] for key in ("clean", "maybe", "unread")), "it came")
    assert prefilter(filterd)["clean"] == 0
    filterd.wait_event()


def test_a_virtual_machine_that_has_the_checksum_put_into_the_name(testbed, filterd, machine):
    """It is good where it stands, so that only how the packet came tells."""
    data = datagrams.ip(datagrams.udp(random.Random(1), datagrams.question(random.Random(1), "free.example"), 4), 4)
    start(filterd, order("blocked.example"), firewall__lan="tun7")
    for flags, gain in ((0, "clean"), (CHECKSUM_VALID, "clean"), (NEEDS_CHECKSUM, "unread"), (0, "clean")):
        before = prefilter(filterd)
        machine.send(flags, 0, 0, 0, UDP_AT, NAME_AT + 1, data)
        wait_until(lambda: prefilter(filterd) != before, "it came")
        assert prefilter(filterd)[gain] == before[gain] + 1, flags


@pytest.fixture
def open_folder():
    """One that every user may enter and write to."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield pathlib.Path(name)


def test_the_rights_of_the_service_suffice(testbed, open_folder):
    """As the unit starts it: an ordinary user with these capabilities and no others."""
    unit = (TREE / "packaging/filterd.service.in").read_text()
    caps = [cap[4:].lower() for cap in re.search("^AmbientCapabilities=(.*)", unit, re.M)[1].split()]
    wish = "-all," + ",".join(f"+{cap}" for cap in caps)
    daemon = Filterd(testbed, open_folder)
    shutil.copy(daemon.program, open_folder / "daemon")  # the tree may lie where others may not go
    daemon.program = open_folder / "filterd"
    daemon.program.write_text(
        f"#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps={wish} --ambient-caps={wish} "
        f"--bounding-set={wish} --no-new-privs {open_folder}/daemon \"$@\"\n")
    daemon.program.chmod(0o755)
    try:
        start(daemon, order("blocked.example"), filterd__user="nobody")
        assert testbed.dig("blocked.example").status == "NXDOMAIN"
        # And after it has dropped what it does not keep:
        daemon.orders(order("other.example"))
        daemon.reload()
        wait_until(lambda: daemon.log().count("orders in force") > 1, "the orders are in force")
        assert testbed.dig("other.example").status == "NXDOMAIN"
        assert testbed.dig("blocked.example").addresses
        assert prefilter(daemon)["on"], daemon.log()
    finally:
        daemon.done()


def test_one_filterd_has_it(testbed, filterd, tmp_path):
    start(filterd, order("blocked.example"))
    (tmp_path / "second").mkdir()
    second = Filterd(testbed, tmp_path / "second")
    try:
        second.start(order("other.example"), rules=False, queue__first=100)
        assert prefilter(second)["why"] == "another filterd has it"
        assert testbed.dig("blocked.example").status == "NXDOMAIN"
        assert prefilter(filterd)["interfaces"] == 1
    finally:
        second.stop()
    assert prefilter(filterd)["interfaces"] == 1
    testbed.exec("gateway", "tc", "qdisc", "del", "dev", "lan0", "clsact")  # somebody else
    assert prefilter(filterd)["interfaces"] == 0


def test_it_leaves_nothing_behind(testbed, filterd):
    before = tc(testbed)
    start(filterd, order("blocked.example"))
    filters, disciplines = tc(testbed)
    assert f"pref {PREF}" in filters and "clsact" in disciplines
    assert filterd.stop() == 0
    assert tc(testbed) == before


def test_filters_of_others_stay(testbed, filterd):
    testbed.exec("gateway", "tc", "qdisc", "add", "dev", "lan0", "clsact")
    before = tc(testbed)
    start(filterd, order("blocked.example"))
    filterd.stop()
    assert tc(testbed) == before  # theirs, though empty
    testbed.exec("gateway", "tc", "qdisc", "del", "dev", "lan0", "clsact")
    # Made for us, and then used by others.
    start(filterd, order("blocked.example"), rules=False)
    testbed.exec("gateway", "tc", "filter", "add", "dev", "lan0", "egress", "prio", "7", "bpf",
                 "bytecode", "1,6 0 0 0")
    filterd.stop()
    filters, disciplines = tc(testbed)
    assert "clsact" in disciplines and PREF not in filters
    testbed.exec("gateway", "tc", "qdisc", "del", "dev", "lan0", "clsact")


def test_a_dead_daemon_marks_nothing(testbed, filterd):
    before = tc(testbed)
    start(filterd, order("blocked.example"), firewall__failure="closed")
    assert testbed.dig("free.example").addresses
    filterd.kill()
    assert f"pref {PREF}" in tc(testbed)[0]  # nobody was there to take it off
    assert testbed.dig("free.example", limit=1).status is None, "a query was clean without a daemon"
    # The next one takes its place, and at its end all is as it was.
    start(filterd, rules=False)
    assert tc(testbed)[0].count("direct-action") == 1
    assert testbed.dig("free.example").addresses
    assert testbed.dig("blocked.example").status == "NXDOMAIN"
    assert filterd.stop() == 0
    assert tc(testbed) == before


def test_the_rules_script_takes_off_what_a_dead_daemon_left(testbed, filterd):
    before = tc(testbed)
    start(filterd, order("blocked.example"))
    testbed.firewall("down")
    assert f"pref {PREF}" in tc(testbed)[0]  # the daemon lives, and it is its own
    filterd.firewall_up()
    filterd.kill()
    testbed.firewall("down")
    assert tc(testbed) == before


def link(testbed, name, peer, address, peer_address):
    """Another link from the client to the gateway."""
    testbed.exec("gateway", "ip", "link", "add", name, "type", "veth", "peer", "name", peer,
                 "netns", "filterd-client")
    for place, device, own in (("gateway", name, address), ("client", peer, peer_address)):
        testbed.exec(place, "ip", "addr", "add", own, "dev", device)
        testbed.exec(place, "ip", "link", "set", device, "up")


def test_interfaces_come_and_go(testbed, filterd):
    start(filterd, order("blocked.example"), firewall__lan="lan* ppp*")
    link(testbed, "lan7", "eth7", "10.77.7.1/24", "10.77.7.2/24")
    checksums(testbed, "off", "eth7")
    wait_until(lambda: prefilter(filterd)["interfaces"] == 2, "it stands on the new interface")
    before = prefilter(filterd)
    assert testbed.dig("free.example", options=("-b", "10.77.7.2")).status in (None, "NOERROR")
    testbed.exec("client", "ip", "route", "add", "10.77.2.3/32", "via", "10.77.7.1")
    assert testbed.dig("x.free.example", server="10.77.2.3").addresses
    assert testbed.dig("blocked.example", server="10.77.2.3").status == "NXDOMAIN"
    assert prefilter(filterd)["clean"] > before["clean"]
    testbed.exec("gateway", "ip", "link", "set", "lan7", "down")
    testbed.exec("gateway", "ip", "link", "set", "lan7", "name", "other7")
    wait_until(lambda: prefilter(filterd)["interfaces"] == 1, "a renamed interface is none of the LAN's")
    assert PREF not in tc(testbed, "other7")[0]
    testbed.exec("gateway", "ip", "link", "set", "other7", "name", "ppp7")
    wait_until(lambda: prefilter(filterd)["interfaces"] == 2, "and another name makes it one")
    testbed.exec("gateway", "ip", "link", "del", "ppp7")
    wait_until(lambda: prefilter(filterd)["interfaces"] == 1, "a deleted interface is forgotten")


def test_vlan(testbed, filterd):
    for place, device, address in (("gateway", "lan0", "10.77.8.1/24"), ("client", "eth0", "10.77.8.2/24")):
        made = testbed.exec(place, "ip", "link", "add", "link", device, "name", f"{device}.8", "type", "vlan",
                            "id", "8", check=False)
        if "Unknown device type" in made.stderr:
            pytest.skip("this kernel has no VLANs; tests/system/check tries them in the guest")
        testbed.exec(place, "ip", "addr", "add", address, "dev", f"{device}.8")
        testbed.exec(place, "ip", "link", "set", f"{device}.8", "up")
    try:
        start(filterd, order("blocked.example"), firewall__lan="lan0.8")
        testbed.exec("client", "ip", "route", "add", "10.77.2.3/32", "via", "10.77.8.1")
        before = prefilter(filterd)
        assert testbed.dig("free.example", server="10.77.2.3").addresses
        assert testbed.dig("blocked.example", server="10.77.2.3").status == "NXDOMAIN"
        after = prefilter(filterd)
        assert after["clean"] == before["clean"] + 1 and after["maybe"] == before["maybe"] + 1
    finally:
        testbed.exec("client", "ip", "link", "del", "eth0.8")
        testbed.exec("gateway", "ip", "link", "del", "lan0.8")


TUN = """
import fcntl, os, struct, sys
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH", b"tun7", 0x1001))  # TUNSETIFF: IFF_TUN | IFF_NO_PI
print("ready", flush=True)
for line in sys.stdin:
    os.write(tun, bytes.fromhex(line))
    print("sent", flush=True)
"""


def test_links_without_ethernet(testbed, filterd, nobody):
    """As PPP: a packet begins with its IP header."""
    rng = random.Random(1)
    tun = testbed.popen("gateway", "/usr/bin/python3", "-c", TUN, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert tun.stdout.readline() == "ready\n"
        testbed.exec("gateway", "ip", "addr", "add", "10.77.6.1/24", "dev", "tun7")
        testbed.exec("gateway", "ip", "link", "set", "tun7", "up")
        start(filterd, order("blocked.example"), firewall__lan="tun7")
        arrived = Recorder(testbed, "server", "to")
        for name in ("free.example", "blocked.example"):
            tun.stdin.write(datagrams.query(rng, name).hex() + "\n")
            tun.stdin.flush()
            assert tun.stdout.readline() == "sent\n"
        wait_until(lambda: prefilter(filterd)["maybe"] == 1, "both came")
        filterd.wait_event()
        assert prefilter(filterd)["clean"] == 1
        assert len(arrived.stop()) == 1
    finally:
        tun.kill()
        tun.wait()


def test_it_can_be_refused(testbed, filterd):
    filterd.start(order("blocked.example"), firewall__prefilter="no")
    assert prefilter(filterd) | {"clean": 0} == {
        "on": False, "why": "the configuration says so", "interfaces": 0, "clean": 0, "maybe": 0, "unread": 0}
    assert testbed.dig("blocked.example").status == "NXDOMAIN"
    assert PREF not in tc(testbed)[0]


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is missing")
def test_without_the_right_to_it_the_daemon_runs_on(testbed, filterd, tmp_path):
    program = tmp_path / "filterd"
    program.write_text(f"#!/bin/sh\nexec setpriv --bounding-set=-bpf,-sys_admin --inh-caps=-bpf,-sys_admin "
                       f"{filterd.program} \"$@\"\n")
    program.chmod(0o755)
    filterd.program = program
    filterd.start(order("blocked.example"))
    assert prefilter(filterd)["why"] == "it takes CAP_BPF and CAP_PERFMON"
    assert len(re.findall("the prefilter is off", filterd.log())) == 1
    assert testbed.dig("blocked.example").status == "NXDOMAIN"
    assert testbed.dig("free.example").addresses
