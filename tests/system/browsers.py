# SPDX-License-Identifier: GPL-3.0-or-later
"""Real browsers on the client, without a screen, and a web server with HTTP/3 for them.

A browser is started once and loads many pages; Chromium has a fresh context for each (no socket, cache or
name is shared). Each has a home and profile of its own in a temporary folder, resolves by the testbed's
name server (or takes every name to be at one address), and believes any certificate.

    with Chromium(testbed, h3=["a.h3.example"], trust=caddy.issuer_key()) as browser:
        load = browser.load("https://a.h3.example/")
        assert load.ok and load.protocol == "h3"
"""
import base64
import contextlib
import ctypes
import hashlib
import json
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time

from harness import run, wait_until

CHROMIUM = "/usr/lib/chromium/chromium"
FIREFOX = "/usr/lib/firefox-esr/firefox-esr"
CADDY = shutil.which("caddy")
CADDY_ADDRESS = {4: "10.77.2.3", 6: "fd77:2::3"}
START_S = 60
CLONE_NEWNET = 0x40000000


def missing():
    """What is not installed of the browsers and their server."""
    return [name for name, path in (("chromium", CHROMIUM), ("firefox-esr", FIREFOX), ("caddy", CADDY))
            if not path or not os.access(path, os.X_OK)]


@contextlib.contextmanager
def inside(space):
    """This thread is in the network namespace of `client`, `gateway` or `server`; sockets made here stay there."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(file):
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns: {space}")

    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/filterd-{space}") as there:
        enter(there)
        try:
            yield
        finally:
            enter(home)


class Load:
    """One page: ok, protocol (http/1.1, h2, h3), text, error (ERR_CONNECTION_RESET, netReset, timeout), seconds."""

    def __init__(self, seconds, protocol=None, text="", error=None):
        self.seconds, self.protocol, self.text, self.error = seconds, protocol, text, error

    @property
    def ok(self):
        return self.error is None

    def __repr__(self):
        return f"{self.error or 'ok'}, {self.protocol}, {self.seconds:.2f} s, {self.text[:60]!r}"


def environment(folder):
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "FILTERD_TESTBED_RUN")}
    return {**kept, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "TMPDIR": str(folder)}


def home():
    """A new folder; its path is short, since Chromium keeps a socket in it."""
    return pathlib.Path(tempfile.mkdtemp(prefix="browser-"))


def end(process, folder=None):
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


class Chromium:
    """Driven by the DevTools protocol over a pipe.

    h3       hosts that are asked by HTTP/3 alone, without falling back to TCP
    trust    the key of the issuer that HTTP/3 needs (Caddy.issuer_key()): it ignores no certificate error
    address  where every name is, without asking a name server (a client that knows the address)
    """

    def __init__(self, testbed, h3=(), trust=None, address=None, options=()):
        self.folder = folder = home()
        to_browser, self.out = os.pipe()
        self.incoming, from_browser = os.pipe()
        words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--ignore-certificate-errors", "--remote-debugging-pipe", f"--user-data-dir={folder}/profile"]
        if h3:
            words += ["--enable-quic", "--origin-to-force-quic-on=" + ",".join(f"{host}:443" for host in h3)]
        if trust:
            words.append(f"--ignore-certificate-errors-spki-list={trust}")
        if address:
            words.append(f"--host-resolver-rules=MAP * {address}")
        # The pipe is the browser's descriptors 3 and 4.
        shell = f"exec 3<&{to_browser} 4>&{from_browser}; exec \"$@\""
        with open(folder / "log", "wb") as log:
            self.process = testbed.popen("client", "/bin/bash", "-c", shell, "browser", CHROMIUM, *words, *options,
                                         "about:blank", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                         pass_fds=(to_browser, from_browser), env=environment(folder))
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.events = b"", 0, []
        try:
            self.call("Browser.getVersion", limit=START_S)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process, self.folder)
        os.close(self.out)
        os.close(self.incoming)

    def message(self, until):
        """The next message of the browser, or None when the time is up."""
        while b"\0" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.incoming], [], [], left)[0]:
                return None
            got = os.read(self.incoming, 1 << 16)
            assert got, (self.folder / "log").read_text(errors="replace")
            self.buffer += got
        text, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(text)

    def send(self, method, session=None, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if session:
            request["sessionId"] = session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        return self.number

    def call(self, method, session=None, limit=START_S, **params):
        """The result of a command, or None when the time is up; events that come before are kept."""
        number, until = self.send(method, session, **params), time.monotonic() + limit
        while (got := self.message(until)) is not None:
            if got.get("id") == number:
                assert "error" not in got, got
                return got["result"]
            self.events.append(got)
        return None

    def wait_event(self, method, session, until):
        while True:
            for event in self.events:
                if event.get("method") == method and event.get("sessionId") == session:
                    return event["params"]
            got = self.message(until)
            if got is None:
                return None
            self.events.append(got)

    def load(self, url, limit=60, again=0):
        """Loads the page in a fresh context; `again` more times in the same one (the last load counts)."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        session = self.page(context)
        try:
            for _ in range(again + 1):
                load = self.navigate(session, url, limit)
            return load
        finally:
            self.call("Target.disposeBrowserContext", browserContextId=context)

    def page(self, context=None):
        """The session of a new page, for navigate()."""
        where = {"browserContextId": context} if context else {}
        target = self.call("Target.createTarget", url="about:blank", **where)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable", session)
        return session

    def navigate(self, session, url, limit):
        self.events.clear()
        start = time.monotonic()
        done = self.call("Page.navigate", session, limit, url=url)
        if done is None:
            return Load(time.monotonic() - start, error="timeout")
        if "errorText" in done:
            return Load(time.monotonic() - start, error=done["errorText"].removeprefix("net::"))
        if self.wait_event("Page.loadEventFired", session, start + limit) is None:
            return Load(time.monotonic() - start, error="timeout")
        seconds = time.monotonic() - start
        protocol = next((event["params"]["response"].get("protocol") for event in self.events
                         if event.get("method") == "Network.responseReceived"
                         and event["params"]["type"] == "Document"), None)
        text = self.call("Runtime.evaluate", session, expression="document.body.innerText")
        return Load(seconds, protocol, text["result"].get("value", ""))


