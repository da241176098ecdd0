//! Variables by Ansible's precedence: a stack of layers, the strongest first, looked through lazily.

use crate::model;
use crate::template::Variables;
use crate::value::{Map, Value, merged};
use std::sync::Arc;

/// Variables that are made when they are asked for.
pub trait Source: Send + Sync {
    /// The variable of that name.
    fn get(&self, name: &str) -> Option<Value>;
    /// The names of all variables.
    fn names(&self) -> Vec<Arc<str>>;
}

/// Variables of one level.
#[derive(Clone)]
pub enum Layer {
    /// Out of a file, with places.
    Placed(Arc<model::Variables>),
    /// Made while running.
    Map(Arc<Map>),
    /// Made when they are asked for.
    Source(Arc<dyn Source>),
}

impl Layer {
    fn is_empty(&self) -> bool {
        match self {
            Layer::Placed(variables) => variables.is_empty(),
            Layer::Map(map) => map.is_empty(),
            Layer::Source(_) => false,
        }
    }

    fn get(&self, name: &str) -> Option<Value> {
        match self {
            Layer::Placed(variables) => variables.get(name).map(|placed| placed.value.clone()),
            Layer::Map(map) => map.get(name).cloned(),
            Layer::Source(source) => source.get(name),
        }
    }

    /// False for what was made while running, such as the items of an include's loop.
    fn stands_in_a_file(&self, name: &str) -> bool {
        match self {
            Layer::Placed(variables) => variables
                .get(name)
                .is_some_and(|placed| placed.place.source.path.is_some()),
            _ => false,
        }
    }

    fn names(&self) -> Vec<Arc<str>> {
        match self {
            Layer::Placed(variables) => variables.keys().cloned().collect(),
            Layer::Map(map) => map.keys().cloned().collect(),
            Layer::Source(source) => source.names(),
        }
    }
}

/// The other hosts, for `hostvars`.
pub trait Hosts: Send + Sync {
    /// The variables of a host.
    fn host(&self, name: &str) -> Option<Arc<dyn Variables>>;
    /// All hosts.
    fn names(&self) -> Vec<Arc<str>>;
}

/// Who may have said what is in a layer.
#[derive(Clone, Copy)]
enum Speaker {
    /// A host or a provider too.
    Anybody,
    /// The project, as far as it stands in its files.
    Project,
    /// Who typed the command.
    User,
}

/// The variables of one host in one task.
pub struct Stack {
    layers: Vec<(Speaker, Layer)>,
    /// Mappings of stronger layers add to those of weaker ones (`hash_behaviour=merge`).
    merges: bool,
    hosts: Arc<dyn Hosts>,
}

impl Stack {
    /// A stack of layers, the strongest first, each of which replaces what the weaker ones say.
    pub fn new(layers: Vec<Layer>, hosts: Arc<dyn Hosts>) -> Stack {
        let layers = layers.into_iter().map(|layer| (Speaker::Anybody, layer));
        Stack {
            layers: layers.collect(),
            merges: false,
            hosts,
        }
    }

    /// The value of a name, with what the mappings of weaker layers say beside it.
    fn merged(&self, name: &str) -> Option<Value> {
        let mut all = self.layers.iter().rev().filter_map(|(_, layer)| layer.get(name));
        let weakest = all.next()?;
        Some(all.fold(weakest, |weaker, stronger| merged(&weaker, &stronger)))
    }
}

impl Variables for Stack {
    fn get(&self, name: &str) -> Option<Value> {
        match self.merges {
            true => self.merged(name),
            false => self.layers.iter().find_map(|(_, layer)| layer.get(name)),
        }
    }

    fn of_project(&self, name: &str) -> Option<Value> {
        let mut found = self.layers.iter();
        let (speaker, layer, value) =
            found.find_map(|(speaker, layer)| Some((speaker, layer, layer.get(name)?)))?;
        let own = match speaker {
            Speaker::Anybody => false,
            Speaker::Project => layer.stands_in_a_file(name),
            Speaker::User => true,
        };
        (own && !self.merges).then_some(value)
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.layers.iter().flat_map(|(_, layer)| layer.names()).collect();
        names.sort();
        names.dedup();
        names
    }

    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        self.hosts.host(name)
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        self.hosts.names()
    }
}

/// What one host has gathered and was given in a run, by level.
#[derive(Clone, Default)]
pub struct Levels {
    /// Level 2: defaults of roles, nearest role first.
    pub role_defaults: Vec<Layer>,
    /// Levels 3 to 10: the inventory with its `group_vars` and `host_vars`.
    pub inventory: Vec<Layer>,
    /// Level 11: facts.
    pub facts: Vec<Layer>,
    /// Levels 12 to 14: the play's `vars`, prompts and `vars_files`; the strongest first.
    pub play: Vec<Layer>,
    /// Level 15: variables of roles, nearest role first.
    pub role_vars: Vec<Layer>,
    /// Levels 16 and 17: blocks and task, nearest first.
    pub task: Vec<Layer>,
    /// Level 18: `include_vars`.
    pub included: Vec<Layer>,
    /// Level 19: `set_fact` and registered results.
    pub set: Vec<Layer>,
    /// Levels 20 and 21: parameters of roles and includes, nearest first; loop variables before them.
    pub parameters: Vec<Layer>,
    /// Level 22: `-e`.
    pub extra: Vec<Layer>,
    /// Above all: magic variables, which nobody can set.
    pub magic: Vec<Layer>,
    /// Mappings of stronger levels add to those of weaker ones.
    pub merges: bool,
}

