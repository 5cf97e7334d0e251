# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP without TLS, with real clients and a real server that answers with the name it took."""
import json
import pathlib

import pytest

from harness import SERVER, order

HERE = pathlib.Path(__file__).parent
BLOCKED, FREE = "blocked.example", "free.example"


def get(name, *fields, line="GET / HTTP/1.1"):
    return "\r\n".join((line, f"Host: {name}") + fields) + "\r\n\r\n"


def raw(testbed, *parts, answers=0, family=4):
    plan = {"server": SERVER[family], "port": 80, "parts": parts, "answers": answers}
    done = testbed.exec("client", "/usr/bin/python3", HERE / "rawhttp.py", json.dumps(plan), timeout=120)
    return json.loads(done.stdout)


@pytest.mark.parametrize("family", [4, 6])
def test_blocked_is_told_why(testbed, filterd, family):
    filterd.start(order(BLOCKED), engine__blocked_by="https://isp.example/blocked")
    page = testbed.curl(f"http://www.{BLOCKED}/x?y", family=family)
    assert page.exit == 0 and page.status == 451, page
    assert page.headers["link"] == '<https://isp.example/blocked>; rel="blocked-by"'
    assert "Test Authority TEST/test, until 2" in page.body and page.body.endswith("</p>\n")
    page = testbed.curl(f"http://{BLOCKED}/", family=family, options=("-I",))
    assert page.exit == 0 and page.status == 451 and "<h1>" not in page.body, page
    page = testbed.curl(f"http://{FREE}/", family=family)
    assert page.ok and page.body == f"{FREE}\n"
    event = filterd.wait_event(lambda e: e.get("http", {}).get("hostname") == f"www.{BLOCKED}")
    assert event["app_proto"] == "http" and event["dest_port"] == 80


# What no server may get to answer: nginx would say the name that it took.
HIDDEN = {
    "split name": ["GET / HTTP/1.1\r\nHost: bloc", "ked.exam", "ple\r\n\r\n"],
    "bytes": list(get(BLOCKED)),
    "odd": ["\r\nGET / HTTP/1.1\nhOST:\tBLOCKED.example.:80\n\n"],
    "target": [get(FREE, line=f"GET http://{BLOCKED}/ HTTP/1.1")],
    "target without a version": [f"GET http://{BLOCKED}/\r\n"],
    "two hosts": [get(FREE, f"Host: {BLOCKED}")],
    "long head": [get(FREE, *(f"X{i}: {'x' * 900}" for i in range(20)), f"HOST: {BLOCKED}")],
    "connect": [f"CONNECT {BLOCKED}:443 HTTP/1.1\r\n\r\n"],
    "pipelined": [get(FREE) + get(FREE) + get(BLOCKED)],
    "behind a body": [get(FREE, "Content-Length: 26", line="POST / HTTP/1.1") + get("a")[:26] + get(BLOCKED)],
    "behind chunks": [get(FREE, "Transfer-Encoding: chunked", line="POST /upload HTTP/1.1") + "6\r\n0\r\n\r\n",
                      "x\r\n0\r\n\r\n" + get(BLOCKED)],
}


@pytest.mark.parametrize("how", HIDDEN)
def test_blocked_is_never_served(testbed, filterd, how):
    filterd.start(order(BLOCKED))
    assert f"\r\n\r\n{FREE}\n" in raw(testbed, get(FREE, "Connection: close"))["got"]
    assert f"{BLOCKED}\n" not in raw(testbed, *HIDDEN[how])["got"]
    assert filterd.wait_event(lambda e: e.get("http", {}).get("hostname") == BLOCKED)


def test_later_requests(testbed, filterd):
    filterd.start(order(BLOCKED))
    for family in (4, 6):
        free = raw(testbed, get(FREE), get(f"a.{FREE}"), get(f"b.{FREE}", "Connection: close"), answers=3,
                   family=family)
        assert not free["reset"] and free["got"].count("HTTP/1.1 200") == 3
        bad = raw(testbed, get(FREE), get(FREE), get(BLOCKED), answers=3, family=family)
        assert bad["got"].count("HTTP/1.1 200") == 2 and bad["reset"] and BLOCKED not in bad["got"]


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_uploads(testbed, filterd, tmp_path, how):
    """A body of any kind passes whole, and the requests behind it are judged."""
    filterd.start(order(BLOCKED))
    body = tmp_path / "body"
    body.write_bytes(b"GET / HTTP/1.1\r\nHost: blocked.example\r\n\r\n" * 500_000)
    how = ["-T", str(body)] if how == "length" else ["-T", str(body), "-H", "Transfer-Encoding: chunked"]
    page = testbed.curl(f"http://{FREE}/upload", limit=120, options=(*how, "-H", "Expect:"))
    assert page.ok and page.body.strip() == str(body.stat().st_size), page
    # To curl the server is a proxy, so it asks for both names on one connection; reset, it tries another.
    address = SERVER[4]
    pages = testbed.exec("client", "curl", "-sS", "-m", 120, "-x", f"http://{address}:80", *how,
                         f"http://{FREE}/upload", "--next", "-x", f"http://{address}:80", "-m", 60,
                         f"http://{BLOCKED}/", check=False, timeout=240)
    assert pages.stdout.startswith(str(body.stat().st_size)) and f"{BLOCKED}\n" not in pages.stdout, pages
    assert "<title>451 " in pages.stdout or pages.returncode, pages


def test_undecided(testbed, filterd):
    """HTTP/2 without TLS goes by the policy, which drops it unless the configuration says otherwise."""
    filterd.start(order(BLOCKED))
    page = testbed.curl(f"http://{FREE}/", limit=3, options=("--http2-prior-knowledge",))
    assert not page.ok
    assert testbed.curl(f"http://{FREE}/").ok
