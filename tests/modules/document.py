#!/usr/bin/env python3
"""Writes down what Ansible documents of the results of Vent's modules: lines `MODULE NAME TYPE`, names in other values
with dots. Usage: document.py ANSIBLE_DOC VENT >documented.txt. Without a word of Ansible's texts."""

import json
import subprocess
import sys

ansible_doc, vent = sys.argv[1:]


def printed(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


modules = printed(vent, "modules").split()
known = json.loads(printed(ansible_doc, "-t", "module", "--json", *modules))


def values(returned, before=""):
    for name, value in sorted((returned or {}).items()):
        yield before + name, value["type"]
        yield from values(value.get("contains"), f"{before}{name}.")


print("# Written by document.py: what Ansible documents of results, MODULE NAME TYPE.")
for module in modules:
    for name, kind in values((known.get(module) or {}).get("return")):
        print(module, name, kind)
