"""The inventories and playbooks of bench/scale: what each makes a program do, how often, and how it has to end.

The hosts are fake: all are this computer (`ansible_connection: local`), and no task needs anything of them.
"""

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Callable

RACKS = 10
# Groups of the large inventory: 190 with hosts, 8 regions of them, `web` of six regions, and `db`.
LEAVES, REGIONS, WEB = 190, 8, 6
PATTERN = "group1*:&web:!db[0:50]"


@dataclass
class Scenario:
    """Something of which there can be more and more."""

    name: str
    about: str
    # What one unit of the work is.
    each: str
    # Writes the files of so many hosts and tasks into a folder; gives the words behind `vent run`.
    write: Callable[[Path, int, int], list]
    # What is wrong with the output; nothing if all was done.
    wrong: Callable[[str, int, int], str]
    # Units of the work.
    work: Callable[[int, int], int]
    # Hosts and tasks instead of those that were asked for.
    sizes: list | None = None
    # Seconds in which the largest size should be done.
    within: float | None = None


def name_of(number):
    return f"host{number:05}"


def yaml(*lines):
    return "\n".join(lines) + "\n"


def fleet(folder, hosts, more=""):
    """The inventory of the plays: half of the hosts are in `web`, each is in one of ten racks; `more` are variables."""
    names = [f"{name_of(number)} number={number}{more.format(number)}" for number in range(hosts)]
    lines = ["[all:vars]", "ansible_connection=local", "site=north", "[web]", *names[: (hosts + 1) // 2], "[db]"]
    lines += names[(hosts + 1) // 2 :]
    for rack in range(RACKS):
        lines += [f"[rack{rack}]", *map(name_of, range(rack, hosts, RACKS))]
        lines += [f"[rack{rack}:vars]", f"rack=rack{rack}", f"base={1000 * rack}"]
    lines += ["[racks:children]", *(f"rack{rack}" for rack in range(RACKS))]
    (folder / "hosts.ini").write_text("\n".join(lines) + "\n")


def play(folder, hosts, tasks, head="", more=""):
    """Writes a playbook of one play; gives the words that run it."""
    fleet(folder, hosts, more)
    text = "- hosts: all\n  gather_facts: false\n" + head + "  tasks:\n" + "".join(tasks)
    (folder / "site.yml").write_text(text)
    return ["-i", "hosts.ini", "site.yml"]


def task(*lines):
    """A task of a play, from its lines."""
    return "    - " + "\n      ".join(lines) + "\n"


def debug(text, *more):
    return task(f"name: {text[:40].translate(str.maketrans('', '', '{}'))!r}", "debug:", f'  msg: "{text}"', *more)


def ended(counts, number):
    """The counts of a host as the recap writes them, for host `number`; a count may be told by the number."""
    names = ["ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored"]
    told = {name: count(number) if callable(count) else count for name, count in counts.items()}
    return {name: told.get(name, 0) for name in names}


def recap(**counts):
    """A check that every host ended with these counts, each given by the number of tasks."""

    def wrong(output, hosts, tasks):
        found = {}
        for line in output[output.rfind("\nPLAY RECAP") :].splitlines():
            name, colon, rest = line.partition(" : ")
            if colon and name.startswith("host"):
                found[name.strip()] = {word: int(count) for word, count in (pair.split("=") for pair in rest.split())}
        given = {name: count(tasks) for name, count in counts.items()}
        for number in range(hosts):
            wanted = ended(given, number)
            if found.get(name_of(number)) != wanted:
                return f"{name_of(number)} ended with {found.get(name_of(number))}, not with {wanted}"
        return "" if len(found) == hosts else f"{len(found)} hosts in the recap, not {hosts}"

    return wrong


def trivial(folder, hosts, tasks):
    def round_of(at):
        return [
            debug(f"Round {at}: {{{{ inventory_hostname }}}} is number {{{{ number }}}} of {{{{ rack }}}}"),
            task(f"name: Remember {at}", "set_fact:", f'  sum_{at}: "{{{{ number | int + {at} }}}}"'),
            task("assert:", "  that:", f"    - sum_{at} | int == number | int + {at}", "    - number | int >= 0"),
            debug("{{ 'even' if number | int is divisibleby 2 else 'odd' }}", "register: shown"),
            task("assert:", "  that:", "    - shown.msg in ['even', 'odd']", "    - shown is not changed"),
            debug("{{ item }} of 3 on {{ inventory_hostname }}", "loop: [1, 2, 3]"),
            debug("{{ hostvars[groups['web'][0]].number }} is the first of {{ groups['web'] | length }}"),
            debug("{{ inventory_hostname }} serves pages", "when: \"'web' in group_names\""),
            task("set_fact:", f'  place_{at}: "{{{{ site | default(\'none\') | upper }}}}-{{{{ rack }}}}"'),
            task("debug:", "  var: port"),
        ]

    rounds = [line for at in range(-(-tasks // 10)) for line in round_of(at)]
    head = '  vars:\n    port: "{{ base | int + number | int }}"\n'
    return play(folder, hosts, rounds[:tasks], head)


def trivial_wrong(output, hosts, tasks):
    # In each round of ten tasks one is for the first half of the hosts only.
    skips = lambda number: tasks // 10 if number >= (hosts + 1) // 2 else 0
    counted = recap(ok=lambda tasks: lambda number: tasks - skips(number), skipped=lambda _: skips)
    return counted(output, hosts, tasks)


def when(folder, hosts, tasks):
    return play(folder, hosts, [debug(f"Never {at}", "when: false") for at in range(tasks)])


def register(folder, hosts, tasks):
    first = [debug("{{ inventory_hostname }}", "register: result_0")]
    rest = [debug(f"{at} {{{{ result_{at - 1}.msg | length }}}}", f"register: result_{at}") for at in range(1, tasks)]
    return play(folder, hosts, first + rest)


def files(folder, hosts, _):
    """A role, included tasks and roles, variables in files: the same for all, or one for each rack."""

    def put(path, *lines):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(yaml(*lines))

    def listed(count, text):
        return [f"- debug:\n    msg: \"{text} {at}: {{{{ inventory_hostname }}}}\"" for at in range(count)]

    put("common.yml", *(f"common_{at}: value {at}" for at in range(50)))
    for rack in range(RACKS):
        put(f"vars/rack{rack}.yml", *(f"of_rack_{at}: value {at} of rack {rack}" for at in range(20)))
        put(f"rack{rack}.yml", *listed(5, f"Rack {rack}, step"))
    put("steps.yml", *listed(10, "Step"))
    put("more.yml", *(f"more_{at}: value {at}" for at in range(20)))
    put("files/motd", "Welcome.")
    for role in ("base", "extra"):
        put(f"roles/{role}/defaults/main.yml", *(f"{role}_{at}: default {at}" for at in range(20)))
        put(f"roles/{role}/tasks/main.yml", *listed(5, f"{{{{ {role}_1 }}}}, task"))
    put(
        "roles/base/handlers/main.yml",
        "- name: Restart",
        "  debug:",
        '    msg: "{{ base_2 }} is read anew"',
    )
    tasks = [
        task("include_tasks: steps.yml"),
        task("include_tasks: steps.yml", "vars:", "  twice: true"),
        task('include_tasks: "{{ rack }}.yml"'),
        task("include_role:", "  name: extra"),
        task("include_vars: more.yml"),
        debug("{{ lookup('file', 'motd') }} {{ common_1 }} {{ of_rack_1 }} {{ more_1 }}"),
        debug("The configuration changed", "changed_when: true", "notify: Restart"),
    ]
    head = '  vars_files:\n    - common.yml\n    - "vars/{{ rack }}.yml"\n  roles:\n    - base\n'
    return play(folder, hosts, tasks, head)


# Five tasks of the role, four includes with 30 tasks, three tasks behind them and the handler.
FILES = 5 + 4 + 30 + 3 + 1


def items(folder, hosts, _):
    """Each host includes tasks for an item that no other host has."""
    (folder / "own.yml").write_text(yaml("- debug:", '    msg: "{{ item }}"', "- assert:", "    that: item | int >= 0"))
    return play(folder, hosts, [task("include_tasks: own.yml", 'loop: "{{ [number | int, number | int + 1] }}"')])


def rescue(folder, hosts, tasks):
    """Blocks, one for ten tasks that are asked for, of which the first task fails on every second host."""
    block = task(
        "block:",
        "  - fail:",
        "      msg: this host is odd",
        "    when: number | int % 2 == 1",
        "rescue:",
        "  - debug:",
        '      msg: "{{ ansible_failed_result.msg }}"',
        "always:",
        "  - debug:",
        "      msg: always",
    )
    return play(folder, hosts, [block] * (tasks // 10))


def group_by(folder, hosts, _):
    """Two groupings: hosts that enter a group one by one."""
    tasks = [
        task("group_by:", '  key: "parity_{{ number | int % 2 }}"'),
        task("group_by:", '  key: "tens_{{ number | int // 10 % 10 }}"'),
        debug("{{ group_names | length }}"),
    ]
    return play(folder, hosts, tasks)


def secrets(folder, hosts, tasks):
    """Each host has a password of its own, which must not be shown wherever it appears."""
    tasks = [debug(f"Task {at}") for at in range(tasks)]
    return play(folder, hosts, tasks, more=" ansible_become_password=hidden-{:05}")


def others(folder, hosts, _):
    """Each host reads a variable of each other one, as for /etc/hosts."""
    tasks = [debug("{{ groups['all'] | map('extract', hostvars, 'number') | map('int') | sum }}", "register: sum")]
    tasks += [task("assert:", f"  that: sum.msg | int == {hosts * (hosts - 1) // 2}")]
    return play(folder, hosts, tasks)


def members(hosts):
    """The members of the groups that have hosts of their own."""
    groups = {f"group{leaf}": list(range(leaf, hosts, LEAVES)) for leaf in range(LEAVES)}
    groups["db"] = list(range(0, hosts, 3))
    return groups


def children():
    """The groups of groups."""
    groups = {f"region{at}": [f"group{leaf}" for leaf in range(at, LEAVES, REGIONS)] for at in range(REGIONS)}
    groups["web"] = [f"region{at}" for at in range(WEB)]
    return groups


def pattern(folder, text):
    (folder / "site.yml").write_text(yaml(f"- hosts: '{PATTERN}'", "  gather_facts: false", "  tasks: []"))
    (folder / "hosts").write_text(text)
    return ["-i", "hosts", "--list-hosts", "site.yml"]


def ini(folder, hosts, _):
    lines = [f"{name_of(number)} number={number} rack=rack{number % RACKS}" for number in range(hosts)]
    for group, numbers in members(hosts).items():
        lines += [f"[{group}]", *map(name_of, numbers), f"[{group}:vars]", f"of_{group}=true"]
    for group, below in children().items():
        lines += [f"[{group}:children]", *below, f"[{group}:vars]", f"of_{group}=true"]
    return pattern(folder, "\n".join(lines) + "\n")


def yml(folder, hosts, _):
    lines = ["all:", "  hosts:"]
    for number in range(hosts):
        lines += [f"    {name_of(number)}:", f"      number: {number}", f"      rack: rack{number % RACKS}"]
    lines += ["  children:"]
    for group, numbers in members(hosts).items():
        lines += [f"    {group}:", "      vars:", f"        of_{group}: true", "      hosts:"]
        lines += [f"        {name_of(number)}:" for number in numbers]
    for group, below in children().items():
        lines += [f"    {group}:", "      vars:", f"        of_{group}: true", "      children:"]
        lines += [f"        {name}:" for name in below]
    return pattern(folder, yaml(*lines))


def listed_wrong(output, hosts, _):
    """Whether the pattern chose the hosts that it means."""
    groups, above = members(hosts), children()
    web = {number for region in above["web"] for leaf in above[region] for number in groups[leaf]}
    globbed = {number for name, numbers in groups.items() if fnmatch(name, "group1*") for number in numbers}
    wanted = {name_of(number) for number in (globbed & web) - set(groups["db"][:51])}
    found = [line.strip() for line in output.splitlines() if line.strip().startswith("host0")]
    right = sorted(found) == sorted(wanted)
    return "" if right else f"the pattern chose {len(found)} hosts, not the {len(wanted)} that it means"


def times(tasks=lambda tasks: tasks):
    """The work of so many tasks on every host."""
    return lambda hosts, count: hosts * tasks(count)


def every(tasks):
    return tasks


TASK = "a task on a host"

SCENARIOS = [
    Scenario(
        "trivial",
        "100 tasks: debug, set_fact, assert, a loop, hostvars, conditions",
        TASK,
        trivial,
        trivial_wrong,
        times(),
    ),
    Scenario("when", "100 tasks with `when: false`", TASK, when, recap(skipped=every), times()),
    Scenario(
        "register",
        "100 tasks, each registers its result and uses the one before",
        TASK,
        register,
        recap(ok=every),
        times(),
    ),
    Scenario(
        "results",
        "as `register`, with more and more tasks on 100 hosts",
        TASK,
        register,
        recap(ok=every),
        times(),
        [(100, 100), (100, 500), (100, 1000)],
    ),
    Scenario(
        "files",
        "a role, included tasks and roles, vars_files, include_vars, a handler",
        TASK,
        files,
        recap(ok=lambda _: FILES, changed=lambda _: 1),
        times(lambda _: FILES),
    ),
    Scenario(
        "items",
        "tasks included for two items that each host has for itself",
        TASK,
        items,
        recap(ok=lambda _: 6),
        times(lambda _: 6),
    ),
    Scenario(
        "rescue",
        "10 blocks that fail on every second host, with rescue and always",
        TASK,
        rescue,
        recap(
            ok=lambda tasks: lambda number: tasks // 10 * (1 + number % 2),
            skipped=lambda tasks: lambda number: tasks // 10 * (1 - number % 2),
            rescued=lambda tasks: lambda number: tasks // 10 * (number % 2),
        ),
        lambda hosts, tasks: tasks // 10 * (2 * hosts + hosts // 2),
    ),
    Scenario(
        "group_by",
        "two groupings of all hosts",
        TASK,
        group_by,
        recap(ok=lambda _: 3, changed=lambda _: 2),
        times(lambda _: 3),
    ),
    Scenario(
        "secrets",
        "100 tasks, and a password of its own for each host",
        TASK,
        secrets,
        recap(ok=every),
        times(),
    ),
    Scenario(
        "others",
        "each host reads a variable of every other one",
        "a variable of another host",
        others,
        recap(ok=lambda _: 2),
        lambda hosts, _: hosts * hosts,
        [(100, 0), (300, 0), (1000, 0)],
    ),
]
for kind, write in (("ini", ini), ("yaml", yml)):
    SCENARIOS.append(
        Scenario(
            f"inventory-{kind}",
            f"`--list-hosts` of `{PATTERN}` out of 200 groups, {kind.upper()}",
            "a host",
            write,
            listed_wrong,
            times(lambda _: 1),
            [(1000, 0), (10000, 0)],
            within=1,
        )
    )
