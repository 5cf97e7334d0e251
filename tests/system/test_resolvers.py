# SPDX-License-Identifier: GPL-3.0-or-later
"""Real resolvers carry exported orders: Unbound, BIND and dnsmasq load what `filterctl export` writes, and
decide on each of a sample of names as `filterctl check` does. And filterd reads their files as they do. All in a
network namespace of its own, in front of a name server that knows every name."""
import itertools
import json
import pathlib
import shutil
import subprocess

import pytest

from harness import FILTERCTL, order, run, wait_until

HERE = pathlib.Path(__file__).parent
SPACE, UPSTREAM, PORT = "filterd-resolvers", 5399, 5353
REAL, SINK = "192.0.2.9", "192.0.2.80"

# Subtrees with exceptions in them, and a block of somebody else's in an exception.
ZONES = [order("s.example", "a.deep.one.example", id="zones"),
         order("ok.in.s.example", id="but", action="allow"),
         order("bad.ok.in.s.example", id="again", authority="Another Authority"),
         order("k.example", id="sink", answer=f"sinkhole {SINK}")]
ALONE = [order("n.example", "x.n.example", "m.s-1.example", id="alone", match="exact")]
# What only a zone can say: exceptions for a name alone, what is below a name without the name, silence.
REST = [order("only.s.example", id="but-alone", action="allow", match="exact"),
        order("u.example", id="below", authority="Third Authority"),
        order("u.example", id="below-but", action="allow", match="exact", authority="Third Authority"),
        order("d.example", id="drop", answer="drop")]

LISTED = ["s.example", "in.s.example", "ok.in.s.example", "bad.ok.in.s.example", "only.s.example", "k.example",
          "a.deep.one.example", "n.example", "x.n.example", "u.example", "d.example", "m.s-1.example"]


def sample(listed=LISTED):
    """Each listed name, names below and above it, and names that only look like it."""
    names = set()
    for name in listed:
        names |= {name, name.partition(".")[2], f"w.{name}", f"v.w.{name}", f"not{name}", f"{name}.net",
                  f"s-{name}"}
    return sorted(name for name in names if name.count(".") > 0)


@pytest.fixture
def space(testbed_session, programs):
    """A namespace with a loopback device; run() and start() work in it."""
    run("ip", "netns", "add", SPACE)
    run("ip", "-n", SPACE, "link", "set", "lo", "up")
    started = []

    def start(folder, name, *command):
        program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin:/bin")
        if not program:
            pytest.skip(f"{command[0]} is missing (see scripts/setup)")
        log = open(folder / f"{name}.log", "wb")
        started.append(subprocess.Popen(["ip", "netns", "exec", SPACE, program, *map(str, command[1:])],
                                        stdout=log, stderr=log))
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)
        run("ip", "netns", "del", SPACE)


def lookups(names, port=PORT):
    done = run("ip", "netns", "exec", SPACE, "python3", HERE / "lookups.py", port, input="\n".join(names))
    return json.loads(done.stdout)


def upstream(start, folder):
    start(folder, "upstream", "dnsmasq", "-k", "-C", "/dev/null", "-p", UPSTREAM, "--no-resolv", "--no-hosts",
          "--listen-address=127.0.0.1", "--bind-interfaces", f"--address=/#/{REAL}", "--pid-file=", "-u", "root")
    wait_until(lambda: lookups(["free.example"], UPSTREAM)["free.example"], "the upstream name server answers")


def decisions(orders, names):
    """For each name, the order that blocks it by filterd's own judgement, or None."""
    blocked = {}
    for name in names:
        answer = json.loads(run(FILTERCTL, "check", "--json", "--orders", orders, name, check=False).stdout)
        blocked[name] = answer["order"] if answer["blocked"] else None
    return blocked


def export(folder, texts, format, losses=False):
    path, out = folder / "orders", folder / f"exported.{format}"
    path.mkdir()
    for number, text in enumerate(texts):
        (path / f"{number}.order").write_text(text)
    done = run(FILTERCTL, "export", "--orders", path, "--format", format, "-o", out, check=False)
    assert done.returncode == (1 if losses else 0), (done.stdout, done.stderr)
    return path, out