FIREFOX_PREFS = {
    "network.trr.mode": 5, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "app.normandy.enabled": False, "app.update.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False, "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False, "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False, "toolkit.telemetry.server": "",
    "extensions.getAddons.cache.enabled": False, "extensions.update.enabled": False,
    "services.settings.server": "data:,", "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0, "network.prefetch-next": False, "browser.newtabpage.enabled": False,
    "marionette.port": 2828, "browser.startup.homepage_override.mstone": "ignore",
    "browser.aboutwelcome.enabled": False, "network.dns.disablePrefetch": True,
    "browser.region.network.url": "", "browser.contentblocking.category": "standard",
}


class Firefox:
    """Driven by Marionette over the client's loopback. Names are cached between loads: use fresh ones."""

    def __init__(self, testbed, prefs=()):
        self.folder = folder = home()
        profile = folder / "profile"
        profile.mkdir()
        values = {**FIREFOX_PREFS, **dict(prefs)}
        (profile / "user.js").write_text("".join(
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in values.items()))
        with open(folder / "log", "wb") as log:
            self.process = testbed.popen(
                "client", FIREFOX, "--headless", "--no-remote", "--marionette", "--remote-allow-system-access",
                "--profile", profile, "about:blank", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**environment(folder), "MOZ_CRASHREPORTER_DISABLE": "1", "MOZ_DISABLE_CONTENT_SANDBOX": "1"})
        self.buffer, self.number = b"", 0
        try:
            self.socket = wait_until(self.connected, "Firefox listens", START_S)
            self.socket.settimeout(START_S)
            self.receive()
            self.call("WebDriver:NewSession", acceptInsecureCerts=True, unhandledPromptBehavior="dismiss")
        except BaseException:
            end(self.process, folder)
            raise

    def connected(self):
        assert self.process.poll() is None, (self.folder / "log").read_text(errors="replace")
        with inside("client"):
            connection = socket.socket()
        try:
            connection.connect(("127.0.0.1", 2828))
            return connection
        except OSError:
            connection.close()
            return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process, self.folder)
        self.socket.close()

    def receive(self):
        while b":" not in self.buffer:
            self.buffer += self.read()
        size, _, self.buffer = self.buffer.partition(b":")
        while len(self.buffer) < int(size):
            self.buffer += self.read()
        text, self.buffer = self.buffer[:int(size)], self.buffer[int(size):]
        return json.loads(text)

    def read(self):
        got = self.socket.recv(1 << 16)
        assert got, "Firefox ended"
        return got

    def call(self, method, **params):
        """The value that a command returns; what went wrong as an exception's text."""
        self.number += 1
        request = json.dumps([0, self.number, method, params]).encode()
        self.socket.sendall(b"%d:%s" % (len(request), request))
        while True:
            _, number, error, value = self.receive()
            if number == self.number:
                break
        if error:
            raise RuntimeError(f"{error['error']}: {error['message']}")
        return value.get("value", value)

    def force_address(self, address):
        """From now on every name is at this address, without asking a name server."""
        self.call("Marionette:SetContext", value="chrome")
        self.call("WebDriver:ExecuteScript", args=[address],
                  script='Services.prefs.setStringPref("network.dns.forceResolve", arguments[0])')
        self.call("Marionette:SetContext", value="content")

    def load(self, url, limit=60):
        self.call("WebDriver:SetTimeouts", pageLoad=limit * 1000)
        self.socket.settimeout(limit + START_S)
        start = time.monotonic()
        try:
            self.call("WebDriver:Navigate", url=url)
        except RuntimeError as error:
            found = re.search(r"[?&]e=(\w+)", str(error))
            return Load(time.monotonic() - start, error=found[1] if found else str(error).split(":")[0])
        seconds = time.monotonic() - start
        text, protocol = self.call("WebDriver:ExecuteScript", args=[], script="""
            return [document.body.innerText, performance.getEntriesByType("navigation")[0].nextHopProtocol]""")
        return Load(seconds, protocol, text)


