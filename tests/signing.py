#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""filterctl --prepare, --manifest and --signature: what is written to be signed, and what is sent of it.

usage: signing.py FILTERCTL
"""
import datetime
import hashlib
import pathlib
import subprocess
import sys
import tempfile

from fake_daemon import FakeDaemon

filterctl = pathlib.Path(sys.argv[1]).resolve()
failed = 0
IMAGE = "0123456789abcdef" * 4
DONE = {"serial": 43, "serial-from": 42, "effective": "2026-11-26T14:10:21.123987Z"}
ANSWERS = {"status": {"ruleset": {"serial": 41, "next-serial": 43}}, "lift": DONE,
           "confirm_clock": {"effective": "2026-11-26T14:10:21.1Z"}, "extend": DONE, "rollback": DONE,
           "push": DONE, "image": {"serial": 42, "checksum": "0" * 16}, "orders": {"serial": 42, "orders": []},
           "serials": {"serials": [{"serial": 42, "image": "f" * 64}, {"serial": 41, "image": IMAGE}]}}
DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc)
ORDER = f"""[order:a]
authority = Court
reference = 1/29
reason = test
issued = 2020-01-01T00:00:00Z
starts = {NOW - DAY:%FT%TZ}
expires = {NOW + DAY:%FT%TZ}
action = block
match = subtree
name = a.example
"""
SIGNATURE = "untrusted comment: x\nRUT...\ntrusted comment: ü\n...\n"


def expect(what, words, code, *texts, asked=None, **answers):
    global failed
    with FakeDaemon(path, **{**ANSWERS, **answers}) as daemon:
        done = subprocess.run([filterctl, *words, "--control", path], text=True, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True)
        requests = daemon.asked
    if done.returncode != code or not all(text in done.stdout + done.stderr for text in texts) or (
            asked is not None and requests != asked):
        print(f"{what}: exit {done.returncode}\n  {done.stdout!r}\n  {done.stderr!r}\n  asked {requests}")
        failed = 1


def prepared(hours=24):
    """The manifest's lines but for its times, which must be right."""
    text = manifest.read_text()
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    start, end = (datetime.datetime.fromisoformat(lines.pop(key).replace("Z", "+00:00"))
                  for key in ("not-before", "not-after"))
    now = datetime.datetime.now(datetime.timezone.utc)
    assert end - start == datetime.timedelta(hours=hours), text
    assert abs(now - start) < datetime.timedelta(minutes=5), text
    return text, lines


def check_lift():
    expect("prepare a lift", ["lift", "nz-1", "--reason", "court: Zürich", "--prepare", manifest], 0,
           "command: lift\n", f"minisign -Sm {manifest}\n", f"filterctl lift --manifest {manifest} --signature",
           asked=[{"command": "status"}])
    text, lines = prepared()
    assert lines == {"filterd-manifest": "1", "command": "lift", "serial": "43", "order": "nz-1",
                     "reason": "court: Zürich"}, text
    old = {"ruleset": {"serial": 41}}
    expect("an older daemon", ["lift", "nz-1", "--reason", "r", "--prepare", manifest.with_name("none")], 2,
           "the daemon does not say", "--serial", status=old)
    assert not manifest.with_name("none").exists()
    expect("an older daemon, and a serial", ["lift", "nz-1", "--reason", "r", "--serial", "42", "--prepare",
                                             manifest.with_name("m42")], 0, "serial: 42\n", status=old)
    expect("send it", ["lift", "--manifest", manifest, "--signature", one, "--signature", two], 0, "serial 43",
           asked=[{"command": "lift", "manifest": text, "order": "nz-1", "reason": "court: Zürich",
                   "signatures": [SIGNATURE, "2" + SIGNATURE]}])
    expect("unsigned", ["lift", "--manifest", manifest], 0,
           asked=[{"command": "lift", "manifest": text, "order": "nz-1", "reason": "court: Zürich", "signatures": []}])
    expect("another command", ["extend", "--manifest", manifest], 2, "is for `filterctl lift`", asked=[])
    manifest.write_text(text + "\n")
    expect("a blank line more", ["lift", "--manifest", manifest], 2, "is not in the form", asked=[])


def check_extend():
    expect("prepare an extension", ["extend", "nz-1", "--until", "2027-01-01T00:00:00+01:00", "--reason", "r",
                                    "--prepare", manifest, "--serial", "1000", "--hours", "48"], 0)
    text, lines = prepared(48)
    assert lines["serial"] == "1000" and lines["until"] == "2026-12-31T23:00:00Z", text
    expect("send it", ["extend", "--manifest", manifest, "--signature", one], 0,
           asked=[{"command": "extend", "manifest": text, "order": "nz-1", "until": "2026-12-31T23:00:00Z",
                   "reason": "r", "signatures": [SIGNATURE]}])