def compare(orders, process, expected):
    """`expected` maps an order's answer to what the resolver says of a name that it blocks."""
    names = sample()
    wanted = decisions(orders, names)
    assert sum(map(bool, wanted.values())) > 10 and sum(not order for order in wanted.values()) > 10
    wait_until(lambda: process.poll() is None and lookups(["free.example"])["free.example"],
               "the resolver answers")
    got = lookups(names)
    wrong = {}
    for name in names:
        right = expected[wanted[name]["answer"]] if wanted[name] else [0, [REAL]]
        if got[name] != right:
            wrong[name] = (got[name], right, wanted[name])
    assert not wrong, wrong


RPZ_ANSWERS = {"nxdomain": [3, []], "sinkhole": [0, [SINK]], "drop": None}


def unbound(start, folder, server="", more=""):
    config = folder / "unbound.conf"
    config.write_text(f"""server:
  interface: 127.0.0.1
  port: {PORT}
  do-ip6: no
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
  {server}
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{UPSTREAM}
remote-control:
  control-enable: no
{more}""")
    return start(folder, "unbound", "unbound", "-d", "-c", config)


def unbound_rpz(start, folder, zone):
    return unbound(start, folder, 'module-config: "respip iterator"',
                   f'rpz:\n  name: "filterd.rpz"\n  zonefile: "{zone}"\n')


def unbound_zones(start, folder, included):
    return unbound(start, folder, 'module-config: "iterator"', f'include: "{included}"\n')


def test_unbound_rpz(space, tmp_path):
    orders, zone = export(tmp_path, ZONES + ALONE + REST, "rpz")
    upstream(space, tmp_path)
    compare(orders, unbound_rpz(space, tmp_path, zone), RPZ_ANSWERS)


def named(start, folder, zone):
    config = folder / "named.conf"
    config.write_text(f"""options {{
  directory "{folder}";
  pid-file none;
  session-keyfile none;
  listen-on port {PORT} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  forward only;
  forwarders {{ 127.0.0.1 port {UPSTREAM}; }};
  dnssec-validation no;
  response-policy {{ zone "filterd.rpz"; }} qname-wait-recurse no;
}};
controls {{ }};
zone "filterd.rpz" {{ type primary; file "{zone}"; }};
""")
    return start(folder, "named", "named", "-g", "-n", "1", "-c", config)


def test_bind_rpz(space, tmp_path):
    orders, zone = export(tmp_path, ZONES + ALONE + REST, "rpz")
    upstream(space, tmp_path)
    compare(orders, named(space, tmp_path, zone), RPZ_ANSWERS)


def test_unbound_zones(space, tmp_path):
    orders, included = export(tmp_path, ZONES, "unbound")
    upstream(space, tmp_path)
    process = unbound_zones(space, tmp_path, included)
    compare(orders, process, {"nxdomain": [3, []], "sinkhole": [0, [SINK]]})


def test_unbound_names_alone(space, tmp_path):
    orders, included = export(tmp_path, ZONES + ALONE, "unbound", losses=True)  # 0.0.0.0 for NXDOMAIN
    upstream(space, tmp_path)
    process = unbound_zones(space, tmp_path, included)
    names = sample()
    wanted = decisions(orders, names)
    wait_until(lambda: process.poll() is None and lookups(["free.example"])["free.example"], "it answers")
    got = lookups(names)
    assert {name for name in names if got[name] != [0, [REAL]]} == {name for name in names if wanted[name]}
    assert got["n.example"] == [0, ["0.0.0.0"]]


def dnsmasq(start, folder, *options):
    return start(folder, "dnsmasq", "dnsmasq", "-k", "-p", PORT, "--no-resolv", "--no-hosts", "--pid-file=", "-u",
                 "root", "--listen-address=127.0.0.1", "--bind-interfaces",
                 f"--server=127.0.0.1#{UPSTREAM}", *options)


def test_dnsmasq(space, tmp_path):
    orders, config = export(tmp_path, ZONES, "dnsmasq")
    upstream(space, tmp_path)
    process = dnsmasq(space, tmp_path, "-C", config)
    compare(orders, process, {"nxdomain": [3, []], "sinkhole": [0, [SINK]]})


def test_dnsmasq_hosts(space, tmp_path):
    orders, hosts = export(tmp_path, [order(*map("n{}.example".format, range(20)), match="exact")], "hosts")
    upstream(space, tmp_path)
    process = dnsmasq(space, tmp_path, "-C", "/dev/null", f"--addn-hosts={hosts}")
    names = [f"{front}n{i}.example" for front, i in itertools.product(("", "w.", "a"), range(20))]
    wanted = decisions(orders, names)
    wait_until(lambda: process.poll() is None and lookups(["free.example"])["free.example"], "it answers")
    got = lookups(names)
    for name in names:
        assert got[name] == [0, ["0.0.0.0" if wanted[name] else REAL]], name


