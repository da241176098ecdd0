//! Templates and files that would take memory or time without end are errors that name the budget and the option.

use super::playbook;
use std::process::Command;
use std::time::{Duration, Instant};

/// What a run says, in at most 3 GB of memory and a minute.
fn said(folder: &std::path::Path, more: &[&str]) -> (String, i32) {
    let script = "ulimit -v 3000000; exec timeout 60 \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_vent"), "run", "site.yml"]);
    let began = Instant::now();
    let output = command.args(more).current_dir(folder).output().unwrap();
    let (text, code) = super::ended(&output);
    assert!(
        began.elapsed() < Duration::from_secs(55),
        "it took {:?}",
        began.elapsed()
    );
    (text, code)
}

/// What a run says of one expression.
fn of(expression: &str, more: &[&str]) -> (String, i32) {
    let folder = playbook(&format!(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug:\n        msg: \"{expression}\"\n"
    ));
    said(folder.path(), more)
}

#[test]
fn an_evaluation_that_makes_too_much_is_an_error_that_names_the_option() {
    for expression in [
        "{{ 'a' | indent(10**10, true) | length }}",
        "{{ 'a' | center(10**10) | length }}",
        "{{ [1] | slice(10**9) | list | length }}",
        "{{ [1] | batch(10**10, 'x') | list | length }}",
        "{{ 'a'.ljust(10**10) | length }}",
        "{{ 'a'.rjust(10**10) | length }}",
        "{{ 'a'.center(10**10) | length }}",
        "{{ 'a'.zfill(10**10) | length }}",
        "{{ 'a' | comment(prefix_count=10**10) | length }}",
        "{{ range(60) | combinations(30) | list | length }}",
        "{{ [1,2,3] | product([1,2,3], repeat=20) | list | length }}",
        "{{ range(15) | permutations | list | length }}",
        "{{ lookup('sequence', 'end=10000000000') | length }}",
        "{{ lookup('sequence', 'end=1 format=%010000000000d') | length }}",
        "{{ lookup('nested', range(1000), range(1000), range(1000)) | length }}",
        "{{ 'a' | password_hash('sha512', 'abc', rounds=999999999) }}",
        "{{ {'a': [1]} | to_nice_json(indent=10**10) | length }}",
        "{{ ('a' * 10**5) | replace('a', 'a' * 10**5) | length }}",
        "{% set n = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x | length }}",
        "{% set n = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(40) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x | length }}",
        "{% set n = namespace(x=[1, 2]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x | length }}",
        "{% set n = namespace(x=[1, 2]) %}{% for i in range(60) %}{% set n.x = n.x * 2 %}{% endfor %}{{ n.x | length }}",
        "{% set n = namespace(x=[1, 2]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
        "{% set n = namespace(x=[1, 2]) %}{% for i in range(60) %}{% set n.x = {'a': n.x, 'b': n.x} %}{% endfor %}{{ n.x | to_json }}",
        "{% set n = namespace(x='a' * 10**6, l=[]) %}{% for i in range(90000) %}{% set n.l = n.l + [n.x ~ i] %}{% endfor %}{{ n.l | length }}",
        "{% set n = namespace(x='a' * 10**6, l=[]) %}{% for i in range(90000) %}{% set n.l = [n.x[i:], n.l] %}{% endfor %}{{ n.l | length }}",
        "{% set n = namespace(x='a' * 10**6, l=[]) %}{% for i in range(90000) %}{% set n.l = [n.x.upper(), n.l] %}{% endfor %}{{ n.l | length }}",
        "{% set n = namespace(x='a' * 10**6, l=none) %}{% for i in range(90000) %}{% set n.l = namespace(x=n.x ~ i, l=n.l) %}{% endfor %}{{ n.x | length }}",
        "{% set n = namespace(x='a' * 10**6, l=none) %}{% for i in range(90000) %}{% set n.l = dict(x=n.x ~ i, l=n.l) %}{% endfor %}{{ n.x | length }}",
        "{% set l = [] %}{% set x = 'a' * 10**6 %}{% for i in range(90000) %}{% set _ = l.append(x ~ i) %}{% endfor %}{{ l | length }}",
        "{% set l = {} %}{% set x = 'a' * 10**6 %}{% for i in range(90000) %}{% set _ = l.update({i: x ~ i}) %}{% endfor %}{{ l | length }}",
        "{{ ('a' * 10**5).replace('a', 'a' * 10**5) | length }}",
        "{% for i in range(100000) %}{{ 'x' * 10**5 }}{% endfor %}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% if j == i %}x{% endif %}{% endfor %}{% endfor %}",
    ] {
        let (text, code) = of(expression, &[]);
        assert!(text.contains("this takes more than "), "{expression}: {text}");
        assert!(
            text.contains("`--budget 2` allows twice as much"),
            "{expression}: {text}"
        );
        assert_eq!(code, 2, "{expression}: {text}");
    }
    for (expression, sentence) in [
        (
            "{{ range(10**9) | list | length }}",
            "range has too many elements",
        ),
        ("{{ 'x' * 10**9 }}", "this takes more than "),
    ] {
        let (text, code) = of(expression, &[]);
        assert!(text.contains(sentence) && code == 2, "{expression}: {text}");
    }
}

