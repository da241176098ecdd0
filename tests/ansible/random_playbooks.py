#!/usr/bin/env python3
"""Random playbooks, run by Vent and by Ansible: they must end alike.

    random_playbooks.py VENT ANSIBLE_PLAYBOOK FIRST END

makes one playbook for each seed from FIRST up to END: plays with blocks, roles and their dependencies, includes, imports,
handlers, tags, conditions, loops, delegates, batches. Each task that runs adds its name to a file of its host. Compared are
the exit code, the recap and the order of the tasks on each host. A playbook that ends otherwise stays in a folder, which is
named. Not made here, because Vent differs: handlers that nobody has (Ansible ends the run, Vent the host), conditions on
variables that do not exist (how often a failure in nested blocks counts as rescued), `--skip-tags always` (Ansible then runs
no handlers).
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

HANDLERS = ["one", "two", "three", "topic"]
HOSTS = """\
[web]
a
b
[db]
c
[all:vars]
ansible_connection=local
"""
CONDITIONS = [
    "inventory_hostname == 'a'",
    "inventory_hostname != 'b'",
    "inventory_hostname in groups['web']",
    "flag | bool",
    "not flag | bool",
    "number == 2",
    "missing is defined",
    "inventory_hostname in ansible_play_hosts",
]
OF_RESULTS = ["{} is defined", "{} | default({{}}) is changed", "({} | default({{}})).rc | default(9) == 0"]


class Writer:
    """Writes one playbook with its files; every choice comes from the seed."""

    def __init__(self, seed, folder):
        self.random, self.folder = random.Random(seed), folder
        self.names = self.files = self.depth = self.numbered = 0
        self.handlers, self.results, self.roles = [], [], []

    def often(self, chance):
        return self.random.random() < chance

    def name(self):
        self.names += 1
        return f"t{self.names}"

    def write(self, path, content):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False, width=200))
        return path

    def condition(self):
        chosen = self.random.choice(CONDITIONS)
        if self.results and self.often(0.3):
            chosen = self.random.choice(OF_RESULTS).format(self.random.choice(self.results))
        return [chosen, self.random.choice(CONDITIONS)] if self.often(0.15) else chosen

    def variables(self):
        return {"number": self.random.randint(1, 3)}

    def decorated(self, task, block=False):
        """A task or block with some keywords that all tasks may have."""
        if self.often(0.2):
            task["when"] = self.condition()
        if self.often(0.12):
            task["tags"] = self.random.choice([["x"], ["y"], ["x", "y"], ["always"], ["never", "z"]])
        if self.handlers and self.often(0.3):
            chosen = self.random.choices(self.handlers, k=2)
            task["notify"] = chosen if self.often(0.5) else chosen[0]
        if not block:
            if self.often(0.08):
                task["run_once"] = True
            if self.often(0.06):
                task["delegate_to"] = self.random.choice(["a", "b", "localhost"])
            if self.often(0.3):
                task["register"] = f"result{self.random.randint(1, 5)}"
                self.results.append(task["register"])
            if self.often(0.08):
                task["ignore_errors"] = True
        if self.often(0.08):
            task["vars"] = self.variables()
        return task

    def told(self, name):
        return f"echo {name} >> {{{{ out }}}}/{{{{ inventory_hostname }}}}"

    def command(self, name):
        task = {"name": name, "shell": self.told(name)}
        if self.often(0.12):
            task["shell"], task["loop"] = self.told(name + "-{{ item }}"), [1, 2, 3]
        if self.often(0.1):
            task["shell"] += "; exit 3"
        elif self.often(0.1):
            task["shell"] += "; test {{ inventory_hostname }} != b"
        if self.often(0.12):
            task["changed_when"] = self.random.choice([False, "inventory_hostname == 'a'", "number == 2"])
        if self.often(0.08):
            task["failed_when"] = self.random.choice([False, "inventory_hostname == 'b'", "number == 3"])
        return self.decorated(task)

    def meta(self, name):
        actions = ["flush_handlers", "flush_handlers", "clear_host_errors", "end_host", "end_play", "end_batch", "noop"]
        task = {"name": name, "meta": self.random.choice(actions)}
        if task["meta"].startswith("end") or self.often(0.2):
            task["when"] = self.condition()
        return task

    def task(self):
        kinds = [self.command] * 11 + [self.set_fact, self.checked, self.meta]
        if self.depth < 4:
            kinds += [self.block, self.included, self.role_task] * 2
        return self.random.choice(kinds)(self.name())

    def set_fact(self, name):
        value = self.random.choice([1, 2, 3, True, False])
        return self.decorated({"name": name, "set_fact": {self.random.choice(["number", "flag"]): value}})

    def checked(self, name):
        if self.often(0.5):
            return self.decorated({"name": name, "assert": {"that": self.condition()}})
        return {"name": name, "fail": {"msg": "no"}, "when": self.condition()}

    def tasks(self, least, most):
        return [self.task() for _ in range(self.random.randint(least, most))]

    def below(self, least, most):
        self.depth += 1
        tasks = self.tasks(least, most)
        self.depth -= 1
        return tasks

    def block(self, name):
        block = {"name": name, "block": self.below(1, 3)}
        if self.often(0.6):
            block["rescue"] = self.below(1, 2)
        if self.often(0.5):
            block["always"] = self.below(1, 2)
        return self.decorated(block, block=True)

    def included(self, name):
        self.files += 1
        path = self.write(f"included{self.files}.yml", self.below(1, 3))
        task = {"name": name, self.random.choice(["include_tasks", "import_tasks"]): str(path)}
        if self.often(0.3):
            task["when"] = self.condition()
        if self.often(0.2):
            task["vars"] = self.variables()
        if "include_tasks" in task and self.often(0.2):
            task["loop"] = [1, 2]
        return task

    def role_task(self, name):
        task = {"name": name, self.random.choice(["include_role", "import_role"]): {"name": self.role()}}
        if self.often(0.25):
            task["when"] = self.condition()
        if self.often(0.2):
            task["vars"] = self.variables()
        return task

    def role(self):
        if self.roles and self.often(0.4):
            return self.random.choice(self.roles)
        self.numbered += 1
        name = f"role{self.numbered}"
        self.depth += 2
        self.write(f"roles/{name}/tasks/main.yml", self.tasks(1, 3))
        self.depth -= 2
        handler = {"name": f"of {name}", "shell": self.told(f"of-{name}")}
        if self.often(0.3):
            handler["listen"] = "topic"
        self.write(f"roles/{name}/handlers/main.yml", [handler])
        if self.often(0.4):
            self.write(f"roles/{name}/defaults/main.yml", self.variables())
        about = {}
        if self.roles and self.often(0.3):
            about["dependencies"] = [self.random.choice(self.roles)]
        if self.often(0.2):
            about["allow_duplicates"] = True
        self.write(f"roles/{name}/meta/main.yml", about)
        self.roles.append(name)
        return name

    def play(self):
        self.handlers = HANDLERS
        play = {
            "hosts": self.random.choice(["all", "all", "web", "a", "web:!a"]),
            "gather_facts": False,
            "vars": {"number": self.random.randint(1, 3), "flag": self.often(0.5)},
        }
        for keyword, chance, values in [
            ("serial", 0.15, [1, 2, [1, 2]]),
            ("any_errors_fatal", 0.1, [True]),
            ("force_handlers", 0.15, [True]),
            ("max_fail_percentage", 0.08, [40]),
        ]:
            if self.often(chance):
                play[keyword] = self.random.choice(values)
        if self.often(0.3):
            play["pre_tasks"] = self.tasks(1, 2)
        if self.often(0.4):
            play["roles"] = [self.used_role() for _ in range(self.random.randint(1, 2))]
        play["tasks"] = self.tasks(2, 5)
        if self.often(0.25):
            play["post_tasks"] = self.tasks(1, 2)
        play["handlers"] = [self.handler(name) for name in HANDLERS[:3]]
        return play

    def used_role(self):
        more = self.random.choice([{}, {"number": 2}, {"tags": ["y"], "when": self.condition()}])
        return {"role": self.role(), **more}

    def handler(self, name):
        handler = {"name": name, "shell": self.told(name)}
        if self.often(0.2):
            handler["when"] = self.random.choice(CONDITIONS)
        if self.often(0.15):
            handler["notify"] = self.random.choice(HANDLERS[1:])
        if name == "three" or self.often(0.3):
            handler["listen"] = "topic"
        if self.often(0.07):
            handler["shell"] += "; exit 1"
        return handler

    def options(self):
        options = []
        if self.often(0.15):
            options += ["--tags", self.random.choice(["x", "y", "x,y", "z", "all,z"])]
        if self.often(0.1):
            options += ["--skip-tags", self.random.choice(["x", "y"])]
        if self.often(0.08):
            options += ["--limit", "a,c"]
        return options


def ended(program, folder, options):
    """Exit code, recap and what each host did, in its order; and all that was printed."""
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [*program, "-i", "hosts.ini", "-e", f"out={out}", *options, "site.yml"],
            cwd=folder,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        told = [f"exit code {done.returncode}"]
        recap = sorted(line for line in done.stdout.splitlines() if " ok=" in line)
        told += [re.sub(r" undecided=\d+", "", " ".join(line.split())) for line in recap]
        for path in sorted(Path(out).iterdir()):
            told.append(f"{path.name}: {' '.join(path.read_text().split())}")
        return "\n".join(told), done.stdout + done.stderr


def main():
    vent, ansible = sys.argv[1:3]
    different = 0
    for seed in range(int(sys.argv[3]), int(sys.argv[4])):
        folder = Path(tempfile.mkdtemp(prefix=f"playbook-{seed}-"))
        writer = Writer(seed, folder)
        writer.write("site.yml", [writer.play() for _ in range(writer.random.randint(1, 2))])
        (folder / "hosts.ini").write_text(HOSTS)
        options = writer.options()
        ours, our_log = ended([vent, "run", "--output", "plain"], folder, options)
        theirs, their_log = ended([ansible], folder, options)
        if ours == theirs:
            shutil.rmtree(folder)
            continue
        different += 1
        (folder / "vent.log").write_text(our_log)
        (folder / "ansible.log").write_text(their_log)
        print(f"{folder} {' '.join(options)}\n--- Vent\n{ours}\n--- Ansible\n{theirs}\n")
    print(f"{different} of {int(sys.argv[4]) - int(sys.argv[3])} playbooks end otherwise")
    sys.exit(different > 0)


main()