CADDYFILE = """
{
	admin off
	auto_https disable_redirects
	local_certs
	skip_install_trust
	on_demand_tls {
		interval 1m
		burst 10000
	}
	storage file_system FOLDER/storage
	log {
		level ERROR
	}
}
https://, http:// {
	bind 10.77.2.3 fd77:2::3
	tls internal {
		on_demand
	}
	log {
		output file FOLDER/access
		format json
	}
	respond "{host} {http.request.proto}"
}
"""


class Caddy:
    """HTTP/1.1, 2 and 3 for every name, on the addresses where h3.example is; its access log by request."""

    def __init__(self, testbed, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "access"
        (folder / "Caddyfile").write_text(CADDYFILE.replace("FOLDER", str(folder)))
        self.folder = folder
        with open(folder / "log", "wb") as log:
            self.process = testbed.popen("server", CADDY, "run", "--adapter", "caddyfile", "--config",
                                         folder / "Caddyfile", stdout=log, stderr=log, env=environment(folder))
        try:
            wait_until(self.listens, "Caddy listens")
        except BaseException:
            end(self.process)
            raise

    def listens(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with inside("server"), socket.socket() as probe:
            return probe.connect_ex((CADDY_ADDRESS[4], 443)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)

    def issuer_key(self):
        """The hash of the key that its certificates are signed with, as Chromium takes it."""
        path = self.folder / "storage/pki/authorities/local/intermediate.crt"
        wait_until(path.exists, "Caddy has made its keys")
        pem = run("openssl", "x509", "-in", path, "-noout", "-pubkey").stdout
        der = base64.b64decode("".join(pem.splitlines()[1:-1]))
        return base64.b64encode(hashlib.sha256(der).digest()).decode()

    def requests(self, host=None):
        """(protocol, host) of every request so far, in order: HTTP/1.1, HTTP/2.0, HTTP/3.0. Those for one host."""
        lines = self.path.read_text().split("\n")[:-1] if self.path.exists() else []
        found = [(line["request"]["proto"], line["request"]["host"].lower()) for line in map(json.loads, lines)
                 if line.get("msg") == "handled request" and "favicon" not in line["request"]["uri"]]
        return [one for one in found if host is None or one[1] == host]
