#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays each case of this folder: run.py FILTERCTL [CASE...] [--accept]

A case is a folder: input.pcap, case.order, README (what it shows and where the capture came from), expected
(what `filterctl replay` prints) and, if there is one, arguments (more words for the command). Adding one needs
no code: make the folder, look at what --accept writes into expected, and commit it.
"""
import pathlib
import subprocess
import sys

words = [word for word in sys.argv[1:] if word != "--accept"]
here = pathlib.Path(__file__).parent
cases = [here / case for case in words[1:]] or sorted(p.parent for p in here.glob("*/input.pcap"))
failed = 0
for case in cases:
    more = case / "arguments"
    run = subprocess.run([words[0], "replay", "--orders", case / "case.order",
                          *(more.read_text().split() if more.exists() else []), case / "input.pcap"],
                         capture_output=True, text=True, timeout=60)
    if "--accept" in sys.argv:
        (case / "expected").write_text(run.stdout)
    if run.returncode or run.stderr or run.stdout != (case / "expected").read_text():
        failed += 1
        print(f"{case.name}: exit {run.returncode}, {run.stderr}\nexpected:\n"
              f"{(case / 'expected').read_text()}got:\n{run.stdout}")
print(f"{len(cases) - failed} of {len(cases)} cases as expected")
sys.exit(failed > 0 or not cases)
