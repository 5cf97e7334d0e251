#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds `filterctl names` against captures whose names an independent dissector wrote down.

usage: score.py FILTERCTL CORPORA [--differences FILE]

CORPORA/pcap/X is a capture, CORPORA/oracle/X.tsv the names expected in it (columns: frame src dst l4
sport dport stream kind dir name mode flags layers). A name counts as found when it is reported at or
before the frame that the oracle gives. FILE lists the differences that are known and understood, one a
line: capture, missing|extra, kind, how many, reason, parted by tabs; any other difference fails, and so
does a line there that no longer applies. The kinds held are those that filterd reads today.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

HELD = {"DNS": 0.98, "TLS": 1, "QUIC": 0.99, "HTTP": 0.99}
SKIP_FLAGS = {"decrypted", "in-icmp"}


def canonical(raw):
    """Lower case, no trailing dot; each run of bytes beyond ASCII as one mark, since the oracle has
    replaced those that are no UTF-8. filterd keeps the end of a name that is too long once escaped."""
    raw = raw.lower().rstrip(".")
    return re.sub(r"[^\x00-\x7f]+", "\ufffd", raw)


def from_oracle(name):
    """C escapes (octal) as what they stand for."""
    simple = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
    name = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), name)
    name = re.sub(r"\\([abtnvfr])", lambda m: simple[m[1]], name)
    return canonical(name.replace("\\\\", "\\").replace('\\"', '"'))


def from_filterd(name):
    """Escapes of RFC 1035 (decimal) as what they stand for."""
    return canonical(re.sub(r"\\(\d{3})", lambda m: chr(int(m[1])), name))


def same(want, got):
    return want == got or (got.startswith("?.") and want.endswith(got[1:]))


def expected(path):
    """Of each name the first frame: (kind, src, sport, dst, dport, name) -> frame."""
    names = {}
    for line in path.read_text(errors="surrogateescape").splitlines():
        if line.startswith("#"):
            continue
        f = line.split("\t")
        frame, src, dst, l4, sport, dport, _, kind, direction, name, _, flags = f[:12]
        if direction != "q" or kind not in HELD or SKIP_FLAGS & set(flags.split(",")):
            continue
        if not from_oracle(name) or name == "<Root>":
            continue
        name = from_oracle(name)
        if kind == "HTTP":  # the oracle has the field as it was sent, filterd the host without its port
            name = re.sub(r":\d*$", "", name)
        key = (kind, src, sport, dst, dport, name)
        names[key] = min(int(frame), names.get(key, sys.maxsize))
    return names


def found(filterctl, path):
    run = subprocess.run([filterctl, "names", path], capture_output=True, text=True,
                         errors="surrogateescape", timeout=300)
    if run.returncode not in (0, 2) or "Sanitizer" in run.stderr:
        sys.exit(f"{path}: filterctl names ended with {run.returncode}: {run.stderr}")
    names = {}
    for line in run.stdout.splitlines():
        frame, kind, name, src, sport, dst, dport = line.split("\t")
        if kind.upper() in HELD:
            key = (kind.upper(), src, sport, dst, dport, from_filterd(name))
            names.setdefault(key, int(frame))
    return names


def known_differences(path):
    known = {}
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            capture, sort, kind, count, _reason = line.split("\t")
            known[(capture, sort, kind)] = int(count)
    return known


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("filterctl")
    parser.add_argument("corpora", type=pathlib.Path)
    parser.add_argument("--differences", type=pathlib.Path)
    options = parser.parse_args()
    if not (options.corpora / "pcap").is_dir():
        print(f"skipped: no captures at {options.corpora}")
        sys.exit(77)
    known = known_differences(options.differences) if options.differences else {}
    total, hits, wrong = collections.Counter(), collections.Counter(), []
    for oracle in sorted((options.corpora / "oracle").glob("*.tsv")):
        capture = oracle.name.removesuffix(".tsv")
        want, got = expected(oracle), found(options.filterctl, options.corpora / "pcap" / capture)
        differences = []
        for key in [k for k in got if k[5].startswith("?.")]:
            for other in want:
                if key[:5] == other[:5] and same(other[5], key[5]) and other not in got:
                    got[other] = got[key]
                    got.pop(key, None)
                    break
        for key, frame in want.items():
            total[key[0]] += 1
            if got.get(key, sys.maxsize) <= frame:
                hits[key[0]] += 1
            else:
                differences.append((key, "missing", f"frame {frame}, got {got.get(key)}"))
        differences += [(key, "extra", f"frame {got[key]}") for key in got.keys() - want.keys()]
        for sort, kind in sorted({(d[1], d[0][0]) for d in differences} |
                                 {e[1:] for e in known if e[0] == capture}):
            these = [d for d in differences if d[1] == sort and d[0][0] == kind]
            expected_count = known.get((capture, sort, kind), 0)
            if len(these) != expected_count:
                wrong.append(f"{capture}: {len(these)} {kind} names {sort}, {expected_count} known")
                wrong += ["  " + " ".join(map(str, key[1:])) + f" ({detail})" for key, _, detail in these]
    for kind, least in HELD.items():
        share = hits[kind] / total[kind] if total[kind] else 0
        print(f"{kind}: {hits[kind]} of {total[kind]} names ({100 * share:.2f} %)")
        if share < least:
            wrong.append(f"{kind}: under {100 * least:.0f} %")
    print("\n".join(wrong))
    sys.exit(bool(wrong))


main()
