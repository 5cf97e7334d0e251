#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""filterctl status against daemons that answer well, badly and not at all.

usage: status.py FILTERCTL
"""
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading

filterctl = pathlib.Path(sys.argv[1]).resolve()
failed = 0


def expect(what, done, code, out="", err=""):
    global failed
    if done.returncode != code or out not in done.stdout or err not in done.stderr:
        print(f"{what}: exit {done.returncode}, {done.stdout!r}, {done.stderr!r}")
        failed = 1


def status(path, *options):
    return subprocess.run([filterctl, "status", "--control", path, *options], text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def answered(path, answer, *options):
    """What filterctl makes of a daemon that gives these bytes and closes."""
    def serve():
        client, _ = listening.accept()
        with client:
            client.makefile().readline()
            client.sendall(answer)

    pathlib.Path(path).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        done = status(path, *options)
        thread.join()
    return done


with tempfile.TemporaryDirectory() as folder:
    path = f"{folder}/c.sock"
    good = b'{"version":"9.9","uptime":90061,"workers":[{"packets":7}]}\n'
    refusal = b'{"error":"there are the commands a and b"}\n'
    expect("no daemon", status(path), 1, err="no daemon is running there")
    expect("a good answer", answered(path, good), 0, out="filterd 9.9, up 1 d 01:01:01")
    expect("the same as JSON", answered(path, good, "--json"), 0, out='"uptime":90061')
    expect("no answer", answered(path, b""), 1, err="gave no answer")
    expect("half an answer", answered(path, good[:20]), 1, err="gave no answer")
    expect("other types", answered(path, b'{"version":[],"workers":{},"uptime":"x"}\n'), 0, out="filterd -")
    expect("a refusal", answered(path, refusal), 2, err="there are the commands a and b")
    expect("a refusal as JSON", answered(path, refusal, "--json"), 2, err="there are the commands a and b")
    expect("a path too long", status("/" + 200 * "x"), 1, err="too long")
sys.exit(failed)
