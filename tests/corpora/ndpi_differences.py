#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds `filterctl names` against what nDPI 4.2 exposes of the same captures.

usage: ndpi_differences.py FILTERCTL CORPORA --differences FILE [--write | --show]

CORPORA/pcap/X is a capture, CORPORA/ndpi-4.2-names/X.tsv what nDPI said of it (columns: frame l4proto src
sport dst dport master app name). A difference is a name of two ends that only one of them has, told
apart as follows:

  ours     only filterd read it
  ndpi     only nDPI read it
  cut      nDPI has the last 79 characters of the name that filterd read
  answer   only nDPI read it, in an answer to a question that is not in the capture
  altered  nDPI has other characters in place of odd ones, or the text before an address' port

FILE lists those that are known: capture, sort, kind, how many, reason, parted by tabs. Any other number
fails. --write renews FILE, keeps the reasons that still apply, and leaves TODO for new ones, which fails
until somebody has looked; --show prints every name.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

KINDS = {"DOH_DOT": "TLS", "HTTP_PROXY": "HTTP", "HTTP_CONNECT": "HTTP"}
NDPI_NAME_MAX = 79
HEAD = """# Names that filterd and nDPI 4.2 read differently in the captures, and why:
# capture, ours|ndpi|cut|altered, kind, how many, reason; parted by tabs.
# Read, and renewed with --write, by ndpi_differences.py.
"""


def ends(a, a_port, b, b_port):
    return tuple(sorted([(a, int(a_port)), (b, int(b_port))]))


def ours(filterctl, path):
    run = subprocess.run([filterctl, "names", path], capture_output=True, text=True,
                         errors="surrogateescape", timeout=300)
    if run.returncode not in (0, 2) or "Sanitizer" in run.stderr:
        sys.exit(f"{path}: filterctl names ended with {run.returncode}: {run.stderr}")
    names = {}
    for line in run.stdout.splitlines():
        _frame, kind, name, src, sport, dst, dport = line.split("\t")
        names.setdefault((ends(src, sport, dst, dport), name), kind.upper())
    return names


def ndpis(path):
    names = {}
    for line in path.read_text(errors="surrogateescape").split("\n"):
        fields = line.split("\t")
        if line.startswith("#") or len(fields) < 9 or not fields[8].strip():
            continue
        _frame, _l4, src, sport, dst, dport, master, app, name = fields[:9]
        kind = (app if master == "Unknown" else master).upper()
        names.setdefault((ends(src, sport, dst, dport), name.lower().rstrip(".")),
                         (KINDS.get(kind, kind), kind == "DNS" and sport == "53"))
    return names


def plain(name):
    """The name as nDPI might have written it: other characters for odd ones, no port. filterd puts
    `?.` where a name that is too long once escaped has lost its first labels."""
    name = re.sub(r"\\\d{3}", "?", name)
    return re.sub(r"[^a-z0-9.-]", "?", re.sub(r":\d+$", "", name.removeprefix("?.")))


def altered_how(name, theirs):
    """Whether nDPI has `name` of ours, but differently: "cut", "altered" or None."""
    if len(theirs) == NDPI_NAME_MAX < len(name):
        mine, theirs = plain(name), plain(theirs)
        return "cut" if mine.endswith(theirs) or theirs.endswith(mine) else None
    return "altered" if plain(name) == plain(theirs) else None


def compare(mine, theirs):
    """(sort, kind) -> the names, for those that differ."""
    found, matched = collections.defaultdict(list), set()
    of_ends = collections.defaultdict(list)
    for key in theirs:
        of_ends[key[0]].append(key)
    for key, kind in mine.items():
        if key in theirs:
            continue
        others = [(altered_how(key[1], other[1]), other) for other in of_ends[key[0]]]
        sort, other = next((o for o in others if o[0]), ("ours", None))
        matched.add(other)
        found[sort, kind].append((key, other and other[1]))
    for key, (kind, answer) in theirs.items():
        if key not in mine and key not in matched:
            found["answer" if answer else "ndpi", kind].append((key, None))
    return found


def known(path):
    rows = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.strip() and not line.startswith("#"):
            capture, sort, kind, count, reason = line.split("\t")
            rows[capture, sort, kind] = (int(count), reason)
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("filterctl")
    parser.add_argument("corpora", type=pathlib.Path)
    parser.add_argument("--differences", type=pathlib.Path, required=True)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    said = options.corpora / "ndpi-4.2-names"
    if not said.is_dir():
        print(f"skipped: nothing of nDPI's at {said}")
        sys.exit(77)
    rows, now, wrong = known(options.differences), {}, []
    for path in sorted(said.glob("*.tsv")):
        capture = path.name.removesuffix(".tsv")
        mine = ours(options.filterctl, options.corpora / "pcap" / capture)
        for (sort, kind), names in sorted(compare(mine, ndpis(path)).items()):
            now[capture, sort, kind] = len(names)
            details = [f"  {' '.join(f'{a}:{p}' for a, p in key[0])} {key[1]}"
                       + (f" (nDPI: {match})" if match else "") for key, match in names]
            if options.show:
                print(f"{capture}\t{sort}\t{kind}\t{len(names)}", *details, sep="\n")
            if rows.get((capture, sort, kind), (0,))[0] != len(names):
                wrong += [f"{capture}: {len(names)} {sort} {kind}, known are "
                          f"{rows.get((capture, sort, kind), (0,))[0]}"] + details
    wrong += [f"{' '.join(key)}: there is no such difference any more" for key in rows if key not in now]
    wrong += [f"{' '.join(key)}: no reason is given" for key, row in rows.items() if row[1] == "TODO"]
    if options.write:
        options.differences.write_text(HEAD + "".join(
            "\t".join([*key, str(count), rows.get(key, (0, "TODO"))[1]]) + "\n"
            for key, count in now.items()))
    elif not options.show:
        print("\n".join(wrong) or f"{sum(now.values())} differences, all of them known")
        sys.exit(bool(wrong))


main()
