# SPDX-License-Identifier: GPL-3.0-or-later
"""The same list in resolvers (dnsmasq; Unbound and BIND with a response policy zone, RPZ) and in filterd: memory, time
to load, CPU time of a query. They have an answer of their own for whatever is not listed, so that none asks anybody.

CPU time is that of the resolver's process for a query by UDP over the loopback, so much of it is the kernel's; with an
empty list it is what the query costs without names. Of filterd it is the look-up alone (bench_lookup): what its queries
cost is measured with DNS. A program of its own, for bench.py to run in a network namespace:

    unshare --net python3 resolvers.py FOLDER   prints the figures of each as JSON
"""
import contextlib
import json
import pathlib
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import time

from cases import PROGRAMS, Failed
from harness import FILTERCTL, FILTERD, order, run, wait_until
from links import time_s

NAMES = 1000000
ROUNDS = 5
SECONDS = 0.4
START_S = 240
NXDOMAIN, NOERROR = 3, 0
ADDRESS = "127.0.0.1"
UNLISTED = 100000000  # names.h
TITLE = f"{NAMES} names in resolvers, and in filterd. CPU: of the whole query by the resolver; filterd's of a look-up"
COLUMNS = [("load_s", "load s", "{:.2f}"), ("rss_mb", "memory MB", "{:.0f}"),
           ("bytes_per_name", "bytes/name", "{:.0f}"), ("listed_us", "CPU us, listed", "{:.2f}"),
           ("unlisted_us", "unlisted", "{:.2f}"), ("empty_us", "without names", "{:.2f}")]
PROC = pathlib.Path("/proc")

RPZ_HEAD = "$TTL 60\n@ SOA localhost. root.localhost. 1 3600 600 86400 60\n@ NS localhost.\n"
ROOT_ZONE = RPZ_HEAD + "localhost. A 127.0.0.1\n* A 192.0.2.1\n"


def dnsmasq(folder, port, names):
    with open(folder / "list", "w") as file:
        file.writelines(f"address=/{name}/\n" for name in names)
    return ["dnsmasq", "--keep-in-foreground", f"--conf-file={folder}/list", f"--port={port}", "--no-resolv",
            "--no-hosts", "--bind-interfaces", f"--listen-address={ADDRESS}", "--address=/#/192.0.2.1",
            "--cache-size=0", "--user=root", f"--pid-file={folder}/pid"]


def zones(folder, names):
    (folder / "root.zone").write_text(ROOT_ZONE)
    with open(folder / "rpz.zone", "w") as file:
        file.write(RPZ_HEAD)
        file.writelines(f"{name} CNAME .\n*.{name} CNAME .\n" for name in names)


def program(folder, name):
    """A copy: the system may allow the installed one its usual folders only (AppArmor)."""
    return shutil.copy(shutil.which(name), folder / name)


def unbound(folder, port, names):
    zones(folder, names)
    (folder / "conf").write_text(f"""server:
    interface: {ADDRESS}@{port}
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: "{folder}/pid"
    use-syslog: no
    module-config: "respip iterator"
auth-zone:
    name: "."
    zonefile: "{folder}/root.zone"
    for-upstream: no
rpz:
    name: rpz.example
    zonefile: "{folder}/rpz.zone"
""")
    return [program(folder, "unbound"), "-d", "-c", folder / "conf"]


def bind(folder, port, names):
    zones(folder, names)
    (folder / "conf").write_text(f"""options {{
    directory "{folder}";
    pid-file "{folder}/pid";
    session-keyfile "{folder}/key";
    listen-on port {port} {{ {ADDRESS}; }};
    listen-on-v6 {{ none; }};
    dnssec-validation no;
    response-policy {{ zone "rpz.example"; }} qname-wait-recurse no;
}};
controls {{ }};
zone "." {{ type primary; file "root.zone"; }};
zone "rpz.example" {{ type primary; file "rpz.zone"; }};
""")
    return [program(folder, "named"), "-g", "-n", 1, "-c", folder / "conf"]


KINDS = {"dnsmasq": dnsmasq, "unbound RPZ": unbound, "bind RPZ": bind}


