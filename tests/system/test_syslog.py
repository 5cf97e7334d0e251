# SPDX-License-Identifier: GPL-3.0-or-later
"""Events reach a real rsyslog by /dev/log, as it is configured on a gateway."""
import json
import shutil
import subprocess

import pytest

from harness import order, run, wait_until


@pytest.fixture
def rsyslog(testbed, tmp_path):
    """rsyslogd on a /dev/log that only this session's mount namespace sees; gives its start function and
    the file that it writes what came with @cee to."""
    if not shutil.which("rsyslogd"):
        pytest.skip("rsyslogd is missing (scripts/setup)")
    for name in ("upper", "work", "rsyslog"):
        (tmp_path / name).mkdir()
    run("mount", "-t", "overlay", "overlay", "-o",
        f"lowerdir=/dev,upperdir={tmp_path}/upper,workdir={tmp_path}/work", "/dev")
    out = tmp_path / "cee.log"
    (tmp_path / "rsyslog.conf").write_text(f"""
        global(workDirectory="{tmp_path}/rsyslog")
        module(load="imuxsock" SysSock.Name="/dev/log")
        module(load="mmjsonparse")
        template(name="order" type="string" string="%programname% %$!filterd!order% %$!all-json%\\n")
        action(type="mmjsonparse")
        if $parsesuccess == "OK" then action(type="omfile" file="{out}" template="order")
        """)
    running = []

    def start():
        running.append(subprocess.Popen(["rsyslogd", "-n", "-f", tmp_path / "rsyslog.conf", "-i",
                                         tmp_path / "pid"]))
        wait_until(lambda: (tmp_path / "pid").exists(), "rsyslogd runs")
        return running[-1]

    yield start, out
    for process in running:
        process.terminate()
        process.wait(30)
    run("umount", "/dev")


def test_events_in_a_real_rsyslog(testbed, filterd, rsyslog):
    start, out = rsyslog

    def logged(name):
        return [line for line in (out.read_text().splitlines() if out.exists() else []) if name in line]

    first = start()
    filterd.start(order("one.example", id="order-1"), order("two.example", id="order-2"),
                  events__syslog="yes", events__stdout="no")
    testbed.dig("www.one.example")
    program, order_id, event = wait_until(lambda: logged("one.example"), "the event")[0].split(" ", 2)
    event = json.loads(event)
    assert (program, order_id) == ("filterd", "order-1")
    assert event["dns"]["rrname"] == "www.one.example" and event["src_ip"] == "10.77.1.0"
    # A restart of the syslog daemon is no event.
    first.terminate()
    first.wait(30)
    wait_until(lambda: not (out.parent / "pid").exists() or (out.parent / "pid").unlink() is None, "it ended")
    start()
    testbed.curl("https://two.example/", family=6)
    line = wait_until(lambda: logged("two.example"), "the event after the restart")[0]
    assert " order-2 " in line and "fd77:1::" in line
