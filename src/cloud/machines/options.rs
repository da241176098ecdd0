//! What stands behind `machines:`, checked: what all providers have in common, and the sets of machines.

mod sets;

use super::given::Given;
use super::host_keys::Folder;
use super::networks;
use crate::error::{Collector, Error, Errors};
use crate::source::Place;
use crate::value::{Value, fields};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::path::Path;

/// The roles a machine can have.
const ROLES: &[&str] = &["controller", "worker", "etcd"];

/// What all providers have in common.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Common {
    /// The networks from which SSH may be reached, as `203.0.113.7/32`. There is no default.
    pub management_cidrs: Vec<String>,
    /// The networks from which the API server may be reached; left out, those of `management_cidrs`.
    pub api_cidrs: Option<Vec<String>>,
    /// The networks from which NodePorts may be reached; left out, none.
    pub nodeport_cidrs: Vec<String>,
    /// The port of SSH.
    pub ssh_port: u16,
    /// The port of the API server.
    pub api_port: u16,
    /// For how many seconds a machine is waited for.
    pub wait: u64,
    /// The sets of equal machines. What stands beside `sets` holds for each of them.
    #[serde(rename = "sets")]
    _sets: Value,
}

impl Default for Common {
    fn default() -> Common {
        Common {
            management_cidrs: vec![],
            api_cidrs: None,
            nodeport_cidrs: vec![],
            ssh_port: 22,
            api_port: 6443,
            wait: 1200,
            _sets: Value::Null,
        }
    }
}

impl Common {
    /// The networks from which the API server may be reached.
    pub fn api_cidrs(&self) -> &[String] {
        self.api_cidrs.as_deref().unwrap_or(&self.management_cidrs)
    }

    /// What every machine has as variables, also before it is there.
    pub fn variables(&self) -> [(&'static str, serde_json::Value); 5] {
        [
            ("ssh_port", json!(self.ssh_port)),
            ("api_port", json!(self.api_port)),
            ("management_cidrs", json!(self.management_cidrs)),
            ("api_cidrs", json!(self.api_cidrs())),
            ("nodeport_cidrs", json!(self.nodeport_cidrs)),
        ]
    }
}

/// What each set says, whatever the provider.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Each {
    /// `controller`, `worker` or `etcd`; several are separated by commas.
    pub role: String,
    /// How many machines.
    pub count: u32,
    /// The beginning of their names, before a dash and a number; left out, the role.
    pub name: Option<String>,
    /// Public keys that may log in, or files that hold them.
    pub ssh_keys: Vec<String>,
    /// What cloud-init does besides, or a script that it runs.
    pub user_data: Option<String>,
    /// Further tags.
    pub tags: Vec<String>,
}

/// A set of equal machines.
#[derive(Clone, Debug)]
pub struct MachineSet<Set> {
    /// What every set says. `ssh_keys` are the keys themselves.
    pub each: Each,
    /// What sets of this provider say.
    pub set: Set,
    /// The names of its machines.
    pub names: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

impl<Set> MachineSet<Set> {
    /// Its roles.
    pub fn roles(&self) -> Vec<&str> {
        self.each.role.split(',').map(str::trim).collect()
    }
}

/// Everything behind `machines:`.
#[derive(Clone, Debug)]
pub struct ClusterOptions<Own, Set> {
    /// The name of the cluster: the tag of all its machines.
    pub cluster: String,
    /// What this computer keeps of the cluster's machines.
    pub folder: Folder,
    /// What all providers have in common.
    pub common: Common,
    /// What this provider has besides.
    pub own: Own,
    /// The sets of machines.
    pub sets: Vec<MachineSet<Set>>,
    /// Where it stands.
    pub place: Place,
}

impl<Own: DeserializeOwned, Set: DeserializeOwned> ClusterOptions<Own, Set> {
    /// Reads and checks what stands behind `machines:` in the file at `path`.
    ///
    /// # Errors
    /// Everything that is wrong, with its places.
    pub fn read(
        given: Given<'_>,
        cluster: Option<&str>,
        path: &Path,
    ) -> Result<ClusterOptions<Own, Set>, Errors> {
        let mut errors = Collector::default();
        let known = [
            fields::<Common>(),
            fields::<Own>(),
            fields::<Each>(),
            fields::<Set>(),
        ]
        .concat();
        given.refuse_unknown(&known, &mut errors);
        let common = given.read::<Common>(&mut errors);
        let own = given.read::<Own>(&mut errors);
        if let Some(common) = &common {
            check_networks(common, &given, &mut errors);
        }
        let cluster = cluster_name(cluster, given.place(), &mut errors);
        let sets = sets::sets(&given, path, &mut errors);
        let (Some(common), Some(own)) = (common, own) else {
            return Err(errors.finish(()).err().unwrap_or_else(|| Errors(vec![])));
        };
        let folder = Folder::of(path, &cluster);
        errors.finish(ClusterOptions {
            cluster,
            folder,
            common,
            own,
            sets,
            place: given.place().clone(),
        })
    }
}

/// The options below `machines:` of one provider, as JSON schemas.
pub struct Schemas {
    /// What stands directly below `machines:`.
    pub whole: [Schema; 2],
    /// What stands in each of the `sets`.
    pub set: [Schema; 2],
}

/// The schemas of all options.
pub fn schemas<Own: JsonSchema, Set: JsonSchema>() -> Schemas {
    Schemas {
        whole: [schema_for!(Common), schema_for!(Own)],
        set: [schema_for!(Each), schema_for!(Set)],
    }
}

/// Networks must be some; those that may manage must be named.
fn check_networks(common: &Common, given: &Given<'_>, errors: &mut Collector) {
    if common.management_cidrs.is_empty() {
        errors.push(
            Error::new("`management_cidrs` is not given: nobody could reach the machines, or everybody")
                .at(given.place_of("management_cidrs"))
                .help("name the networks you work from: management_cidrs: [203.0.113.7/32]"),
        );
    }
    let none = vec![];
    for (name, list) in [
        ("management_cidrs", &common.management_cidrs),
        ("api_cidrs", common.api_cidrs.as_ref().unwrap_or(&none)),
        ("nodeport_cidrs", &common.nodeport_cidrs),
    ] {
        networks::check(given, name, list, errors);
    }
}

/// The cluster must have a name that every provider takes as a tag.
fn cluster_name(name: Option<&str>, place: &Place, errors: &mut Collector) -> String {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        errors.push(
            Error::new("`machines` needs the name of the cluster, by which its machines are found again")
                .at(place)
                .help("write `cluster: NAME` beside `machines`, at the beginning of a line"),
        );
        return String::new();
    };
    let fits = name.len() <= 40
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    if !fits || ROLES.contains(&name) {
        errors.push(
            Error::new(format!("`cluster: {name}` cannot be the tag of machines"))
                .at(place)
                .help("choose lower-case letters, digits and dashes, a letter first, and not the name of a role"),
        );
    }
    name.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::vault::Vault;
    use crate::yaml;

