# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP client that sends its bytes just as it is told: run inside the client's namespace with one
argument, a JSON object:

  server, port         where to
  parts    [TEXT, ...] each in a segment of its own (Latin-1)
  answers  N           after each part wait for an answer, until N have come

Prints one JSON object: got (all that came, Latin-1), reset (whether the connection was).
"""
import json
import socket
import sys

ANSWER_S = 8


def main():
    plan = json.loads(sys.argv[1])
    got, reset = b"", False
    with socket.create_connection((plan["server"], plan["port"]), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(ANSWER_S)
        try:
            for number, part in enumerate(plan["parts"]):
                connection.sendall(part.encode("latin-1"))
                while number < plan.get("answers", 0) and got.count(b"HTTP/1.1 ") <= number:
                    got += connection.recv(65536) or b"HTTP/1.1 closed" * 99
            while data := connection.recv(65536):
                got += data
        except TimeoutError:
            pass
        except ConnectionError:
            reset = True
    print(json.dumps({"got": got.decode("latin-1"), "reset": reset}))


main()
