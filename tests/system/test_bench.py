# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark works: a very short run, of which only the form is asserted. Speed is no matter of tests."""
import json
import shutil
import subprocess

import pytest

from harness import BUILD, TREE

CASES = {"plain", "prefilter-1M", "filterd-1M", "bare-batched"}
RATIOS = {"dns_unlisted_cpu_vs_plain": "prefilter-1M", "dns_unlisted_cpu_vs_bare_batched": "filterd-1M"}


@pytest.fixture
def short_run(programs, testbed_session, tmp_path):
    """What the benchmark wrote."""
    if not (BUILD / "tests/bench/load_dns").exists() or not shutil.which("unshare"):
        pytest.skip("the benchmark's programs are not built")
    file = tmp_path / "bench.json"
    done = subprocess.run([TREE / "scripts/bench", "--no-setup", "--quick", "--only", "dns", "--rounds", "1", "--steps",
                           "6", "--pace", "3", "--work", tmp_path / "work", "--json", file],
                          text=True, capture_output=True, timeout=120)
    assert file.exists(), done.stdout + done.stderr
    return done, json.loads(file.read_text())


def test_short_run(short_run):
    done, found = short_run
    # Late answers on a busy machine are all that may go wrong here.
    assert all("too busy" in failure for failure in found["failures"]), done.stderr
    assert done.returncode == bool(found["failures"])
    samples, measured = found["samples"]["dns"][0], CASES - set(found["not_built"])
    assert set(samples) <= measured and (found["failures"] or set(samples) == measured)
    for case, sample in samples.items():
        assert sample["cpu_us"] > 0 and 0 < sample["p50_us"] <= sample["p99_us"] and len(sample["steps"]) <= 6
        assert case not in ("bare-batched", "filterd-1M") or 0.99 < sample["queued"] < 1.01
        assert case in done.stdout
    assert samples.get("plain", {"queued": 0})["queued"] == 0
    for ratio, case in RATIOS.items():
        assert ratio in found["ratios"] and (found["ratios"][ratio] or case not in samples or found["failures"])
    assert found["machine"]["cores"] and found["rounds"] == 1
