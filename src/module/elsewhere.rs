//! Modules that Ansible has and Vent has not: those of ansible-core, and those that moved to collections with Ansible 2.10 and are
//! still found by their short names.

/// Modules of ansible-core 2.19 that are not here.
const OF_CORE: [&str; 9] = [
    "apt_key",
    "dnf",
    "dnf5",
    "expect",
    "mount_facts",
    "rpm_key",
    "subversion",
    "sysvinit",
    "yum_repository",
];

/// Other names of modules of ansible-core.
const ALSO_OF_CORE: [&str; 1] = ["yum"];

/// Lines of `collection: name name ...`.
const MOVED: &str = include_str!("moved.txt");

/// The collection in which Ansible finds the module of a short name.
pub fn collection_of(name: &str) -> Option<&'static str> {
    if OF_CORE.contains(&name) || ALSO_OF_CORE.contains(&name) {
        return Some("ansible.builtin");
    }
    MOVED.lines().find_map(|line| {
        let (collection, names) = line.split_once(": ")?;
        names.split(' ').any(|moved| moved == name).then_some(collection)
    })
}

/// Lookups that moved to collections.
const LOOKUPS: [&str; 40] = [
    "avi",
    "aws_account_attribute",
    "aws_secret",
    "aws_service_ip_ranges",
    "aws_ssm",
    "cartesian",
    "chef_databag",
    "conjur_variable",
    "consul_kv",
    "cpm_metering",
    "cpm_status",
    "credstash",
    "cyberarkpassword",
    "dig",
    "dnstxt",
    "etcd",
    "filetree",
    "flattened",
    "gcp_storage_file",
    "grafana_dashboard",
    "hashi_vault",
    "hiera",
    "k8s",
    "keyring",
    "laps_password",
    "lastpass",
    "lmdb_kv",
    "manifold",
    "mongodb",
    "nios",
    "nios_next_ip",
    "nios_next_network",
    "onepassword",
    "onepassword_raw",
    "openshift",
    "passwordstore",
    "rabbitmq",
    "redis",
    "shelvefile",
    "skydive",
];

/// True if Ansible finds a lookup of this short name in a collection.
pub fn is_moved_lookup(name: &str) -> bool {
    LOOKUPS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::find;

    #[test]
    fn a_module_that_is_not_here_is_found_where_ansible_finds_it() {
        assert_eq!(collection_of("docker_container"), Some("community.docker"));
        assert_eq!(collection_of("dnf"), Some("ansible.builtin"));
        assert_eq!(collection_of("copi"), None);
        for name in OF_CORE {
            assert!(find(name).is_none(), "{name} is here");
        }
    }
}
