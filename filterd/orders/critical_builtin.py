#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a text file as a C string: critical_builtin.py TEXT OUTPUT.c"""
import pathlib
import sys

text = pathlib.Path(sys.argv[1]).read_bytes()
rows = [", ".join(map(str, text[i:i + 20])) for i in range(0, len(text), 20)]
pathlib.Path(sys.argv[2]).write_text(
    '#include "filterd/orders/critical_builtin.h"\n\n'
    "const char critical_builtin[] = {\n\t" + ",\n\t".join(rows + ["0"]) + "};\n")
