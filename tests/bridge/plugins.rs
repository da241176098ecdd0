//! Filters, tests and lookups of Python's, by the installed ansible-core.

use super::{PLAY, Project};

const FILTERS: &str = "import os
from jinja2 import pass_context, pass_environment
open(os.path.join(os.path.dirname(__file__), '..', 'loaded'), 'a').write('x')
@pass_context
def seen(context, value, name='word'):
    return [value, context.resolve(name), 'nowhere' in context]
@pass_environment
def knows(environment, name):
    return name in environment.filters
def twice(value, times=2):
    for _ in range(times):
        yield value
def fails(value):
    open(os.path.join(os.path.dirname(__file__), '..', 'called'), 'w').write(str(value))
    raise ValueError('on purpose {{ value }}')
def ends(value):
    os._exit(3)
def given(value, *args, **named):
    return [value, list(args), named]
class FilterModule:
    def filters(self):
        return dict(seen=seen, knows=knows, twice=twice, fails=fails, ends=ends, given=given, pair=lambda v: (v, 1.5),
                    one=lambda v: {v}, raw=lambda v: '{{ ' + v + ' }}', thing=lambda v: object(),
                    upper=lambda v: 'own ' + v, keys=lambda v: {1: v, 'a': None})
";

const TESTS: &str = "class TestModule:
    def tests(self):
        return {'big': lambda v, than=10: v > than, 'even': lambda v: v == 3, 'odd_one': lambda v: v % 2 == 1}
";

const LOOKUP: &str = "import copy
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **named):
        if 'fail' in terms:
            raise AnsibleError('not found on purpose')
        found = []
        for term in terms:
            if str(term).endswith('.txt'):
                path = self.find_file_in_search_path(variables, 'files', term)
                found.append(self._loader._get_file_contents(path)[0].decode().strip())
            elif term == 'copies':
                mine, deep = variables.copy(), copy.deepcopy(variables)
                mine['item'], deep['word'] = 'set', '{{ item }}'
                mine.update(nowhere='here')
                removed = mine.pop('word')
                with self._templar.set_temporary_context(available_variables=dict(deep, item='seen')):
                    again = self._templar.template(deep['word'])
                found.append([mine['item'], mine['nowhere'], 'word' in mine, 'item' in variables, len(removed) > 1, 'list' in list(variables), again])
            else:
                templated = self._templar.template(variables['word'])
                found.append([term, named, templated, variables.get('nowhere'), variables['hostvars']['localhost']['inventory_hostname']])
        return found
";

