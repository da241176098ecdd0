//! An inventory for tests.

use super::Inventory;
use crate::model::load::tests::loader;

/// Writes files and reads the inventories `hosts.ini` and `more.yml` among them.
pub fn inventory(files: &[(&str, &str)]) -> (tempfile::TempDir, Inventory) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let sources = ["hosts.ini", "more.yml"].map(|name| folder.path().join(name).display().to_string());
    let inventory = Inventory::load(&sources, &loader(), Some(folder.path())).unwrap();
    (folder, inventory)
}

/// Files of an inventory in two sources, with variables of groups and hosts beside them.
pub const FILES: &[(&str, &str)] = &[
    (
        "hosts.ini",
        "lonely x=1\n; comment\n[web]\nweb[1:2] ansible_user=me  y=\"1\"  # comment\ndb1:2222 z='[1, 2]'\n\
         [db]\ndb[01:02].example a=True b=yes c=0644\ndb1\n[site:children]\nweb\ndb\n[site:vars]\ns = \"quoted\"\n\
         t = hello # not a comment\n[web:vars]\nansible_group_priority=5\np=web\n[db:vars]\np=db\n",
    ),
    (
        "more.yml",
        "all:\n  vars: {top: 1, p: all}\n  hosts:\n    extra: {v: \"{{ top }}\"}\n  children:\n    east:\n      \
         hosts: {web1: , \"n[1:2]\": {k: v}}\n      children: {inner: {hosts: solo}}\n      vars: {d: {a: 1}}\n",
    ),
    ("group_vars/all.yml", "g: all\n"),
    ("group_vars/db.yml", "p: dbfile\n"),
    ("group_vars/web/a.yml", "w: 1\n"),
    ("host_vars/web1.yml", "h: 1\n"),
    ("host_vars/localhost", "solo: 1\n"),
];