def check_rollback():
    expect("prepare going back", ["rollback", "41", "--note", "n", "--prepare", manifest], 0,
           asked=[{"command": "serials"}, {"command": "status"}])
    text, lines = prepared()
    assert lines == {"filterd-manifest": "1", "command": "rollback", "serial": "43", "image": IMAGE, "to": "41",
                     "note": "n"}, text
    expect("send it", ["rollback", "--manifest", manifest, "--signature", one], 0,
           asked=[{"command": "rollback", "manifest": text, "serial": 41, "note": "n", "signatures": [SIGNATURE]}])
    expect("to where?", ["rollback", "--prepare", manifest], 2, "needs the SERIAL", asked=[])
    expect("to nowhere", ["rollback", "7", "--prepare", manifest], 2, "no image of serial 7")


LOOK = [{"command": "image"}, {"command": "orders"}]  # at what is in force


def check_push():
    (orders / "a.order").write_text(ORDER)
    image = pathlib.Path(f"{manifest}.image")
    words = ["push", orders, "--note", "n", "--prepare", manifest]
    expect("prepare a push", words, 0, "+ order a (Court): 1 name", "command: push\n", f"minisign -Sm {manifest}\n",
           asked=[*LOOK, {"command": "status"}])
    text, lines = prepared()
    data = image.read_bytes()
    assert lines == {"filterd-manifest": "1", "command": "push", "serial": "43", "note": "n",
                     "image": hashlib.sha256(data).hexdigest()}, text
    request = {"command": "push", "base": "0" * 16, "note": "n", "manifest": text, "signatures": [SIGNATURE],
               "image": data}
    words = ["push", "--manifest", manifest, "--signature", one]
    expect("send it", [*words, "--yes"], 0, "+ order a (Court): 1 name", "Pushed: serial 43",
           asked=[*LOOK, request])
    expect("try it", [*words, "--dry-run"], 0, asked=[*LOOK, {**request, "dry-run": True}])
    expect("nobody there", words, 2, "nobody can be asked", asked=[])
    expect("and orders", [*words, orders], 2, "Usage: ", asked=[])
    expect("break-glass", ["push", orders, "--break-glass", "--yes"], 0, asked=[
        *LOOK, {"command": "push", "base": "0" * 16, "image": data, "break-glass": True}])
    image.write_bytes(data[:-1])
    expect("half an image", [*words, "--yes"], 2, str(image), asked=LOOK)
    image.unlink()
    expect("no image", [*words, "--yes"], 2, f"{image}: No such file", asked=LOOK)


def check_confirm_clock():
    expect("prepare a confirmation", ["confirm-clock", "--note", "n", "--prepare", manifest], 0,
           "filterctl confirm-clock --manifest", asked=[{"command": "status"}])
    text, lines = prepared()
    assert lines == {"filterd-manifest": "1", "command": "confirm-clock", "serial": "43", "note": "n"}, text
    expect("send it", ["confirm-clock", "--manifest", manifest, "--signature", one], 0, "done as it was signed: in effect",
           asked=[{"command": "confirm-clock", "manifest": text, "note": "n", "signatures": [SIGNATURE]}])


def check_options():
    lift = ["lift", "nz-1", "--reason", "r"]
    expect("break-glass", [*lift, "--break-glass"], 0,
           asked=[{"command": "lift", "order": "nz-1", "reason": "r", "break-glass": True}])
    for words, why in (([*lift, "--prepare", "/nowhere/m"], "/nowhere/m: No such file"),
                       ([*lift, "--prepare", manifest, "--break-glass"], "writes a manifest, and sends none"),
                       (["lift", "--manifest", manifest, "--break-glass"], "is for what has no signatures"),
                       (["lift", "--manifest", "/nowhere/m"], "/nowhere/m: No such file"),
                       (["lift", "--manifest", filterctl], "filterctl: "),
                       ([*lift, "--manifest", manifest], "stands in it"), ([*lift, "--hours", "0"], "Usage: "),
                       ([*lift, "--serial", "7"], "goes into a manifest"), ([*lift, "--serial", "x"], "Usage: "),
                       ([*lift, "--signature", one], "signatures are of a manifest"),
                       ([*lift[:-1], "a\nserial: 44", "--prepare", manifest], "control characters"),
                       ([*lift[:-1], "x" * 1001, "--prepare", manifest], "too long for a manifest")):
        expect(f"{words}", words, 2, why)


with tempfile.TemporaryDirectory() as folder:
    path = f"{folder}/c.sock"
    manifest, one, two = (pathlib.Path(folder) / name for name in ("m", "m.one.minisig", "m.two.minisig"))
    orders = pathlib.Path(folder) / "orders"
    orders.mkdir()
    one.write_text(SIGNATURE)
    two.write_text("2" + SIGNATURE)
    for check in (check_lift, check_extend, check_rollback, check_push, check_confirm_clock, check_options):
        check()
sys.exit(failed)
