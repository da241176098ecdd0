//! Rendering of values, conditions and files.

use super::*;
use crate::template::{Decision, Variables, condition, conditions};

struct Fixed(Map);

impl Variables for Fixed {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().cloned().collect()
    }

    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        (name == "h").then(|| Arc::new(Fixed(self.0.clone())) as Arc<dyn Variables>)
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        vec!["h".into()]
    }
}

fn scope(variables: &[(&str, Value)]) -> Scope {
    let map = variables
        .iter()
        .map(|(name, value)| (Arc::from(*name), value.clone()));
    Scope::new(Arc::new(Fixed(map.collect())), Arc::default())
}

fn world() -> Scope {
    let result = Value::map([
        ("rc", Value::unknown("the task")),
        ("changed", Value::Bool(true)),
        (
            "lines",
            Value::list([Value::string("a"), Value::unknown("the task")]),
        ),
    ]);
    scope(&[
        ("name", "etcd".into()),
        ("number", Value::Int(3)),
        ("list", Value::list([Value::Int(1), Value::Int(2)])),
        ("map", Value::map([("k", Value::map([("x", Value::Int(5))]))])),
        ("lazy", Value::trusted("{{ name }}-{{ number }}", None)),
        ("lazy_number", Value::trusted("{{ number }}", None)),
        ("lazy_missing", Value::trusted("{{ missing }}", None)),
        (
            "nested",
            Value::map([("inner", Value::trusted("{{ lazy }}", None))]),
        ),
        ("loop_a", Value::trusted("{{ loop_b }}", None)),
        ("loop_b", Value::trusted("{{ loop_a }}", None)),
        ("broken", Value::trusted("{{ 1 / 0 }}", None)),
        ("password", Value::Secret("hunter2".into())),
        ("r", result),
        ("u", Value::unknown("the task")),
        ("from_host", Value::string("{{ name }}")),
    ])
}

fn show(text: &str) -> String {
    match render(&Value::trusted(text, None), &world()) {
        Ok(None) => "omitted".into(),
        Ok(Some(evaluated)) => match evaluated.value {
            Value::Unknown(_) => "unknown".into(),
            value => format!(
                "{}{}",
                crate::value::repr(&value),
                if evaluated.secret { " secret" } else { "" }
            ),
        },
        Err(error) => format!("error: {}", error.message()),
    }
}

fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|(text, wanted)| {
            let shown = show(text);
            (shown != *wanted).then(|| format!("{text}\n  wanted {wanted}\n  got    {shown}"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn values_keep_their_kind() {
    check(&[
        ("{{ number }}", "3"),
        ("{{ lazy_number }}", "3"),
        ("a{{ number }}", "'a3'"),
        ("{{ number }} ", "'3 '"),
        ("{{ list }}", "[1, 2]"),
        ("{{ list }}x", "'[1, 2]x'"),
        ("{{ lazy }}", "'etcd-3'"),
        ("{{ nested }}", "{'inner': 'etcd-3'}"),
        ("{{ nested.inner }}", "'etcd-3'"),
        ("{% if true %}{{ number }}{% endif %}", "3"),
        ("{{ from_host }}", "'{{ name }}'"),
        ("{{ hostvars['h'].lazy }}", "'etcd-3'"),
        ("{{ hostvars.h['number'] + 1 }}", "4"),
        ("{{ none }}x", "'x'"),
        ("{{ (1, 2) }}", "[1, 2]"),
        ("{{ 1e20 }}", "1e+20"),
        ("{{ omit }}", "omitted"),
        ("{{ missing | default(omit) }}", "omitted"),
    ]);
}

#[test]
fn what_is_undefined_is_an_error_unless_it_is_asked_for() {
    check(&[
        ("{{ missing }}", "error: 'missing' is undefined"),
        ("{{ missing.a.b }}", "error: 'missing' is undefined"),
        ("{{ missing.a.b | default(1) }}", "1"),
        ("{{ missing.a.b is defined }}", "False"),
        (
            "{{ map.no }}",
            "error: object of type 'dict' has no attribute 'no'",
        ),
        ("{{ map['no'].y | default(2) }}", "2"),
        ("{{ map['no']['y'] | default(2) }}", "2"),
        ("{{ map.k.x }}", "5"),
        ("{{ map['k'].x }}", "5"),
        ("{{ missing == 3 }}", "error: 'missing' is undefined"),
        ("{{ true or missing }}", "True"),
        ("{{ missing or true }}", "error: 'missing' is undefined"),
        ("{{ [missing] }}", "error: 'missing' is undefined"),
        ("{{ lazy_missing | default('ok') }}", "'ok'"),
        ("{{ lazy_missing }}", "error: 'missing' is undefined"),
        ("{{ 'k' in map }}", "True"),
        ("{{ 'z' in map }}", "False"),
        ("{{ missing.split(',') | default(1) }}", "1"),
        (
            "{{ loop_a }}",
            "error: recursive loop in variables: loop_a -> loop_b -> loop_a",
        ),
    ]);
    for text in [
        "{{ map['no'] }}",
        "{{ map['no'] == 3 }}",
        "{{ broken | default(1) }}",
    ] {
        assert!(show(text).starts_with("error"), "{text}: {}", show(text));
    }
}

#[test]
fn what_jinja2_has_and_the_engine_has_not_is_patched() {
    check(&[
        ("{{ '%s-%02d' % (name, number) }}", "'etcd-03'"),
        ("{{ '%s' % name }}", "'etcd'"),
        ("{{ (number + 4) % (1 + 1) }}", "1"),
        ("{{ -7 % 3 }}", "2"),
        ("{{ +number }}", "3"),
        ("{% for x in 'a', 'b' %}{{ x }}{% endfor %}", "'ab'"),
        (
            "{% set l = [] %}{% for x in list %}{{ l.append(x) }}{% endfor %}{{ l }}",
            "[1, 2]",
        ),
        (
            "{% set l = [] %}{% for x in list %}{% set _ = l.append(x) %}{% endfor %}{{ l }}",
            "[1, 2]",
        ),
        ("{% set d = {} %}{% set _ = d.update({'a': 1}) %}{{ d.a }}", "1"),
        ("{{ 'a\\nb' }}", "'a\\\\nb'"),
        ("{{\u{a0}name }}", "'etcd'"),
    ]);
}

#[test]
fn what_is_unknown_or_secret_is_marked() {
    check(&[
        ("{{ r.rc }}", "unknown"),
        ("{{ r.rc == 0 }}", "unknown"),
        ("{{ r.changed }}", "True"),
        ("x{{ u }}", "unknown"),
        ("{{ r.lines }}", "['a', <<unknown: the task>>]"),
        ("{{ [1, r.lines] }}", "[1, ['a', <<unknown: the task>>]]"),
        ("{{ r.lines == ['a', 'b'] }}", "unknown"),
        ("{{ r.lines[0] }}", "'a'"),
        ("{{ u or true }}", "unknown"),
        ("{{ not (u or true) }}", "False"),
        ("{{ 1 if u or true else 2 }}", "1"),
        ("{{ false and u }}", "False"),
        ("{{ u and false }}", "unknown"),
        ("{{ not (u and false) }}", "True"),
        ("{{ 1 if u else 2 }}", "unknown"),
        ("{{ u | default(3) }}", "unknown"),
        ("{% if u %}a{% endif %}", "unknown"),
        ("{{ password }}", "'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER' secret"),
        (
            "{{ password | upper }}",
            "'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER' secret",
        ),
        ("{{ password == 'hunter2' }}", "True secret"),
        ("{{ password == 'x' and false }}", "False secret"),
    ]);
}

#[test]
fn conditions_decide_or_say_what_would() {
    let decide = |text: &str| match condition(&Value::trusted(text, None), &world()) {
        Ok(Decision::True) => "true".to_string(),
        Ok(Decision::False) => "false".into(),
        Ok(Decision::Unknown(_)) => "unknown".into(),
        Err(error) => format!("error: {}", error.message()),
    };
    for (text, wanted) in [
        ("number == 3", "true"),
        ("r.rc is defined", "true"),
        ("r.rc is not defined", "false"),
        ("r.rc is undefined", "false"),
        ("r.nope is defined", "false"),
        ("r.rc == 0", "unknown"),
        ("r.rc == 0 or r.changed", "true"),
        ("r.rc == 0 and not r.changed", "false"),
        ("not (r.rc == 0)", "unknown"),
        ("u.x is defined", "unknown"),
        ("missing", "error: 'missing' is undefined"),
        ("missing is defined and missing == 1", "false"),
        ("{{ number == 3 }}", "true"),
        ("'{{ name }}' == 'etcd'", "true"),
        ("", "true"),
        (
            "name",
            "error: the result of the condition is of kind `str`, not a truth value",
        ),
    ] {
        assert_eq!(decide(text), wanted, "{text}");
    }
    let both = |one: &str, two: &str| conditions(&[one.into(), two.into()], &world());
    assert_eq!(both("u", "false"), Ok(Decision::False));
    assert!(matches!(both("u", "missing"), Ok(Decision::Unknown(_))));
    assert!(both("true", "missing").is_err());
}

#[test]
fn errors_point_at_the_token() {
    let text = "- debug:\n    msg: \"x {{ nam }}\"\n";
    let source = Source::named("play.yml", text.into());
    let start = text.find('"').unwrap();
    let place = Place::new(&source, start..text.len() - 1);
    let value = Value::trusted("x {{ nam }}", Some(place));
    let error = render(&value, &world()).unwrap_err();
    assert_eq!(error.place().unwrap().to_string(), "play.yml:2:16");
    assert_eq!(error.message(), "'nam' is undefined");

    let source = Source::named(
        "motd.j2",
        "#jinja2: lstrip_blocks:True\nHello\n{{ number + name }}\n".into(),
    );
    let error = render_file(&source, &FileOptions::default(), &world()).unwrap_err();
    assert_eq!(error.place().unwrap().line_column().0, 3, "{error}");
}

#[test]
fn a_file_keeps_its_last_newline_and_knows_its_secrets() {
    let file = |text: &str| {
        render_file(
            &Source::named("f", text.into()),
            &FileOptions::default(),
            &world(),
        )
        .unwrap()
    };
    assert_eq!(
        file("{% if true %}\na\n{% endif %}\nb\n").text.as_deref(),
        Some("a\nb\n")
    );
    assert_eq!(file("{{ 'a\\nb' }}\n").text.as_deref(), Some("a\nb\n"));
    assert!(file("{{ password }}").secret);
    assert_eq!(file("{{ password }}").text.as_deref(), Some("hunter2"));
    assert!(file("{{ u }}").unknown.is_some());
    assert_eq!(
        file("{{ [password, 1.0] }}").text.as_deref(),
        Some("['hunter2', 1.0]")
    );
}

#[test]
fn an_undefined_name_is_found_where_it_is_written() {
    let source = Source::named("vars.yml", "chain: \"{{ nobody }}\"\n".into());
    let place = Place::new(&source, 7..21);
    let chain = Value::trusted("{{ nobody }}", Some(place));
    let error = render(&Value::trusted("{{ chain }}", None), &scope(&[("chain", chain)])).unwrap_err();
    assert_eq!(error.place().unwrap().to_string(), "vars.yml:1:12");

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("inner.j2"), "one\ntwo {{ nobody }}\n").unwrap();
    let outer = folder.path().join("outer.j2");
    let source = Source::file(&outer, "{% include 'inner.j2' %}\n".into());
    let error = render_file(&source, &FileOptions::default(), &world()).unwrap_err();
    let shown = error.place().unwrap().to_string();
    assert!(shown.ends_with("inner.j2:2:8"), "{shown}");
}

#[test]
fn an_error_does_not_tell_a_secret() {
    for text in [
        "{{ [password] | int + password | to_datetime }}",
        "{{ [password] | basename }}",
        "{{ password < 3 }}",
    ] {
        let error = render(&Value::trusted(text, None), &world()).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
