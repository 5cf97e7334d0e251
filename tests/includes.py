#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the house rules that a compiler does not: who may include whom, and which one file may use
each external library (ARCHITECTURE.md). Run from the root of the tree."""
import pathlib
import re
import sys

MAY_USE = {
    "base": {"base"},
    "wire": {"base", "wire"},
    "orders": {"base", "orders"},
    "flow": {"base", "wire", "flow"},
    "engine": {"base", "wire", "orders", "flow", "engine"},
    "bpf": {"base", "bpf"},
    "daemon": {"base", "wire", "orders", "flow", "engine", "bpf", "daemon"},
    "ctl": {"base", "wire", "orders", "flow", "engine", "daemon", "ctl"},
}

# Header of an external library -> the files that may include it.
ONE_FILE = {
    r"ini\.h": {"base/ini.c"},
    r"idn2\.h": {"base/name.c"},
    r"libnetfilter_queue/.*|linux/netfilter/nfnetlink_queue\.h": {"daemon/queue.c"},
    r"libmnl/.*": {"daemon/queue.c"},
    r"libnftnl/.*": {"daemon/flowtable.c"},
    r"libnetfilter_conntrack/.*|libnfnetlink/.*": {"daemon/conntrack.c"},
    r"pcap.*\.h|pcap/.*": {"daemon/capture.c"},
    r"ndpi.*": {"flow/classify.c"},
    r"openssl/.*": {"base/digest.c", "wire/quic_crypto.c", "daemon/minisign.c"},
    r"bpf/.*": {"daemon/prefilter.c", "bpf/prefilter.bpf.c"},
    r"urcu.*": {"daemon/store.c"},
    r"systemd/.*": {"daemon/service.c"},
    r"cap-ng\.h": {"daemon/privs.c"},
    r"libpsl\.h": {"orders/suffixes.c"},
    r"zlib\.h": {"orders/list_input.c"},
}

wrong = []
files = sorted(pathlib.Path("filterd").rglob("*.[ch]"))
for path in files:
    layer = path.parts[1]
    own = "/".join(path.parts[1:])
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if m := re.match(r'\s*#\s*include\s+"filterd/(\w+)/', line):
            if m[1] not in MAY_USE[layer]:
                wrong.append(f"{path}:{number}: {layer} must not include {m[1]}")
        elif m := re.match(r'\s*#\s*include\s+"', line):
            wrong.append(f'{path}:{number}: say the whole path, "filterd/..."')
        elif m := re.match(r"\s*#\s*include\s+<([^>]+)>", line):
            for header, allowed in ONE_FILE.items():
                if re.fullmatch(header, m[1]) and own not in allowed:
                    wrong.append(f"{path}:{number}: <{m[1]}> belongs in {', '.join(sorted(allowed))}")
if not files:
    wrong.append("no sources found: run this from the root of the tree")
print("\n".join(wrong) or f"{len(files)} files, all includes allowed")
sys.exit(bool(wrong))
