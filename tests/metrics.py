#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every metric of the daemon stands in its man page, and no other.

usage: metrics.py SOURCE MAN_PAGE
"""
import pathlib
import re
import sys

source, page = (pathlib.Path(path).read_text() for path in sys.argv[1:])
metrics = set(re.findall(r'"([a-z_0-9]+)",\s*"(?:counter|gauge)"', source))
section = page[page.index(".Ss Metrics"):page.index(".Ss Control")]
told = {name for line in re.findall(r"^\.It Cm (.*)", section, re.M) for name in line.split(" , ")}
for name in sorted(metrics ^ told):
    print(f"filterd_{name} is only in {'the source' if name in metrics else 'the man page'}")
if len(metrics) < 40:
    print(f"few metrics: {metrics}")
sys.exit(metrics != told or len(metrics) < 40)
