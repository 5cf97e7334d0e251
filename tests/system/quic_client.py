# SPDX-License-Identifier: GPL-3.0-or-later
"""A QUIC hello in a packaging of choice: quic_client.py NAME ADDRESS PACKAGING [OTHER_ADDRESS]

Prints as JSON what came back: hello (a ServerHello), closed (the code of a CONNECTION_CLOSE, or null),
seconds. OTHER_ADDRESS is the same server's of the other family, for the packaging `families`."""
import hashlib
import hmac
import json
import os
import random
import select
import socket
import struct
import sys
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")  # RFC 9001, section 5.2
DATAGRAM, WAIT_S, TRIES = 1200, 1.0, 3


def vector(width, data):
    return len(data).to_bytes(width, "big") + data


def varint(value):
    return struct.pack(">I", value | 0x80000000)


def expand(secret, label, size):
    """HKDF-Expand-Label (RFC 8446, section 7.1); one block is enough."""
    info = size.to_bytes(2, "big") + vector(1, b"tls13 " + label) + b"\0\1"
    return hmac.digest(secret, info, hashlib.sha256)[:size]


class Keys:
    def __init__(self, dcid, label):
        secret = expand(hmac.digest(SALT, dcid, hashlib.sha256), label, 32)
        self.aead, self.iv = AESGCM(expand(secret, b"quic key", 16)), expand(secret, b"quic iv", 12)
        self.header = Cipher(algorithms.AES(expand(secret, b"quic hp", 16)), modes.ECB())

    def nonce(self, number):
        return (int.from_bytes(self.iv, "big") ^ number).to_bytes(12, "big")

    def mask(self, sample):
        return self.header.encryptor().update(sample)


def hello(name, scid):
    """A ClientHello that servers of HTTP/3 take; any 32 bytes are a key of X25519."""
    def extension(kind, data):
        return kind.to_bytes(2, "big") + vector(2, data)
    parameters = b"\x0f" + vector(1, scid) + b"\x04\x04" + varint(1 << 20)
    extensions = (extension(0, vector(2, b"\0" + vector(2, name.encode()))) + extension(10, vector(2, b"\0\x1d")) +
                  extension(13, vector(2, b"\4\3\x08\4\4\1\5\3\x08\5\x08\6")) + extension(43, vector(1, b"\3\4")) +
                  extension(16, vector(2, vector(1, b"h3"))) + extension(45, vector(1, b"\1")) +
                  extension(51, vector(2, b"\0\x1d" + vector(2, os.urandom(32)))) + extension(57, parameters))
    body = b"\3\3" + os.urandom(32) + b"\0" + vector(2, b"\x13\1") + b"\1\0" + vector(2, extensions)
    return b"\1" + vector(3, body)


def crypto(message, start, end):
    return b"\6" + varint(start) + varint(end - start) + message[start:end]


class Client:
    def __init__(self):
        self.dcid, self.scid, self.number = os.urandom(8), os.urandom(8), 0
        self.keys = Keys(self.dcid, b"client in")
        self.server = Keys(self.dcid, b"server in")

    def initial(self, frames, size=DATAGRAM, token=b"", version=1):
        head = (b"\xc3" + version.to_bytes(4, "big") + vector(1, self.dcid) + vector(1, self.scid) +
                varint(len(token)) + token)
        text = frames + bytes(max(0, size - len(head) - 8 - 16 - len(frames)))
        head += varint(4 + len(text) + 16) + self.number.to_bytes(4, "big")
        packet = bytearray(head + self.keys.aead.encrypt(self.keys.nonce(self.number), text, head))
        at, self.number = len(head) - 4, self.number + 1
        mask = self.keys.mask(bytes(packet[at + 4:at + 20]))
        packet[0] ^= mask[0] & 15
        for i in range(4):
            packet[at + i] ^= mask[1 + i]
        return bytes(packet)

    def frames(self, datagram):
        """The frames of the server's Initials in a datagram."""
        while datagram and datagram[0] & 0xf0 == 0xc0:
            at = 5
            for _ in range(2):
                at += 1 + datagram[at]
            token, at = read_varint(datagram, at)
            size, at = read_varint(datagram, at + token)
            mask = self.server.mask(datagram[at + 4:at + 20])
            first = datagram[0] ^ (mask[0] & 15)
            width = (first & 3) + 1
            number = bytes(a ^ b for a, b in zip(datagram[at:at + width], mask[1:]))
            head = bytes([first]) + datagram[1:at] + number
            yield self.server.aead.decrypt(self.server.nonce(int.from_bytes(number, "big")),
                                           datagram[at + width:at + size], head)
            datagram = datagram[at + size:]