# ---- their files, read by them and by filterd

FOREIGN = {
    "rpz": """$TTL 300
@ SOA localhost. root.localhost. 1 3600 600 86400 300
  NS localhost.
s.example CNAME .
*.s.example CNAME .
ok.s.example CNAME rpz-passthru.
*.ok.s.example CNAME rpz-passthru.
n.example CNAME *.
d.example CNAME rpz-drop.
*.d.example CNAME rpz-drop.
k.example 60 IN A 192.0.2.80
*.k.example A 192.0.2.80
*.u.example CNAME .
w.example CNAME .
*.w.example CNAME .
a.b.w.example CNAME .
y.x.z.example CNAME .
*.y.x.z.example CNAME .
x.z.example CNAME .
*.x.z.example CNAME .
z.example CNAME .
*.z.example CNAME .
""",
    "unbound": """server:
local-zone: "s.example" always_nxdomain
local-zone: 'ok.s.example.' transparent
local-zone: n.example static
local-zone: "r.example" refuse
local-zone: "k.example" redirect
local-data: "k.example A 192.0.2.80"
local-zone: "o.example" always_null # zeros
local-data: "x.z.example. 60 IN A 0.0.0.0"
local-data: "x.z.example AAAA ::"
""",
    "dnsmasq": """address=/s.example/t.example/0.0.0.0
server=/ok.s.example/#
address=/n.example/
address=/k.example/192.0.2.80
local=/o.example/ # nobody to ask
server=/r.example/
address=/.w.example/#
address=/*.u.example/
""",
    "hosts": """127.0.0.1 localhost
0.0.0.0 s.example t.example # two
127.0.0.1\tn.example
0.0.0.0 x.z.example
""",
}
# What the tool blocks and filterd does not: names below one that is not blocked itself, or not with all that is below.
LESS = {"rpz": ("u.example", "w.example"), "unbound": (), "dnsmasq": ("u.example",), "hosts": ()}
LISTED_THERE = ["s.example", "ok.s.example", "t.example", "n.example", "d.example", "k.example", "o.example",
                "r.example", "u.example", "w.example", "b.w.example", "a.b.w.example", "x.z.example", "y.x.z.example"]


def importing(folder, format, path):
    """Orders that take all of a foreign list."""
    orders = folder / "orders"
    orders.mkdir()
    for action, skip in (("block", "exceptions"), ("allow", "blocks")):
        for match in ("exact", "subtree"):
            file = orders / f"{action}-{match}.order"
            file.write_text(order(id=f"{action}-{match}", action=action, match=match, list=f"{format}:{path}",
                                  skip=f"{skip} narrower"))
            # A list of which nothing is left is refused.
            done = run(FILTERCTL, "compile", "--orders", file, "-o", folder / "image", check=False)
            if done.returncode:
                assert "no name in this list" in done.stderr, done.stderr
                file.unlink()
    return orders


@pytest.mark.parametrize("format, tool", [("rpz", unbound_rpz), ("rpz", named), ("unbound", unbound_zones),
                                          ("dnsmasq", lambda start, folder, file: dnsmasq(start, folder, "-C", file)),
                                          ("hosts", lambda start, folder, file: dnsmasq(
                                              start, folder, "-C", "/dev/null", f"--addn-hosts={file}"))],
                         ids=["rpz-unbound", "rpz-bind", "unbound", "dnsmasq", "hosts"])
def test_foreign_lists(space, tmp_path, format, tool):
    path = tmp_path / "foreign"
    path.write_text(FOREIGN[format])
    orders = importing(tmp_path, format, path)
    upstream(space, tmp_path)
    process = tool(space, tmp_path, path)
    names = sample(LISTED_THERE)
    wait_until(lambda: process.poll() is None and lookups(["free.example"])["free.example"], "the resolver answers")
    got = lookups(names)
    theirs = {name for name in names if got[name] != [0, [REAL]]}
    ours = {name for name, blocked in decisions(orders, names).items() if blocked}
    assert ours and not ours - theirs, ours - theirs
    less = theirs - ours
    assert all(name.endswith(tuple(f".{top}" for top in LESS[format])) for name in less), less
    assert bool(less) == bool(LESS[format])
