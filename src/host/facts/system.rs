//! Facts about the system: distribution, names, time, accounts, services.

use super::{Sections, assignments, put, strings};
use crate::value::{Map, Value};
use std::collections::HashMap;

pub(super) fn add(sections: &Sections<'_>, facts: &mut Map) {
    kernel(sections, facts);
    distribution(sections, facts);
    names(sections, facts);
    account(sections, facts);
    put(facts, "env", environment(sections.text("env")));
    put(facts, "date_time", date_time(sections));
    put(facts, "pkg_mgr", package_manager(sections));
    put(facts, "service_mgr", service_manager(sections));
    put(facts, "is_chroot", is_chroot(sections));
    put(facts, "fips", sections.text("fips") == "1");
    put(facts, "machine_id", sections.text("machine-id"));
    put(facts, "selinux", selinux(sections));
    put(facts, "selinux_python_present", true);
    let apparmor = match sections.text("apparmor") {
        "" => "disabled",
        _ => "enabled",
    };
    put(
        facts,
        "apparmor",
        Value::map([("status", Value::string(apparmor))]),
    );
    put(facts, "cmdline", command_line(sections.text("cmdline")));
    put(facts, "proc_cmdline", command_line(sections.text("cmdline")));
    put(facts, "dns", resolver(sections));
    capabilities(sections, facts);
    systemd(sections, facts);
    for kind in ["dsa", "rsa", "ecdsa", "ed25519"] {
        let mut words = sections.text(&format!("hostkey {kind}")).split_whitespace();
        if let (Some(name), Some(key)) = (words.next(), words.next()) {
            put(facts, &format!("ssh_host_key_{kind}_public"), key);
            put(facts, &format!("ssh_host_key_{kind}_public_keytype"), name);
        }
    }
}

fn kernel(sections: &Sections<'_>, facts: &mut Map) {
    let lines: Vec<&str> = sections.lines("uname").collect();
    let line = |at: usize| lines.get(at).copied().unwrap_or("");
    put(facts, "system", line(0));
    put(facts, "kernel", line(2));
    put(facts, "kernel_version", line(3));
    put(facts, "machine", line(4));
    let bits = match sections.text("bits") {
        "" if line(4).ends_with("64") => "64",
        "" => "32",
        bits => bits,
    };
    put(facts, "userspace_bits", bits);
    // A 64 bit kernel may carry a 32 bit userland; the architecture is the kernel's, with i386 for x86.
    let architecture = match line(4) {
        "i486" | "i586" | "i686" => "i386",
        machine => machine,
    };
    put(facts, "architecture", architecture);
    let userspace = match (architecture, bits) {
        ("x86_64", "32") => "i386",
        (machine, _) => machine,
    };
    put(facts, "userspace_architecture", userspace);
}

/// `ID` of os-release to Ansible's name of the distribution and of its family.
const DISTRIBUTIONS: &[(&str, &str, &str)] = &[
    ("debian", "Debian", "Debian"),
    ("ubuntu", "Ubuntu", "Debian"),
    ("raspbian", "Debian", "Debian"),
    ("linuxmint", "Linux Mint", "Debian"),
    ("kali", "Kali", "Debian"),
    ("devuan", "Devuan", "Debian"),
    ("fedora", "Fedora", "RedHat"),
    ("rhel", "RedHat", "RedHat"),
    ("centos", "CentOS", "RedHat"),
    ("rocky", "Rocky", "RedHat"),
    ("almalinux", "AlmaLinux", "RedHat"),
    ("ol", "OracleLinux", "RedHat"),
    ("amzn", "Amazon", "RedHat"),
    ("opensuse-leap", "openSUSE Leap", "Suse"),
    ("opensuse-tumbleweed", "openSUSE Tumbleweed", "Suse"),
    ("sles", "SLES", "Suse"),
    ("alpine", "Alpine", "Alpine"),
    ("arch", "Archlinux", "Archlinux"),
    ("gentoo", "Gentoo", "Gentoo"),
    ("flatcar", "Flatcar", "Flatcar"),
];