/// The budget of each evaluation is its own, and the option raises it.
#[test]
fn what_is_affordable_stays_so() {
    let wide = "{{ 'a'.ljust(200 * 2**20).ljust(100 * 2**20) | length }}";
    assert_eq!(of(wide, &[]).1, 2);
    let (text, code) = of(wide, &["--budget", "2"]);
    assert!(text.contains("209715200") && code == 0, "{text}");
    for (expression, wanted) in [
        ("{{ range(12) | combinations(6) | list | length }}", "924"),
        ("{{ [1,2] | permutations(3) | list | length }}", "0"),
        ("{{ [1,2,3] | combinations(4) | list | length }}", "0"),
        ("{{ range(5) | permutations(2) | list | length }}", "20"),
        // What grows little by little is counted by what is added.
        (
            "{% set n = namespace(x=[], t='') %}{% for i in range(5000) %}{% set n.x = n.x + [i] %}{% set n.t = n.t ~ 'some text' %}{% endfor %}\
             {{ n.x | length }}",
            "5000",
        ),
        (
            "{{ ([1, 2] + [3] * 2 + (['a' ~ 1])[0:1] + [[4]][0]) | join('-') }}",
            "1-2-3-3-a1-4",
        ),
        ("{{ [1,2] | product([3], repeat=2) | list | length }}", "4"),
        (
            "{{ lookup('sequence', 'count=100000') | split(',') | length }}",
            "100000",
        ),
    ] {
        let (text, code) = of(expression, &[]);
        assert!(
            text.contains(&format!(" {wanted}\n")) && code == 0,
            "{expression}: {text}"
        );
    }
}

#[test]
fn a_file_that_grows_or_nests_without_end_is_refused_soon() {
    let tasks = "  gather_facts: false\n  tasks:\n    - debug: {msg: x}\n";
    let nested = format!("    a: {}1{}\n", "{a: ".repeat(100_000), "}".repeat(100_000));
    let chain = |at: usize| {
        format!(
            "    a{at}: &a{at} [{}]\n",
            vec![format!("*a{}", at - 1); 10].join(", ")
        )
    };
    let aliases: String = (1..10).map(chain).collect();
    for (text, wanted) in [
        (
            format!("- hosts: localhost\n{tasks}  vars:\n{nested}"),
            "the text is nested deeper than 200 levels",
        ),
        (
            format!("- hosts: localhost\n{tasks}  vars:\n    a0: &a0 [x, x]\n{aliases}"),
            "this takes more than 2000000 values in one file",
        ),
        (
            format!("- hosts: {}b\n{tasks}", "a,".repeat(2_500_000)),
            "this takes more than 50000 parts in one pattern of hosts",
        ),
    ] {
        let (said, code) = said(playbook(&text).path(), &[]);
        let begin: String = said.chars().take(2000).collect();
        assert!(said.contains(wanted), "{begin}");
        assert_ne!(code, 0, "{begin}");
    }
}

#[test]
fn a_name_of_many_ranges_is_refused_before_it_is_read_out() {
    let folder = playbook("- hosts: all\n  tasks: []\n");
    std::fs::write(folder.path().join("hosts"), format!("h{}\n", "[0:9]".repeat(12))).unwrap();
    let (text, code) = said(folder.path(), &["-i", "hosts"]);
    assert!(
        text.contains("this takes more than 100000 hosts in one name"),
        "{text}"
    );
    assert_ne!(code, 0, "{text}");
}

/// Few names stand for many hosts, each of them for less than one name may.
#[test]
fn ranges_that_stand_for_too_much_together_are_refused() {
    let folder = playbook("- hosts: all\n  tasks: []\n");
    let lines: String = (0..200).map(|at| format!("h{at}-[0:99998] a=1 b=2\n")).collect();
    let yaml: String = (0..200)
        .map(|at| format!("    g{at}:\n      hosts: {{'h[0:99998]': {{a: 1, b: 2}}}}\n"))
        .collect();
    let named: Vec<String> = (0..200).map(|at| format!("h{at}-[0:99998]:22")).collect();
    std::fs::write(folder.path().join("hosts"), lines).unwrap();
    std::fs::write(
        folder.path().join("hosts.yml"),
        format!("all:\n  children:\n{yaml}"),
    )
    .unwrap();
    for inventory in ["hosts", "hosts.yml", &named.join(",")] {
        let (text, code) = said(folder.path(), &["-i", inventory]);
        let begin: String = text.chars().take(2000).collect();
        assert!(
            text.contains("this takes more than 300000 hosts and variables by the ranges of one inventory"),
            "{begin}"
        );
        assert_ne!(code, 0, "{begin}");
    }
}