impl Levels {
    /// Leaves out layers that hold nothing.
    pub fn drop_empty(&mut self) {
        for level in [
            &mut self.role_defaults,
            &mut self.inventory,
            &mut self.facts,
            &mut self.play,
            &mut self.role_vars,
            &mut self.task,
            &mut self.included,
            &mut self.set,
            &mut self.parameters,
            &mut self.extra,
            &mut self.magic,
        ] {
            level.retain(|layer| !layer.is_empty());
        }
    }

    /// The layers in order, the strongest first.
    pub fn stack(self, hosts: Arc<dyn Hosts>) -> Stack {
        let order = [
            (self.magic, Speaker::Anybody),
            (self.extra, Speaker::User),
            (self.parameters, Speaker::Project),
            (self.set, Speaker::Anybody),
            (self.included, Speaker::Anybody),
            (self.task, Speaker::Project),
            (self.role_vars, Speaker::Project),
            (self.play, Speaker::Project),
            (self.facts, Speaker::Anybody),
            (self.inventory, Speaker::Anybody),
            (self.role_defaults, Speaker::Project),
        ];
        let layers = order
            .into_iter()
            .flat_map(|(level, speaker)| level.into_iter().map(move |layer| (speaker, layer)));
        Stack {
            layers: layers.collect(),
            merges: self.merges,
            hosts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Hosts for Nobody {
        fn host(&self, _: &str) -> Option<Arc<dyn Variables>> {
            None
        }

        fn names(&self) -> Vec<Arc<str>> {
            vec![]
        }
    }

    #[test]
    fn the_stronger_level_wins() {
        let layer = |text: &str| {
            vec![Layer::Map(Arc::new(
                [("a".into(), Value::string(text))].into_iter().collect(),
            ))]
        };
        let levels = |extra: Vec<Layer>| Levels {
            role_defaults: layer("default"),
            inventory: layer("inventory"),
            set: layer("set"),
            extra,
            ..Levels::default()
        };
        assert_eq!(
            levels(vec![]).stack(Arc::new(Nobody)).get("a"),
            Some("set".into())
        );
        assert_eq!(
            levels(layer("extra")).stack(Arc::new(Nobody)).get("a"),
            Some("extra".into())
        );
        assert_eq!(levels(vec![]).stack(Arc::new(Nobody)).get("b"), None);
    }

    #[test]
    fn what_a_host_had_a_part_in_is_not_the_projects() {
        let placed = |text: &str| {
            let source = crate::source::Source::file(std::path::Path::new("x"), String::new());
            let place = crate::source::Place::new(&source, 0..0);
            let placed = model::Placed::new(text, &place);
            Layer::Placed(Arc::new([("a".into(), placed)].into_iter().collect()))
        };
        let made = |text: &str| {
            Layer::Map(Arc::new(
                [("a".into(), Value::string(text))].into_iter().collect(),
            ))
        };
        let stated = |levels: Levels| levels.stack(Arc::new(Nobody)).of_project("a");
        let play = || Levels {
            play: vec![placed("play")],
            ..Levels::default()
        };
        assert_eq!(stated(play()), Some("play".into()));
        for stronger in [
            Levels {
                set: vec![made("set")],
                ..play()
            },
            Levels {
                parameters: vec![made("item")],
                ..play()
            },
        ] {
            assert_eq!(stated(stronger), None);
        }
        let weaker = Levels {
            facts: vec![made("fact")],
            inventory: vec![placed("inventory")],
            role_defaults: vec![placed("default")],
            ..Levels::default()
        };
        assert_eq!(stated(weaker), None);
        let typed = Levels {
            extra: vec![made("typed")],
            ..play()
        };
        assert_eq!(stated(typed), Some("typed".into()));
    }

    #[test]
    fn mappings_of_stronger_levels_add_to_those_of_weaker_ones_where_that_is_wanted() {
        let layer = |text: &str| {
            let map = Value::map([("same", Value::string(text)), (text, Value::Int(1))]);
            vec![Layer::Map(Arc::new([("a".into(), map)].into_iter().collect()))]
        };
        let levels = Levels {
            role_defaults: layer("default"),
            set: layer("set"),
            merges: true,
            ..Levels::default()
        };
        let merged = levels.stack(Arc::new(Nobody)).get("a");
        let wanted = [
            ("same", Value::string("set")),
            ("default", Value::Int(1)),
            ("set", Value::Int(1)),
        ];
        assert_eq!(merged, Some(Value::map(wanted)));
    }
}
