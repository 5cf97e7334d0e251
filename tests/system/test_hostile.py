# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon under sanitizers, against packets that no honest client sends."""
import os
import pathlib

import pytest

from harness import TREE, order

HERE = pathlib.Path(__file__).parent
SANITIZED = pathlib.Path(os.environ.get("FILTERD_SANITIZED", TREE / "build-clang/filterd/daemon/filterd"))


def test_malformed_packets_neither_crash_nor_leak(testbed, filterd):
    if not os.access(SANITIZED, os.X_OK):
        pytest.skip(f"{SANITIZED} is not built (CC=clang meson setup -Db_sanitize=address,undefined)")
    filterd.program = SANITIZED
    filterd.start(order("blocked.example"), env={
        "ASAN_OPTIONS": "detect_leaks=1:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1"})
    for seed in range(3):
        testbed.exec("client", "/usr/bin/python3", HERE / "malformed.py", seed, 2000, timeout=300)
        assert testbed.dig("free.example").addresses
        assert testbed.curl("https://free.example/").ok
        assert testbed.dig("blocked.example").status == "NXDOMAIN"
        assert not testbed.curl("https://blocked.example/").ok
    filterd.reload()
    assert testbed.dig("blocked.example").status == "NXDOMAIN"
    assert filterd.stop() == 0, filterd.log()
    assert "Sanitizer" not in filterd.log() and "runtime error" not in filterd.log()
