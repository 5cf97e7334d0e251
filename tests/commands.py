#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every subcommand of filterctl has a help, which fits a terminal; a synopsis, a section and its options in the man page;
and, if it prints facts, --json.

usage: commands.py FILTERCTL MAN_PAGE
"""
import pathlib
import re
import subprocess
import sys

program, page = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).read_text()
# Those that print no facts, or nothing but JSON.
WITHOUT_JSON = {"export": "has --format json", "replay": "prints JSON anyhow"}
WIDTH = 100
wrong = []


def says(*words):
    return subprocess.run([program, *words], text=True, timeout=60, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def man_text(option):
    """As the page writes it: --max-lifetime is .Fl -max-lifetime."""
    return "Fl " + option[1:]


commands = re.findall(r"^  ([a-z][a-z-]*)  ", says("--help").stdout, re.M)
synopsis = page[page.index(".Sh SYNOPSIS"):page.index(".Sh DESCRIPTION")]
for command in commands:
    done = says(command, "--help")
    if done.returncode or not done.stdout.startswith(f"Usage: filterctl {command}"):
        wrong.append(f"{command} --help: exit {done.returncode}")
        continue
    options = set(re.findall(r"(?<![\w-])--[a-z-]+", done.stdout)) - {"--help"}
    if "--json" not in options and command not in WITHOUT_JSON:
        wrong.append(f"{command}: no --json")
    for line in done.stdout.splitlines()[1:]:
        if len(line) > WIDTH:
            wrong.append(f"{command} --help: a line of {len(line)} characters: {line}")
    lines = re.split(r"^\.Nm\n", synopsis, flags=re.M)
    own = "".join(part for part in lines if re.match(rf"\.Cm {command}\s", part))
    if not own:
        wrong.append(f"{command}: no synopsis")
    if f".Ss {command}\n" not in page:
        wrong.append(f"{command}: no section in the man page")
    for option in sorted(options):
        shown = option if option != "--output" else "-o"
        if own and not re.search(re.escape(man_text(shown)) + r"\b", own):
            wrong.append(f"{command}: {option} is not in its synopsis")
    for option in sorted(options):
        words = ["audit", "verify"] if command == "audit" and option in ("--head", "--control") else [command]
        if f"unrecognized option '{option}'" in says(*words, option, "x", "--nonsense").stdout:
            wrong.append(f"{command}: does not take {option}")
    if says(command, "--nonsense").returncode != 2:
        wrong.append(f"{command}: takes --nonsense")
if len(commands) < 10:
    wrong.append(f"few commands: {commands}")
print("\n".join(wrong) or f"{len(commands)} commands")
sys.exit(bool(wrong))
