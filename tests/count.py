#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds up what meson (testlog.json) and pytest (JUnit XML) reported. Says which tests failed and which
were skipped and why, then `N passed, N failed, N skipped` alone on the last line.

usage: count.py [--failed N] FILE...      N steps failed besides; a FILE that is missing counts as one more
"""
import argparse
import json
import pathlib
import sys
import xml.etree.ElementTree

parser = argparse.ArgumentParser()
parser.add_argument("--failed", type=int, default=0)
parser.add_argument("files", nargs="*", type=pathlib.Path)
options = parser.parse_args()
passed, failed, skipped = 0, options.failed, 0


def meson(path):
    for line in path.read_text(errors="replace").splitlines():
        test = json.loads(line)
        output = (test.get("stdout") or "").strip().splitlines()
        yield f"{path.parts[0]}: {test['name']}", {"OK": "pass", "SKIP": "skip"}.get(
            test["result"], "fail"), output[-1] if output else ""


def junit(path):
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        result, why = "pass", ""
        for sort, name in (("skip", "skipped"), ("fail", "failure"), ("fail", "error")):
            if (found := case.find(name)) is not None:
                result, why = sort, (found.get("message") or "").splitlines()[0:1]
        yield f"{case.get('classname')}: {case.get('name')}", result, " ".join(why)


for file in options.files:
    if not file.exists():
        print(f"FAILED  {file} was not written")
        failed += 1
        continue
    for name, result, why in (meson if file.suffix == ".json" else junit)(file):
        passed += result == "pass"
        failed += result == "fail"
        skipped += result == "skip"
        if result != "pass":
            print(f"{'FAILED' if result == 'fail' else 'skipped'}  {name}  {why}")
if passed + failed == 0:
    failed = 1
    print("FAILED  no test ran")
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(failed > 0)
