#!/usr/bin/env python3
"""Writes what fuzzing begins with into a folder: for each target `TARGET/`, out of the files of this repository and, where it has none,
out of what stands here; and `TARGET.dict`, the words that the sources of its reader know."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = pathlib.Path(sys.argv[1])
# Longer ones are only slow.
LONGEST = 4096

# The rooms in which the words of a target stand.
ROOMS = {
    "yaml": ["yaml"],
    "playbook": ["model", "yaml"],
    "free-form": ["model/load"],
    "inventory": ["inventory", "yaml", "value"],
    "pattern": ["inventory/pattern.rs"],
    "template": ["template", "value"],
    "vault": ["vault.rs"],
    "ssh-config": ["connection"],
    "known-hosts": ["connection/known_hosts.rs"],
    "shell": ["connection/frame.rs"],
    "answers": ["host/printed.rs"],
    "facts": ["host/facts", "host/facts.rs"],
    "module": ["module/module_output.rs", "value/python_json.rs"],
    "server": ["bridge"],
}


def seed(target, content):
    """One seed."""
    content = content.encode() if isinstance(content, str) else content
    if len(content) <= LONGEST:
        folder = OUT / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha1(content).hexdigest()[:16]).write_bytes(content)


def tracked(*patterns):
    """The files of this repository that match."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, check=True, capture_output=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def of_files():
    """YAML, playbooks, inventories, templates; what stands behind the names of modules and behind `hosts:`."""
    modules = {b"debug": 0, b"set_fact": 0, b"group_by": 0, b"command": 1, b"shell": 1, b"file": 2, b"copy": 2, b"add_host": 3}
    free = re.compile(rb"^\s*-?\s*(?:ansible\.builtin\.)?(" + b"|".join(modules) + rb"): +([^|>\s{\[][^\n]*)$", re.M)
    for path in tracked("*.yml", "*.yaml"):
        content = path.read_bytes()
        seed("yaml", content)
        if b"hosts:" in content:
            seed("playbook", content)
        if re.search(rb"hosts:|children:", content) and b"tasks" not in content and b"plugin" not in content:
            seed("inventory", content)
        for name, text in free.findall(content):
            seed("free-form", bytes([modules[name]]) + text)
        for pattern in re.findall(rb"hosts: +([^\n{]+)", content):
            seed("pattern", pattern)
    for path in tracked("*.ini", "*/hosts", "tests/*/inventory*"):
        seed("inventory", path.read_bytes())
    for path in tracked("*.j2"):
        seed("template", b"f" + path.read_bytes())
    for case in json.loads((ROOT / "tests/templates/expected.json").read_text()):
        seed("template", ("c" if case["kind"] == "condition" else "v") + case["text"])


def of_patterns():
    """Patterns as Ansible documents them."""
    for text in """all web*:!web1* web:&all_of ~web[0-9]+ web[0] web[1:3] web[-2:] web[2:] db1,db2 all:!db *.example.org
            web03.example.org:db1 @none ::1 web:&db:!empty localhost""".split():
        seed("pattern", text)
    seed("pattern", "web\ndb\n!db1")


def of_vault():
    """Made by ansible-vault with the password `secret`, and what only looks like it."""
    made = """$ANSIBLE_VAULT;1.1;AES256
34633264633864303561306335626266663937396165393932653737336537643366633437616638
6239336634623930313263393061633830623239643463340a393762373833653165303037306663
37363237643938353632643837646234333732323731666339656463636430613066343337646365
6433393163306539360a633338636262353839623266336131396435636166643464626364613830
3239
"""
    seed("vault", made)
    seed("vault", made.replace("\n", "\r\n    "))
    seed("vault", made.replace("1.1;AES256", "1.2;AES256;prod"))
    seed("vault", "$ANSIBLE_VAULT;1.0;AES\n3132\n")
    seed("vault", "$ANSIBLE_VAULT;1.2;AES256;default\n" + b"00\n11\n22".hex() + "\n")


def of_ssh():
    """Arguments for ssh and, from the second line on, what ssh_config(5) describes; keys and the files that know them."""
    for text in [
        '\nIdentityFile ~/.ssh/a\n\nHost web* !web9\n\tPort=2222\n  IdentityFile "~/my keys/b"\nHost *\n  Port 22\n  User all # really\n',
        "-o Port=2 -o User=me -oIdentitiesOnly=yes -o StrictHostKeyChecking=accept-new -C -o ControlMaster=auto\nHost web\n"
        "  HostName 192.0.2.7\n  Port 1\n  ProxyJump you@edge:2222\nHost edge\n  HostName edge.example.org\n  User nobody\n",
        "-o ProxyCommand='nc -x proxy %h %p %%' -p 2200\nMatch host web user me\n  Port 1\nMatch exec true\n  Port 2\nMatch all\n  Port 3\n",
        "-J a,b@[::1]:22,ssh://c:33 -l root -i ~/.ssh/id -F none\n",
        "\nMatch originalhost web !localuser you\n  UserKnownHostsFile ~/.ssh/k1 /x/%h-%p-%r-%u-%d-%n\n  GlobalKnownHostsFile none\n"
        "  HostKeyAlgorithms +ssh-rsa,rsa-sha2-*\n  PubkeyAcceptedAlgorithms ^ssh-ed25519\n  RevokedHostKeys ~/revoked\n"
        "  HostKeyAlias alias\n  ConnectTimeout 5\n  ServerAliveInterval 3\n  ServerAliveCountMax 9\n  IdentityAgent none\n"
        "  PubkeyAuthentication no\n  StrictHostKeyChecking off\n",
        '\nProxyCommand ssh -W %h:%p "gate way"\nProxyJump none\nHostName %h.example.org\nIdentityAgent SSH_AUTH_SOCK\n',
    ]:
        seed("ssh-config", text)
    one = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
    two = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X"
    other = (
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAgSLssLd1ZhPZ6UMXmwMk5A9fZRCJ5GkswkEWNARFqd"
        "01787It5saYS9HpGRyg5FuVxlBPGePyW4gYtFrmNxwI="
    )
    for known in [
        f"web {one}\n",
        f"[web]:2222,192.0.2.1 {two} c\n*.example.org,!bad.example.org {other}\n",
        f"# x\n\nweb? {one}\n@revoked * {two}\n@cert-authority web* {one}\n",
        f"web {two}\nweb {one}\n",
        f"{one}\n",
        f"{other} c\n",
    ]:
        seed("known-hosts", f"{one}\n{known}")
        seed("known-hosts", f"{other}\n{known}")


