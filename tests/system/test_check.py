# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/system/check, the end-to-end check in one script: here, and in a guest with Debian's own kernel."""
import os
import pathlib

import pytest

from harness import FILTERCTL, FILTERD, run

HERE = pathlib.Path(__file__).parent


def verdict(done):
    if done.returncode == 77:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    print(done.stdout[-8000:], done.stderr[-4000:])
    assert done.returncode == 0
    assert "check: passed" in done.stdout and "FAILED" not in done.stdout


def test_here(testbed_session, programs):
    testbed_session.down()
    verdict(run(HERE / "check", "auto", check=False, timeout=900,
                env={**os.environ, "FILTERD": str(FILTERD), "FILTERCTL": str(FILTERCTL)}))


def test_guest_with_nft(programs, tmp_path):
    verdict(run(HERE / "guest/run", tmp_path / "guest", FILTERD, FILTERCTL, check=False, timeout=1200))