class Resolver:
    """One that runs with these names, for as long as it is entered."""

    def __init__(self, folder, port, make, names):
        folder.mkdir()
        self.port, self.names = port, names
        self.clients = folder / "clients"
        self.clients.write_text(ADDRESS + "\n")
        self.command = [str(word) for word in make(folder, port, names)]

    def __enter__(self):
        begun = time.monotonic()
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.loaded, f"{self.command[0]} answers as its list says", START_S)
        self.load_s = time.monotonic() - begun
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def rcode(self, name):
        """The response code; None without an answer."""
        if self.process.poll() is not None:
            raise Failed(f"{self.command[0]} ended")
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        query = struct.pack(">HHHHHH", 1, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
            udp.settimeout(0.5)
            udp.connect((ADDRESS, self.port))
            udp.send(query)
            return udp.recv(512)[3] & 15
        return None

    def loaded(self):
        """It answers as its list says (BIND answers before it has read all of it)."""
        wanted = {"unlisted.example": NOERROR}
        for name in self.names[-1:] + self.names[:1]:
            wanted.update({name: NXDOMAIN, f"www.{name}": NXDOMAIN, f"x{name}": NOERROR})
        return all(self.rcode(name) == code for name, code in wanted.items())

    def query_us(self, first):
        """CPU time of a query for one of the names from this number on."""
        found = []
        for _ in range(ROUNDS):
            before = time_s(PROC, self.process.pid)
            asked = json.loads(run(PROGRAMS / "load_dns", "--clients", self.clients, "--window", 32, "--seconds",
                                   SECONDS, "--first", first, "--names", NAMES, "--reuse", 1000000, ADDRESS,
                                   self.port).stdout)
            if not asked["answered"] or asked["loss"] > 0.001:
                raise Failed(f"{self.command[0]}: {asked['answered']} of {asked['sent']} queries answered")
            found.append((time_s(PROC, self.process.pid) - before) / asked["sent_in_all"] * 1e6)
        return statistics.median(found)


def memory_mb(process):
    return int(re.search(r"VmRSS:\s+(\d+)", (PROC / str(process.pid) / "status").read_text())[1]) / 1024


def resolver(folder, port, make, names):
    with Resolver(folder / f"{port}", port, make, []) as empty:
        empty_us, empty_mb = empty.query_us(UNLISTED), memory_mb(empty.process)
    with Resolver(folder / f"{port + 1}", port + 1, make, names) as full:
        rss_mb = memory_mb(full.process)
        return {"load_s": full.load_s, "rss_mb": rss_mb, "bytes_per_name": (rss_mb - empty_mb) * 1048576 / NAMES,
                "listed_us": full.query_us(0), "unlisted_us": full.query_us(UNLISTED), "empty_us": empty_us}


def filterd_row(folder, names):
    """The daemon without traffic: from the list to the answer that it runs, and its memory."""
    text = run(PROGRAMS / "bench_lookup", timeout=600).stdout
    own = text[re.search(rf"^ *{NAMES} names", text, re.MULTILINE).start():]
    listed, unlisted, size = (float(re.search(pattern, own)[1]) for pattern in
                              (r"a listed name takes ([\d.]+) ns", r"an unlisted one ([\d.]+) ns",
                               r"([\d.]+) bytes each"))
    control, conf, orders = folder / "control", folder / "conf", folder / "orders"
    orders.mkdir()
    (orders / "names.txt").write_text("\n".join(names) + "\n")
    (orders / "bench.order").write_text(order(id="bench", list="names.txt"))
    conf.write_text(f"[filterd]\nruleset = {folder}/image\ncontrol = {control}\nstate = {folder}\nuser = root\n"
                    "[firewall]\nlan = lo\n[events]\nsyslog = no\n")
    begun = time.monotonic()
    run(FILTERCTL, "compile", "--orders", orders, "-o", folder / "image", timeout=START_S)
    process = subprocess.Popen([FILTERD, "-c", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: run(FILTERCTL, "status", "--control", control, check=False).returncode == 0,
                   "filterd runs")
        return {"load_s": time.monotonic() - begun, "rss_mb": memory_mb(process), "bytes_per_name": size,
                "listed_us": listed / 1e3, "unlisted_us": unlisted / 1e3, "lookups": text}
    finally:
        process.kill()
        process.wait()


def main():
    folder = pathlib.Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    run("ip", "link", "set", "lo", "up")
    names = run(PROGRAMS / "list_names", NAMES).stdout.split()
    found = {}
    for number, (kind, make) in enumerate(KINDS.items()):
        print(f"resolvers: {kind}", file=sys.stderr, flush=True)
        found[kind] = resolver(folder, 5300 + 2 * number, make, names)
    found["filterd"] = filterd_row(folder, names)
    shutil.rmtree(folder)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
