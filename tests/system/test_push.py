# SPDX-License-Identifier: GPL-3.0-or-later
"""Rulesets pushed over the control socket, and what is decided about single orders."""
import hashlib
import json
import os

from control import ask, push
from harness import moment, order, run, wait_until


def socket_of(filterd):
    return filterd.config["filterd.control"]


def image_of(filterd, *texts):
    """The bytes of an image of these orders; what the daemon would reload stays as it is."""
    kept = filterd.image.read_bytes()
    filterd.orders(*texts)
    image = filterd.image.read_bytes()
    filterd.image.write_bytes(kept)
    return image


def audit(filterd):
    return [json.loads(line) for line in (filterd.state / "audit.log").read_text().splitlines()]


def states(filterd, **arguments):
    return {one["id"]: one["state"] for one in ask(socket_of(filterd), "orders", **arguments)["orders"]}


def test_push_and_image(testbed, filterd):
    filterd.start(order("one.example", id="one"))
    socket = socket_of(filterd)
    before, fd = ask(socket, "image")
    assert os.pread(fd, 1 << 20, 0) == filterd.image.read_bytes()
    os.close(fd)
    image = image_of(filterd, order("two.example", id="two"))
    dry = push(socket, image, base=before["checksum"], dry_run=True)
    assert "effective" not in dry and dry["serial"] == before["serial"] + 1, dry
    assert ask(socket, "status")["ruleset"]["checksum"] == before["checksum"]
    done = push(socket, image, base=before["checksum"], note="a test")
    assert done["serial"] == done["serial-from"] + 1 and done["orders"] == 1 and done["names"] == 1, done
    assert done["requested"] <= done["effective"]
    assert testbed.dig("two.example").status == "NXDOMAIN"
    assert testbed.dig("one.example").status == "NOERROR"
    assert filterd.wait_event()["filterd"]["serial"] == done["serial"]
    again = push(socket, image, base=before["checksum"])
    assert again["kind"] == "conflict", again
    entry = next(entry for entry in audit(filterd) if entry["command"] == "push")
    assert (entry["uid"], entry["user"], entry["note"]) == (0, "root", "a test")
    assert (entry["serial-from"], entry["serial-to"]) == (before["serial"], done["serial"])
    assert audit(filterd)[-1]["command"] == "refused"


def test_lift_extend_rollback_and_restart(testbed, filterd):
    texts = (order("long.example", id="long", category="short-lived"), order("lifted.example", id="lifted"),
             order("short.example", id="short", expires=600))
    filterd.start(*texts,
                  orders__category_lifetimes="short-lived:2")
    socket = socket_of(filterd)
    first = ask(socket, "status")["ruleset"]["serial"]
    assert testbed.dig("lifted.example").status == "NXDOMAIN"
    lifted = ask(socket, "lift", order="lifted", reason="a court said so")
    assert lifted["serial"] == first + 1, lifted
    assert testbed.dig("lifted.example").status == "NOERROR"
    assert testbed.dig("long.example").status == "NXDOMAIN"
    # What makes no sense, or is forbidden.
    assert ask(socket, "lift", order="lifted")["kind"] == "refused"
    assert ask(socket, "lift", order="none")["kind"] == "bad"
    assert ask(socket, "extend", order="long", until="tomorrow")["kind"] == "bad"
    assert ask(socket, "extend", order="long", until=moment(1800))["kind"] == "refused"
    too_long = ask(socket, "extend", order="long", until=moment(3 * 86400))
    assert too_long["kind"] == "refused" and "2 days" in too_long["error"], too_long
    until = moment(86400)
    assert ask(socket, "extend", order="short", until=until)["serial"] == first + 2
    assert states(filterd) == {"long": "active", "lifted": "lifted", "short": "active"}
    assert states(filterd, at=moment(80000)) == {"long": "expired", "lifted": "lifted", "short": "active"}
    # It all outlasts a crash, and a push that has the same orders in it.
    filterd.kill()
    filterd.start(rules=False)
    assert states(filterd, at=moment(80000)) == {"long": "expired", "lifted": "lifted", "short": "active"}
    assert testbed.dig("lifted.example").status == "NOERROR"
    again = filterd.image.read_bytes()
    filterd.orders(*texts, order("more.example", id="more"))
    filterd.reload()
    wait_until(lambda: ask(socket, "status")["ruleset"]["serial"] == first + 3, "the reload")
    assert states(filterd, at=moment(80000)) == {"long": "expired", "lifted": "lifted", "short": "active",
                                                 "more": "expired"}
    # Back to before the lift.
    back = ask(socket, "rollback", serial=first, note="it was a mistake")
    assert back["serial"] == first + 4, back
    assert testbed.dig("lifted.example").status == "NXDOMAIN"
    assert ask(socket, "rollback", serial=77)["kind"] == "bad"
    commands = [one["command"] for one in ask(socket, "serials")["serials"]]
    assert commands == ["rollback", "reload", "extend", "lift", "reload"]
    assert testbed.dig("more.example").status == "NOERROR"
    # What is written anew is another order.
    renewed = image_of(filterd, texts[0], texts[1].replace("match", "revision = 2\nmatch"), texts[2])
    ask(socket, "lift", order="lifted")
    assert push(socket, again)["serial"] == first + 6
    assert states(filterd)["lifted"] == "lifted"
    assert push(socket, renewed)["serial"] == first + 7
    assert states(filterd)["lifted"] == "active"
    assert ask(socket, "rollback")["serial"] == first + 8  # to the one before
    assert states(filterd)["lifted"] == "lifted"


