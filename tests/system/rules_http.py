# SPDX-License-Identifier: GPL-3.0-or-later
"""Packagings of a request: where the host stands, and where a request ends."""
from harness import SERVER
from rules import BOTH, rule


def http(title, text, accepted=True, allowed=None, families=(4,), size=None):
    """text: the requests, with NAME and DECOY for names and \\n for line ends."""
    @rule(title, accepted, allowed, families)
    def _(s):
        c = s.wire.tcp(SERVER[s.family], 80)
        assert c.open()
        data = text.replace("\n", "\r\n").replace("\r\r", "\r").replace("@LF@\r\n", "\n")
        data = data.replace("NAME", s.name).replace("DECOY", s.decoy())
        c.say(data.encode("latin-1"), size=size)
        return s.name.split(".")[0].encode() in c.hear(
            lambda stream: s.name.split(".")[0].encode() in stream.lower(), s.limit).lower()


http("HTTP", "GET / HTTP/1.1\nHost: NAME\n\n", families=BOTH)
http("HTTP in bytes", "GET / HTTP/1.1\nHost: NAME\n\n", size=1)
http("HTTP: Host in capitals", "GET / HTTP/1.1\nHOST: NAME\n\n")
http("HTTP: hOsT, spaces", "GET / HTTP/1.1\nhOsT:    NAME  \n\n")
http("HTTP: tabs", "GET / HTTP/1.1\nhOsT:\t NAME\t\n\n", accepted=False)
http("HTTP: no space", "GET / HTTP/1.1\nHost:NAME\n\n")
http("HTTP: a port", "GET / HTTP/1.1\nHost: NAME:80\n\n")
http("HTTP: a dot at the end", "GET / HTTP/1.1\nHost: NAME.\n\n")
http("HTTP: bare LF", "GET / HTTP/1.1@LF@\nHost: NAME@LF@\n@LF@\n")
http("HTTP: empty lines first", "\n\n\nGET / HTTP/1.1\nHost: NAME\n\n")
http("HTTP/1.0", "GET / HTTP/1.0\nHost: NAME\n\n")
http("HTTP: absolute URI", "GET http://NAME/ HTTP/1.1\nHost: DECOY\n\n")
http("HTTP: absolute URI in capitals", "GET HTTP://NAME/ HTTP/1.1\nHost: DECOY\n\n")
http("HTTP: absolute URI with another Host", "GET http://DECOY/ HTTP/1.1\nHost: NAME\n\n", accepted=False)
http("HTTP: two Hosts", "GET / HTTP/1.1\nHost: DECOY\nHost: NAME\n\n", accepted=False)
http("HTTP: two Hosts, the first is blocked", "GET / HTTP/1.1\nHost: NAME\nHost: DECOY\n\n", accepted=False)
http("HTTP: folded Host", "GET / HTTP/1.1\nHost:\n NAME\n\n", accepted=False)
http("HTTP: many headers first", "GET / HTTP/1.1\n" + "X-A: " + "a" * 900 + "\n" + "X-B: " + "b" * 900
     + "\nHost: NAME\n\n")
http("HTTP: an odd method", "FROB / HTTP/1.1\nHost: NAME\n\n")
http("HTTP: many spaces", "GET   /    HTTP/1.1\nHost: NAME\n\n")
http("HTTP: pipelined", "GET / HTTP/1.1\nHost: DECOY\n\nGET / HTTP/1.1\nHost: NAME\n\n")
http("HTTP: behind a body", "POST / HTTP/1.1\nHost: DECOY\nContent-Length: 5\n\nhelloGET / HTTP/1.1\nHost: NAME\n\n")
http("HTTP: behind a chunked body", "POST / HTTP/1.1\nHost: DECOY\nTransfer-Encoding: chunked\n\n"
     "5\nhello\n3;a=b\nabc\n0\n\nGET / HTTP/1.1\nHost: NAME\n\n")
http("HTTP: CONNECT", "CONNECT NAME:443 HTTP/1.1\nHost: NAME\n\n", accepted=False)

