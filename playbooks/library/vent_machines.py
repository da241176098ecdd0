#!/usr/bin/python
"""Lets ansible-playbook run the steps that Vent does itself: it asks `vent machines`, which must be on this computer."""

DOCUMENTATION = """
module: vent_machines
short_description: Makes or removes the machines that an inventory asks for
description:
  - Brings about what stands behind C(machines) in the inventory file of a provider. Vent has this module built in.
options:
  state:
    description: Whether the machines are to be there.
    type: str
    choices: [present, absent]
    default: present
  cluster:
    description: Whose machines. Needed to remove them.
    type: str
  only:
    description: Only machines of these names are removed.
    type: list
    elements: str
    default: []
  inventory:
    description: The inventory files.
    type: list
    elements: str
    default: []
author: [Vent]
"""

EXAMPLES = """
- name: Bring about the machines that the inventory asks for
  vent_machines:
    inventory: "{{ ansible_inventory_sources }}"
"""

RETURN = """
steps:
  description: What was done, or would be.
  type: list
  returned: always
machines:
  description: The machines, with name, role and address.
  type: list
  returned: always
"""

import json

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "cluster": {"type": "str"},
            "only": {"type": "list", "elements": "str", "default": []},
            "inventory": {"type": "list", "elements": "str", "default": []},
        },
        required_if=[("state", "absent", ["cluster"])],
        supports_check_mode=True,
    )
    given = module.params
    sources = [word for source in given["inventory"] for word in ("--inventory", source)]
    command = [module.get_bin_path("vent", required=True), "machines"]
    if given["state"] == "absent":
        command += ["remove", "--cluster", given["cluster"]]
        command += ["--check"] if module.check_mode else []
        for name in given["only"]:
            command += ["--only", name]
    else:
        command += ["plan" if module.check_mode else "apply"]
    code, out, err = module.run_command(command + ["--json"] + sources)
    if code != 0 and "asks for no machines" in err and given["state"] == "present":
        module.exit_json(changed=False, steps=[], machines=[])
    if code != 0:
        module.fail_json(msg=err.strip(), rc=code)
    told = json.loads(out)
    text = {name: "".join(line + "\n" for line in told[name]) for name in ("before", "after")}
    changed = bool(told["steps"])
    module.exit_json(
        changed=changed,
        steps=told["steps"],
        machines=told["machines"],
        diff=text,
    )


if __name__ == "__main__":
    main()
