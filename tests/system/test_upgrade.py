# SPDX-License-Identifier: GPL-3.0-or-later
"""Another daemon takes the place of the one that runs, while traffic flows and nothing of it is lost."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from control import ask, connect, push, send
from harness import FILTERCTL, LIMIT, SERVER, order, run, wait_until


def successor(filterd, check=True):
    """Starts one and waits until it runs; the daemon before it has ended well."""
    before = filterd.process
    with open(filterd.events_path, "ab") as events, open(filterd.log_path, "ab") as log:
        filterd.process = filterd.testbed.popen("gateway", filterd.program, "-u", "-c", filterd.config_path,
                                                stdout=events, stderr=log)
    if not check:
        after, filterd.process = filterd.process, before
        return after
    assert before.wait(LIMIT) == 0, filterd.log()
    wait_until(lambda: status(filterd)["pid"] == filterd.process.pid, "the successor answers")
    return filterd.process


def status(filterd):
    return ask(filterd.config["filterd.control"], "status")


def waits_ms(filterd):
    return [float(ms) for ms in re.findall(r"packets waited for ([\d.]+) ms", filterd.log())]


class Load:
    """What goes on meanwhile, for so many seconds: queries for listed names and for others, a new TLS connection after
    another, and a download and an upload in clear that last as long."""

    def __init__(self, testbed, folder, seconds):
        self.testbed, self.runs, rate = testbed, {}, 10_000_000
        for what in ("free", "blocked"):
            (folder / what).write_text("".join(f"h{i}.{what}.example A\n" for i in range(500)))
            self.start(what, "dnsperf", "-s", SERVER[4], "-d", folder / what, "-l", seconds, "-Q", 1500, "-t", 5)
        self.start("wrk", "wrk", "-t", 1, "-c", 8, "-d", f"{seconds}s", "--timeout", "10s", "-H", "Connection: close",
                   "https://free.example/")
        part = f"0-{rate * seconds - 1}"
        self.start("download", "curl", "-sSk", "-r", part, "--limit-rate", str(rate), "-o", "/dev/null", "-w",
                   "%{size_download}", "https://free.example/big")
        with open(folder / "body", "wb") as body:
            body.truncate(rate * seconds)
        self.start("upload", "curl", "-sS", "--limit-rate", str(rate), "-H", "Expect:", "--data-binary",
                   f"@{folder}/body", "http://free.example/upload")
        self.size = rate * seconds

    def start(self, what, *words):
        self.runs[what] = self.testbed.popen("client", *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def goes_on(self):
        return self.runs["free"].poll() is None

    def check(self):
        """That all of it went well."""
        said = {what: process.communicate(timeout=LIMIT)[0] for what, process in self.runs.items()}
        for what, code in (("free", "NOERROR"), ("blocked", "NXDOMAIN")):
            sent, lost = (int(re.search(rf"Queries {word}:\s+(\d+)", said[what])[1]) for word in ("sent", "lost"))
            assert sent > 1000 and lost == 0, said[what]
            assert re.search(rf"Response codes:\s+{code} {sent} \(100.00%\)", said[what]), said[what]
        assert int(re.search(r"(\d+) requests in", said["wrk"])[1]) > 100, said["wrk"]
        assert "Socket errors" not in said["wrk"] and "Non-2xx" not in said["wrk"], said["wrk"]
        assert said["download"] == str(self.size)
        assert said["upload"].strip() == str(self.size)


@pytest.fixture
def tools():
    missing = [tool for tool in ("dnsperf", "wrk") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"missing (see scripts/setup): {', '.join(missing)}")


def test_under_load(testbed, filterd, tools, tmp_path):
    filterd.start(order("blocked.example", id="one"), firewall__failure="closed", engine__classify="yes")
    before = testbed.counters()
    load = Load(testbed, tmp_path, 5)
    rounds = 0
    while load.goes_on():
        successor(filterd)
        assert testbed.dig("x.blocked.example").status == "NXDOMAIN"
        rounds += 1
    load.check()
    after = testbed.counters()
    assert after.get("unjudged", 0) == before.get("unjudged", 0)
    now = status(filterd)
    assert sum(worker["missed"] for worker in now["workers"]) == 0
    assert all(queue["dropped"] == 0 for queue in now["queues"]), now["queues"]
    assert len(waits_ms(filterd)) == rounds
    print("packets waited for", waits_ms(filterd), "ms")


def test_what_is_half_way(testbed, filterd):
    """Hellos and requests of which one half came before, and one after."""
    filterd.start(order("blocked.example", id="one"))
    halves = testbed.popen("client", "python3", "-c", HALVES, SERVER[4], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE)
    assert halves.stdout.readline() == "first\n"
    successor(filterd)
    halves.stdin.write("\n")
    halves.stdin.flush()
    assert halves.communicate(timeout=LIMIT)[0] == "second HTTP/1.1 200 OK\n"


# A connection that is open, idle, in the middle of a request line, when the daemon changes.
HALVES = """
import socket, sys
s = socket.create_connection((sys.argv[1], 80), 30)
s.settimeout(30)
s.sendall(b"GET / HT")
print("first", flush=True)
sys.stdin.readline()
s.sendall(b"TP/1.1\\r\\nHost: free.example\\r\\n\\r\\n")
print("second", s.makefile("rb").readline().decode().strip(), flush=True)
"""


def test_state_and_audit_go_on(testbed, filterd):
    """What was pushed is in force; what comes after stands in one trail with what came before."""
    filterd.start(order("one.example", id="one"))
    file = filterd.image.read_bytes()
    filterd.orders(order("two.example", id="two"), order("three.example", id="three"))
    socket_path = filterd.config["filterd.control"]
    pushed = push(socket_path, filterd.image.read_bytes())
    assert "serial" in pushed, pushed
    filterd.image.write_bytes(file)  # as it was when it was taken
    successor(filterd)
    assert status(filterd)["ruleset"]["serial"] == pushed["serial"]
    assert testbed.dig("two.example").status == "NXDOMAIN"
    assert testbed.dig("one.example").status == "NOERROR"
    answer, channel = handover(filterd)  # one that comes to nothing
    assert "first-queue" in answer
    channel.close()
    wait_until(lambda: "this one goes on" in filterd.log(), "the daemon goes on")
    lifted = ask(socket_path, "lift", order="two", reason="a test")
    assert lifted["serial"] == pushed["serial"] + 1, lifted
    successor(filterd)
    assert testbed.dig("two.example").status == "NOERROR"
    assert testbed.dig("three.example").status == "NXDOMAIN"
    assert (filterd.state / "audit.log").read_text().count('"command":"handover","uid":0') == 3
    run(FILTERCTL, "audit", "verify", "--file", filterd.state / "audit.log")


def test_the_prefilter_goes_along(testbed, filterd):
    filterd.start(order("blocked.example", id="one"))
    if not status(filterd)["prefilter"]["on"]:
        pytest.skip(status(filterd)["prefilter"]["why"])
    filterd.reload()  # if it is still at that, the successor waits
    successor(filterd)
    now = status(filterd)["prefilter"]
    assert now["on"] and now["interfaces"] == 1, now


def test_other_queues_are_refused(testbed, filterd):
    filterd.start(order("blocked.example", id="one"))
    filterd.configure(queue__first=7800)
    late = successor(filterd, check=False)
    assert late.wait(LIMIT) == 1
    assert "that takes a restart" in filterd.log()
    goes_on(testbed, filterd)


def goes_on(testbed, filterd):
    wait_until(lambda: "this one goes on" in filterd.log(), "the old daemon goes on")
    assert filterd.process.poll() is None
    assert testbed.dig("blocked.example").status == "NXDOMAIN"
    assert testbed.dig("free.example").status == "NOERROR"
    assert status(filterd)["pid"] == filterd.process.pid


@pytest.mark.parametrize("says", [[], [b"take"], [b"take", b"nonsense"], [b"nonsense"]])
def test_a_successor_that_dies(testbed, filterd, says):
    """At each step of the way."""
    filterd.start(order("blocked.example", id="one"))
    answer, channel = handover(filterd)
    assert answer["first-queue"] == 7700 and answer["workers"] == 2
    again, none = handover(filterd)
    assert again["kind"] == "conflict" and none is None
    refused = push(filterd.config["filterd.control"], filterd.image.read_bytes())
    assert refused["kind"] == "conflict", refused
    for word in says:
        channel.send(word)
        if word == b"take":
            assert channel.recv(16) == b"given"  # the sockets are closed with the message
    channel.close()
    goes_on(testbed, filterd)
    successor(filterd)
    assert testbed.dig("blocked.example").status == "NXDOMAIN"


def test_an_end_in_between(testbed, filterd):
    """SIGTERM for a daemon that has given everything away, and hears nothing."""
    filterd.start(order("blocked.example", id="one"))
    _, channel = handover(filterd)
    channel.send(b"take")
    assert channel.recv(16) == b"given"
    assert filterd.stop() == 0
    channel.close()


def handover(filterd):
    """As a successor would ask: again, while orders are being changed, as they are at a start."""
    deadline = time.monotonic() + LIMIT
    while (asked := ask_once(filterd))[0].get("error", "").endswith("try again") and time.monotonic() < deadline:
        time.sleep(0.05)
    return asked


def ask_once(filterd):
    with connect(filterd.config["filterd.control"]) as sock:
        send(sock, b'{"command":"handover"}\n')
        text, fds, _, _ = socket.recv_fds(sock, 4096, 1)
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=fds[0]) if fds else None
    if channel:
        channel.settimeout(LIMIT)
    return json.loads(text), channel


def test_filterctl(testbed, filterd, tmp_path):
    """The command, with a program whose file was replaced, as a package does it."""
    program = tmp_path / "filterd"
    shutil.copy(filterd.program, program)
    filterd.program = program
    filterd.start(order("blocked.example", id="one"))
    options = ("--control", filterd.config["filterd.control"], "--config", filterd.config_path, "--filterd", program)
    done = testbed.exec("gateway", FILTERCTL, "upgrade", "--if-replaced", *options)
    assert done.stdout == "" and filterd.process.poll() is None
    shutil.copy(program, tmp_path / "new")
    os.replace(tmp_path / "new", program)
    done = testbed.exec("gateway", FILTERCTL, "upgrade", "--if-replaced", *options)
    old, new = filterd.process.pid, status(filterd)["pid"]
    try:
        assert done.stdout.startswith(f"process {new} has taken over from process {old} "), done.stdout
        assert filterd.process.wait(LIMIT) == 0
        assert testbed.dig("blocked.example").status == "NXDOMAIN"
        filterd.config_path.write_text("[queue]\n")
        failed = testbed.exec("gateway", FILTERCTL, "upgrade", *options, check=False)
        assert failed.returncode == 1 and "lan is missing" in failed.stderr, failed
        assert status(filterd)["pid"] == new
    finally:
        filterd.process = None
        os.kill(new, signal.SIGTERM)
        wait_until(lambda: not os.path.exists(f"/proc/{new}"), "it ends")


def test_the_service_manager_is_told(testbed, filterd, tmp_path):
    """As systemd would be: who is the main process, and then that one's signs of life."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(LIMIT)
    manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def wait_notice(text, pid):
        while True:
            said, rights, _, _ = manager.recvmsg(4096, 64)
            who = int.from_bytes(rights[0][2][:4], "little")
            if text in said.decode() and who == pid:
                return

    filterd.start(order("blocked.example", id="one"),
                  env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "10000000"})
    first = filterd.process.pid
    wait_notice("READY=1", first)
    wait_notice("WATCHDOG=1", first)
    second = successor(filterd).pid
    wait_notice(f"MAINPID={second}", first)
    wait_notice("WATCHDOG=1", second)
