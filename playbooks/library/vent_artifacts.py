#!/usr/bin/python
"""Lets ansible-playbook run the steps that Vent does itself: it asks `vent artifacts`, which must be on this computer."""

DOCUMENTATION = """
module: vent_artifacts
short_description: Gets the programs and images of a cluster
description:
  - Gets programs and images into the cache of this computer and into a folder, each checked against its digest.
    Vent has this module built in.
options:
  artifacts:
    description: The folder with artifacts.yml, lock.yml and the modules that are built.
    type: str
    required: true
  names:
    description: Names; NAME=VERSION makes sure that it is that version. All, if there are none.
    type: list
    elements: str
    default: []
  arch:
    description: Architectures. Left out, that of this computer.
    type: list
    elements: str
  variant:
    description: The special build of those programs that have it.
    type: str
  to:
    description: A folder that gets the files as well, at ARCH/NAME (a variant at ARCH-VARIANT/NAME).
    type: str
  mirror:
    description: A folder or an address that is asked before the publishers.
    type: str
author: [Vent]
"""

EXAMPLES = """
- name: Get etcd for this computer
  vent_artifacts:
    artifacts: "{{ playbook_dir | dirname }}/artifacts"
    names: [etcd]
    to: /srv/artifacts
"""

RETURN = """
missing:
  description: What was missing, a line each, with where it came from.
  type: list
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule

CHANGED = "changed: "


def main():
    module = AnsibleModule(
        argument_spec={
            "artifacts": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
            "arch": {"type": "list", "elements": "str"},
            "variant": {"type": "str"},
            "to": {"type": "str"},
            "mirror": {"type": "str"},
        },
        supports_check_mode=True,
    )
    given = module.params
    if given["arch"] == []:
        module.exit_json(changed=False, missing=[])
    command = [module.get_bin_path("vent", required=True), "artifacts", "fetch"]
    for name in ("artifacts", "variant", "to", "mirror"):
        command += ["--" + name, given[name]] if given[name] else []
    for name in ("names", "arch"):
        command += ["--" + name, ",".join(given[name])] if given[name] else []
    command += ["--dry-run"] if module.check_mode else []
    code, out, err = module.run_command(command)
    if code != 0:
        module.fail_json(msg=err.strip(), rc=code)
    missing = [line[len(CHANGED):] for line in out.splitlines() if line.startswith(CHANGED)]
    module.exit_json(
        changed=bool(missing),
        missing=missing,
        diff={"before": "", "after": "".join(line + "\n" for line in missing)},
    )


if __name__ == "__main__":
    main()
