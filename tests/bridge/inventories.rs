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
