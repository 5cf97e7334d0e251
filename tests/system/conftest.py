# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the system tests. They need root, and skip with a reason where something is missing.

The session has a mount namespace of its own with an empty /run/netns, so that its namespaces collide with
nobody's: neither with a testbed that is up on this machine nor with another session. However the session ends, what
it started in them ends with it.
"""
import ctypes
import os
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from harness import FILTERCTL, FILTERD, Filterd, Testbed, run  # noqa: E402

CLONE_NEWNS = 0x00020000
TOOLS = ("ip", "nft", "iptables", "nsenter", "unshare", "dnsmasq", "nginx", "openssl", "dig", "curl")


def pytest_configure(config):
    config.addinivalue_line("markers", "testbed(*options): options of scripts/testbed up for this test")


def private_namespaces():
    os.makedirs("/run/netns", exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        pytest.skip(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")


# Waits for the end of its input, which is that of the session, and then ends what is left in its namespaces.
CARETAKER = """
read -r _
for place in /run/netns/*; do
	[[ ! -e $place ]] || ip netns pids "${place##*/}" | xargs -r kill -9
done
"""


def caretaker():
    return subprocess.Popen(["bash", "-c", CARETAKER], stdin=subprocess.PIPE, start_new_session=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def testbed_session(tmp_path_factory):
    if os.geteuid():
        pytest.skip("needs root")
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        pytest.skip(f"missing (see scripts/setup): {', '.join(missing)}")
    private_namespaces()
    caring = caretaker()
    os.environ["FILTERD_TESTBED_RUN"] = str(tmp_path_factory.mktemp("testbed") / "run")
    testbed = Testbed()
    yield testbed
    testbed.down()
    caring.communicate()


@pytest.fixture
def testbed(testbed_session, request):
    """The testbed, up with the options of the marker `testbed` (without it: none)."""
    marker = request.node.get_closest_marker("testbed")
    testbed_session.want(*(marker.args if marker else ()))
    return testbed_session


@pytest.fixture
def programs():
    for program in (FILTERD, FILTERCTL):
        if not os.access(program, os.X_OK):
            pytest.skip(f"{program} is not built")


@pytest.fixture
def filterd(testbed, programs, tmp_path):
    """The daemon, not yet started: see Filterd.start(). It and its rules are gone after the test."""
    daemon = Filterd(testbed, tmp_path)
    yield daemon
    daemon.done()
