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
def short_run(programs, testbed_session, tmp_path, request):
    """What the benchmark wrote of the measurement that is the fixture's parameter."""
    if not (BUILD / "tests/bench/load_dns").exists() or not shutil.which("ethtool"):
        pytest.skip("the benchmark's programs are not there")
    file = tmp_path / "bench.json"
    done = subprocess.run([TREE / "scripts/bench", "--no-setup", "--quick", "--only", request.param, "--rounds", "1",
                           "--steps", "6", "--pace", "3", "--work", tmp_path / "work", "--json", file],
                          text=True, capture_output=True, timeout=120)
    assert file.exists(), done.stdout + done.stderr
    return done, json.loads(file.read_text())


@pytest.mark.parametrize("short_run", ["dns"], indirect=True)
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


@pytest.mark.parametrize("short_run", ["tls"], indirect=True)
def test_connections(short_run):
    """The bare program lets a flow go on its first payload, filterd waits for the server's answer."""
    done, found = short_run
    assert done.returncode == 0, done.stderr
    (samples,) = found["samples"]["tls"]
    assert all(sample["rate"] > 0 and sample["gateway_us"] > 0 for sample in samples.values())
    assert 2.9 < samples["bare-batched"]["queued"] < 3.1 < 3.9 < samples["filterd-1M"]["queued"] < 5
    assert found["ratios"]["tls_packets_queued_per_connection"] == round(samples["filterd-1M"]["queued"], 4)
    assert found["ratios"]["tls_rate_vs_bare_batched"] > 0
