# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system tests are written with: the testbed, the daemon on its gateway, dig and curl.

Everything waits for conditions with generous limits and never for a fixed time: the machine may be busy.
"""
import datetime
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("FILTERD_BUILD", TREE / "build"))
FILTERD = pathlib.Path(os.environ.get("FILTERD", BUILD / "filterd/daemon/filterd"))
FILTERCTL = pathlib.Path(os.environ.get("FILTERCTL", BUILD / "filterd/ctl/filterctl"))
SERVER = {4: "10.77.2.2", 6: "fd77:2::2"}
CLIENT = {4: "10.77.1.2", 6: "fd77:1::2"}
LIMIT = 60


def run(*command, check=True, timeout=LIMIT, **options):
    """A finished command with its output as text; its whole output is in the error if it fails."""
    done = subprocess.run([str(word) for word in command], text=True, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if check and done.returncode:
        raise AssertionError(f"{shlex.join(done.args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def wait_until(condition, what, limit=LIMIT):
    """The first true value of condition()."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        time.sleep(0.05)


class Testbed:
    """scripts/testbed, kept up between tests that want the same options."""
    __test__ = False

    def __init__(self):
        self.options = None
        self.script = TREE / "scripts/testbed"

    def up(self, *options):
        self.options = None
        run(self.script, "up", "--quiet", *options)
        self.options = options

    def want(self, *options):
        if self.options != options:
            self.up(*options)

    def down(self):
        self.options = None
        run(self.script, "down", "--quiet")

    def exec(self, place, *command, **options):
        return run(self.script, "exec", place, *command, **options)

    def popen(self, place, *command, **options):
        """A command that goes on; its process is the command itself, so that kill() reaches it."""
        return subprocess.Popen([str(self.script), "exec", place, *map(str, command)], text=True, **options)

    def firewall(self, *words, **options):
        return self.exec("gateway", TREE / "scripts/firewall", *words, **options)

    def counters(self):
        """Packets counted by the firewall's rules, by name: queued_dns, blocked, unjudged and so on."""
        found = re.findall(r"^([a-z_]+) +(\d+) packets", self.firewall("show").stdout, re.M)
        return {name: int(packets) for name, packets in found}

    def queues(self):
        """The numbers of the queues that are bound on the gateway."""
        text = self.exec("gateway", "cat", "/proc/net/netfilter/nfnetlink_queue", check=False).stdout
        return {int(line.split()[0]) for line in text.splitlines()}

    def dig(self, name, type="A", *, tcp=False, family=4, server=None, tries=1, limit=5, options=()):
        """Asks the server (or another address) for a name, as the client."""
        done = self.exec("client", "dig", f"@{server or SERVER[family]}", name, type, f"+tries={tries}",
                         f"+time={limit}", "+tcp" if tcp else "+notcp", *options, check=False)
        return Answer(done.stdout)

    def curl(self, url, *, family=4, tls=None, limit=20, by_name=False, options=()):
        """Fetches a page as the client. The name's address is given to curl unless by_name is asked."""
        host = re.match(r"https?://([^:/]+)", url)[1]
        address = SERVER[family] if family == 4 else f"[{SERVER[family]}]"
        words = ["curl", "-sS", "-k", "-D", "-", f"-{family}", "-m", limit]
        if not by_name:
            words += ["--resolve", f"{host}:80:{address}", "--resolve", f"{host}:443:{address}"]
        if tls:
            words += [f"--tlsv{tls}", "--tls-max", tls]
        done = self.exec("client", *words, *options, url, check=False, timeout=limit + LIMIT)
        return Page(done)


class Answer:
    """What dig said: status is the response code's name, or None when no answer came."""

    def __init__(self, text):
        status = re.search(r"status: (\w+)", text)
        self.text = text
        self.status = status and status[1]
        answers = re.search(r";; ANSWER SECTION:\n(.*?)\n\n", text, re.S)
        self.addresses = [line.split()[4] for line in answers[1].splitlines()] if answers else []

    def __repr__(self):
        return self.text


class Page:
    """What curl got: exit code (0 is well), status, headers by lower-case name, body, curl's complaint."""

    def __init__(self, done):
        head, _, self.body = done.stdout.partition("\n\n")
        while head.startswith("HTTP/1.1 1"):
            head, _, self.body = self.body.partition("\n\n")
        self.exit, self.error = done.returncode, done.stderr
        found = re.match(r"HTTP/\S+ (\d+)", head)
        self.status = int(found[1]) if found else None
        lines = [line.partition(": ") for line in head.splitlines()[1:]]
        self.headers = {name.lower(): value for name, _, value in lines}

    @property
    def ok(self):
        return self.exit == 0 and self.status == 200

    def __repr__(self):
        return f"exit {self.exit} ({self.error.strip()}), {self.status}, {self.headers}, {self.body!r}"


