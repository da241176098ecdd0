//! The graph of playbooks: nodes are playbooks, edges are needs.

use crate::error::{Collector, Error, Errors, cures, nearest};
use crate::model::{Entry, Need, Play, Playbook};
use crate::source::Place;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A playbook, or a part of one that has imports between its plays.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name: file name without number and ending.
    pub name: String,
    /// The file it stands in.
    pub playbook: Arc<Playbook>,
    /// Its plays in order.
    pub plays: Vec<Arc<Play>>,
    /// The nodes it needs directly, by their number.
    pub needs: Vec<usize>,
    /// Its needs are not stated: it comes behind everything above it, as in Ansible, whatever became of that.
    pub follows: bool,
    /// The playbook of the command line that it belongs to, by its number.
    pub root: usize,
    /// The place of the import, or of the playbook.
    pub place: Place,
}

/// All playbooks of a run, in the order of the page.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The playbooks of the command line.
    pub roots: Vec<Arc<Playbook>>,
    ancestors: Vec<BTreeSet<usize>>,
}

impl Graph {
    /// The graph of the playbooks given on the command line, in that order.
    ///
    /// # Errors
    /// A need that nobody meets, that stands below, or that leads in a circle.
    pub fn of(playbooks: &[Arc<Playbook>]) -> Result<Graph, Errors> {
        let mut builder = Builder::default();
        for playbook in playbooks {
            builder.roots.push(playbook.clone());
            builder.playbook(playbook, playbook.needs.as_deref(), &playbook.place);
        }
        builder.finish()
    }

    /// True if `node` sees what `other` made: it is `other` or needs it, however far back.
    pub fn sees(&self, node: usize, other: usize) -> bool {
        node == other
            || self
                .ancestors
                .get(node)
                .is_some_and(|ancestors| ancestors.contains(&other))
    }

    /// The needs that remain when those that others imply are left out: what `vent graph` draws.
    pub fn reduced(&self, node: usize) -> Vec<usize> {
        let needs = &self.nodes[node].needs;
        let implied = |need: &usize| {
            needs
                .iter()
                .any(|other| other != need && self.sees(*other, *need))
        };
        needs.iter().copied().filter(|need| !implied(need)).collect()
    }
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    roots: Vec<Arc<Playbook>>,
    stated: Vec<Option<Vec<Need>>>,
    /// Names that stand for several nodes: a playbook that is made of imports.
    groups: Vec<(String, Vec<usize>)>,
}

impl Builder {
    fn playbook(&mut self, playbook: &Arc<Playbook>, needs: Option<&[Need]>, place: &Place) {
        let first = self.nodes.len();
        let mut plays = vec![];
        for entry in &playbook.entries {
            match entry {
                Entry::Play(play) => plays.push(play.clone()),
                Entry::Import(import) => {
                    self.node(playbook, &mut plays, needs, place);
                    self.playbook(&import.playbook, import.needs(), &import.place);
                }
            }
        }
        self.node(playbook, &mut plays, needs, place);
        self.groups
            .push((playbook.name.clone(), (first..self.nodes.len()).collect()));
    }

    fn node(
        &mut self,
        playbook: &Arc<Playbook>,
        plays: &mut Vec<Arc<Play>>,
        needs: Option<&[Need]>,
        place: &Place,
    ) {
        if plays.is_empty() {
            return;
        }
        let (name, plays) = (playbook.name.clone(), std::mem::take(plays));
        self.nodes.push(Node {
            name,
            playbook: playbook.clone(),
            plays,
            needs: vec![],
            follows: needs.is_none(),
            root: self.roots.len() - 1,
            place: place.clone(),
        });
        self.stated.push(needs.map(<[Need]>::to_vec));
    }