def test_only_admins_change_something(testbed, filterd):
    filterd.folder.chmod(0o755)
    for parent in filterd.folder.parents:
        if str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    filterd.start(order("one.example", id="one"), control__admins="games 7")
    socket = socket_of(filterd)
    os.chmod(socket, 0o666)
    image = filterd.image.read_bytes()

    def as_user(uid, what):
        child = os.fork()
        if child:
            return os.waitpid(child, 0)[1]
        try:
            os.setuid(uid)
            os._exit(0 if what() else 1)
        finally:
            os._exit(2)

    for command in ("push", "lift", "extend", "rollback", "confirm-clock"):
        assert as_user(1, lambda: ask(socket, command)["kind"] == "denied") == 0, command
    assert as_user(1, lambda: push(socket, image)["kind"] == "denied") == 0
    assert as_user(1, lambda: ask(socket, "status")["ruleset"]["serial"] == 1) == 0
    refused = wait_until(lambda: [one for one in audit(filterd) if "count" in one], "what was refused is counted")
    assert "no admins" in refused[0]["what"] and any(one.get("uid") == 1 for one in audit(filterd))
    for arguments in ({"order": "one", "reason": "x" * 1001}, {"order": "y" * 65}):
        assert ask(socket, "lift", **arguments)["kind"] == "bad"
        assert audit(filterd)[-1]["command"] == "refused" and "at most" in audit(filterd)[-1]["error"]
    assert as_user(5, lambda: push(socket, image)["serial"] == 2) == 0  # games
    assert as_user(7, lambda: push(socket, image)["serial"] == 3) == 0
    assert [one["user"] for one in ask(socket, "serials")["serials"][:2]] == ["7", "games"]


def test_only_what_is_signed_comes_in_force(testbed, filterd):
    keys = []
    for name in ("alice", "bob"):
        keys.append(filterd.folder / name)
        run("minisign", "-G", "-W", "-p", f"{keys[-1]}.pub", "-s", keys[-1])
        os.chmod(f"{keys[-1]}.pub", 0o644)
    filterd.start(order("file.example", id="file"), trust__keys=" ".join(f"{key}.pub" for key in keys),
                  trust__threshold=2)
    socket = socket_of(filterd)
    assert testbed.dig("file.example").status == "NOERROR"  # nobody signed the file
    image = image_of(filterd, order("one.example", id="one"))

    def signed(serial, *signers, command="push", **rest):
        lines = {"filterd-manifest": 1, "command": command, "serial": serial, "not-before": moment(-60),
                 "not-after": moment(3600), **rest}
        text = "".join(f"{key}: {value}\n" for key, value in lines.items()).replace("+00:00", "Z")
        manifest = filterd.folder / "manifest"
        manifest.write_text(text)
        signatures = []
        for signer in signers:
            run("minisign", "-S", "-W", "-s", signer, "-m", manifest)
            signatures.append((filterd.folder / "manifest.minisig").read_text())
        return {"manifest": text, "signatures": signatures}

    digest = hashlib.sha256(image).hexdigest()
    both = signed(7, *keys, image=digest)
    assert push(socket, image)["kind"] == "denied"
    assert push(socket, image, **signed(7, keys[0], image=digest))["kind"] == "denied"
    assert push(socket, image, **signed(7, *keys, image="0" * 64))["kind"] == "denied"
    assert push(socket, image, dry_run=True, **both)["serial"] == 7
    done = push(socket, image, **both)
    assert (done["serial-from"], done["serial"]) == (0, 7), done
    assert testbed.dig("one.example").status == "NXDOMAIN"
    assert push(socket, image, **both)["kind"] == "refused"  # a replay
    lift = signed(8, keys[0], command="lift", order="one")
    assert ask(socket, "lift", order="two", **lift)["kind"] in ("bad", "denied")
    assert ask(socket, "lift", order="one", **lift)["serial"] == 8
    assert testbed.dig("one.example").status == "NOERROR"
    assert push(socket, image, break_glass=True, note="the signers are ill")["serial"] == 9
    entries = audit(filterd)
    assert [len(entry.get("signers", ())) for entry in entries if entry["command"] in ("push", "lift")] == [2, 1, 0]
    assert entries[-1]["break-glass"] is True
    filterd.reload()
    wait_until(lambda: "not signed" in filterd.log(), "the reload is refused")
    filterd.stop()
    filterd.start(rules=False)
    assert ask(socket, "status")["ruleset"]["serial"] == 9