# Where a request ends: what two readers may see differently. None: whether nginx takes it is not what matters.
THEN = "GET / HTTP/1.1\nHost: NAME\n\n"
FIRST = "POST / HTTP/1.1\nHost: DECOY\n"
for title, text in {
    "leading zeros of a chunk": FIRST + "Transfer-Encoding: chunked\n\n0000005\nhello\n0\n\n",
    "chunks of bare LF": FIRST + "Transfer-Encoding: chunked\n\n5@LF@\nhello@LF@\n0@LF@\n@LF@\n",
    "a chunk's size in capitals": FIRST + "Transfer-Encoding: Chunked\n\nA\nhellohello\n0\n\n",
    "trailers": FIRST + "Transfer-Encoding: chunked\n\n1\nh\n0\nX: y\nHost: DECOY\n\n",
    "a chunk's extension with quotes": FIRST + "Transfer-Encoding: chunked\n\n1;a=\"b;c\"\nh\n0\n\n",
    "spaces behind a chunk's size": FIRST + "Transfer-Encoding: chunked\n\n1  \nh\n0\n\n",
    "both lengths": FIRST + "Content-Length: 500\nTransfer-Encoding: chunked\n\n0\n\n",
    "both lengths, chunked first": FIRST + "Transfer-Encoding: chunked\nContent-Length: 500\n\n0\n\n",
    "two lengths": FIRST + "Content-Length: 500\nContent-Length: 0\n\n",
    "a length with a sign": FIRST + "Content-Length: +5\n\nhello",
    "a length with zeros": FIRST + "Content-Length: 0000000005\n\nhello",
    "a list of lengths": FIRST + "Content-Length: 5, 5\n\nhello",
    "a huge length": FIRST + "Content-Length: 18446744073709551616\n\n",
    "an unknown coding": FIRST + "Transfer-Encoding: xchunked\nContent-Length: 0\n\n",
    "identity": FIRST + "Transfer-Encoding: identity\nContent-Length: 0\n\n",
    "chunked in HTTP/1.0": "POST / HTTP/1.0\nHost: DECOY\nConnection: keep-alive\nTransfer-Encoding: chunked\n\n0\n\n",
    "a coding with a tab": FIRST + "Transfer-Encoding:\tchunked\nContent-Length: 0\n\n",
    "a space before the colon": FIRST + "Content-Length : 500\n\n",
    "a folded length": FIRST + "Content-Length:\n 500\n\n",
    "a body of GET": "GET / HTTP/1.1\nHost: DECOY\nContent-Length: 5\n\nhello",
    "a HEAD with a length": "HEAD / HTTP/1.1\nHost: DECOY\nContent-Length: 3\n\nabc",
    "an upgrade": "GET / HTTP/1.1\nHost: DECOY\nConnection: upgrade\nUpgrade: websocket\n\n",
    "an upgrade to h2c": "GET / HTTP/1.1\nHost: DECOY\nConnection: upgrade, HTTP2-Settings\nUpgrade: h2c\n"
                        "HTTP2-Settings: AAMAAABkAAQAAP__\n\n",
    "expecting 100": FIRST + "Content-Length: 5\nExpect: 100-continue\n\nhello",
    "the end of the connection": "GET / HTTP/1.1\nHost: DECOY\nConnection: close\n\n",
    "HTTP/0.9": "GET /\n",
    "a method in small letters": "get / HTTP/1.1\nHost: DECOY\n\n",
    "a header with no name": "GET / HTTP/1.1\nHost: DECOY\n: x\n\n",
    "NUL in a header": "GET / HTTP/1.1\nHost: DECOY\nX: a\0b\n\n",
    "bare CR in a header": "GET / HTTP/1.1\nHost: DECOY\nX: a\rb\n\n",
    "the first line of HTTP/2": "PRI * HTTP/2.0\n\nSM\n\n",
    "asterisk": "OPTIONS * HTTP/1.1\nHost: DECOY\n\n",
    "empty lines between": "GET / HTTP/1.1\nHost: DECOY\n\n\n\n@LF@\n",
}.items():
    http(f"HTTP, behind: {title}", text + THEN, accepted=None)
for title, text in {
    "a user before the name": "GET http://DECOY@NAME/ HTTP/1.1\nHost: DECOY\n\n",
    "another scheme": "GET ftp://NAME/ HTTP/1.1\nHost: NAME\n\n",
    "no path": "GET http://NAME HTTP/1.1\nHost: DECOY\n\n",
    "a query and no path": "GET http://NAME?x HTTP/1.1\nHost: DECOY\n\n",
    "a space before the colon": "GET / HTTP/1.1\nHost : NAME\n\n",
    "a tab before the colon": "GET / HTTP/1.1\nHost\t: NAME\n\n",
    "junk behind the name": "GET / HTTP/1.1\nHost: NAME/x\n\n",
    "a port that is none": "GET / HTTP/1.1\nHost: NAME:x\n\n",
    "HTTP/1.9": "GET / HTTP/1.9\nHost: NAME\n\n",
    "HTTP/2.0": "GET / HTTP/2.0\nHost: NAME\n\n",
    "a space in the path": "GET /a b HTTP/1.1\nHost: NAME\n\n",
    "an empty Host too": "GET / HTTP/1.1\nHost:\nHost: NAME\n\n",
    "a header without a colon": "GET / HTTP/1.1\nfoo\nHost: NAME\n\n",
    "an empty header name first": "GET / HTTP/1.1\n: x\nHost: NAME\n\n",
    "NUL in a header first": "GET / HTTP/1.1\nX: a\0b\nHost: NAME\n\n",
    "bare CR before Host": "GET / HTTP/1.1\nX: a\rHost: NAME\n\n",
    "no version": "GET / \nHost: NAME\n\n",
    "a header folded first": "GET / HTTP/1.1\n X: y\nHost: NAME\n\n",
    "a long path": "GET /" + "a" * 3000 + " HTTP/1.1\nHost: NAME\n\n",
}.items():
    http(f"HTTP: {title}", text, accepted=None)


@rule("HTTP: the second request after the first answer")
def _(s):
    c = s.wire.tcp(SERVER[s.family], 80)
    assert c.open()
    first, second = (f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode() for name in (s.decoy(), s.name))
    c.say(first)
    got = len(c.hear(lambda stream: b"example\n" in stream))
    assert got
    c.say(second, len(first))
    return len(c.hear(lambda stream: len(stream) > got, s.limit)) > got