def read_varint(data, at):
    size = 1 << (data[at] >> 6)
    value = int.from_bytes(data[at:at + size], "big") & ((1 << (8 * size - 2)) - 1)
    return value, at + size


def read_frames(frames, result):
    at = 0
    while at < len(frames):
        kind, at = frames[at], at + 1
        if kind == 2:
            values = []
            for _ in range(4):
                value, at = read_varint(frames, at)
                values.append(value)
            for _ in range(2 * values[2]):
                _, at = read_varint(frames, at)
        elif kind == 6:
            offset, at = read_varint(frames, at)
            size, at = read_varint(frames, at)
            result["hello"] |= offset == 0 and frames[at] == 2
            at += size
        elif kind == 0x1c:
            result["closed"], at = read_varint(frames, at)
            return
        elif kind > 1:
            return


def packaged(client, packaging, message, decoy):
    """(datagram, which socket, TTL) one after the other."""
    half, end = len(message) // 2, len(message)
    first, second = crypto(message, 0, half), crypto(message, half, end)
    if packaging == "halves":
        return [(client.initial(first), 0, 64), (client.initial(second), 0, 64)]
    if packaging == "reversed":
        return [(client.initial(second), 0, 64), (client.initial(first), 0, 64)]
    if packaging in ("ports", "families"):
        return [(client.initial(first), 0, 64), (client.initial(second), 1, 64)]
    if packaging == "coalesced":
        return [(client.initial(first, 400) + client.initial(second, 800), 0, 64)]
    if packaging == "shuffled":
        parts = [crypto(message, at, min(at + 20, end)) for at in range(0, end, 13)]
        random.shuffle(parts)
        return [(client.initial(b"\1\0".join(parts)), 0, 64)]
    if packaging == "many":
        return [(client.initial(crypto(message, at, min(at + 30, end))), 0, 64) for at in range(0, end, 30)]
    if packaging == "token":
        return [(client.initial(crypto(message, 0, end), token=b"from nobody"), 0, 64)]
    whole = (client.initial(crypto(message, 0, end)), 0, 64)
    if packaging == "decoy":  # the gateway forwards nothing of TTL 1
        return [(client.initial(crypto(decoy, 0, end)), 0, 1), whole]
    if packaging == "decoy-half":
        return [(client.initial(crypto(decoy, half, end)), 0, 1), (client.initial(first), 0, 64),
                (client.initial(second), 0, 64)]
    if packaging == "grease":
        return [(client.initial(crypto(decoy, 0, end), version=0x1a2a3a4a), 0, 1), whole]
    assert packaging == "whole", packaging
    return [whole]


def main():
    name, address, packaging = sys.argv[1:4]
    client, result, start = Client(), {"hello": False, "closed": None}, time.monotonic()
    addresses = [address, sys.argv[4] if packaging == "families" else address]
    sockets = [socket.socket(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_DGRAM) for one in addresses]
    message = hello(name, client.scid)
    decoy = message.replace(name.encode(), b"d" * (len(name) - 11) + b".h3.example")
    for _ in range(TRIES):
        for datagram, which, ttl in packaged(client, packaging, message, decoy):
            if ":" not in addresses[which]:
                sockets[which].setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            sockets[which].sendto(datagram, (addresses[which], 443))
        until = time.monotonic() + WAIT_S
        while not result["hello"] and result["closed"] is None:
            ready = select.select(sockets, [], [], max(0, until - time.monotonic()))[0]
            if not ready:
                break
            for frames in client.frames(ready[0].recv(1 << 16)):
                read_frames(frames, result)
        if result["hello"] or result["closed"] is not None:
            break
    print(json.dumps({**result, "seconds": time.monotonic() - start}))


if __name__ == "__main__":
    main()
