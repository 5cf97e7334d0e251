# SPDX-License-Identifier: GPL-3.0-or-later
"""Rulesets pushed over the control socket, while traffic flows."""
import os

from control import ask, push
from harness import order, wait_until


def test_push_and_image(testbed, filterd):
    filterd.start(order("one.example", id="one"))
    socket = filterd.config["filterd.control"]
    before, fd = ask(socket, "image")
    assert os.pread(fd, 1 << 20, 0) == filterd.image.read_bytes()
    os.close(fd)
    filterd.orders(order("two.example", id="two"))
    image = filterd.image.read_bytes()
    dry = push(socket, image, base=before["checksum"], dry_run=True)
    assert "effective" not in dry and dry["serial"] == before["serial"] + 1, dry
    assert ask(socket, "status")["ruleset"]["checksum"] == before["checksum"]
    done = push(socket, image, base=before["checksum"], note="a test")
    assert done["serial"] == done["serial-from"] + 1 and done["orders"] == 1 and done["names"] == 1, done
    assert done["requested"] <= done["effective"]
    assert testbed.dig("two.example").status == "NXDOMAIN"
    assert testbed.dig("one.example").status == "NOERROR"
    again = push(socket, image, base=before["checksum"])
    assert again["kind"] == "conflict", again