const PLAYBOOK: &str = "- hosts: \"{{ 'localhost' | given | first }}\"
  gather_facts: false
  vars:
    word: \"{{ 'a' ~ 'b' }}\"
    list: [1, 3, 12, 30]
    unsafe: !unsafe '{{ evil }}'
  roles: [one]
  tasks:
    - set_fact:
        results:
          seen: \"{{ 'x' | seen }}\"
          knows: \"{{ ['knows', 'upper', 'nowhere'] | map('knows') | list }}\"
          twice: \"{{ 'x' | twice(times=3) }}{{ unsafe | twice }}\"
          given: \"{{ {'a': [1, 2.5, true, none, 'é']} | given('b', [3], k={'d': unsafe}) }}\"
          pair: \"{{ ['x', 2] | map('pair') | list }}\"
          one: \"{{ 'x' | one }}\"
          raw: \"{{ 'word' | raw }}\"
          own: \"{{ 'x' | upper }} {{ ['x'] | map('upper') | first }} {{ 'x' | ansible.builtin.upper }}\"
          tests: \"{{ [3 is big, 30 is big, 5 is big(2), 5 is not big 2, 3 is even, 4 is even] }}\"
          select: \"{{ list | select('big') | list + list | reject('big', than=2) | list + list | select('even') | list }}\"
          attributes: \"{{ [{'n': {'m': 5}}, {'n': {'m': 50}}] | selectattr('n.m', 'big') | list }}\"
          chain: \"{{ ('x' | upper | twice | join('-') | length) + 1 if 3 is odd_one else 0 }}\"
          missing: \"{{ nowhere | twice | default('nothing') }}\"
          lookup: \"{{ lookup('mine', 1, k=[2]) }}\"
          query: \"{{ query('mine', 'a', word) }}\"
          copies: \"{{ lookup('mine', 'copies') }}\"
          joined: \"{{ lookup('mine', 'one.txt', 'two.txt') }}\"
          listed: \"{{ lookup('mine', 'one.txt', wantlist=true) }}\"
          ignored: \"{{ [lookup('mine', 'fail', errors='ignore'), query('mine', 'fail', errors='ignore')] }}\"
          env: \"{{ lookup('env', 'HOME') }}\"
          first: \"{{ 'x' | acme.tools.first }} {{ 'x' | acme.tools.old }} {{ 'x' | acme.tools.below.deep }} {{ 'x' is acme.tools.shiny }}\"
          options: \"{{ lookup('acme.tools.look', 1) }} {{ lookup('acme.tools.look', 1, prefix='p') }}\"
          jinja: \"{{ 'some text' | wordwrap(4) }} {{ {'a': 1} | xmlattr }}\"
          of_role: \"{{ 'x' | of_role }} {{ from_role }}\"
          block: \"{% filter upper %}a{% endfilter %}{% set x | given(1) %}b{% endset %}{{ x }}{% for i in list | map('twice') %}{{ i | length }}{% endfor %}\"
    - debug: {msg: \"{{ item }}\"}
      with_mine: [1, \"{{ word }}\"]
      register: looped
    - debug: {msg: \"{{ 'x' | fails }}\"}
      register: fails
      ignore_errors: true
    - debug: {msg: \"{{ ['x', 'y'] | map('fails') | list }}\"}
      register: fails_in_map
      ignore_errors: true
    - debug: {msg: \"{{ nowhere | twice }}\"}
      register: undefined
      ignore_errors: true
    - debug: {msg: \"{{ 'x' | seen('nowhere') }}\"}
      register: asks_undefined
      ignore_errors: true
    - debug: {msg: \"{{ lookup('mine', 'fail') }}\"}
      register: lookup_fails
      ignore_errors: true
    - template: {src: t.j2, dest: \"{{ out }}.t\"}
    - copy:
        content: \"{{ {'results': results, 'looped': looped.results | map(attribute='msg') | list, 'fails': fails.msg, 'fails_in_map': fails_in_map.msg, 'undefined': undefined.msg, 'asks': asks_undefined.msg, 'lookup': lookup_fails.msg, 'template': lookup('file', out ~ '.t')} | to_nice_json }}\"
        dest: \"{{ out }}\"
";

/// The project of the playbook.
fn project() -> Project {
    let at = "collections/ansible_collections/acme/tools";
    let role_filter =
        "class FilterModule:\n    def filters(self):\n        return {'of_role': lambda v: 'role ' + v}\n";
    let deep =
        "class FilterModule:\n    def filters(self):\n        return {'deep': lambda v: 'deep ' + v}\n";
    let look = "DOCUMENTATION = '''\nname: look\nshort_description: x\ndescription: x\noptions:\n  _terms: {description: x}\n  \
                prefix: {description: x, default: usual, vars: [{name: look_prefix}]}\n'''\nfrom ansible.plugins.lookup import LookupBase\n\
                class LookupModule(LookupBase):\n    def run(self, terms, variables=None, **named):\n        \
                self.set_options(var_options=variables, direct=named)\n        return [self.get_option('prefix') + str(t) for t in terms]\n";
    Project::new(&[
        ("site.yml", PLAYBOOK),
        (
            "inventory",
            "localhost ansible_connection=local ansible_python_interpreter=\"{{ ansible_playbook_python }}\"\n",
        ),
        ("filter_plugins/own.py", FILTERS),
        ("filter_plugins/broken.py", "import no_such_library\n"),
        ("test_plugins/own.py", TESTS),
        ("lookup_plugins/mine.py", LOOKUP),
        (
            "lookup_plugins/env.py",
            "from ansible.plugins.lookup import LookupBase\nclass LookupModule(LookupBase):\n    def run(self, terms, **named):\n        return ['own ' + t for t in terms]\n",
        ),
        ("files/one.txt", "one\n"),
        ("files/two.txt", "two\n"),
        ("templates/t.j2", "{% include 'inner.j2' %} {{ 5 is big(4) }}"),
        ("templates/inner.j2", "{{ 'x' | of_role | upper }}"),
        ("roles/one/filter_plugins/own_of_role.py", role_filter),
        ("roles/one/files/role.txt", "of the role\n"),
        (
            "roles/one/tasks/main.yml",
            "- set_fact: {from_role: \"{{ lookup('mine', 'role.txt') }} {{ 'x' | of_role }}\"}\n",
        ),
        (
            &format!("{at}/plugins/filter/many.py"),
            "from ansible_collections.acme.tools.plugins.plugin_utils.words import WORD\nfrom ..plugin_utils.words import WORD as SAME\n\
             class FilterModule:\n    def filters(self):\n        return {'first': lambda v: WORD + v + SAME}\n",
        ),
        (&format!("{at}/plugins/filter/below/other.py"), deep),
        (&format!("{at}/plugins/plugin_utils/words.py"), "WORD = 'word'\n"),
        (
            &format!("{at}/plugins/test/t.py"),
            "class TestModule:\n    def tests(self):\n        return {'shiny': lambda v: v == 'x'}\n",
        ),
        (&format!("{at}/plugins/lookup/look.py"), look),
        (
            &format!("{at}/meta/runtime.yml"),
            "plugin_routing:\n  filter:\n    old: {redirect: acme.tools.first}\n    gone: {tombstone: {removal_version: 2.0.0, warning_text: use first}}\n",
        ),
    ])
}

#[test]
#[ignore = "needs ansible-core"]
fn results_of_plugins_are_those_of_ansible_playbook() {
    let project = project();
    let run = |name: &str| ["site.yml", "-i", "inventory", "-e", name].map(str::to_string);
    let out = |name: &str| format!("out={}", project.path(name).display());
    let (own, genuine) = (run(&out("own.json")), run(&out("genuine.json")));
    let own: Vec<&str> = std::iter::once("run")
        .chain(own.iter().map(String::as_str))
        .collect();
    let genuine: Vec<&str> = genuine.iter().map(String::as_str).collect();
    let said = project.vent(&own);
    said.ended(0).holds(&["calls of plugins that are not Vent's"]);
    project.ansible(&genuine).ended(0);
    let text = |name: &str| {
        let text = std::fs::read_to_string(project.path(name)).unwrap();
        text.replace(&format!("{name}.t"), "")
    };
    assert_eq!(text("own.json"), text("genuine.json"));
    assert!(text("own.json").contains("own HOME"), "{}", text("own.json"));
}

#[test]
#[ignore = "needs ansible-core"]
fn files_are_loaded_again_only_where_they_have_changed_or_are_used() {
    let project = Project::new(&[
        (
            "used.yml",
            &format!("{PLAY}    - debug: {{msg: \"{{{{ 'x' | given }}}}\"}}\n"),
        ),
        (
            "unused.yml",
            &format!("{PLAY}    - debug: {{msg: \"{{{{ 'x' | to_json }}}}\"}}\n"),
        ),
        ("filter_plugins/own.py", FILTERS),
    ]);
    let loaded = || {
        std::fs::read_to_string(project.path("loaded"))
            .unwrap_or_default()
            .len()
    };
    project.vent(&["run", "unused.yml"]).ended(0).lacks("bridged");
    project.vent(&["validate", "unused.yml"]).ended(0);
    assert_eq!(loaded(), 0);
    project.vent(&["validate", "used.yml"]).ended(0);
    project.vent(&["validate", "used.yml"]).ended(0);
    assert_eq!(loaded(), 1);
    project
        .vent(&["run", "used.yml", "-v"])
        .ended(0)
        .holds(&["bridged: 1 call of plugins", "filter given: 1"]);
    assert_eq!(loaded(), 2);
    project.write(
        "filter_plugins/own.py",
        &FILTERS.replace("given=given", "taken=given"),
    );
    project
        .vent(&["validate", "used.yml"])
        .ended(4)
        .holds(&["no filter named 'given'", "used.yml:4:"]);
}

#[test]
#[ignore = "needs ansible-core"]
fn what_is_unknown_is_handed_to_no_plugin() {
    let project = project();
    project.write(
        "site.yml",
        &format!(
            "{PLAY}    - command: echo x\n      register: r\n    - debug: {{msg: \"a {{{{ r.stdout | fails }}}}\"}}\n    \
             - debug: {{msg: \"b {{{{ [r.stdout] | map('fails') | list }}}}\"}}\n    - debug: {{msg: \"c {{{{ lookup('mine', r.stdout, 'fail') }}}}\"}}\n    \
             - debug: {{msg: \"d {{{{ 'x' | seen('r') }}}}\"}}\n    - debug: {{msg: \"not shown {{{{ 'x' | seen }}}}\"}}\n      when: r.stdout is big\n      vars: {{word: w}}\n    \
             - debug: {{msg: \"f {{{{ 'x' | seen }}}}\"}}\n      vars: {{word: w}}\n"
        ),
    );
    let said = project.vent(&["run", "site.yml", "--check"]);
    said.ended(0)
        .holds(&["<<unknown: the result of `command`", "f ['x', 'w', False]"]);
    assert!(!project.path("called").exists());
    for gone in ["on purpose", "a x", "not shown"] {
        said.lacks(gone);
    }
}

#[test]
#[ignore = "needs ansible-core"]
fn secrets_stay_secrets_in_plugins() {
    let project = project();
    project.write(
        "site.yml",
        "- hosts: localhost\n  gather_facts: false\n  vars_files: [vault.yml]\n  tasks:\n    \
             - debug: {msg: \"{{ hidden | turned }}\"}\n    - debug: {msg: \"{{ ['x'] | map('seen', 'hidden') | list }}\"}\n    \
             - debug: {msg: \"{{ hidden | fails_with }}\"}\n      ignore_errors: true\n    - debug: {msg: \"{{ lookup('mine', 1) }}\"}\n      vars: {word: \"{{ hidden }}\"}\n",
    );
    project.write(
        "filter_plugins/more.py",
        "def fails_with(v):\n    raise ValueError('told ' + v)\nclass FilterModule:\n    def filters(self):\n        return {'fails_with': fails_with, 'turned': lambda v: v[::-1]}\n",
    );
    project.write("password", "secret\n");
    let mut vault = vent::vault::Vault::default();
    vault.add("default", "secret");
    let sealed = vault.encrypt(b"hidden: correct-horse\n", "default").unwrap();
    project.write("vault.yml", &sealed);
    let said = project.vent(&["run", "site.yml", "--vault-password-file", "password", "-v"]);
    said.ended(0)
        .lacks("correct-horse")
        .lacks("esroh-tcerroc")
        .holds(&["bridged: 4 calls"]);
}

#[test]
#[ignore = "needs ansible-core"]
fn what_is_nowhere_or_cannot_be_loaded_fails_when_it_is_reached() {
    let project = project();
    let task =
        |text: &str| format!("    - debug: {{msg: \"{{{{ {text} }}}}\"}}\n      ignore_errors: true\n");
    let tasks: String = [
        "1 | gone_away",
        "1 | no_library",
        "1 | acme.tools.gone",
        "1 | no.such.filter",
        "query('nothing')",
        "1 | ends",
        "1 | given",
    ]
    .map(task)
    .concat();
    project.write("site.yml", &format!("{PLAY}{tasks}"));
    project.write(
        "filter_plugins/broken.py",
        "import no_such_library\nclass FilterModule:\n    def filters(self):\n        return {'no_library': str}\n",
    );
    let said = project.vent(&["run", "site.yml"]);
    said.ended(0).holds(&[
        "filter `gone_away`: site.yml:4:",
        "filter gone_away is unknown",
        "broken.py cannot be loaded",
        "No module named 'no_such_library'",
        "the filter `acme.tools.gone` is gone: use first",
        "The lookup plugin 'nothing' was not found.",
        "The filter plugin 'ends' failed: the worker ended in the middle of it",
        "bridged: 2 calls of plugins",
    ]);
    project
        .vent(&["validate", "site.yml"])
        .ended(4)
        .holds(&["no filter named 'gone_away'", "no filter named 'no.such.filter'"]);
}

#[test]
fn without_ansible_core_a_plugin_is_refused_and_vents_own_are_used() {
    let project = project();
    project.write(
        "site.yml",
        &format!("{PLAY}    - debug: {{msg: \"{{{{ 'x' | upper }}}}\"}}\n    - debug: {{msg: \"{{{{ 'x' | given }}}}\"}}\n"),
    );
    for said in [
        project.bare(&["run", "site.yml"]),
        project.bare(&["run", "site.yml", "--native-only"]),
    ] {
        said.ended(2).holds(&[
            "has a filter `upper` cannot be told without ansible-core: Vent's own is used",
            "the filter `given` needs the bridge to Python: ",
            "own.py",
            "  X\n",
        ]);
    }
    project
        .bare(&["validate", "site.yml", "--native-only"])
        .ended(4)
        .holds(&["--native-only forbids the bridge to Python", "site.yml:5:30"]);
}

#[test]
#[ignore = "needs ansible-core"]
fn a_lookup_holds_up_only_the_host_that_asks() {
    // Each call waits until those of all hosts have begun.
    let met = "import os, time\nfrom ansible.plugins.lookup import LookupBase\nclass LookupModule(LookupBase):\n    def run(self, terms, variables=None, **named):\n        \
               open(terms[0] + '/' + variables['inventory_hostname'], 'w').close()\n        end = time.time() + 60\n        \
               while len(os.listdir(terms[0])) < 3 and time.time() < end:\n            time.sleep(0.05)\n        return [len(os.listdir(terms[0]))]\n";
    let project = Project::new(&[
        (
            "inventory",
            "a ansible_connection=local\nb ansible_connection=local\nc ansible_connection=local\n",
        ),
        ("lookup_plugins/met.py", met),
        (
            "site.yml",
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ inventory_hostname }} met {{ lookup('met', playbook_dir ~ '/begun') }}\"}\n",
        ),
    ]);
    std::fs::create_dir(project.path("begun")).unwrap();
    let said = project.vent(&["run", "site.yml", "-i", "inventory"]);
    said.ended(0)
        .holds(&["a met 3", "b met 3", "c met 3", "bridged: 3 calls"]);
}