fn distribution(sections: &Sections<'_>, facts: &mut Map) {
    let release = assignments(sections.text("os-release"));
    let get = |name: &str| release.get(name).copied().unwrap_or("");
    let known = DISTRIBUTIONS.iter().find(|known| known.0 == get("ID"));
    let family = known.map_or_else(|| family_like(get("ID_LIKE")), |known| known.2);
    let name = match known {
        Some(known) => known.1,
        None => get("NAME").split_whitespace().next().unwrap_or("Linux"),
    };
    // Debian's own file knows the point release, os-release does not.
    let exact = match get("ID") {
        "debian" => sections.text("debian_version"),
        "alpine" => sections.text("alpine-release"),
        _ => "",
    };
    let numeric = exact.starts_with(|c: char| c.is_ascii_digit());
    let version = if numeric { exact } else { get("VERSION_ID") };
    let version = if version.is_empty() { "NA" } else { version };
    let mut parts = version.splitn(3, '.');
    let major = parts.next().unwrap_or("NA");
    let variety = match family {
        "Suse" => "SUSE",
        family => family,
    };
    put(facts, "distribution", name);
    put(facts, "distribution_version", version);
    put(facts, "distribution_major_version", major);
    if let (true, Some(minor)) = (get("ID") == "debian", parts.next()) {
        put(facts, "distribution_minor_version", minor);
    }
    let codename = match get("VERSION_CODENAME") {
        "" => get("VERSION")
            .split_once('(')
            .map_or("NA", |(_, rest)| rest.trim_end_matches(')')),
        codename => codename,
    };
    put(facts, "distribution_release", codename);
    put(facts, "distribution_file_parsed", true);
    put(facts, "distribution_file_path", "/etc/os-release");
    put(facts, "distribution_file_variety", variety);
    put(facts, "os_family", family);
    put(facts, "lsb", lsb(sections, &release));
}

fn family_like(like: &str) -> &'static str {
    let words: Vec<&str> = like.split_whitespace().collect();
    match () {
        () if words.contains(&"debian") || words.contains(&"ubuntu") => "Debian",
        () if words.contains(&"rhel") || words.contains(&"fedora") => "RedHat",
        () if words.iter().any(|word| word.contains("suse")) => "Suse",
        () if words.contains(&"arch") => "Archlinux",
        () => "Linux",
    }
}

fn lsb(sections: &Sections<'_>, release: &HashMap<&str, &str>) -> Value {
    let own = assignments(sections.text("lsb-release"));
    let get = |name: &str, other: &str| {
        let found = own.get(name).or_else(|| release.get(other));
        found.copied().unwrap_or("").to_string()
    };
    let mut id = get("DISTRIB_ID", "ID");
    if let Some(known) = DISTRIBUTIONS.iter().find(|known| known.0 == id) {
        id = known.1.to_string();
    }
    let version = get("DISTRIB_RELEASE", "VERSION_ID");
    if version.is_empty() {
        return Value::Map(Map::new().into());
    }
    Value::map([
        ("codename", get("DISTRIB_CODENAME", "VERSION_CODENAME").into()),
        ("description", get("DISTRIB_DESCRIPTION", "PRETTY_NAME").into()),
        ("id", Value::from(id)),
        ("major_release", version.split('.').next().unwrap_or("").into()),
        ("release", version.as_str().into()),
    ])
}

/// As Python's `getfqdn`: the first name of the host's address with a dot in it, else the first one.
fn names(sections: &Sections<'_>, facts: &mut Map) {
    let node = sections.lines("uname").nth(1).unwrap_or("");
    let first = sections.lines("names").next().unwrap_or("");
    let names: Vec<&str> = first.split_whitespace().skip(1).collect();
    let dotted = names.iter().find(|name| name.contains('.'));
    let full = dotted.or(names.first()).copied().unwrap_or(node);
    put(facts, "nodename", node);
    put(facts, "hostname", node.split('.').next().unwrap_or(node));
    put(facts, "fqdn", full);
    put(
        facts,
        "domain",
        full.split_once('.').map_or("", |(_, domain)| domain),
    );
}

fn account(sections: &Sections<'_>, facts: &mut Map) {
    let lines: Vec<&str> = sections.lines("user").collect();
    let number = |at: usize| {
        lines
            .get(at)
            .and_then(|line| line.parse().ok())
            .map_or(Value::Null, Value::Int)
    };
    let entry: Vec<&str> = lines
        .get(5)
        .map(|line| line.split(':').collect())
        .unwrap_or_default();
    let field = |at: usize| entry.get(at).copied().unwrap_or("");
    put(facts, "user_id", lines.get(4).copied().unwrap_or(""));
    put(facts, "user_uid", number(0));
    put(facts, "user_gid", number(1));
    put(facts, "user_gecos", field(4));
    put(facts, "user_dir", field(5));
    put(facts, "user_shell", field(6));
    put(facts, "effective_user_id", number(0));
    put(facts, "effective_group_id", number(1));
    put(facts, "real_user_id", number(2));
    put(facts, "real_group_id", number(3));
}

