# SPDX-License-Identifier: GPL-3.0-or-later
"""filterctl preview on a live interface of the gateway: it counts, and blocks nothing."""
import json
import signal
import subprocess

from harness import FILTERCTL, order


def test_preview_of_live_traffic(testbed, programs, tmp_path):
    path = tmp_path / "x.order"
    path.write_text(order("blocked.example", id="ahead", starts=86400, expires=2 * 86400) +
                    order("free.example", id="idea", state="draft", exempt="10.77.1.2"))
    preview = testbed.popen("gateway", FILTERCTL, "preview", path, "--live", "lan0", "--seconds", 60, "--json",
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert preview.stderr.readline().startswith("filterctl preview: reads lan0")  # from now on
        for name in ("www.blocked.example", "free.example"):
            assert testbed.dig(name).addresses
        assert testbed.curl("https://blocked.example/").ok
        assert testbed.curl("http://www.blocked.example/", family=6).ok
        preview.send_signal(signal.SIGINT)
        out, err = preview.communicate(timeout=60)
    finally:
        preview.kill()
    assert preview.returncode == 0, err
    got = json.loads(out)
    # Two by DNS, two by TLS and HTTP; clients of both families.
    assert got["read"]["times"] == 4 and got["read"]["clients"] == 2, got
    assert got["block"] == {"names": 2, "times": 3, "clients": 2}, got
    assert {o["order"]: o["times"] for o in got["orders"]} == {"ahead": 3, "idea": 0}, got
    assert got["lost"] == 0, got


def test_preview_ends_by_itself(testbed, programs, tmp_path):
    path = tmp_path / "x.order"
    path.write_text(order("blocked.example"))
    done = testbed.exec("gateway", FILTERCTL, "preview", path, "--live", "lan0", "--seconds", 1)
    assert done.stdout.startswith("packets "), done.stdout
