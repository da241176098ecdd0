//! The chain from a task up to its playbook, along which keywords are inherited.

use super::{Keywords, Role, Variables};
use std::sync::Arc;

/// What a scope stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum ScopeKind {
    /// An `import_playbook` around plays: only its `when` and `tags` count, its variables are in the play's.
    Import,
    /// A play.
    Play,
    /// A use of a role; `parameters` are the keys beside `role` that are no keywords.
    Role {
        /// The role.
        role: Arc<Role>,
        /// Its parameters at this use.
        parameters: Arc<Variables>,
        /// What this use is, if the role is not to run a second time on a host that has run the same.
        once: Option<Arc<str>>,
    },
    /// A block.
    Block,
    /// An `import_tasks`, `include_tasks` (with its `apply`) around the tasks of a file.
    Include,
}

/// One step of the chain; the play's is its root, or the one below the root if the playbook is imported.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// What it stands for.
    pub kind: ScopeKind,
    /// Keywords written at this step.
    pub keywords: Keywords,
    /// The next step outwards.
    pub parent: Option<Arc<Scope>>,
}

impl Scope {
    /// A step below `parent`.
    pub fn below(parent: &Arc<Scope>, kind: ScopeKind, keywords: Keywords) -> Arc<Scope> {
        Arc::new(Scope {
            kind,
            keywords,
            parent: Some(parent.clone()),
        })
    }

    /// This step and those around it, nearest first.
    pub fn chain(&self) -> impl Iterator<Item = &Scope> {
        std::iter::successors(Some(self), |scope| scope.parent.as_deref())
    }

    /// The nearest role.
    pub fn role(&self) -> Option<&Arc<Role>> {
        self.chain().find_map(|scope| match &scope.kind {
            ScopeKind::Role { role, .. } => Some(role),
            _ => None,
        })
    }

    /// What the use of the nearest role is, if the role runs once on a host.
    pub fn once(&self) -> Option<&Arc<str>> {
        let mut uses = self.chain().filter_map(|scope| match &scope.kind {
            ScopeKind::Role { once, .. } => Some(once),
            _ => None,
        });
        uses.next()?.as_ref()
    }

    /// The roles around, nearest first: where files and templates are searched.
    pub fn roles(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.chain().filter_map(|scope| match &scope.kind {
            ScopeKind::Role { role, .. } => Some(role),
            _ => None,
        })
    }
}