/// The lines of `env`; a line that opens no variable goes on with the one before.
fn environment(text: &str) -> Value {
    let mut variables: Vec<(String, String)> = vec![];
    let named = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for line in text.lines() {
        match (line.split_once('='), variables.last_mut()) {
            (Some((name, value)), _) if !name.is_empty() && name.chars().all(named) => {
                variables.push((name.into(), value.into()));
            }
            (_, Some((_, value))) => {
                value.push('\n');
                value.push_str(line);
            }
            _ => {}
        }
    }
    Value::map(
        variables
            .into_iter()
            .map(|(name, value)| (name, Value::from(value))),
    )
}

fn date_time(sections: &Sections<'_>) -> Value {
    let lines: Vec<&str> = sections.lines("date").collect();
    let fields: Vec<&str> = lines
        .first()
        .map(|line| line.split('|').collect())
        .unwrap_or_default();
    let field = |at: usize| fields.get(at).copied().unwrap_or("").to_string();
    let (year, month, day) = (field(0), field(1), field(2));
    let (hour, minute, second) = (field(3), field(4), field(5));
    let utc = lines.get(1).copied().unwrap_or("");
    // Not every `date` knows nanoseconds.
    let fraction = lines
        .get(2)
        .filter(|text| text.len() == 9 && text.chars().all(|c| c.is_ascii_digit()))
        .map_or("000000", |text| &text[..6]);
    let compact = format!("{year}{month}{day}T{hour}{minute}{second}");
    let entries = [
        ("year", year.clone()),
        ("month", month.clone()),
        ("weekday", field(7)),
        ("weekday_number", field(8)),
        ("weeknumber", field(9)),
        ("day", day.clone()),
        ("hour", hour.clone()),
        ("minute", minute.clone()),
        ("second", second.clone()),
        ("epoch", field(6)),
        ("epoch_int", field(6)),
        ("date", format!("{year}-{month}-{day}")),
        ("time", format!("{hour}:{minute}:{second}")),
        ("iso8601_micro", format!("{utc}.{fraction}Z")),
        ("iso8601", format!("{utc}Z")),
        ("iso8601_basic", format!("{compact}{fraction}")),
        ("iso8601_basic_short", compact.clone()),
        ("tz", field(10)),
        ("tz_dst", field(10)),
        ("tz_offset", field(11)),
    ];
    Value::map(entries.map(|(name, text)| (name, Value::from(text))))
}