def moment(seconds):
    """The time so many seconds from now, as orders write it."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return (now + datetime.timedelta(seconds=seconds)).isoformat()


def order(*names, id="test", starts=-3600, expires=3600, **keys):
    """Text of an order. Times are seconds from now; more keys as NAME=VALUE, a list for repeated ones."""
    values = {"authority": "Test Authority", "reference": f"TEST/{id}", "reason": "system test",
              "issued": moment(min(starts, 0) - 60), "starts": moment(starts), "expires": moment(expires),
              "action": "block", "match": "subtree", **keys}
    lines = [f"[order:{id}]"]
    for key, value in values.items():
        lines += [f"{key} = {one}" for one in (value if isinstance(value, (list, tuple)) else [value])]
    return "\n".join(lines + [f"name = {name}" for name in names]) + "\n"


class Filterd:
    """The daemon on the gateway, with its rules, orders and configuration, in a folder of its own."""

    def __init__(self, testbed, folder):
        self.testbed, self.folder = testbed, folder
        self.config_path, self.image = folder / "filterd.conf", folder / "ruleset.image"
        self.orders_path = folder / "orders"
        self.orders_path.mkdir()
        self.state = folder / "state"
        self.state.mkdir()
        self.events_path, self.log_path = folder / "events", folder / "log"
        self.program = FILTERD
        self.process = None
        self.config = {
            "filterd.ruleset": self.image, "filterd.control": folder / "control.sock", "filterd.user": "root",
            "filterd.state": self.state,
            "firewall.lan": "lan0", "queue.workers": 2, "events.syslog": "no", "events.stdout": "yes",
        }

    def configure(self, **values):
        """Changes keys (`firewall__failure="closed"` is firewall.failure) and writes the file."""
        for key, value in values.items():
            self.config[key.replace("__", ".").replace("_", "-")] = value
        sections = {}
        for key, value in self.config.items():
            section, _, name = key.partition(".")
            sections.setdefault(section, []).append(f"{name} = {value}")
        self.config_path.write_text("\n".join(
            f"[{name}]\n" + "\n".join(lines) + "\n" for name, lines in sections.items()))

    def orders(self, *texts, check=True):
        """Replaces the orders and compiles them; the daemon learns of it by reload()."""
        for old in self.orders_path.iterdir():
            old.unlink()
        for number, text in enumerate(texts):
            (self.orders_path / f"{number}.order").write_text(text)
        return run(FILTERCTL, "compile", "--orders", self.orders_path, "-o", self.image, check=check)

    def firewall_up(self, *options):
        return self.testbed.firewall("up", "-c", self.config_path, *options,
                                     env={**os.environ, "FILTERD": str(FILTERD)})

    def queue_numbers(self):
        first = int(self.config.get("queue.first", 7700))
        return set(range(first, first + 2 * int(self.config["queue.workers"])))

    def start(self, *texts, rules=True, env=None, **config):
        """Orders, configuration, rules and daemon; comes back once all its queues are bound."""
        if texts or not self.image.exists():
            self.orders(*texts)
        self.configure(**config)
        if rules:
            self.firewall_up()
        with open(self.events_path, "ab") as events, open(self.log_path, "ab") as log:
            self.process = self.testbed.popen("gateway", self.program, "-c", self.config_path,
                                              stdout=events, stderr=log, env={**os.environ, **(env or {})})
        wait_until(self.ready, "the daemon binds its queues")
        return self

    def ready(self):
        assert self.process.poll() is None, f"filterd ended:\n{self.log()}"
        return self.queue_numbers() <= self.testbed.queues()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, limit=LIMIT):
        """Ends it as systemd would; its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.terminate()
        return self.gone(limit)

    def kill(self):
        """Ends it as a crash would."""
        self.process.kill()
        return self.gone(LIMIT)

    def gone(self, limit):
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"filterd did not end within {limit} s:\n{self.log()}") from None
        finally:
            self.process = None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def events(self, **wanted):
        """Events so far (those whose top-level fields have these values)."""
        found = []
        lines = self.events_path.read_text().split("\n")[:-1] if self.events_path.exists() else []
        for line in lines:
            event = json.loads(line)
            if all(event.get(key) == value for key, value in wanted.items()):
                found.append(event)
        return found

    def wait_event(self, condition=lambda event: True, limit=LIMIT):
        """The first event for which condition(event) is true."""
        return wait_until(lambda: next(filter(condition, self.events()), None), "the event", limit)

    def done(self):
        try:
            code = self.stop()
        finally:
            self.testbed.firewall("down")
        assert code in (None, 0, -signal.SIGKILL), f"filterd ended with {code}:\n{self.log()}"
