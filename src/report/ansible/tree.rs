//! What Ansible's callback `tree` writes: the last result of each host, in a file of its name.

use super::dump::{self, Form};
use crate::event::{Event, Kind};
use crate::report::Reporter;
use crate::words::component;
use std::path::{Path, PathBuf};

/// Writes into a folder.
pub struct Tree {
    folder: PathBuf,
    /// Tells what cannot be written.
    tell: fn(&str),
}

impl Tree {
    /// Writes into `folder`, which is made when the first result comes; `tell` is told what cannot be written.
    pub fn new(folder: &Path, tell: fn(&str)) -> Tree {
        Tree {
            folder: folder.to_path_buf(),
            tell,
        }
    }

    fn write(&self, host: &str, result: &str) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        std::fs::write(self.folder.join(component(host)), result)
    }
}

impl Reporter for Tree {
    fn event(&mut self, event: &Event) {
        let Kind::TaskEnded(task) = &event.kind else {
            return;
        };
        let result = dump::whole(task, Form::Line, 0);
        if let Err(error) = self.write(&task.name.host, &result) {
            let folder = self.folder.display();
            (self.tell)(&format!("[WARNING]: Unable to write to {folder}: {error}"));
        }
    }
}