def of_hosts():
    """Talks with a shell and printed answers, as `src/answers.rs` takes them apart; the facts of this computer."""
    number = b"\xff"

    def piece(content, stream=0):
        parts = [content[at : at + 63] for at in range(0, len(content), 63)]
        return b"".join(bytes([len(part) << 2 | stream]) + part for part in parts)

    def answer(output, code):
        output = piece(number + b"b;" + output + number + b"x" + code + b";")
        return output + piece(number + b"b;err" + number + b"e;", 1) + b"\0"

    hello = piece(b"Welcome\n" + number + b"h110;") + piece(number + b"e;", 1) + b"\0"
    job = piece(number.join([b"", b"b;", b"c123;", b"g456;out", b"x0;", b"z;"]))
    job += piece(number.join([b"", b"b;", b"c124;err", b"e;"]), 1) + b"\0"
    seed("shell", hello + answer(b"hello\n", b"0") + job + answer(b"", b"1"))
    seed("shell", hello + answer(b"x" * 100 + number + b"y", b"-1") + job.replace(b"z;", b"y;"))
    seed("shell", hello + b"\x06")
    seed("shell", piece(b"noise" * 30) + b"\x0a\0")

    def record(kind, content):
        return number + kind + content + number

    def stat(path, mode):
        return b"S%s 0 0 12 1 2 3 1 99 5 root:root:%s\n" % (mode, path)

    printed = record(b"l", stat(b"a", b"a1ff") + stat(b"b", b"81a4")) + record(b"f", stat(b"a", b"41ed")) + record(b"t", b"a=target")
    printed += record(b"d", b"3=" + hashlib.sha256().hexdigest().encode() + b"  a")
    printed += record(b"p", b"a amd64 1.0 installed\nb all 2 deinstalled\n")
    printed += record(b"u", b"'a'=LoadState=loaded\nActiveState=active\nSubState=running\n")
    singles = [b"ycontent", b"yone\0two\0", b"a:x:1:2:c:/h:/s\ng1 g2", b"a:x:5:m,n", None, None, b"y1", b"y", b"out\n"]
    for at, single in enumerate(singles):
        if single is not None:
            printed += record(b"n", b"%d=" % (4 + at) + single) + b"c0;"
    seed("answers", printed)
    seed("facts", b'\x1elocal a\n{"x": [1]}\n\x1elocal b\n[general]\nName = v\n#no=1\n')
    facts = subprocess.run(["sh", ROOT / "src/host/facts.sh"], check=True, capture_output=True).stdout
    for section in facts.split(b"\x1e")[1:]:
        seed("facts", b"\x1e" + section[:1500])
    seed("module", b'welcome\n{"rc": 1, "x": [NaN, -1e3, "\\u00e4\\ud83d\\ude00"], "warnings": ["w"], "results": 1}\nbye\n')
    seed("module", b'{"failed": true, "msg": "m", "diff": [{"before": "a\\n", "after": "b\\n"}], "stdout": "a\\nb"}')
    seed("module", b'{"ansible_facts": {"a": 1, "ansible_host": 2}, "deprecations": [{"msg": "d", "version": "1"}], "skipped": true}')
    frame = b'{"id": 1, "rc": 0, "out": 2}'
    seed("server", len(frame).to_bytes(4, "big") + b"\0\0\0\0" + frame)
    seed("server", len(frame).to_bytes(4, "big") + b"\0\0\0\3" + frame + b"abc")


def words(target):
    """The short texts of the sources, as a dictionary of libFuzzer."""
    found = set()
    for room in ROOMS[target]:
        path = ROOT / "src" / room
        for source in sorted(path.rglob("*.rs")) if path.is_dir() else [path]:
            code = source.read_text().split("#[cfg(test)]\nmod tests")[0]
            found.update(re.findall(r'"([!#-\[\]-~]{2,20})"', code))
    (OUT / f"{target}.dict").write_text("".join(f'"{word}"\n' for word in sorted(found)))


OUT.mkdir(parents=True, exist_ok=True)
of_files()
of_patterns()
of_vault()
of_ssh()
of_hosts()
for name in ROOMS:
    words(name)
