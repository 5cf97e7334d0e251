# SPDX-License-Identifier: GPL-3.0-or-later
"""Packagings of a ClientHello in records and fields."""
import ssl
import struct

import witness
from rules import BOTH, heard, rule
from stack import LIMIT_S, hello, tls_kind


def of_hello(title, accepted=True, allowed=None, families=(4,), port=443, make=hello, **fields):
    @rule(title, accepted, allowed, families)
    def _(s):
        c = s.opened(port)
        c.say(make(s.name, **fields))
        return heard(c, s)


of_hello("records of 1 byte", record=1, families=BOTH)
of_hello("records of 3 bytes", record=3)
of_hello("records that part the name", record=130)
for minor in range(5):
    of_hello(f"record version 3.{minor}", version=0x0300 + minor)
of_hello("record version 3.200", version=0x03c8)
of_hello("the name in capitals", make=lambda name: hello(name.upper()))
of_hello("a dot behind the name", make=lambda name: hello(name + "."))
of_hello("NUL behind the name", accepted=False, make=lambda name: hello(name.encode() + b"\0"))
of_hello("NUL before the name", accepted=False, make=lambda name: hello(b"\0" + name.encode()))
of_hello("two names, the first is blocked", accepted=False, make=lambda name: hello(name, "d.allowed.example"))
of_hello("two names, the second is blocked", accepted=False, make=lambda name: hello("d.allowed.example", name))
of_hello("another kind of name first", accepted=False,
         make=lambda name: hello(entries=[(1, b"d.allowed.example"), (0, name.encode())]))
of_hello("a hello of 20 kB, the name last", pad=20000)
of_hello("a hello of 16 kB in records of 100 bytes", pad=16000, record=100)
of_hello("a warning before the hello", accepted=None, before=b"\x15\3\1\0\2\1\x5a")
of_hello("ChangeCipherSpec before the hello", accepted=None, before=b"\x14\3\1\0\1\1")
of_hello("an empty record before the hello", accepted=None, before=b"\x16\3\1\0\0")
of_hello("encrypted_client_hello grease", more=struct.pack(">2H", 0xfe0d, 186) + bytes(186))
for other in (53, 80, 853):
    of_hello(f"TLS on port {other}", port=other)


@rule("empty records between", accepted=None)
def _(s):
    c = s.opened()
    data = hello(s.name, record=60)
    out, at = b"", 0
    while at < len(data):
        size = 5 + struct.unpack(">H", data[at + 3:at + 5])[0]
        out += data[at:at + size] + b"\x16\3\1\0\0"
        at += size
    c.say(out)
    return heard(c, s)


@rule("each record in a segment, reversed")
def _(s):
    c = s.opened()
    data = hello(s.name, record=40)
    for at in reversed(range(0, len(data), 45)):
        c.say(data[at:at + 45], at)
    return heard(c, s)


class Retried:
    """A real client, whose second hello, after a HelloRetryRequest, can be changed."""

    def __init__(self, name):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.client = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def next(self, got=b""):
        self.incoming.write(got)
        try:
            self.client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()


def retried(title, first_is_decoy, size=None):
    @rule(title, families=BOTH)
    def _(s):
        c = s.opened(witness.RETRY_PORT)
        client = Retried(s.decoy() if first_is_decoy else s.name)
        first = client.next()
        c.say(first)
        got = c.hear(lambda stream: len(stream) > 43, LIMIT_S if first_is_decoy else s.limit)
        if tls_kind(got) != "retry":
            return tls_kind(got)
        second = client.next(got).replace(s.decoy().encode(), s.name.encode())
        c.say(second, len(first), size)
        return "server-hello" if b"\x17\3\3" in c.hear(lambda stream: b"\x17\3\3" in stream, s.limit) else "nothing"


retried("HelloRetryRequest", False)
retried("HelloRetryRequest: another name in the second hello", True)
retried("HelloRetryRequest: another name in the second hello, in bytes", True, 1)


# No name at all: nothing to block, and it must pass.
WITHOUT_NAME = {"no server_name": hello, "SSLv2 hello": lambda: b"\x80\x3a\1\3\3\0\x21\0\0\0\x10" + bytes.fromhex(
    "00c02b00c02f00c02c00c03000009c00009d00002f0000350000ff00000a000013") + bytes(16)}
