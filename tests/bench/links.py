# SPDX-License-Identifier: GPL-3.0-or-later
"""The veths of a stage, where a case wants them otherwise than they come: without offloads, with checksums,
or with NAPI threads.

What arrives at a veth is as a rule handled by whoever sent it, within the call that sends. With a thread for its NAPI
the kernel does all of that in the thread. Then the CPU time of receiving at lan0 and wan0, which is forwarding, rules,
conntrack and queuing, is that of two threads, and what clients and servers spend is the time of others: the gateway
can be measured alone, and by the scheduler's own account. A veth uses its NAPI only if it does GRO and the sender
leaves TSO to it (drivers/net/veth.c).
"""
import contextlib
import fcntl
import os
import pathlib

from cases import Failed

DEVICES = {"client": ["eth0"], "gateway": ["lan0", "wan0"], "server": ["eth0"]}
# Of the whole machine: the kernel's threads are in no namespace but the first.
PROC = pathlib.Path(os.environ.get("FILTERD_BENCH_PROC", "/proc"))


def time_s(proc, pid):
    """CPU seconds of all threads of a process, as the scheduler has them."""
    return sum(int(file.read_text().split()[0]) for file in (proc / str(pid)).glob("task/*/schedstat")) / 1e9


def offloads_off(stage):
    for place, devices in DEVICES.items():
        for device in devices:
            stage.testbed.exec(place, "ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off")


def checksums_made(stage):
    """As they come from another machine. A veth leaves them to be filled in, and the prefilter looks at no such query."""
    stage.testbed.exec("client", "ethtool", "-K", "eth0", "tx", "off")


class Gateway:
    """The gateway with a thread for each device."""

    def __init__(self, stage):
        self.stage = stage
        # One stage at a time, so that new threads are its own.
        with open(stage.work / "threads.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self.find()
            self.make()
            self.threads = self.find() - before
        if len(self.threads) != 2:
            raise Failed(f"lan0 and wan0 have {len(self.threads)} threads that can be seen, and not one each")

    def make(self):
        for place, devices in DEVICES.items():
            steps = ["mount -t sysfs sysfs /sys"]  # mounted anew, it shows the devices of this namespace
            for device in devices:
                steps += [f"ethtool -K {device} gro on tso off", f"echo 1 >/sys/class/net/{device}/threaded"]
            self.stage.testbed.exec(place, "unshare", "--mount", "sh", "-ec", "\n".join(steps))

    @staticmethod
    def find():
        """The numbers of all threads of devices with these names."""
        found = set()
        for comm in PROC.glob("[0-9]*/comm"):
            with contextlib.suppress(OSError):
                if comm.read_text().startswith(("napi/lan0-", "napi/wan0-")):
                    found.add(comm.parent.name)
        return found

    def time_s(self):
        """CPU seconds so far: its devices' threads, and the program behind the queues."""
        own = time_s(pathlib.Path("/proc"), self.stage.pid) if self.stage.pid else 0
        return own + sum(time_s(PROC, thread) for thread in self.threads)
