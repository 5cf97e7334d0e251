# SPDX-License-Identifier: GPL-3.0-or-later
"""A case with a testbed of its own: clients, gateway and servers, its rules, and the program behind them.

All stages of a benchmark are up at the same time, each in a mount namespace and a process of its own, so that the
load can go from one to another within milliseconds. The main process talks to that process through a Remote.
"""
import ctypes
import multiprocessing
import os
import pathlib
import signal
import socket
import struct
import subprocess
import traceback

import cases
import links
from browsers import inside
from cases import Failed, PROGRAMS
from harness import Filterd, Testbed, run, wait_until

CLONE_NEWNS = 0x00020000
WORKERS = 2
CLIENTS = 256
NEIGHBOURS = 253  # clients of the testbed before the first one that is routed
# Conntrack is on in all cases, for this rule needs it.
CONNTRACK = """table inet bench {
    chain forward {
        type filter hook forward priority filter; policy accept;
        ct state invalid counter
    }
}
"""
# The least that any filter can do with that looks at UDP before conntrack and at TCP by the conntrack's mark. Nothing is
# queued: what it costs is what a long stream of an allowed flow pays, whoever filters.
LEAST = """*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p udp -j ACCEPT
COMMIT
*mangle
:FORWARD ACCEPT [0:0]
-A FORWARD -p tcp -m connmark ! --mark 0x2000000/0x7000000 -j ACCEPT
COMMIT
"""


class Stage:
    def __init__(self, case, work, keys, settings):
        self.case, self.work, self.keys, self.settings = case, work, keys, settings
        self.pid = None  # of the program behind the queues
        self.own_namespaces()
        self.folder = pathlib.Path(os.environ["FILTERD_TESTBED_RUN"])
        self.testbed = Testbed()
        self.testbed.up("--clients", str(NEIGHBOURS + CLIENTS))
        self.clients = self.routed_clients()
        self.testbed.exec("gateway", "nft", "-f", "-", input=CONNTRACK)
        if case.links == "no offloads":
            links.offloads_off(self)
        if case.links == "checksums":
            links.checksums_made(self)
        self.gateway = links.Gateway(self) if case.links == "threads" else None
        if case.rules == "least":
            self.testbed.exec("gateway", "iptables-restore", input=LEAST)
        elif case.rules:
            self.filter_up()

    @staticmethod
    def own_namespaces():
        os.makedirs("/run/netns", exist_ok=True)
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
            raise Failed(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
        run("mount", "--make-rprivate", "/")
        run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        os.environ["FILTERD_TESTBED_RUN"] = "/run/netns/testbed"

    def routed_clients(self):
        """A file of clients that are no neighbours of the gateway: those of all stages have one small table."""
        routed = self.folder / "routed"
        lines = (self.folder / "clients").read_text().splitlines(keepends=True)
        routed.write_text("".join(line for line in lines if line.startswith(("10.78.", "fd78:"))))
        return routed

    def filter_up(self):
        folder = self.folder / "filterd"
        folder.mkdir()
        daemon = Filterd(self.testbed, folder)
        daemon.image = cases.image_path(self.work, self.case.names)
        daemon.config.update({"filterd.ruleset": daemon.image, "queue.workers": WORKERS, "events.stdout": "no"})
        if "firewall.prefilter" in self.keys:
            daemon.config["firewall.prefilter"] = "yes" if self.case.prefilter else "no"
        if self.case.rules == "unqueued":
            daemon.config["firewall.dns-ports"] = ""
        daemon.config.update(self.settings)
        daemon.configure()
        daemon.firewall_up()
        if self.case.program == "filterd":
            self.pid = daemon.start(rules=False).process.pid
        elif self.case.program:
            process = self.start("gateway", PROGRAMS / self.case.program, "--workers", WORKERS, "--fail-open")
            self.pid = process.pid
            wait_until(lambda: len(self.testbed.queues()) == 2 * WORKERS, f"{self.case.program} binds its queues")

    def start(self, place, *command, cpu=None, **options):
        """A program that goes on, at `client`, `gateway` or `server`, on one CPU if so wished (counted modulo)."""
        only = None if cpu is None else {cpu % os.cpu_count()}
        with inside(place):
            return subprocess.Popen([str(word) for word in command], text=True,
                                    preexec_fn=only and (lambda: os.sched_setaffinity(0, only)), **options)

    def serve(self, *command, cpu=None):
        """A server that says `ready` on a line once it is."""
        process = self.start("server", *command, cpu=cpu, stdout=subprocess.PIPE)
        if process.stdout.readline().strip() != "ready":
            raise Failed(f"{command[0]} does not start")

    def counters(self):
        """Packets that the rules counted: queued_dns, unjudged and so on. What waits in a queue is not unjudged yet."""
        if not self.case.rules or self.case.rules == "least":
            return {}
        wait_until(lambda: not self.waiting(), "no packet waits in a queue")
        return self.testbed.counters()

    def waiting(self):
        with inside("gateway"):
            text = pathlib.Path("/proc/thread-self/net/netfilter/nfnetlink_queue").read_text()
        return sum(int(line.split()[2]) for line in text.splitlines())

    def memory(self):
        """Megabytes of the program behind the queues: its own, and the memory file that it maps (the image)."""
        if not self.pid:
            return {}
        lines = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
        found = {key: int(value.split()[0]) / 1024 for key, _, value in (line.partition(":") for line in lines)
                 if key in ("RssAnon", "RssShmem")}
        return {"anon_mb": found["RssAnon"], "shared_mb": found["RssShmem"]}

    def connections(self):
        """How many conntrack knows."""
        with inside("gateway"):
            return int(pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text())

    def forget_connections(self):
        """Empties the conntrack table, which would be full soon."""
        request = struct.pack("=IHHIIBBH", 20, 1 << 8 | 2, 1 | 4, 0, 0, 0, 0, 0)  # IPCTNL_MSG_CT_DELETE, acknowledged
        with inside("gateway"), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netlink:
            netlink.send(request)
            error = struct.unpack_from("=i", netlink.recv(4096), 16)[0]
        if error:
            raise Failed(f"conntrack can't be emptied: {os.strerror(-error)}")


def serve(pipe, case, work, keys, settings, kinds, pace):
    """The stage's process: makes it and its measurements, then does what it is told."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        stage = Stage(case, work, keys, settings)
        measurements = {name: kind(stage, pace) for name, kind in kinds.items()}
        pipe.send((True, None))
        while True:
            name, method, arguments = pipe.recv()
            try:
                pipe.send((True, getattr(measurements[name], method)(*arguments)))
            except Failed as failed:
                pipe.send((False, str(failed)))
    except (EOFError, ConnectionError):
        pass  # the main process has ended
    except Exception:
        pipe.send((False, traceback.format_exc()))


class Remote:
    """The main process's hold of a stage. What goes wrong there is Failed here."""

    def __init__(self, case, work, keys, settings, kinds, pace):
        """Begins to make it: wait() until it is up."""
        self.case = case
        self.pipe, other = multiprocessing.Pipe()
        process = multiprocessing.Process(target=serve, args=(other, case, work, keys, settings, kinds, pace),
                                          daemon=True)
        process.start()
        other.close()

    def wait(self):
        try:
            good, value = self.pipe.recv()
        except EOFError:
            raise Failed(f"the process of stage {self.case.name} ended") from None
        if not good:
            raise Failed(value)
        return value

    def call(self, measurement, method, *arguments):
        self.pipe.send((measurement, method, arguments))
        return self.wait()
