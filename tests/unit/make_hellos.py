#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints hellos.h: ClientHellos as OpenSSL really sends them (test_tls.c). Run it again only to have
others: randoms and keys differ each time."""
import ssl


def hello(name, version):
    context = ssl.create_default_context()
    context.minimum_version = context.maximum_version = version
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def array(name, data):
    print(f"\nstatic const uint8_t {name}[] = {{")
    for i in range(0, len(data), 16):
        print("\t" + " ".join(f"0x{b:02x}," for b in data[i:i + 16]))
    print("};")


print("// SPDX-License-Identifier: GPL-3.0-or-later")
print(f"// ClientHellos of {ssl.OPENSSL_VERSION} for www.example.com; made by make_hellos.py.")
print("#pragma once\n#include <stdint.h>\n\n// clang-format off", end="")
array("hello_tls12", hello("www.example.com", ssl.TLSVersion.TLSv1_2))
array("hello_tls13", hello("www.example.com", ssl.TLSVersion.TLSv1_3))
