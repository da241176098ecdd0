//! Inventories that plugins of Python's make, by the installed ansible-core.

use super::Project;

const PLUGIN: &str = "DOCUMENTATION = '''
name: mine
short_description: x
description: x
extends_documentation_fragment: [constructed]
options:
  plugin: {description: x, required: true}
  count: {description: x, type: int, default: 2}
  fail: {description: x, type: bool, default: false}
'''
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
class InventoryModule(BaseInventoryPlugin, Constructable):
    NAME = 'mine'
    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        if self.get_option('fail'):
            raise AnsibleParserError('no answer on purpose')
        inventory.add_group('web')
        inventory.add_group('all_web')
        inventory.add_child('all_web', 'web')
        inventory.set_variable('web', 'of_group', {'a': [1, ['x']], 'b': None})
        inventory.set_variable('all_web', 'ansible_group_priority', 5)
        for n in range(1, self.get_option('count') + 1):
            h = 'h%d' % n
            inventory.add_host(h, group='web' if n > 1 else None)
            for name, value in {'n': n, 'text': '{{ 7 * 7 }}', 'ansible_connection': 'local'}.items():
                inventory.set_variable(h, name, value)
            known = inventory.hosts[h].get_vars()
            self._set_composite_vars(self.get_option('compose'), known, h, strict=True)
            self._add_host_to_keyed_groups(self.get_option('keyed_groups'), inventory.hosts[h].get_vars(), h, strict=True)
            self._add_host_to_composed_groups(self.get_option('groups'), known, h, strict=True)
";

/// One line for each host, in their order.
const PLAYBOOK: &str = "- hosts: all
  gather_facts: false
  tasks:
    - copy:
        content: \"{% for h in ansible_play_hosts %}{{ hostvars[h] | dict2items | rejectattr('key', 'match', 'ansible_|vent_|group|omit|out|play|inventory_|hostvars|environment|role') | list | items2dict | to_json(sort_keys=true) }} {{ hostvars[h].group_names | sort }}\\n{% endfor %}\"
        dest: \"{{ out }}\"
      run_once: true
      delegate_to: localhost
      vars: {ansible_python_interpreter: \"{{ ansible_playbook_python }}\"}
";

fn project() -> Project {
    Project::new(&[
        ("site.yml", PLAYBOOK),
        ("inventory_plugins/mine.py", PLUGIN),
        (
            "hosts/a_mine.yml",
            "plugin: mine\ncount: 3\ncompose: {twice: n * 2, named: \"'a' ~ n\"}\nkeyed_groups: [{key: named, prefix: by}]\ngroups: {late: n > 1}\n",
        ),
        (
            "hosts/b_constructed.yml",
            "plugin: constructed\nstrict: true\ncompose: {more: twice + 1}\ngroups: {high: twice > 4}\n",
        ),
        ("hosts/c_hosts", "[web]\nh9 ansible_connection=local n=9\n"),
        ("hosts/group_vars/late.yml", "beside: \"{{ n }} late\"\n"),
    ])
}

#[test]
#[ignore = "needs ansible-core"]
fn hosts_of_plugins_are_those_of_ansible_playbook() {
    let project = project();
    for inventory in ["hosts/a_mine.yml", "hosts"] {
        let out = |name: &str| format!("out={}", project.path(name).display());
        project
            .vent(&["run", "site.yml", "-i", inventory, "-e", &out("own")])
            .ended(0);
        project
            .ansible(&["site.yml", "-i", inventory, "-e", &out("genuine")])
            .ended(0);
        let text = |name: &str| std::fs::read_to_string(project.path(name)).unwrap();
        assert_eq!(text("own"), text("genuine"));
        assert!(text("own").contains("by_a2"), "{}", text("own"));
    }
}

#[test]
#[ignore = "needs ansible-core"]
fn an_inventory_that_a_plugin_cannot_make_is_refused() {
    let project = project();
    project.write("fails.yml", "plugin: mine\nfail: true\n");
    project.write("nowhere.yml", "plugin: acme.tools.nowhere\n");
    let list = |inventory: &str, more: &[&str]| {
        project.vent(&[&["run", "site.yml", "--list-hosts", "-i", inventory], more].concat())
    };
    list("fails.yml", &[])
        .ended(1)
        .holds(&["fails.yml:1:1", "no answer on purpose"]);
    list("nowhere.yml", &[]).ended(1).holds(&[
        "there is no inventory plugin `acme.tools.nowhere`",
        "nowhere.yml:1:9",
    ]);
    list("hosts/a_mine.yml", &["--native-only"]).ended(1).holds(&[
        "the inventory plugin `mine` needs the bridge to Python",
        "--native-only",
    ]);
}

#[test]
#[ignore = "needs ansible-core"]
fn a_setting_that_a_plugin_heeds_is_none_that_nobody_heeds() {
    let project = project();
    project.write("ansible.cfg", "[inventory_plugins]\nuse_extra_vars = true\n");
    project.write(
        "hosts/d_constructed.yml",
        "plugin: constructed\nstrict: true\ncompose: {taken: given}\n",
    );
    let out = |name: &str| format!("out={} given=typed", project.path(name).display());
    let said = project.vent(&["run", "site.yml", "-i", "hosts", "-e", &out("own")]);
    said.ended(0).lacks("does not heed");
    project
        .ansible(&["site.yml", "-i", "hosts", "-e", &out("genuine")])
        .ended(0);
    let text = |name: &str| std::fs::read_to_string(project.path(name)).unwrap();
    assert_eq!(text("own"), text("genuine"));
    assert!(text("own").contains("\"taken\": \"typed\""), "{}", text("own"));
}

const VARS: &str = "import os
from ansible.inventory.host import Host
from ansible.plugins.vars import BaseVarsPlugin
class VarsModule(BaseVarsPlugin):
    def get_vars(self, loader, path, entities, cache=True):
        super().get_vars(loader, path, entities)
        said = {}
        for entity in entities:
            is_host = isinstance(entity, Host)
            groups = sorted(group.name for group in entity.get_groups()) if is_host else None
            said['WORD_%s_%s' % ('host' if is_host else 'group', os.path.basename(path))] = [entity.name, groups]
            said['WORD_text'] = '{{ 1 + 1 }}'
            if entity.name == 'web':
                said.update(beside_file='WORD', playbook_file='WORD', of_inventory='WORD')
        return said
";

#[test]
#[ignore = "needs ansible-core"]
fn variables_of_vars_plugins_are_those_of_ansible_playbook() {
    let collection = "collections/ansible_collections/acme/tools/plugins/vars/theirs.py";
    let project = Project::new(&[
        (
            "ansible.cfg",
            "[defaults]\nvars_plugins_enabled = host_group_vars, acme.tools.theirs\n",
        ),
        (
            "site.yml",
            &PLAYBOOK
                .replace("all", "web,localhost")
                .replace("ansible_play_hosts", "['a', 'b', 'localhost']"),
        ),
        ("vars_plugins/own.py", &VARS.replace("WORD", "own")),
        (
            collection,
            &VARS
                .replace("WORD", "theirs")
                .replace("playbook_file='theirs', ", ""),
        ),
        (
            "hosts/hosts",
            "[web]\na ansible_connection=local\nb ansible_connection=local\n[all:vars]\nof_inventory=all\n",
        ),
        ("hosts/group_vars/web.yml", "beside_file: file\n"),
        ("group_vars/web.yml", "playbook_file: file\n"),
    ]);
    let out = |name: &str| format!("out={}", project.path(name).display());
    let folder = project
        .folder
        .path()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_string();
    let text = |name: &str| {
        std::fs::read_to_string(project.path(name))
            .unwrap()
            .replace(&folder, "FOLDER")
    };
    project
        .vent(&["run", "site.yml", "-i", "hosts", "-e", &out("own")])
        .ended(0);
    project
        .ansible(&["site.yml", "-i", "hosts", "-e", &out("genuine")])
        .ended(0);
    assert_eq!(text("own"), text("genuine"));
    for part in [
        "\"own_host_hosts\": [\"a\", [\"all\", \"web\"]]",
        "theirs_group_FOLDER",
        "\"theirs_text\": \"{{ 1 + 1 }}\"",
    ] {
        assert!(text("own").contains(part), "no {part} in {}", text("own"));
    }
    project
        .vent(&[
            "run",
            "site.yml",
            "-i",
            "hosts",
            "--native-only",
            "-e",
            &out("none"),
        ])
        .ended(0)
        .holds(&["vars plugins are not asked: --native-only forbids the bridge to Python"]);
    project.write(
        "vars_plugins/fails.py",
        &VARS.replace("        said = {}", "        raise ValueError('on purpose')"),
    );
    project
        .vent(&["run", "site.yml", "-i", "hosts"])
        .ended(1)
        .holds(&["a vars plugin fails", "on purpose"]);
}