    fn finish(mut self) -> Result<Graph, Errors> {
        let mut errors = Collector::default();
        let mut later = vec![];
        for at in 0..self.nodes.len() {
            let Some(stated) = self.stated[at].clone() else {
                self.nodes[at].needs = (0..at).collect();
                continue;
            };
            for need in stated {
                match self.numbers(&need.name) {
                    Some(numbers) => {
                        later.extend(
                            numbers
                                .iter()
                                .filter(|other| **other >= at)
                                .map(|other| (at, *other, need.clone())),
                        );
                        self.nodes[at].needs.extend(numbers);
                    }
                    // One playbook alone: its needs are looked at by the caller.
                    None if self.nodes.len() == 1 || self.is_single_file() => {}
                    None => errors.push(self.unmet(&need)),
                }
            }
            self.nodes[at].needs.sort_unstable();
            self.nodes[at].needs.dedup();
        }
        if let Some(error) = self.cycle() {
            errors.push(error);
        } else {
            for (at, other, need) in later {
                let (name, other) = (&self.nodes[at].name, &self.nodes[other].name);
                errors.push(
                    Error::new(format!("`{name}` needs `{other}`, which stands below it"))
                        .at(&need.place)
                        .help(format!(
                            "import `{other}` before `{name}`: the order of the page must satisfy all needs"
                        )),
                );
            }
        }
        errors.finish(())?;
        let ancestors = self.ancestors();
        Ok(Graph {
            nodes: self.nodes,
            roots: self.roots,
            ancestors,
        })
    }

    fn is_single_file(&self) -> bool {
        self.nodes
            .iter()
            .all(|node| Arc::ptr_eq(&node.playbook, &self.nodes[0].playbook))
    }

    fn numbers(&self, name: &str) -> Option<Vec<usize>> {
        self.groups
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, numbers)| numbers.clone())
    }

    fn unmet(&self, need: &Need) -> Error {
        let error = Error::new(format!("no playbook of this run is named `{}`", need.name)).at(&need.place);
        error.help(cures::NAMES_OF_PLAYBOOKS).did_you_mean(nearest(
            &need.name,
            self.groups.iter().map(|(name, _)| name.as_str()),
        ))
    }

    /// A circle of needs, with its path.
    fn cycle(&self) -> Option<Error> {
        let mut graph = DiGraph::<usize, ()>::new();
        let indexes: Vec<NodeIndex> = (0..self.nodes.len()).map(|at| graph.add_node(at)).collect();
        for (at, node) in self.nodes.iter().enumerate() {
            for need in &node.needs {
                graph.add_edge(indexes[at], indexes[*need], ());
            }
        }
        let circle = petgraph::algo::tarjan_scc(&graph).into_iter().find(|component| {
            component.len() > 1 || component.iter().any(|index| graph.contains_edge(*index, *index))
        })?;
        let members: BTreeSet<usize> = circle.iter().map(|index| graph[*index]).collect();
        let start = *members.first()?;
        let mut path = vec![start];
        loop {
            let last = *path.last()?;
            let next = *self.nodes[last]
                .needs
                .iter()
                .find(|need| members.contains(need))?;
            let seen = path.iter().position(|at| *at == next);
            path.push(next);
            if let Some(seen) = seen {
                let names: Vec<&str> = path[seen..]
                    .iter()
                    .map(|at| self.nodes[*at].name.as_str())
                    .collect();
                let place = self.stated[path[seen]]
                    .as_ref()?
                    .first()
                    .map(|need| need.place.clone());
                return Some(
                    Error::new(format!("the needs lead in a circle: {}", names.join(" -> ")))
                        .at_some(place.as_ref())
                        .help(cures::TAKE_A_NEED_AWAY),
                );
            }
        }
    }

    fn ancestors(&self) -> Vec<BTreeSet<usize>> {
        let mut all: Vec<BTreeSet<usize>> = vec![];
        for node in &self.nodes {
            let mut set: BTreeSet<usize> = node.needs.iter().copied().collect();
            for need in &node.needs {
                if let Some(above) = all.get(*need) {
                    set.extend(above);
                }
            }
            all.push(set);
        }
        all
    }
}