    #[derive(Deserialize, Default, Debug)]
    #[serde(default)]
    struct Nothing {
        project: Option<String>,
    }

    #[derive(Deserialize, Default, Debug)]
    #[serde(default)]
    struct Plan {
        plan: String,
    }

    fn read(text: &str, cluster: Option<&str>) -> Result<ClusterOptions<Nothing, Plan>, String> {
        let source = Source::named("cloud.yml", text.to_string());
        let root = yaml::parse_one(&source).unwrap().0.unwrap();
        let value = root.value(&Vault::default()).unwrap();
        let given = Given::new(&value, &root);
        ClusterOptions::read(given, cluster, Path::new("/p/inventory/cloud.yml"))
            .map_err(|errors| errors.to_string())
    }

    #[test]
    fn what_stands_beside_the_sets_holds_for_each() {
        let text = "management_cidrs: [192.0.2.0/24]\nssh_keys: [ssh-ed25519 AAAAC3 me]\nplan: small\n\
            sets:\n- {role: controller, count: 1}\n- {role: worker, count: 2, plan: large, name: big}\n";
        let settings = read(text, Some("demo")).unwrap();
        assert_eq!(settings.sets[0].set.plan, "small");
        assert_eq!(settings.sets[1].set.plan, "large");
        assert_eq!(settings.sets[0].names, ["controller-0"]);
        assert_eq!(settings.sets[1].names, ["big-0", "big-1"]);
        assert_eq!(settings.common.api_cidrs(), ["192.0.2.0/24"]);
        assert_eq!(settings.own.project, None);
    }

    #[test]
    fn everything_wrong_is_told_at_once_with_place_and_cure() {
        let text = "management_cidrs: [192.0.2.1]\nplam: small\nssh_port: many\nwait: [1]\n\
            sets:\n- {role: worcer, count: 1}\n- {role: worker, count: 1, rolle: x}\n- {role: worker, count: 1}\n";
        let told = read(text, None).unwrap_err();
        let wanted = [
            "`192.0.2.1` in `management_cidrs` is not a network",
            "cloud.yml:1:20",
            "did you mean `plan`?",
            "cloud.yml:3:11",
            "cloud.yml:4:7",
            "needs the name of the cluster",
            "did you mean `worker`?",
            "did you mean `role`?",
            "`ssh_keys` is not given",
            "two sets would both have a machine `worker-0`",
        ];
        for part in wanted {
            assert!(told.contains(part), "{part} is missing in:\n{told}");
        }
        let told = read("management_cidrs: [203.0.113.7/24]", Some("demo")).unwrap_err();
        assert!(
            told.contains(
                "write 203.0.113.0/24 for the whole network, or 203.0.113.7/32 for the address alone"
            ),
            "{told}"
        );
        assert!(
            read("sets: [{role: etcd}]", Some("worker"))
                .unwrap_err()
                .contains("`management_cidrs` is not given")
        );
        assert!(
            read("{}", Some("worker"))
                .unwrap_err()
                .contains("cannot be the tag")
        );
    }
}