fn package_manager(sections: &Sections<'_>) -> &'static str {
    let found: Vec<&str> = sections
        .lines("managers")
        .filter_map(|path| path.rsplit('/').next())
        .collect();
    let known = [
        ("apt-get", "apt"),
        ("dnf5", "dnf5"),
        ("dnf", "dnf"),
        ("microdnf", "dnf"),
        ("yum", "yum"),
        ("zypper", "zypper"),
        ("apk", "apk"),
        ("pacman", "pacman"),
        ("opkg", "opkg"),
        ("xbps-install", "xbps"),
    ];
    known
        .iter()
        .find(|(program, _)| found.contains(program))
        .map_or("unknown", |known| known.1)
}

fn service_manager(sections: &Sections<'_>) -> String {
    let lines: Vec<&str> = sections.lines("init").collect();
    let process = lines.first().copied().unwrap_or("");
    match process {
        _ if lines.contains(&"/systemd") || process == "systemd" => "systemd".into(),
        _ if lines.contains(&"/openrc") => "openrc".into(),
        "runit-init" | "runit" => "runit".into(),
        "svscan" => "svc".into(),
        "openrc-init" => "openrc".into(),
        "" => "service".into(),
        "init" => "sysvinit".into(),
        other => other.into(),
    }
}

/// The root of process 1 is another one than ours.
fn is_chroot(sections: &Sections<'_>) -> bool {
    let lines: Vec<&str> = sections.lines("chroot").collect();
    matches!(lines.as_slice(), [own, first] if own != first)
}

fn selinux(sections: &Sections<'_>) -> Value {
    let lines: Vec<&str> = sections.lines("selinux").collect();
    match lines.as_slice() {
        [mode @ ("Enforcing" | "Permissive"), policy, configured, rest @ ..] => Value::map([
            ("status", Value::from("enabled")),
            (
                "policyvers",
                policy.parse().map_or(Value::from(*policy), Value::Int),
            ),
            ("config_mode", Value::from(*configured)),
            ("mode", mode.to_lowercase().into()),
            ("type", rest.first().copied().unwrap_or("unknown").into()),
        ]),
        _ => Value::map([("status", Value::from("disabled"))]),
    }
}

fn command_line(text: &str) -> Value {
    let words = shlex::split(text).unwrap_or_else(|| text.split_whitespace().map(str::to_string).collect());
    Value::map(words.into_iter().map(|word| match word.split_once('=') {
        Some((name, value)) => (name.to_string(), Value::from(value)),
        None => (word, Value::Bool(true)),
    }))
}

fn resolver(sections: &Sections<'_>) -> Value {
    let mut servers = vec![];
    let mut entries = Map::new();
    for line in sections.lines("resolv") {
        let mut words = line.split(['#', ';']).next().unwrap_or("").split_whitespace();
        match words.next() {
            Some("nameserver") => servers.extend(words.map(Value::string)),
            Some("domain") => put(&mut entries, "domain", words.next().unwrap_or("")),
            Some(list @ ("search" | "sortlist")) => put(&mut entries, list, strings(words)),
            Some("options") => {
                let options = words.map(|word| match word.split_once(':') {
                    Some((name, value)) => (name, Value::from(value)),
                    None => (word, Value::Bool(true)),
                });
                put(&mut entries, "options", Value::map(options));
            }
            _ => {}
        }
    }
    if !servers.is_empty() {
        put(&mut entries, "nameservers", servers);
    }
    Value::Map(entries.into())
}

fn capabilities(sections: &Sections<'_>, facts: &mut Map) {
    let Some(current) = sections.text("capabilities").strip_prefix("Current:") else {
        put(facts, "system_capabilities", "N/A");
        put(facts, "system_capabilities_enforced", "N/A");
        return;
    };
    let current = current.trim();
    let enforced = if current == "=ep" { "False" } else { "True" };
    let list = current.trim_start_matches('=').split(',').map(str::trim);
    let list = strings(list.filter(|_| enforced == "True"));
    put(facts, "system_capabilities", list);
    put(facts, "system_capabilities_enforced", enforced);
}

fn systemd(sections: &Sections<'_>, facts: &mut Map) {
    let mut lines = sections.lines("systemd");
    let version = lines
        .next()
        .and_then(|line| line.split_whitespace().nth(1))
        .and_then(|number| number.parse().ok());
    if let (Some(version), "systemd") = (version, service_manager(sections).as_str()) {
        let entries = [
            ("version", Value::Int(version)),
            ("features", Value::from(lines.next().unwrap_or("").trim())),
        ];
        put(facts, "systemd", Value::map(entries));
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_facts;
    use crate::value::Value;

    fn fact(output: &str, name: &str) -> Option<Value> {
        parse_facts(output.as_bytes()).get(name).cloned()
    }

    #[test]
    fn distributions_have_ansibles_names() {
        let ubuntu = "\u{1e}os-release\nNAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"\nVERSION_CODENAME=noble\n";
        assert_eq!(fact(ubuntu, "distribution"), Some("Ubuntu".into()));
        assert_eq!(fact(ubuntu, "distribution_version"), Some("24.04".into()));
        assert_eq!(fact(ubuntu, "distribution_major_version"), Some("24".into()));
        assert_eq!(fact(ubuntu, "os_family"), Some("Debian".into()));
        let debian = "\u{1e}os-release\nID=debian\nVERSION_ID=\"12\"\n\u{1e}debian_version\n12.11\n";
        assert_eq!(fact(debian, "distribution_version"), Some("12.11".into()));
        let other = "\u{1e}os-release\nNAME=\"Foo Linux\"\nID=foo\nID_LIKE=\"rhel fedora\"\nVERSION_ID=3\n";
        assert_eq!(fact(other, "distribution"), Some("Foo".into()));
        assert_eq!(fact(other, "os_family"), Some("RedHat".into()));
    }

    #[test]
    fn names_are_as_python_finds_them() {
        let output = "\u{1e}uname\nLinux\nweb\n6\n#1\nx86_64\n\u{1e}names\n10.0.0.1 web web.example.org\n";
        assert_eq!(fact(output, "fqdn"), Some("web.example.org".into()));
        assert_eq!(fact(output, "domain"), Some("example.org".into()));
        assert_eq!(fact(output, "hostname"), Some("web".into()));
    }

    #[test]
    fn a_variable_may_have_several_lines() {
        let env = fact("\u{1e}env\nA=1\nB=x\ny z\nC=\n", "env").unwrap();
        assert_eq!(env.get("B"), Some(&Value::from("x\ny z")));
        assert_eq!(env.get("C"), Some(&Value::from("")));
    }
}
