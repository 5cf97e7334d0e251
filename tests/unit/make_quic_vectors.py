#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints quic_vectors.h: the Initials of RFC 9001 and RFC 9369 (appendices A.2 and A.3) and of
draft-ietf-quic-tls-29, and some like them for suites without a published one. They are made by another
implementation (python3-cryptography) and held against the keys and last bytes that the documents print."""
import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

DCID, SCID = bytes.fromhex("8394c8f03e515708"), bytes.fromhex("f067a5502a4262b5")
V1, V2, V2_DRAFT, DRAFT_29, DRAFT_23, DRAFT_22 = 1, 0x6b3343cf, 0x709a50c4, 0xff00001d, 0xff00001b, 0xff000016
SALTS = {
    V1: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", V2: "0dede3def700a6db819381be6e269dcbf9bd2ed9",
    V2_DRAFT: "a707c203a59b47184a1d62ca570406ea7ae3e5d3", DRAFT_29: "afbfec289993d24c9e9786f19c6111e04390a899",
    DRAFT_23: "c3eef712c72ebb5a11a7d2432bb46365bef9f502", DRAFT_22: "7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a",
}
HELLO = bytes.fromhex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c000004130113"
    "02010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
    "04616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce1"
    "5d43e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c0002400100"
    "3900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806"
    "048000ffff")
HELLO_29 = bytes.fromhex(
    "060040c4010000c003036660261ff947cea49cce6cfad687f457cf1b14531ba14131a0e8f309a1d0b9c4000006130113"
    "031302010000910000000b0009000006736572766572ff01000100000a00140012001d00170018001901000101010201"
    "03010400230000003300260024001d00204cfdfcd178b784bf328cae793b136f2aedce005ff183d7bb14952072366470"
    "37002b0003020304000d0020001e040305030603020308040805080604010501060102010402050206020202002d0002"
    "0101001c00024001")
ANSWER = bytes.fromhex(
    "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200"
    "130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00"
    "020304")
ANSWER_29 = bytes.fromhex("0d0000000018410a") + ANSWER[9:]


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def expand(secret, label, size):
    label = b"tls13 " + label.encode()
    return mac(secret, size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0\1")[:size]


def keys(version, sender):
    secret = expand(mac(bytes.fromhex(SALTS[version]), DCID), sender + " in", 32)
    prefix = "quicv2 " if version in (V2, V2_DRAFT) else "quic "
    return [expand(secret, prefix + what, size) for what, size in (("key", 16), ("iv", 12), ("hp", 16))]


def packet(version, sender, ids, number, width, frames):
    key, iv, hp = keys(version, sender)
    kind = 0x10 if version in (V2, V2_DRAFT) else 0
    length = width + len(frames) + 16
    header = bytes([0xc0 | kind | width - 1]) + version.to_bytes(4, "big") + ids + b"\0"
    header += (0x4000 | length).to_bytes(2, "big")
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    shown = header + number.to_bytes(width, "big")
    sealed = AESGCM(key).encrypt(nonce, frames, shown)
    sample = sealed[4 - width:20 - width]
    encryptor = Cipher(algorithms.AES(hp), modes.ECB()).encryptor()
    mask = encryptor.update(sample)
    hidden = bytes(a ^ b for a, b in zip(shown[-width:], mask[1:]))
    return bytes([header[0] ^ mask[0] & 15]) + header[1:] + hidden + sealed


def client(version, frames, size):
    return packet(version, "client", b"\x08" + DCID + b"\0", 2, 4, frames.ljust(size, b"\0"))


def server(version, frames):
    return packet(version, "server", b"\0\x08" + SCID, 1, 2, frames)


def array(name, data):
    print(f"\nstatic const uint8_t {name}[] = {{")
    for i in range(0, len(data), 16):
        print("\t" + " ".join(f"0x{b:02x}," for b in data[i:i + 16]))
    print("};")


PUBLISHED = {  # name: packet, how it starts and ends in print
    "client_v1": (client(V1, HELLO, 1162), "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
                  "e221af44860018ab0856972e194cd934"),
    "server_v1": (server(V1, ANSWER), "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a",
                  "022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee"),
    "client_v2": (client(V2, HELLO, 1162), "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
                  "a18b2faa745b6fe189cf772a9f84cbfc"),
    "server_v2": (server(V2, ANSWER), "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698",
                  "4bed8521e2e140"),
    "client_29": (client(DRAFT_29, HELLO_29, 1162),
                  "c5ff00001d088394c8f03e5157080000449e4a95245bfb66bc5f93032b7ddd89", "43b1ca70a2d8d3f725ead1391377dcc0"),
    "client_v2_draft": (client(V2_DRAFT, HELLO, 1162),
                        "dd709a50c4088394c8f03e5157080000449e4391d84823b8e610589c83c92d0e97eb7a6e5003", ""),
    "server_29": (server(DRAFT_29, ANSWER_29), "caff00001d0008f067a5502a4262b5004074aaf2f007823a5d3a1207c86ee491",
                  "1c0a79637134d8993701fe779e58c2fe753d14b0564021565ea92e57bc6faf56dfc7a40870e6"),
}
for name, (data, start, end) in PUBLISHED.items():
    assert data.hex().startswith(start) and data.hex().endswith(end), name
# draft-ietf-quic-tls-27, appendix A.1
assert [k.hex() for k in keys(DRAFT_23, "client")] == [
    "af7fd7efebd21878ff66811248983694", "8681359410a70bb9c92f0420", "a980b8b4fb7d9fbc13e814c23164253d"]

if __name__ == "__main__":
    print("// SPDX-License-Identifier: GPL-3.0-or-later")
    print("// Initials as RFC 9001, RFC 9369 and draft 29 print them, and more; made by make_quic_vectors.py.")
    print("#pragma once\n#include <stdint.h>\n\n// clang-format off", end="")
    for name, (data, _, _) in PUBLISHED.items():
        array(name, data)
    array("client_23", client(DRAFT_23, HELLO, 0))
    array("client_22", client(DRAFT_22, HELLO, 0))
    array("hello_frame", HELLO)
    array("hello_frame_29", HELLO_29)
    array("answer_frames", ANSWER)
    array("answer_frames_29", ANSWER_29)
    print("// clang-format on")
